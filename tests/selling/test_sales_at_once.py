"""Sales at once by any channel: the limit holds, none waits for ever, and each phone's go in the order it sent them."""

import asyncio

from bot.message import Inbound
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from models.devices import Device
from models.money.ledger import cash_held
from models.people import Agent
from models.selling import payment, quotes, refusals
from models.selling.payable import PayableDevice
from tests.world.books import DEVICES, check_ledger, check_money, rows
from tests.world.people import GATEWAY, PEOPLE, PINS, Dialled, Phones


async def at_the_pin(phones: Phones, name: str, serial: str, amount: int) -> Dialled:
    """A dialled sale that waits for the PIN. An open session before it is not gone on with."""
    first = await phones.dial(name, "*384*20#")
    offered = "1. Continue" in first or "1. Endelea" in first
    for answer in (*(["2"] if offered else []), "1", serial, str(amount), "1"):
        await phones.enter(name, answer)
    return phones.sessions[name]


async def texts_yes(mwanga: Server, name: str) -> None:
    inbound = Inbound(GATEWAY, f"yes of {name}", Sender(SenderKind.NUMBER, PEOPLE[name]), f"1 {PINS[name]}")
    await mwanga.inbox.record(inbound)


async def test_two_sales_by_two_channels_on_the_last_of_the_limit_are_one(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Juma", "BUY SHS0283 30000")
    session = await at_the_pin(phones, "Juma", "EB100042", 30_000)
    await asyncio.gather(session.enter(PINS["Juma"]), texts_yes(mwanga, "Juma"))
    await phones.handled()
    assert await check_money(mwanga) == 1


async def test_two_dialled_sales_of_two_devices_on_the_last_of_the_limit_are_one(mwanga: Server) -> None:
    phones = Phones(mwanga)
    sessions = [await at_the_pin(phones, "Juma", serial, 26_000) for serial in DEVICES[:2]]
    screens = await asyncio.gather(*(session.enter(PINS["Juma"]) for session in sessions))
    assert await check_money(mwanga) == 1
    (sale,) = await rows(mwanga, "SELECT reference FROM sale")
    assert sorted(f" {sale['reference']}." in screen for screen in screens) == [False, True]


async def test_two_transactions_on_the_last_of_the_limit_wait_for_each_other(mwanga: Server) -> None:
    """Nothing above the sale keeps them apart here: two processes, each with a sale of the same agent."""
    seller = await Agent.get(phone=PEOPLE["Juma"])

    async def sell(serial: str) -> bool:
        device = await Device.get(serial=serial).select_related("tariff", "customer")
        try:
            async with mwanga.database.work():
                company = mwanga.company
                at = await PayableDevice(device).standing(company.today(), company.coin, company.vault)
                offer = quotes.quote(at, 3_000_000)
                await payment.sell(offer, seller=seller, key=f"test {serial}", vault=company.vault)
        except refusals.OverLimit:
            return False
        return True

    assert sorted(await asyncio.gather(*(sell(serial) for serial in DEVICES[:2]))) == [False, True]
    assert await cash_held(seller.id) == 3_000_000
    await check_ledger(mwanga)


async def test_agents_who_sell_for_the_same_devices_in_opposite_order_all_succeed(mwanga: Server) -> None:
    """On PostgreSQL such transactions may wait for each other in a deadlock: one of them is undone and run again."""
    phones = Phones(mwanga)
    for amount in (2_000, 4_000, 6_000, 8_000):
        waiting = [
            (await at_the_pin(phones, name, serial, amount)).enter(PINS[name])
            for name, serials in (("Asha", DEVICES), ("Juma", DEVICES[::-1]))
            for serial in serials[:2]
        ]
        screens = await asyncio.gather(*waiting)
        assert all(screen.startswith(("END SOLD", "END IMEUZWA")) for screen in screens), screens
    assert await check_money(mwanga) == 16


async def test_a_backlog_is_handled_in_the_order_in_which_each_phone_sent_it(mwanga: Server) -> None:
    """As after an outage. Several workers take portions of it; each yes must meet the order before it."""
    await rows(mwanga, "UPDATE agent SET cash_limit = 100000000000")
    texts = []
    for n in range(100):
        texts += [(PEOPLE["Asha"], f"BUY SHS0283 {1000 + n}"), (f"+25573{n:07d}", "HELP")]
        texts += [(PEOPLE["Asha"], f"1 {PINS['Asha']}"), (f"+25574{n:07d}", "HELP")]
    messages = [
        Inbound(GATEWAY, f"late {number}", Sender(SenderKind.NUMBER, phone), text)
        for number, (phone, text) in enumerate(texts)
    ]
    await asyncio.gather(*(mwanga.inbox.record(message) for message in messages))
    await Phones(mwanga).handled()
    outcomes = await rows(mwanga, "SELECT outcome FROM inbox WHERE phone = $1 ORDER BY id", PEOPLE["Asha"])
    assert [row["outcome"] for row in outcomes] == ["asked", "sold"] * 100
    sales = await rows(mwanga, "SELECT amount FROM sale ORDER BY id")
    assert [row["amount"] for row in sales] == [(1000 + n) * 100 for n in range(100)]
