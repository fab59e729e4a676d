"""How often the database is asked for each kind of message, and that a batch asks once for what it can ask at once.

Each trip costs PostgreSQL's clients a quarter of a millisecond of their own core, before the database has done anything
for it: that is what a server spends most of its time on there (docs/speed.md).
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bot.android.from_app import Report
from bot.app import assembled
from bot.config import load
from bot.inbound import worker
from bot.inbound.inbox import WRITE_OUTCOME
from bot.inbound.ussd import CLOSE, KEEP
from bot.message import Inbound, Receipt, UssdTurn
from bot.outbound.receipts import FIND
from bot.payments.simulated import Does
from bot.runtime import Database
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from models.messages import State
from models.money.notices import DONE
from models.money.notices import KEEP as KEEP_NOTICE
from models.selling.requests import ASKED, CLAIM
from models.sql import execute
from models.tokens.sts import meter_number
from tests.world.handling import handled
from tests.world.many import add_agents, add_stock
from tests.world.outbox_rig import Bench
from tests.world.people import GATEWAY, MENU, PEOPLE, PINS
from tests.world.phone_rig import VODACOM, Shop
from tests.world.receipt_texts import open_till, personal
from tests.world.round_trips import Trips, Unit, counted
from tests.world.server import SECRET, serving
from tests.world.templates import Templates

MANY = 16
HANDLED, TAKEN = WRITE_OUTCOME, "INSERT INTO inbox"
FIND_DEVICE = "device.serial = $1"
_ids = itertools.count(1)


@dataclass
class World:
    """A server with a crowd of customers, each with a device, and agents."""

    mwanga: Server
    trips: Trips

    async def texts(self, count: int, phone: str, text: str) -> None:
        """So many phones text in the same moment; {n} is their number."""
        arriving = [
            Inbound(
                GATEWAY,
                f"trip {next(_ids)}",
                Sender(SenderKind.NUMBER, phone.format(n=n)),
                text.format(n=n, **_named(n)),
            )
            for n in range(count)
        ]
        await asyncio.gather(*map(self.mwanga.inbox.record, arriving))
        await handled(self.mwanga)

    async def dial(self, count: int, phone: str, transcript: str) -> None:
        """So many phones dial, or press a key, in the same moment."""
        code = f"{MENU[:5]}20#"
        pressed = [(f"session {n}", phone.format(n=n), transcript.format(n=n)) for n in range(count)]
        await asyncio.gather(*(self.mwanga.worker.answer(UssdTurn(GATEWAY, code, *each)) for each in pressed))


def _named(n: int) -> dict[str, object]:
    """What texts of the n-th phone name: what is new in this world gets its numbers in their order."""
    return {
        "letter": chr(ord("a") + n),
        "meter": meter_number("04", f"7000{n:04d}"),
        "customer": 4 + n,
        "contract": f"S{1002 + n}",
        "ticket": f"K{1 + n}",
    }


@pytest.fixture
async def world(engine: str, templates: Templates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    url = await asyncio.to_thread(templates.copy, engine, "crowd")
    monkeypatch.setattr(worker, "SLICE_S", 60.0)  # a batch that waits for a busy machine is one batch all the same
    async with assembled(load(database=url, languages="en,sw", sender_cap=0), serving=False) as mwanga:
        async with mwanga.database.work() as db:
            await add_agents(db, *(AGENT.format(n=n) for n in range(MANY)))
            await add_stock(db, *(f"FREE{n:02d}" for n in range(MANY)))
        with counted(monkeypatch) as trips:
            yield World(mwanga, trips)


AGENT, CUSTOMER, STRANGER = "+2557300000{n:02d}", "+25572{n:07d}", "+2557999999{n:02d}"
PAYER = "+2557139999{n:02d}"  # a stranger's whose phone can be asked to pay
ASHA = PEOPLE["Asha"]
BUY, YES, REG = "BUY SHD{n:06d} 5000", f"1 {PINS['Asha']}", "REG Hamisi Ma{letter}{letter}o, none, none, Mtwara"
REG_SHS = "REG Hamisi Omari, none, shs, FREE{n:02d}, Mtwara"
REG_METER = "REG Hamisi Omari, none, meter, {meter}, Mtwara, household"  # that nobody has heard of
GOODS = "SELL +25572{n:07d}, Radio, 3 monthly"
SOLD_BEFORE = [(AGENT, "BUY SHD0001{n:02d} 5000"), (AGENT, YES)]  # so that the agent's accounts are open
SOLD_GOODS = [*SOLD_BEFORE, (AGENT, GOODS), (AGENT, YES)]
PAID = [*SOLD_GOODS, (AGENT, "PAY {contract} 1000"), (AGENT, YES)]
ASKED_TO_VOID = [(AGENT, "VOID"), (AGENT, "1"), (AGENT, "wrong one")]
REPORTED = [(AGENT, "FIX SHD{n:06d} no light")]
SAID_FIXED = [*REPORTED, (AGENT, "DONE {ticket}")]
LOCK = "LOCK 07300000{n:02d} "
Texts = list[tuple[str, str]]
# What is texted by whom, the last of it counted; then the trips on SQLite and on PostgreSQL of one message alone, and
# on PostgreSQL of sixteen that come in the same moment, from the begin to the commit. More is a change to think about,
# and where it is less write it down. On SQLite a text is stored in the unit of work that handles it.
TEXTS: dict[str, tuple[Texts, str, int, int, int]] = {
    "taken at the door": ([(STRANGER, "hello")], TAKEN, 9, 1, 1),
    "of a stranger": ([(STRANGER, "hello")], HANDLED, 9, 10, 10),
    "TOKEN of a customer": ([(CUSTOMER, "TOKEN")], HANDLED, 10, 11, 11),
    "TOKEN of an agent": ([(AGENT, "TOKEN SHD{n:06d}")], HANDLED, 10, 11, 41),
    "BALANCE": ([(CUSTOMER, "BALANCE")], HANDLED, 13, 14, 74),
    "CASH": ([(AGENT, "CASH")], HANDLED, 10, 11, 41),
    "a sale, its question": ([(AGENT, BUY)], HANDLED, 10, 11, 26),
    "a sale, its yes and PIN": ([*SOLD_BEFORE, (AGENT, BUY), (AGENT, YES)], HANDLED, 23, 19, 95),
    "REG, its question": ([(AGENT, REG)], HANDLED, 12, 13, 58),
    "REG, its yes": ([(AGENT, REG), (AGENT, "1")], HANDLED, 17, 17, 107),
    "REG of a device, its question": ([(AGENT, REG_SHS)], HANDLED, 15, 16, 106),
    "REG of a device, its yes": ([(AGENT, REG_SHS), (AGENT, "1")], HANDLED, 21, 20, 155),
    "REG of a meter, its question": ([(AGENT, REG_METER)], HANDLED, 21, 22, 112),
    "REG of a meter, its yes": ([(AGENT, REG_METER), (AGENT, "1")], HANDLED, 30, 28, 193),
    "FIX": ([(AGENT, "FIX SHD{n:06d} no light")], HANDLED, 13, 13, 73),
    "STATUS": ([(CUSTOMER, "STATUS")], HANDLED, 9, 10, 25),
    "LIST": ([(AGENT, "LIST")], HANDLED, 11, 12, 57),
    "STOCK": ([(AGENT, "STOCK")], HANDLED, 11, 12, 57),
    "a sale of goods, its question": ([(AGENT, GOODS)], HANDLED, 21, 22, 187),
    "a sale of goods, its yes and PIN": ([*SOLD_BEFORE, (AGENT, GOODS), (AGENT, YES)], HANDLED, 55, 53, 623),
    "BUY of a customer, its question": ([(CUSTOMER, "BUY")], HANDLED, 15, 16, 106),
    "BUY of a customer, whose phone is asked": ([(CUSTOMER, "BUY 5000")], HANDLED, 18, 19, 154),
    "FIX of a customer": ([(CUSTOMER, "FIX no light")], HANDLED, 15, 15, 105),
    "a problem in one's own words": ([(CUSTOMER, "my light does not shine any more")], HANDLED, 10, 11, 41),
    "STATUS of an agent": ([*REPORTED, (AGENT, "STATUS")], HANDLED, 9, 10, 25),
    "TICKETS, which is no command": ([*REPORTED, (AGENT, "TICKETS")], HANDLED, 11, 12, 57),
    "words on a ticket": ([*REPORTED, (AGENT, "T {ticket} at four")], HANDLED, 11, 12, 57),
    "DONE": (SAID_FIXED, HANDLED, 12, 13, 73),
    "FIXED, its yes": ([*SAID_FIXED, (CUSTOMER, "1")], HANDLED, 16, 17, 152),
    "FIXED, its no": ([*SAID_FIXED, (CUSTOMER, "2 still dark")], HANDLED, 14, 15, 120),
    "HELP of a stranger": ([(STRANGER, "HELP")], HANDLED, 8, 9, 9),
    "HELP of a customer": ([(CUSTOMER, "HELP")], HANDLED, 10, 11, 11),
    "HELP of an agent": ([(AGENT, "HELP")], HANDLED, 8, 9, 9),
    "MENU": ([(AGENT, "MENU")], HANDLED, 8, 9, 9),
    "LANG of a customer": ([(CUSTOMER, "LANG en")], HANDLED, 9, 10, 25),
    "LANG of an agent": ([(AGENT, "LANG sw")], HANDLED, 10, 11, 41),
    "STOP": ([(CUSTOMER, "STOP")], HANDLED, 9, 10, 25),
    "START": ([(CUSTOMER, "STOP"), (CUSTOMER, "START")], HANDLED, 8, 9, 9),
    "PIN": ([(AGENT, f"PIN {PINS['Asha']} 246813")], HANDLED, 11, 12, 57),
    "a wrong PIN": ([(AGENT, BUY), (AGENT, "1 135791")], HANDLED, 13, 14, 44),
    "LOCK": ([(STRANGER, LOCK + PINS["Asha"])], HANDLED, 17, 18, 153),
    "LOCK, a wrong PIN": ([(STRANGER, LOCK + "135791")], HANDLED, 14, 15, 105),
    "FIND": ([(AGENT, "FIND SHD{n:06d}")], HANDLED, 15, 16, 121),
    "FIND of a name": ([(AGENT, "FIND Mteja N1{n:02d}")], HANDLED, 24, 25, 265),
    "FIND of nobody": ([(AGENT, "FIND Zebedayo")], HANDLED, 15, 16, 121),
    "CUST": ([(AGENT, "CUST {customer}")], HANDLED, 15, 16, 121),
    "PRICE": ([(CUSTOMER, "PRICE")], HANDLED, 12, 13, 28),
    "AGENT": ([(CUSTOMER, "AGENT")], HANDLED, 9, 10, 10),
    "STMT": ([*SOLD_BEFORE, (AGENT, "STMT")], HANDLED, 12, 13, 73),
    "STMT, each sale": ([*SOLD_BEFORE, (AGENT, "STMT"), (AGENT, "1")], HANDLED, 15, 16, 106),
    "SALES": ([*SOLD_GOODS, (AGENT, "SALES")], HANDLED, 10, 11, 41),
    "PLAN of a customer": ([*SOLD_GOODS, (CUSTOMER, "PLAN")], HANDLED, 11, 12, 57),
    "PLAN of an agent": ([*SOLD_GOODS, (AGENT, "PLAN {contract}")], HANDLED, 13, 14, 89),
    "PAY, its question": (PAID[:-1], HANDLED, 16, 17, 122),
    "PAY, its yes and PIN": (PAID, HANDLED, 35, 32, 287),
    "VOID": ([*SOLD_BEFORE, (AGENT, "VOID")], HANDLED, 9, 10, 25),
    "VOID, its question": ([*SOLD_BEFORE, *ASKED_TO_VOID], HANDLED, 12, 13, 58),
    "VOID, its yes and PIN": ([*SOLD_BEFORE, *ASKED_TO_VOID, (AGENT, YES)], HANDLED, 25, 27, 267),
    "VOID of goods, its yes and PIN": ([*PAID, *ASKED_TO_VOID, (AGENT, YES)], HANDLED, 54, 53, 638),
    "REQUESTS, of which there are none": ([(AGENT, "REQUESTS")], HANDLED, 9, 10, 25),
    "BUY of a stranger": ([(PAYER, "BUY 5000 SHD{n:06d}")], HANDLED, 19, 20, 170),
}
# The same of one message where nobody's phone can be asked to pay, and all ask the same agent for cash.
CASH_TEXTS: dict[str, tuple[Texts, int, int]] = {
    "a request for cash": ([(CUSTOMER, "BUY 5000")], 26, 29),
    "a request for cash, its yes and PIN": ([(CUSTOMER, "BUY 5000"), (ASHA, YES)], 33, 29),
    "a request for cash, its no": ([(CUSTOMER, "BUY 5000"), (ASHA, "2")], 18, 19),
}


def only(units: list[Unit]) -> Unit:
    """What one unit of work asked, where all of it was one."""
    [unit] = units
    return unit


def hold(asked: Unit, most: int) -> None:
    assert len(asked) <= most, "\n".join([f"{len(asked)}:", *asked])


@pytest.mark.parametrize("what", TEXTS)
async def test_a_text_takes_so_many_trips(world: World, engine: str, what: str) -> None:
    texts, last, on_sqlite, on_postgres, _many = TEXTS[what]
    for phone, text in texts:
        world.trips.forget()
        await world.texts(1, phone, text)
    hold(only(world.trips.with_statement(last)), on_sqlite if engine == "sqlite" else on_postgres)


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("what", TEXTS)
async def test_sixteen_texts_take_so_many_trips(world: World, what: str) -> None:
    """Of different statements they have as many as one message, for a text does not differ with what is in it. The one
    that holds an agent has two forms: he is waited for, or not."""
    texts, last, _on_sqlite, on_postgres, many = TEXTS[what]
    for phone, text in texts:
        world.trips.forget()
        await world.texts(MANY, phone, text)
    asked = only(world.trips.with_statement(last))
    hold(asked, many)
    hold([*dict.fromkeys(asked)], on_postgres + 1)


@pytest.mark.parametrize("what", CASH_TEXTS)
async def test_a_text_about_cash_takes_so_many_trips(world: World, engine: str, what: str) -> None:
    object.__setattr__(world.mwanga.company, "mobile_money", ())
    texts, on_sqlite, on_postgres = CASH_TEXTS[what]
    for phone, text in texts:
        world.trips.forget()
        await world.texts(1, phone, text)
    hold(only(world.trips.with_statement(HANDLED)), on_sqlite if engine == "sqlite" else on_postgres)


@pytest.mark.parametrize("count", [1, MANY])
async def test_a_wallet_that_is_to_be_filled_takes_so_many_trips(world: World, engine: str, count: int) -> None:
    async with world.mwanga.database.work() as db:
        for n in range(count):
            paying = [PAYER.format(n=n), AGENT.format(n=n)]
            await execute(db, "UPDATE agent SET phone = $1, prepaid = TRUE WHERE phone = $2", paying)
    world.trips.forget()
    await world.texts(count, PAYER, "WALLET 5000")
    one, many = (12, 72) if engine == "sqlite" else (13, 73)
    hold(only(world.trips.with_statement(HANDLED)), one if count == 1 else many)


@pytest.mark.parametrize("count", [1, MANY])
async def test_an_operators_receipt_takes_so_many_trips(world: World, engine: str, count: int) -> None:
    """Customers have paid to a SIM card of a gateway phone: from the text that says so to the codes that leave."""
    till = await open_till(world.mwanga, balance=0)
    await till.hears(_receipt(0))  # so that the provider's account is open
    world.trips.forget()
    await asyncio.gather(*(till.hears(_receipt(n)) for n in range(1, 1 + count)))
    one, many = (51, 696) if engine == "sqlite" else (51, 681)
    hold(only(world.trips.with_statement(HANDLED)), one if count == 1 else many)
    assert await till.states() == " ".join(["paid"] * (1 + count))


def _receipt(n: int) -> str:
    """The n-th customer has paid 5,000, as those before."""
    return personal(f"DKN12345{n:02d}", 5_000, 5_000 * (n + 1), datetime.now(UTC), CUSTOMER.format(n=n)[1:])


@pytest.mark.parametrize("count", [1, MANY])
async def test_what_else_an_operator_writes_takes_so_many_trips(world: World, engine: str, count: int) -> None:
    till = await open_till(world.mwanga)
    world.trips.forget()
    await asyncio.gather(*(till.hears(f"{n} free SMS for you today!") for n in range(count)))
    one, many = (11, 101) if engine == "sqlite" else (12, 102)
    hold(only(world.trips.with_statement(HANDLED)), one if count == 1 else many)


DIALLED_BEFORE = ["", "1", "1*SHD{n:06d}", "1*SHD{n:06d}*5000"]
# Turns that are dialled: the screens before, and the same figures.
TURNS: dict[str, tuple[str, list[str], int, int, int]] = {
    "the menu of a customer": (CUSTOMER, [""], 8, 8, 8),
    "the menu of an agent": (AGENT, [""], 8, 8, 8),
    "a key in a menu": (AGENT, ["", "1"], 7, 7, 7),
    "the end of a talk": (CUSTOMER, ["", "1"], 10, 10, 10),
    "a dialled sale, its question": (AGENT, DIALLED_BEFORE, 9, 9, 24),
    "a dialled sale, its PIN": (AGENT, [*DIALLED_BEFORE, f"1*SHD{{n:06d}}*5000*{PINS['Asha']}"], 24, 19, 124),
}


@pytest.mark.parametrize("what", TURNS)
async def test_a_dialled_turn_takes_so_many_trips(world: World, engine: str, what: str) -> None:
    phone, transcripts, on_sqlite, on_postgres, _many = TURNS[what]
    for transcript in transcripts:
        world.trips.forget()
        await world.dial(1, phone, transcript)
    hold(only(world.trips.with_statement(KEEP)), on_sqlite if engine == "sqlite" else on_postgres)


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("what", TURNS)
async def test_sixteen_dialled_turns_take_so_many_trips(world: World, what: str) -> None:
    phone, transcripts, _on_sqlite, _on_postgres, many = TURNS[what]
    for transcript in transcripts:
        world.trips.forget()
        await world.dial(MANY, phone, transcript)
    hold(only(world.trips.with_statement(KEEP)), many)


async def test_what_a_gateway_says_of_a_phone_takes_so_many_trips(
    demo_url: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a dialled session is gone, that nothing more shall come, and what cannot be read."""
    async with serving(demo_url) as at:
        session = await at.emulator.dial(ASHA)
        with counted(monkeypatch) as trips:
            assert await session.hang_up() == 200
            hold(only(trips.with_statement(CLOSE)), 3 if engine == "sqlite" else 1)
            trips.forget()
            assert await at.emulator.opt_out(CUSTOMER.format(n=0)) == 200
            hold(only(trips.with_statement("INSERT INTO contact")), 5 if engine == "sqlite" else 6)
            trips.forget()
            async with at.client.post(f"/gateways/{GATEWAY}/{SECRET}/sms", data={"text": "CASH"}) as answer:
                assert answer.status == 400
            hold(only(trips.with_statement("INSERT INTO refused")), 3 if engine == "sqlite" else 1)


async def claimed(bench: Bench, count: int) -> None:
    await bench.outbox.turn()


async def answered(bench: Bench, count: int) -> None:
    while bench.outbox.under_way:
        await asyncio.sleep(0)
    await bench.outbox.turn()


async def reported(bench: Bench, count: int) -> None:
    rows = await bench.sql("SELECT external_id FROM outbox ORDER BY id LIMIT $1", count)
    reports = [Receipt("africastalking", row["external_id"], State.DELIVERED, "Success") for row in rows]
    assert all(await asyncio.gather(*map(bench.outbox.record_receipt, reports)))


# What leaves, one step after the other: the same figures for one message and for sixteen.
STEPS: dict[str, tuple[Callable[[Bench, int], Awaitable[None]], str, int, int]] = {
    "claimed": (claimed, "SET state = 'sending'", 4, 4),
    "its gateway's answer written": (answered, "external_id = $2, parts", 5, 6),
    "its delivery report written": (reported, FIND[:40], 5, 5),
}


@pytest.mark.parametrize("count", [1, MANY])
async def test_a_message_that_leaves_takes_so_many_trips(
    database: Database, engine: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(database)
    await bench.settle()  # it has looked at everything once, as it does every second
    await bench.enqueue(*(f"text {n}" for n in range(count)))
    with counted(monkeypatch) as trips:
        for step, statement, on_sqlite, on_postgres in STEPS.values():
            trips.forget()
            await step(bench, count)
            hold(only(trips.with_statement(statement)), on_sqlite if engine == "sqlite" else on_postgres)


async def pulled(shop: Shop, count: int) -> None:
    assert len(await shop.phones.pull(shop.phone)) == count


async def reported_by_phone(shop: Shop, count: int) -> None:
    rows = await shop.sql("SELECT external_id FROM outbox")
    assert await shop.phones.report(shop.phone, [Report(row["external_id"], State.SENT) for row in rows]) == 0


async def heard(shop: Shop, count: int) -> None:
    await shop.phones.note_heard(shop.phone, battery=count)


# What a gateway phone does, one step after the other: the trips for one message and for sixteen, on both engines.
CALLS: dict[str, tuple[Callable[[Shop, int], Awaitable[None]], str, int, int]] = {
    "fetched": (pulled, "SET state = 'sending'", 9, 9),
    "its reports written": (reported_by_phone, "FROM outbox WHERE id = $1", 6, 51),
    "what is new of the phone": (heard, "UPDATE phone SET", 4, 4),
}


@pytest.mark.parametrize("count", [1, MANY])
async def test_a_call_of_a_gateway_phone_takes_so_many_trips(
    database: Database, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(database)
    await shop.link(VODACOM)
    await shop.enqueue(*(f"text {n}" for n in range(count)))
    with counted(monkeypatch) as trips:
        for step, statement, one, many in CALLS.values():
            trips.forget()
            await step(shop, count)
            hold(only(trips.with_statement(statement)), one if count == 1 else many)


async def push(world: World) -> None:
    collector = world.mwanga.payments.collector
    await collector.turn()
    await collector.drain()


async def call_back(world: World) -> None:
    payments = world.mwanga.payments
    assert payments.simulated
    [prompt] = payments.simulated.prompts(CUSTOMER.format(n=0))
    assert await payments.simulated.answer(prompt.id, Does.PAY)


async def pay_the_bill(world: World) -> None:
    payments = world.mwanga.payments
    assert payments.simulated
    assert await payments.simulated.pay_bill(CUSTOMER.format(n=1), "SHD000001", 5_000_00)


async def settle(world: World) -> None:
    assert await world.mwanga.payments.reader.handle_next()


# What is done for a push and for a payment that nobody asked for, in units of work of their own: the same figures.
PAYMENTS: list[tuple[Callable[[World], Awaitable[None]], dict[str, tuple[str, int, int]]]] = [
    (
        push,
        {
            "a push, claimed": (CLAIM[:40], 3, 3),
            "a push, its provider's answer written": (ASKED[:60], 3, 3),
        },
    ),
    (call_back, {"a callback, at the door": (KEEP_NOTICE[:40], 3, 3)}),
    (settle, {"a payment of a push, and its code": (DONE, 38, 37)}),
    (pay_the_bill, {"a question whether one may be made": (FIND_DEVICE, 5, 5)}),
    (settle, {"a payment to the pay bill, and its code": (DONE, 37, 36)}),
]


async def test_a_payment_takes_so_many_trips(world: World, engine: str) -> None:
    await pay_the_bill(world)
    await settle(world)  # so that the provider's account is open
    await world.texts(1, CUSTOMER, "BUY 5000")
    for do, takes in PAYMENTS:
        world.trips.forget()
        await do(world)
        for statement, on_sqlite, on_postgres in takes.values():
            hold(only(world.trips.with_statement(statement)), on_sqlite if engine == "sqlite" else on_postgres)
