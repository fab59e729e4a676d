"""The demo world with the longest names and the largest sums that the office can bring in."""

from datetime import UTC, date, datetime

from bot.server import Server
from bot.text import SCREEN, septets
from handlers import TALKS
from models.devices import Device, Tariff
from models.money.ledger import AccountKind, Posting
from models.people import Agent, Customer, Village
from models.selling import Appliance, Contract
from models.selling.contracts import Instalment
from models.sql import connection, execute
from tests.world.books import book, owe_instalments
from tests.world.people import MENU, PEOPLE, Phones

LONG_SERIAL = "WWWWWWWWWWWWWWWW0283"
LONG_STOCK = "WWWWWWWWWWWWWWWW0284"
LONG_NAME = f"{'W' * 60} {'W' * 60}"
BIG = "9,999,999"
PAST = date(2020, 11, 22)
NEXT_HOUR = "UPDATE contact SET replies = 0 WHERE phone = $1"  # a person gets so many replies in an hour
KEY = {"secret": "00" * 16, "starting_code": 123456789}


async def longest_world(mwanga: Server, language: str) -> None:
    """Everybody has a long name and everything costs a lot."""
    held = [Posting(AccountKind.CASH, 1, 90_000_000_00), Posting(AccountKind.DAYS, 0, -90_000_000_00)]
    await book("before", *held)
    others = [Posting(AccountKind.CASH, 2, 90_000_000_00), Posting(AccountKind.DAYS, 0, -90_000_000_00)]
    await book("before 2", *others)
    await Agent.all().update(name="W" * 30, language=language, cash_limit=99_999_999_00, cashier=True)
    await Customer.all().update(name="Wwwwwwwwwwwwwwwwwwwwww", surname="Wwwwwwwwwwww", language=language)
    await Customer.filter(phone=PEOPLE["Neema"]).update(phone=PEOPLE["Baraka"])
    await Tariff.filter(unit="days").update(price=20_000_00)
    shs = await Device.get(serial="SHS0283").select_related("tariff")
    for serial, customer_id in ((LONG_SERIAL, shs.customer_id), (LONG_STOCK, None)):
        await Device.create(
            serial=serial,
            kind=shs.kind,
            issuer="openpaygo",
            sealed_key=mwanga.company.vault.seal_json(KEY, f"device {serial}"),
            customer_id=customer_id,
            tariff_id=shs.tariff_id,
            paid_until=datetime(2099, 12, 22, tzinfo=UTC),
        )
    await _debts()
    for village in range(12):
        await Village.create(name=f"{village} {'W' * 90}", mini_grid_id=1)


async def _debts() -> None:
    """Baraka's long device and goods of his and of Amina's are on plans of large sums; hers are overdue."""
    for item in await Appliance.all():
        await Appliance.filter(id=item.id).update(name=f"{'W' * 50} {item.id}")
    device = await Device.get(serial=LONG_SERIAL)
    await Contract.filter(id=1).update(device_id=device.id)
    await Instalment.filter(contract_id=1).update(amount=99_999_00)
    amina, baraka = await Customer.get(phone=PEOPLE["Amina"]), await Customer.get(id=device.customer_id)
    for goods, (owner, due) in enumerate([(baraka, date(2099, 12, 22)), (baraka, date(2099, 11, 22)), (amina, PAST)]):
        contract = await Contract.create(
            key=f"goods {goods}", appliance_id=1, customer=owner, agent_id=1, terms="instalments", price=0, down=0,
            period="weekly", day_price=0, minimum=100, commission=0, sold_on=PAST, created_at=datetime.now(UTC),
        )  # fmt: skip
        for n in range(1, 4):
            await Instalment.create(
                contract=contract, appliance_id=contract.appliance_id, number=n, due_on=due, amount=9_999_999_00
            )
    await owe_instalments()
    await Tariff.filter(unit="energy").update(recovery=50)
    await Device.filter(serial="04123456784").update(access_due=1_000_000_00)


async def chosen(phones: Phones, name: str, talk: str, language: str) -> list[str]:
    """Dial, leave what is unfinished, and choose this talk; the screens that are shown."""
    language = "en" if name == "Stranger" else language
    line = next(one.menu.to(language) for one in TALKS if one.name == talk and one.menu)
    screens = [await phones.dial(name, MENU)]
    if screens[0].count("\n") == 2:  # go on with what is unfinished, or begin anew
        screens.append(await phones.enter(name, "2"))
    return [*screens, await phones.enter(name, (await phones.way(name, line))[-1])]


async def texted(phones: Phones, name: str, text: str) -> list[str]:
    """Send an SMS: one reply to its sender, one message at most to anybody else, all of one part."""
    answered = await phones.text(name, text)
    await execute(connection(), NEXT_HOUR, [PEOPLE[name]])
    receivers = [receiver for receiver, _message in answered]
    assert receivers.count(name) == 1 and len(set(receivers)) == len(receivers), (name, text, answered)
    assert [(septets(said), said) for _receiver, said in answered if septets(said) > SCREEN] == [], (name, text)
    return [said for _receiver, said in answered]
