"""PostgreSQL ends one of two in a deadlock: what it ended is done again, and the sale is made."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from bot.app import assembled
from bot.company import Company
from bot.message import Inbound, Outbound, Sent
from bot.runtime import Database
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from handlers.exchange.importing import import_table
from handlers.exchange.stock import StockRow, find_device, hold_devices
from handlers.exchange.table import Table
from models import sql
from models.customers import registration
from models.customers.registration import Form, Registered, Registration
from models.devices import Device, Kind, with_owner
from models.money.ledger import AccountKind, balance
from models.people import Agent, Village
from models.selling import Contract, Sale, payment, quotes
from models.selling.payable import PayableDevice
from models.sql import execute
from models.tickets import Ticket
from tests.world.books import DEVICES, check_ledger
from tests.world.outbox_rig import Bench
from tests.world.people import GATEWAY, PEOPLE, PINS, Phones

WAITS = """SELECT COUNT(*) FROM pg_stat_activity
  WHERE wait_event_type = 'Lock' AND datname = current_database()"""

_ids = itertools.count(1)
MET = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert)
  VALUES ($1, 0, 0, '', 0, '')"""


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def waits(watch: asyncpg.Connection) -> None:
    """Until the server waits for somebody's row."""
    while not await watch.fetchval(WAITS):
        await asyncio.sleep(0)


class Enemy:
    """Another transaction, which holds the device and wants the agent's row, that the sale has by then. It is the sale
    that closes the deadlock, and PostgreSQL looks for one only once, a second after a wait began."""

    def __init__(self, connection: asyncpg.Connection, watch: asyncpg.Connection) -> None:
        self._connection, self._watch = connection, watch
        self._the_sale_comes, self._goes_on = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def let_pass(self, db: Any, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The statements of a sale's locks."""
        if "FROM device" in statement:
            self._the_sale_comes.release()
            await self._goes_on.acquire()
        return await execute(db, statement, values)

    async def cross(self, held: asyncio.Event) -> None:
        """Twice: once in a batch, and once more alone."""
        async with self._connection.transaction():
            await self._connection.execute("SELECT 1 FROM device WHERE serial = 'SHS0283' FOR UPDATE")
            held.set()
            for _ in range(2):
                await self._the_sale_comes.acquire()
                savepoint = self._connection.transaction()
                await savepoint.start()
                wanted = asyncio.create_task(self._connection.execute("SELECT 1 FROM agent WHERE id = 1 FOR UPDATE"))
                await waits(self._watch)
                self._goes_on.release()
                await wanted
                await savepoint.rollback()  # gives back the agent alone
        self._goes_on.release()


async def test_a_sale_that_the_database_ended_for_a_deadlock_is_made_after_all(
    mwanga: Server, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones, address = Phones(mwanga), demo_url.removesuffix("&maxsize=6")
    await phones.text("Asha", "BUY SHS0283 8000")
    enemy, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    deadlock = Enemy(enemy, watch)
    monkeypatch.setattr(sql, "execute", deadlock.let_pass)
    try:
        await enemy.execute("SET deadlock_timeout = '10min'")  # it is the server's side that is ended
        held = asyncio.Event()
        crossing = asyncio.create_task(deadlock.cross(held))
        await held.wait()
        told = dict(await phones.text("Asha", f"1 {PINS['Asha']}"))
        await crossing
    finally:
        await enemy.close()
        await watch.close()
    assert told["Asha"].startswith("SOLD TZS 8,000, 8 days")
    assert told.keys() == {"Asha", "Baraka"}
    await check_ledger(mwanga)


async def sell(mwanga: Server, seller: str, serial: str, amount: int) -> None:
    """A sale in the unit of work under way."""
    company, device = mwanga.company, await Device.get(serial=serial)
    agent = await Agent.get(phone=PEOPLE[seller])
    at = await PayableDevice(await with_owner(device.id)).standing(company.today(), company.coin, company.vault)
    offer = quotes.quote(at, amount * company.unit)
    await payment.sell(offer, seller=agent, key=f"{seller} {serial}", vault=company.vault)


async def test_two_batches_of_sales_do_not_wait_for_each_others_books(mwanga: Server, demo_url: str) -> None:
    """An instalment moves the account of commissions alone, a top-up that of the revenue first: once the two of a batch
    and the one of another would have waited for each other."""
    watch = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))

    begins = asyncio.Event()

    async def sell_alone() -> None:
        await begins.wait()
        async with mwanga.database.work():
            await sell(mwanga, "Juma", "04123456784", 7_000)

    try:
        alone = asyncio.create_task(sell_alone())  # not within the other's transaction
        async with asyncio.timeout(60), mwanga.database.work():
            await sell(mwanga, "Asha", "SHS0283", 7_000)
            begins.set()
            while not alone.done() and not await watch.fetchval(WAITS):
                await asyncio.sleep(0)
            assert alone.done(), "it waits for nobody"
            await sell(mwanga, "Asha", "EB100042", 8_000)
        await alone
    finally:
        await watch.close()
    assert await balance(AccountKind.DAYS, 0) == -8_000_00
    assert await balance(AccountKind.ENERGY, 0) == -7_000_00
    await check_ledger(mwanga)


async def test_two_batches_that_want_each_others_devices_do_not_wait_for_a_deadlock(
    mwanga: Server, demo_url: str
) -> None:
    """One of the two is undone at once, for its messages to run alone; the other one is done. PostgreSQL looks for a
    deadlock after a second only, and writes it into its log; here it does not look before the test is given up."""
    both_began = asyncio.Barrier(2)

    async def sell_batch(seller: str, *serials: str) -> None:
        async with mwanga.database.work() as db:
            await execute(db, "SET LOCAL deadlock_timeout = '10min'")
            await sell(mwanga, seller, serials[0], 7_000)
            await both_began.wait()
            await sell(mwanga, seller, serials[1], 7_000)

    batches = sell_batch("Asha", "SHS0283", "EB100042"), sell_batch("Juma", "EB100042", "SHS0283")
    async with asyncio.timeout(60):
        ended = await asyncio.gather(*batches, return_exceptions=True)
    assert sum(isinstance(each, OperationalError) for each in ended) in (1, 2)
    assert all(each is None or isinstance(each, OperationalError) for each in ended)
    await check_ledger(mwanga)


@pytest.mark.parametrize("by", ["text", "dialled"])
async def test_a_sale_waits_for_another_agent_who_earns_with_it(mwanga: Server, demo_url: str, by: str) -> None:
    """Juma sold the device and still earns commission on it. Asha is held already, for her PIN; the sale that holds
    Juma too, whom somebody else has, is no sale that fails."""
    await Contract.filter(device__serial="SHS0283").update(commission=900_00, agent_id=2)
    phones, address = Phones(mwanga), demo_url.removesuffix("&maxsize=6")
    if by == "text":
        await phones.text("Asha", "BUY SHS0283 8000")
    else:
        await phones.choose("Asha", "Sell power")
        for answer in ("SHS0283", "8000", "1"):
            await phones.enter("Asha", answer)
    other, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    try:
        async with other.transaction():
            await other.execute("SELECT 1 FROM agent WHERE id = 2 FOR NO KEY UPDATE")
            if by == "text":
                selling = asyncio.create_task(phones.text("Asha", f"1 {PINS['Asha']}"))
            else:
                selling = asyncio.create_task(phones.enter("Asha", PINS["Asha"]))
            while not selling.done() and not await watch.fetchval(WAITS):
                await asyncio.sleep(0)
        told = await selling
    finally:
        await other.close()
        await watch.close()
    assert "SOLD TZS 8,000" in (told if isinstance(told, str) else dict(told)["Asha"])
    assert await Sale.all().count() == 1
    await check_ledger(mwanga)


async def test_a_ticket_about_a_device_does_not_wait_for_its_sale(mwanga: Server, demo_url: str) -> None:
    """Its row points at the customer and at the device; nothing that a sale changes there concerns it."""
    other = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        await other.execute("SET lock_timeout = '2s'")
        async with mwanga.database.work():
            await sell(mwanga, "Asha", "SHS0283", 7_000)
            await other.execute(
                "INSERT INTO ticket (key, customer_id, device_id, category, text, state, opened_at, due_at) "
                "SELECT 'k', customer_id, id, 'other', '', 'open', now(), now() FROM device WHERE serial = 'SHS0283'"
            )
    finally:
        await other.close()


async def test_a_sale_takes_no_number_for_accounts_that_are_there(mwanga: Server) -> None:
    """At three numbers a sale the 2,147,483,647 of an integer lasted for some 540 million sales."""
    last = "SELECT last_value FROM account_id_seq"
    for serial in ("EB100042", "04123456784"):
        async with mwanga.database.work():
            await sell(mwanga, "Asha", serial, 14_000)  # a whole number of units: a rest opens an account of credit
        if serial == "EB100042":
            [before] = await execute(mwanga.database.client, last)
    assert await execute(mwanga.database.client, last) == [before]


def a_form(mwanga: Server, name: str, village: Village, serial: str) -> Form:
    """Somebody new who gets this solar home system."""
    return Form(
        customer=None,
        name=name,
        surname="Omari",
        phone=None,
        language="en",
        village=village,
        kind=Kind.SHS,
        serial=serial,
        model=None,
        tariff=None,
        labels=None,
        consent="2",
        request=f"{name} {serial}",
        today=mwanga.company.today(),
    )


async def register(mwanga: Server, seller: str, serial: str) -> Registered:
    """A registration in the unit of work under way."""
    agent = await Agent.get(phone=PEOPLE[seller])
    village = await Village.get(name="Mtwara")
    form = a_form(mwanga, seller, village, serial)
    return await registration.register(form, agent=agent, key=f"{seller} {serial}", vault=mwanga.company.vault)


async def test_a_registration_that_is_refused_holds_nothing(mwanga: Server, demo_url: str) -> None:
    """A sale of that device has not to wait for the batch, nor the batch for a sale."""
    other = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    hold = "SELECT 1 FROM device WHERE serial = 'SHS0283' FOR UPDATE NOWAIT"
    try:
        async with mwanga.database.work():
            for refused in (registration.free_serial("SHS0283", Kind.SHS), register(mwanga, "Asha", "SHS0283")):
                with pytest.raises(registration.InUse):
                    await refused
            await other.execute(hold)
        async with other.transaction(), mwanga.database.work() as db:
            await other.execute(hold)
            await execute(db, "SET LOCAL lock_timeout = '2s'")
            with pytest.raises(registration.InUse):
                await register(mwanga, "Asha", "SHS0283")
    finally:
        await other.close()


async def test_a_question_whether_to_register_a_device_holds_it_from_nobody(mwanga: Server, demo_url: str) -> None:
    other = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        async with mwanga.database.work():
            assert await registration.free_serial("SHS0284", Kind.SHS) == "SHS0284"
            await other.execute("SELECT 1 FROM device WHERE serial = 'SHS0284' FOR UPDATE NOWAIT")
    finally:
        await other.close()


async def test_two_batches_that_sell_and_register_do_not_wait_for_a_deadlock(mwanga: Server, demo_url: str) -> None:
    """One registers the device of the shop and sells Baraka's, the other one the other way round."""
    both_began = asyncio.Barrier(2)

    async def work(*steps: Callable[[], Awaitable[object]]) -> None:
        async with mwanga.database.work() as db:
            await execute(db, "SET LOCAL deadlock_timeout = '10min'")
            await steps[0]()
            await both_began.wait()
            await steps[1]()

    def sale(seller: str) -> Callable[[], Awaitable[object]]:
        return lambda: sell(mwanga, seller, "SHS0283", 7_000)

    def registering(seller: str) -> Callable[[], Awaitable[object]]:
        return lambda: register(mwanga, seller, "SHS0284")

    batches = work(registering("Asha"), sale("Asha")), work(sale("Juma"), registering("Juma"))
    async with asyncio.timeout(60):
        ended = await asyncio.gather(*batches, return_exceptions=True)
    assert sum(isinstance(each, OperationalError) for each in ended) in (1, 2)
    assert all(each is None or isinstance(each, OperationalError) for each in ended)
    await check_ledger(mwanga)


async def test_a_ticket_about_a_device_does_not_wait_for_its_registration(mwanga: Server, demo_url: str) -> None:
    other = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        await other.execute("SET lock_timeout = '2s'")
        async with mwanga.database.work():
            await register(mwanga, "Asha", "SHS0284")
            await other.execute(
                "INSERT INTO ticket (key, customer_id, device_id, category, text, state, opened_at, due_at) "
                "SELECT 'k', 1, id, 'other', '', 'open', now(), now() FROM device WHERE serial = 'SHS0284'"
            )
    finally:
        await other.close()


FILES = {
    "stock": ("serial number,plan", {"SHS0283": "", "EB100042": ""}),
    "devices": (
        "serial,name,surname,phone",
        {"SHS0283": f"Baraka,Peter,{PEOPLE['Baraka']}", "EB100042": f"Neema,Paulo,{PEOPLE['Neema']}"},
    ),
}


@pytest.mark.parametrize("kind", FILES)
async def test_an_import_holds_devices_in_the_order_of_all_locks(mwanga: Server, demo_url: str, kind: str) -> None:
    """And not in the order of its file: whoever holds two of them as well, as a swap does, would meet it."""
    header, rows = FILES[kind]
    address, hold = demo_url.removesuffix("&maxsize=6"), "SELECT 1 FROM device WHERE serial = $1 FOR NO KEY UPDATE"
    other, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    found = await other.fetch("SELECT serial FROM device WHERE serial = ANY($1) ORDER BY id", list(rows))
    first, second = (row["serial"] for row in found)
    file = "\n".join([header, f"{second},{rows[second]}", f"{first},{rows[first]}", ""])
    try:
        async with other.transaction():
            await other.execute(hold, first)
            with_it: dict[str, Any] = {"database": mwanga.database, "company": mwanga.company, "actor": "test"}
            importing = asyncio.create_task(import_table(kind, Table.of(file.encode()), "a test", **with_it))
            await waits(watch)
            await other.execute(f"{hold} NOWAIT", second)
        assert (await importing).rows == 2
    finally:
        await other.close()
        await watch.close()


async def test_an_import_holds_a_device_that_came_after_it_began(mwanga: Server, demo_url: str) -> None:
    """Or an agent would register it, and the file give it to somebody else."""
    row, hold = StockRow("SHS0999", *[None] * 5), "SELECT 1 FROM device WHERE serial = $1 FOR NO KEY UPDATE NOWAIT"
    other = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        async with mwanga.database.work():
            await hold_devices([row])
            await other.execute(LIKE_STOCK, row.serial)
            assert await find_device(row.serial)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.execute(hold, row.serial)
    finally:
        await other.close()


LIKE_STOCK = """INSERT INTO device (serial, kind, issuer, sealed_key, count, tariff_id)
  SELECT $1, kind, issuer, sealed_key, count, tariff_id FROM device WHERE serial = 'SHS0284'"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def many_agents(company: Company) -> list[Agent]:
    """A dozen who may hold any amount, all with the same PIN."""
    return [
        await Agent.create(
            phone=f"+25570001{n:04d}",
            name=f"Agent {n}",
            mini_grid_id=1,
            pin_hash=company.vault.hash_pin("482915"),
            cash_limit=9_999_999_00,
        )
        for n in range(12)
    ]


async def stock_up(count: int) -> None:
    """So many free devices like the one that the demo has."""
    like = await Device.get(serial="SHS0284")
    for n in range(count):
        await Device.create(
            serial=f"SHX000{n}",
            kind=like.kind,
            issuer=like.issuer,
            sealed_key=like.sealed_key,
            tariff_id=like.tariff_id,
        )


async def arrive_at(servers: Sequence[Server], texts: Sequence[tuple[Agent, str]], choose: random.Random) -> None:
    """All of these texts in the same moment, each at one of the servers, and handled."""
    arriving = [
        Inbound(GATEWAY, f"{next(_ids)}", Sender(SenderKind.NUMBER, agent.phone), text) for agent, text in texts
    ]
    await asyncio.gather(*(choose.choice(servers).inbox.record(each) for each in arriving))
    await Phones(servers[0]).handled()


@pytest.mark.slow
async def test_two_servers_sell_register_and_hear_of_problems_at_once_without_a_deadlock(
    mwanga: Server, demo_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Sales of the same few devices, tickets about them, and registrations with none, with one that is free, and with
    one that is being sold, which is refused: by a dozen agents through both servers."""
    choose = random.Random(2)
    agents = await many_agents(mwanga.company)
    await stock_up(8)
    watch = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        async with assembled(mwanga.config, serving=False) as other:
            for number in range(8):
                choose.shuffle(agents)
                sellers, registering, telling = agents[:6], agents[6:9], agents[9:]
                device = [choose.choice(DEVICES) for _each in agents]
                has = ["none", f"shs, SHX000{number}", f"shs, {device[0]}"]
                new = [f"REG Hamisi Ma{chr(97 + number)}{chr(97 + n)}o, none, {has[n]}, Mtwara" for n in range(3)]
                first = [(agent, f"BUY {device[n]} {14_000 * (number + 1)}") for n, agent in enumerate(sellers)]
                first += list(zip(registering, new, strict=True))
                first += [(agent, f"FIX {device[-n]} no light") for n, agent in enumerate(telling)]
                second = [(agent, "1 482915") for agent in sellers] + [(agent, "1") for agent in registering[:2]]
                second.append((registering[2], new[2]))
                second += [(agent, f"FIX {device[n]} smells burnt {number}") for n, agent in enumerate(telling)]
                for texts in (first, second):
                    await arrive_at([mwanga, other], texts, choose)
        await watch.execute("SELECT pg_stat_force_next_flush()")
        assert await watch.fetchval(DEADLOCKS) == 0
        assert "Deadlock" not in caplog.text
    finally:
        await watch.close()
    assert await Sale.all().count() == 8 * 6
    assert await Registration.all().count() == 8 * 2
    assert await Device.filter(serial__startswith="SHX", customer_id__isnull=False).count() == 8
    assert await Ticket.all().count() > 0
    assert not await execute(mwanga.database.client, "SELECT id FROM inbox WHERE state <> 'done'")
    await check_ledger(mwanga)


@pytest.mark.slow
async def test_two_servers_sell_the_same_devices_at_once_without_a_deadlock(
    mwanga: Server, demo_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Instalments, energy and days, by a dozen agents through both servers: whoever comes across another is done again,
    and PostgreSQL never has to end one of two that wait for each other. A server that stops tells what it counted."""
    choose = random.Random(1)
    agents = await many_agents(mwanga.company)
    watch = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        async with assembled(mwanga.config, serving=False) as other:
            for number in range(5):
                # Whole days and tenths of a kWh: a rest would be credit, which changes what the next one is asked.
                orders = [f"BUY {choose.choice(DEVICES)} {14_000 * (number + 1)}" for _each in agents]
                for texts in (orders, ["1 482915"] * len(agents)):
                    await arrive_at([mwanga, other], list(zip(agents, texts, strict=True)), choose)
        await watch.execute("SELECT pg_stat_force_next_flush()")
        assert await watch.fetchval(DEADLOCKS) == 0
        assert "Deadlock" not in caplog.text
    finally:
        await watch.close()
    assert await Sale.all().count() == 5 * len(agents)
    assert not await execute(mwanga.database.client, "SELECT id FROM inbox WHERE state <> 'done'")
    await check_ledger(mwanga)


async def test_answers_are_written_in_the_order_in_which_reports_hold_the_messages(
    database: Database, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(database)

    async def send(message: Outbound) -> Sent:
        for _ in range(9 if message.text == "first" else 1):
            await asyncio.sleep(0)
        return Sent(f"id {message.id}")

    monkeypatch.setattr(bench.gateway, "send", send)
    await bench.enqueue("first", "second")
    await bench.outbox.turn()
    while bench.outbox.under_way:
        await asyncio.sleep(0)
    address = empty_url.removesuffix("&maxsize=6")
    reports, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    try:
        async with reports.transaction():
            await reports.execute("SELECT 1 FROM outbox WHERE origin = 'first' FOR UPDATE")
            writing = asyncio.create_task(bench.outbox.turn())
            await waits(watch)
            await reports.execute("SELECT 1 FROM outbox WHERE origin = 'second' FOR UPDATE NOWAIT")
        await writing
    finally:
        await reports.close()
        await watch.close()
    assert await bench.states() == {"first": "sent", "second": "sent"}


async def test_two_servers_write_of_their_gateways_in_one_order(database: Database, empty_url: str) -> None:
    """One has sent by Kannel and was called by Africa's Talking, for the other it is the other way round."""
    bench = Bench(database)
    for name in ("africastalking", "kannel"):
        await bench.sql(MET, name)
    await bench.enqueue("hello", gateway="kannel")
    await bench.outbox.turn()
    while bench.outbox.under_way:
        await asyncio.sleep(0)
    bench.outbox.note_heard("africastalking")
    address = empty_url.removesuffix("&maxsize=6")
    other, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    try:
        async with other.transaction():
            await other.execute("SELECT 1 FROM gatewaystate WHERE name = 'africastalking' FOR UPDATE")
            writing = asyncio.create_task(bench.outbox.turn())
            await waits(watch)
            await other.execute("SELECT 1 FROM gatewaystate WHERE name = 'kannel' FOR UPDATE NOWAIT")
        await writing
    finally:
        await other.close()
        await watch.close()
    assert await bench.states() == {"hello": "sent"}
