"""The ways through the talks that lead to every question: the plain one of each talk, and further ones for what it
asks only now and then. tests/talks/test_questions.py says when a question is on none of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tortoise.transactions import in_transaction

from bot.talks import Channel, Talk
from handlers import TALKS
from models.devices import DeviceModel
from models.devices.connections import ConnectionType, SubConnectionType
from models.money.hand_in import hand_in
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent, MiniGrid, Role

BY_NAME = {one.name: one for one in TALKS}
BOTH = tuple(Channel)


class Route(NamedTuple):
    """A way through a talk. `good` are its own answers, `before` what the agent texts first; both may name the
    {customer}, {phone}, {serial} and {pin} of the walker's world, and {part} of several names. `begun` is what the
    walker texts first, where nobody asks phones to pay. `asks` are the questions
    that only this route comes to (empty: all that it comes to); `says` is what it begins with by SMS in place of the
    keyword."""

    talk: str
    role: Role
    name: str = ""
    good: Mapping[str, str] = {}
    before: tuple[str, ...] = ()
    begun: str = ""
    asks: tuple[str, ...] = ()
    says: str = ""  # in place of the keyword
    channels: tuple[Channel, ...] = BOTH

    @property
    def one(self) -> Talk:
        return BY_NAME[self.talk]

    def __str__(self) -> str:
        return "-".join(filter(None, (self.talk, self.role, self.name)))


def channels(one: Talk, role: Role) -> tuple[Channel, ...]:
    """Where somebody of this role can begin a talk: by SMS always, by dialling when everybody's menu has it."""
    in_menu = role in one.menu_for and one.menu_if is None
    return BOTH if in_menu or one.menu is None else (Channel.SMS,)


YES = "1 {pin}"
SOLD = ("BUY {serial} 8000", YES)
LAMP = ("SELL {customer}, Solar lamp", YES)
RADIO = ("SELL {customer}, Radio, 3 monthly", YES)
PLAIN = [Route(one.name, role, channels=channels(one, role)) for one in TALKS for role in sorted(one.roles)]
USSD = (Channel.USSD,)
FURTHER = [
    Route(
        "register",
        Role.AGENT,
        "unusual",
        {"register usual": "3", "register connection type": "2"},
        asks=("connection type", "sub connection type", "tariff", "meter type", "group"),
    ),
    Route("register", Role.AGENT, "shs", {"register kind": "2", "serial": "SHS0284"}, asks=("serial",)),
    Route("register", Role.AGENT, "ebike", {"register kind": "3", "serial": "EB100043"}, asks=("serial",)),
    Route("register", Role.AGENT, "alone", {"register kind": "4"}, asks=("confirm",)),
    Route("register", Role.AGENT, "known", {"phone": "{phone}"}, asks=("same person",)),
    Route("register", Role.AGENT, "draft", before=("REG Rehema Ali, 0713000111",), asks=("draft",)),
    Route(
        "register",
        Role.AGENT,
        "drafts",
        before=("REG Rehema Ali, 0713000111", "REG Salum Omari, none"),
        asks=("draft", "draft again"),
    ),
    Route("sell", Role.AGENT, "several", {"customer": "{part}"}, asks=("which customer",)),
    Route("sell", Role.AGENT, "plans", {"sell item": "2"}, asks=("plan",)),
    Route("sell", Role.AGENT, "twice", {"sell item": "2"}, RADIO, asks=("twice",), channels=USSD),
    Route("buy", Role.AGENT, "twice", before=SOLD, asks=("twice",), channels=USSD),
    Route("pay", Role.AGENT, "goods", {"payable": "1002", "amount": "200"}, LAMP, asks=("confirm with PIN",)),
    Route("find", Role.AGENT, "several", {"find search": "{part}"}, asks=("customer",)),
    Route("find", Role.AGENT, "details", {"find next": "4"}, asks=("pin", "details"), channels=USSD),
    Route("list", Role.AGENT, "village", {"list which": "5"}, asks=("village",), channels=USSD),
    Route("statement", Role.AGENT, "sold", before=SOLD, asks=("further", "sale")),
    Route("void", Role.AGENT, "sold", before=SOLD, asks=("which sale", "reason", "confirm with PIN")),
    Route("fix", Role.AGENT, "other", {"fix category": "5"}, asks=("words",), channels=USSD),
    Route("problem", Role.CUSTOMER, "other", {"problem category": "5"}, asks=("words",), channels=USSD),
    Route("problem", Role.CUSTOMER, "offered", says="SHS0283 light is off", asks=("confirm",), channels=(Channel.SMS,)),
    Route("own buying", Role.CUSTOMER, "meant", says="I want power", asks=("confirm",), channels=(Channel.SMS,)),
    Route("own buying", Role.CUSTOMER, "waiting", begun="BUY 5000 {serial}", asks=("what now",)),
    Route("own plan", Role.CUSTOMER, "several", before=(*LAMP, *RADIO), asks=("plan",)),
]
ROUTES = [*PLAIN, *FURTHER]
# What no talk asks for and takes behind its keyword alone.
BEHIND = {"list": "Mtwara meter 1", "sales": "1", "statement": "24/11", "own plan": "SHS0283", "help": "TOKEN"}


def ways() -> Iterator[tuple[Route, Channel]]:
    for route in ROUTES:
        for channel in route.channels:
            yield route, channel


async def equipped() -> None:
    """More to choose from than the demo world has: sub types of a connection, two models that a meter may be of, and
    what two agents of each mini-grid hold and handed in, the first of whom is a cashier."""
    north, south = await MiniGrid.get(name="Mtwara North"), await MiniGrid.get(name="Lindi South")
    await Agent.create(phone="+255700000004", name="Halima Omari", mini_grid=south, pin_hash="", cash_limit=10_000_000)
    async with in_transaction():
        for agent in await Agent.filter(mini_grid_id__in=(north.id, south.id)).order_by("id"):
            sold = [Posting(AccountKind.CASH, agent.id, 500_000), Posting(AccountKind.ENERGY, 0, -500_000)]
            async with in_transaction():
                await post(f"before {agent.id}", sold, actor="test")
                await hand_in(agent, 300_000, "office", f"PAGE {agent.id}")
    await Agent.filter(id__in=(1, 3)).update(cashier=True)
    business = await ConnectionType.get(name="Business")
    for name in ("Mill", "Shop"):
        await SubConnectionType.create(name=name, type=business)
    for name in ("Mita A", "Mita B"):
        await DeviceModel.create(name=name, manufacturer="Jua", kind="meter", prefix="0412")
