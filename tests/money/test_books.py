"""The books are added up: whatever is wrong in them is named, by hand, at night and to the office."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine
from tortoise.transactions import in_transaction

from bot.app import assembled
from bot.config import Config, load
from bot.monitor import NightlyBooks
from bot.runtime.aside import read_aside
from bot.server import Server
from models.alerts import Alert
from models.money.books import CHECKS, KEPT_SUMS, WEEKS, find_fault, keep_check, last_check, must_return_to_zero
from models.money.ledger import AccountKind, Posting, post
from models.money.providers import provider_id
from models.money.receiving import Incoming, Source, Why, open_suspense, receive
from models.sql import connection, execute, on_postgres
from tests.world.at_once import do_meanwhile
from tests.world.people import PINS, Phones
from tests.world.prompt import Run, do_in_one_work
from tests.world.pushes import written
from tests.world.templates import FOUNDED, Templates

NOON = FOUNDED.replace(hour=9)


@pytest.fixture
async def sold(config: Config) -> AsyncIterator[Server]:
    """The demo world after a sale for each kind of device, a payment by phone for nobody, a push, and a hand-in."""
    async with assembled(config, serving=False) as mwanga:
        await trade(mwanga)
        yield mwanga


async def trade(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for serial in ("SHS0283", "04123456784", "EB100042"):
        await phones.text("Asha", f"BUY {serial} 8000")
        await phones.text("Asha", f"1 {PINS['Asha']}")
    async with mwanga.database.work():
        said = Incoming(
            source=Source.CALLBACK, provider="daraja", reference="ABC1", amount=500_000, paid_at=datetime.now(UTC)
        )
        received = await receive(said)
        await open_suspense(received.payment.id, Why.NOBODY)
        await written()


async def test_what_was_traded_adds_up(sold: Server) -> None:
    assert await find_fault() == ""


@pytest.mark.slow
async def test_a_crowd_with_a_past_adds_up(engine: str, templates: Templates) -> None:
    url = await asyncio.to_thread(templates.copy, engine, "crowd")
    async with assembled(load(database=url), serving=False):
        assert await find_fault() == ""


# How somebody who may drop triggers would harm the books, and what is said of it. One line for each check.
HARM = [
    (["DELETE FROM line WHERE id = 1"], "says that it has 2 lines, and has 1."),
    (["UPDATE line SET amount = amount + 7 WHERE id = 1"], "add up to 7 instead of 0."),
    (
        [
            "INSERT INTO entry (key, actor, reason, line_count, effective_at, created_at, reverses_id)"
            " SELECT 'back', 'me', '', 2, effective_at, created_at, id FROM entry WHERE id = 1",
            "INSERT INTO line (entry_id, account_id, amount) SELECT (SELECT id FROM entry WHERE key = 'back'),"
            " account_id, amount FROM line WHERE entry_id = 1",
        ],
        "(back) reverses entry 1, and not by its amounts.",
    ),
    (["UPDATE account SET balance = balance - 1 WHERE kind = 'cash' AND owner = 1"], "says 2399999, and its lines"),
    (["UPDATE account SET owner = 999 WHERE kind = 'cash' AND owner = 1"], "(cash) is of number 999, and there is"),
    (
        [
            "UPDATE line SET amount = -amount",
            "UPDATE account SET balance = -balance",
        ],
        "More was spent or paid than there was",
    ),
    (["UPDATE instalment SET paid = paid + 1 WHERE number = 2"], "Instalment 2 of contract S1001 says"),
    (["UPDATE instalment SET amount = amount + 5 WHERE number = 9"], "is owed on contract S1001, and its instalments"),
    (["UPDATE sale SET amount = amount - 1, commission = commission WHERE id = 1"], "is of 799999, and its entry took"),
    (["UPDATE sale SET commission = commission + 1 WHERE id = 1"], "is 80001, and 80000 is booked."),
    (["UPDATE payment SET amount = amount + 1 WHERE id = 1"], "is of 800001, and its sales add up to 800000."),
    (["UPDATE payment SET amount = 9 WHERE provider = 'daraja'"], "daraja ABC1 is of 9, and 500000 is booked."),
    (
        [
            "INSERT INTO hand_in (reference, agent_id, amount, commission, actor, created_at)"
            " VALUES ('HX', 1, 5, 0, 'me', '2026-11-24 05:00:00+00:00')"
        ],
        "Hand-in HX is of 5, and 0 is booked.",
    ),
    (
        [
            "INSERT INTO top_up (reference, agent_id, amount, commission, actor, created_at)"
            " VALUES ('TX', 1, 5, 0, 'me', '2026-11-24 05:00:00+00:00')"
        ],
        "Top-up TX is of 5, and 0 is booked.",
    ),
    (["UPDATE payment_request SET state = 'failed'"], "500000 is held back for push 1, which has ended or is another"),
    (["DELETE FROM reservation"], "500000 of push 1 is on its way, and nothing is held back for it."),
    (["UPDATE device SET count = 1 WHERE serial = 'SHS0283'"], "SHS0283 has count 1, and a token with"),
    (
        # Of one day as much too much as of another one too little: over all days it adds up.
        ["INSERT INTO statement_sum (provider, day, settled, direction, number, amount)"
         " VALUES ('daraja', '2026-11-24', 'fee', 'fee', 2, 700), ('daraja', '2026-11-25', 'fee', 'fee', -2, -700)"],
        "The sum of 2026-11-24 has 2 lines of daraja, 'fee' fee, and 700 too much.",
    ),
    (["DELETE FROM unmatched"], "Whether a line of a statement fits payment"),
    (
        ["INSERT INTO money_week (first_day, what, agent_id, provider, number, amount)"
         " VALUES ('2026-11-23', 'payment', 1, 'cash', 2, 700)"],
        "The sums of weeks have 2 of payment by cash, and 700, more than those of their days.",
    ),
]  # fmt: skip


async def unguard(engine: str) -> None:
    """Without any guard, as after a broken disk."""
    if engine == "postgres":
        tables = await execute(
            connection(), "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE NOT tgisinternal"
        )
        for table in tables:
            await execute(connection(), f"ALTER TABLE {table['name']} DISABLE TRIGGER USER")
        for check in await execute(
            connection(),
            "SELECT conname AS name, conrelid::regclass::text AS owner FROM pg_constraint WHERE contype = 'c'"
            " AND conrelid <> 0 AND connamespace = 'public'::regnamespace",
        ):
            await execute(connection(), f"ALTER TABLE {check['owner']} DROP CONSTRAINT {check['name']}")
        return
    for trigger in await execute(connection(), "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        await execute(connection(), f"DROP TRIGGER {trigger['name']}")


class Undone(Exception):
    """Raised to end a transaction so that nothing of it stays."""


async def test_what_is_wrong_is_named(engine: str, sold: Server) -> None:
    await unguard(engine)
    for statements, said in HARM:
        with suppress(Undone):
            async with in_transaction() as db:
                for statement in statements:
                    await execute(db, statement)
                fault = await find_fault(partial(execute, db))
                raise Undone
        assert said in fault and fault.endswith(".") and len(fault) < 160, (said, fault)
    assert await find_fault() == ""


def test_each_check_has_a_harm_that_it_finds() -> None:
    assert len(HARM) == len(CHECKS)


# --- At night


def nightly(mwanga: Server) -> NightlyBooks:
    return NightlyBooks(mwanga.database, mwanga.company.zone, 3)


async def test_every_night_they_are_added_up_beside_the_work(sold: Server) -> None:
    async with sold.database.work():  # somebody sells meanwhile: on SQLite it is the only one who may write
        await execute(connection(), "UPDATE setting SET value = value")
        async with read_aside(sold.database.url) as ask:
            assert await find_fault(ask) == ""
    assert await nightly(sold).check() == ""
    kept = await last_check()
    assert kept and kept.fault == "" and await Alert.all().count() == 0


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("hours", "hour", "due"),
    [
        *((None, 12, True), (1, 2, False), (19, 2, False), (20, 2, True), (20, 0, False), (29, 12, False)),
        *((30, 12, True), (-1, 2, False), (-8760, 12, True)),
    ],
)
async def test_it_is_done_once_a_night(hours: int | None, hour: int, due: bool, mwanga: Server) -> None:
    """Also where the machine sleeps at night: then by day; and after a clock that was ahead by a year is set back.
    `hour` is the operator's."""
    now = datetime(2026, 12, 2, hour, 30, tzinfo=mwanga.company.zone)
    if hours is not None:
        with time_machine.travel(now - timedelta(hours=hours), tick=False):
            async with mwanga.database.work():
                await keep_check("")
    with time_machine.travel(now, tick=False):
        assert await nightly(mwanga)._is_due() is due


async def test_the_loop_adds_up_and_stops(sold: Server) -> None:
    books = nightly(sold)
    running = asyncio.create_task(books.run())
    async with asyncio.timeout(60):
        while await last_check() is None:
            await asyncio.sleep(0.01)
        books.stop()
        await running


async def test_a_long_reading_is_given_up_at_once(sold: Server) -> None:
    forever = (
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000000) SELECT COUNT(*) FROM n"
    )

    begun = asyncio.Event()

    async def read() -> None:
        async with read_aside(sold.database.url) as ask:
            begun.set()
            await ask(forever)

    reading = asyncio.create_task(read())
    await begun.wait()
    await asyncio.sleep(0)
    reading.cancel()
    async with asyncio.timeout(30):  # to its end it takes minutes
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_the_office_is_told_once_a_day_and_sees_it(engine: str, sold: Server) -> None:
    await unguard(engine)
    await execute(connection(), "UPDATE account SET balance = balance + 1 WHERE id = 1")
    for _server in range(2):
        fault = await nightly(sold).check()
    assert fault.startswith("Account 1 says 1,") and await Alert.all().count() == 1
    assert (await Alert.get()).sentence.startswith("The books do not add up: Account 1 says 1")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        await nightly(sold).check()
        assert await Alert.filter(sentence__startswith="The books").count() == 2


@pytest.mark.parametrize("engine", ["postgres"])
async def test_of_two_servers_that_find_the_same_fault_one_tells(sold: Server) -> None:
    async def keep() -> None:
        await keep_check("Account 1 says 1.")

    await do_meanwhile(sold, keep, keep)
    assert await Alert.all().count() == 1


# --- What must return to zero


async def test_of_two_servers_that_look_at_night_one_tells_what_stays_too_long(sold: Server) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=4)) as clock:
        for nights in (1, 2):
            await asyncio.gather(nightly(sold).check(), nightly(sold).check())
            assert await Alert.filter(sentence__startswith="Waits too long").count() == nights
            clock.shift(timedelta(days=1))


async def test_money_that_only_passes_is_listed_with_its_age(sold: Server) -> None:
    open_now = await must_return_to_zero()
    assert [(each.kind, each.whose, each.balance) for each in open_now] == [
        ("clearing", "daraja", 500_000),
        ("unapplied", "daraja ABC1", -500_000),
    ]
    assert await nightly(sold).check() == "" and await Alert.all().count() == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(days=4)):
        await nightly(sold).check()
    assert (await Alert.get()).sentence == (
        "Waits too long, the oldest 4 days: 1 payment that nobody applied and money with 1 provider."
        " See `mwanga check --books`."
    )


async def test_the_age_is_that_of_the_oldest_money_that_is_there(sold: Server) -> None:
    """What was paid out was the first that came in."""
    now = datetime.now(UTC)
    for number, days in enumerate((9, 6, 2)):
        async with sold.database.work():
            said = Incoming(
                source=Source.CALLBACK,
                provider="airtel",
                reference=f"A{number}",
                amount=100,
                paid_at=now - timedelta(days=days),
            )
            await receive(said)
    async with sold.database.work():
        await pay_out(250)
    [airtel] = [each for each in await must_return_to_zero() if each.whose == "airtel"]
    assert (airtel.balance, (now - airtel.since).days) == (50, 2)


async def pay_out(amount: int) -> None:
    clearing = Posting(AccountKind.CLEARING, await provider_id("airtel"), -amount)
    await post("paid out", [clearing, Posting(AccountKind.BANK, 0, amount)], actor="test")


@pytest.mark.everyday_on_sqlite
def test_the_command_adds_them_up(run: Run, demo_url: str, engine: str) -> None:
    said = run("check", "--books").output
    assert "add up" not in said

    async def harm() -> None:
        await unguard(engine)
        await execute(connection(), "UPDATE account SET balance = balance + 1 WHERE id = 1")

    do_in_one_work(demo_url, harm)
    assert "The books do not add up: Account 1 says 1, and its lines add up to 0" in run("check", "--books").output
    assert "add up" not in run("check").output


@pytest.mark.parametrize("engine", ["postgres"])
def test_what_is_committed_is_on_the_disk_whatever_is_usual_there(run: Run, demo_url: str) -> None:
    """Our own connections wait for it; for other tools the operator is told."""
    name = demo_url.partition("?")[0].rpartition("/")[2]

    async def careless() -> None:
        await execute(connection(), f"ALTER DATABASE {name} SET synchronous_commit = off")
        await execute(connection(), f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")

    async def look() -> list[str]:
        names = ("synchronous_commit", "transaction_isolation")
        return [str((await execute(connection(), f"SHOW {each}"))[0][each]) for each in names]

    assert "synchronous_commit" not in run("check").output
    do_in_one_work(demo_url, careless)
    assert "PostgreSQL has synchronous_commit off" in run("check").output
    assert do_in_one_work(demo_url, look) == ["on", "read committed"]


async def test_a_database_without_these_sums_is_added_up_too(sold: Server) -> None:
    """A copy is made before a new version is begun with."""
    for step in (KEPT_SUMS, WEEKS):
        await execute(connection(), "DELETE FROM tortoise_migrations WHERE name = $1", [step])
    for table in ("statement_sum", "unmatched", "money_week"):
        await execute(connection(), f"DROP TABLE {table} CASCADE" if on_postgres() else f"DROP TABLE {table}")
    assert await find_fault() == ""
