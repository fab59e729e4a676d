"""What happens to agents' money, as verbs of a life (tests/world/money_life.py): customers' requests for cash, wallets
that are topped up and paid out, appliances that agents hand out."""

from dataclasses import replace

from bot.server import Server
from models.devices.tables import Device
from models.money import cash_requests
from models.money.appliance_sale import propose, sell_appliance
from models.money.cash_limit import read_room
from models.money.cash_requests import CashRequest, Wish
from models.money.catalogue import Appliance, PaymentPlan
from models.money.payable import load_payable
from models.money.proposals import propose_payout
from models.money.quotes import quote
from models.money.refusals import NotSold
from models.money.sales import Sale
from models.money.wallets import in_wallet
from models.people import Agent, Customer, OfficeUser
from models.sql import connection, execute, lock_rows, on_postgres
from tests.world.money_life import Verb, find_target

# What comes in one text is handled by one server at a time, as the row of the inbox is held.
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1, 11))"
# The goods of the demo world that a device of the stock may be sold on.
ITEMS = {"S": "Solar home", "E": "E-bike"}


async def hold_text(key: str) -> None:
    if on_postgres():
        await execute(connection(), HOLD, [key])


def asks(key: str, phone: str, target: str, amount: int, agent: int) -> Verb:
    """Somebody wants to buy for cash, and an agent who has room for it is asked."""

    async def verb(at: Server) -> None:
        await hold_text(key)
        paid_for, company = await find_target(target), at.company
        offer = quote(await paid_for.standing(company.today(), company.coin, company.vault), amount)
        if await cash_requests.open_of(phone):
            return
        await lock_rows("agent", "id = $1", [agent])
        asked = await Agent.get(id=agent)
        (await read_room(asked)).check(offer.amount)
        wish = Wish(paid_for, offer.standing.customer, offer.amount, phone, "en")
        await cash_requests.ask_agent(wish, asked, key=key, minutes=company.cash_request_minutes, alone=True)

    return verb


def agrees(key: str, nth: int, *, amount: int | None = None, again: bool = True) -> Verb:
    """The agent has the cash, perhaps another amount than was asked for. Where nothing is sold the request stays."""

    async def verb(at: Server) -> None:
        await hold_text(key)
        request = await nth_request(nth)
        if request is None or await Sale.exists(key=key):
            return
        seller, company = await Agent.get(id=request.agent_id), at.company
        paid_for = await load_payable(request.device_id, request.contract_id)
        waiting = await cash_requests.open_for(seller, paid_for)
        wanted = amount or request.amount
        held = next((one.amount for one in cash_requests.by_amount(waiting, wanted)), 0)
        found = await paid_for.standing(company.today(), company.coin, company.vault, seller)
        assert found.room
        offer = quote(replace(found, room=replace(found.room, promised=found.room.promised - held)), wanted)
        try:
            await cash_requests.sell_for(waiting, offer, seller=seller, key=key, vault=company.vault, again=again)
        except NotSold:  # the agent reads why, and all that was done stays
            return

    return verb


def declines(nth: int) -> Verb:
    async def verb(_at: Server) -> None:
        if request := await nth_request(nth):
            await cash_requests.decline(request)

    return verb


def time_is_over() -> Verb:
    """The clock ends what nobody answered."""

    async def verb(_at: Server) -> None:
        await cash_requests.expire(100)

    return verb


def wants_out(key: str, agent: int, percent: int, by: str) -> Verb:
    """One of the office asks for cash out of a wallet; another one has to agree."""

    async def verb(_at: Server) -> None:
        amount = await in_wallet(agent) * percent // 100
        await propose_payout(await Agent.get(id=agent), amount, await OfficeUser.get(name=by), "stops selling", key)

    return verb


def hands_out(key: str, agent: int, customer: int, serial: str) -> Verb:
    """An agent sells a device of the stock on its plan, with a down payment."""

    async def verb(at: Server) -> None:
        device, company = await Device.get(serial=serial), at.company
        item = await Appliance.get(name=ITEMS[serial[0]])
        plan = await PaymentPlan.get(appliance_id=item.id)
        buyer, seller = await Customer.get(id=customer), await Agent.get(id=agent)
        offer = propose(item, plan, buyer, device, today=company.today(), coin=company.coin)
        await sell_appliance(offer, seller=seller, key=key, vault=company.vault, again=True)

    return verb


async def nth_request(nth: int) -> CashRequest | None:
    found = await CashRequest.all().order_by("id")
    return found[nth % len(found)] if found else None
