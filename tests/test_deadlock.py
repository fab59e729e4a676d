"""PostgreSQL ends one of two that wait for each other in a ring: what it ended is done again, and the sale is made."""

import asyncio

import asyncpg
import pytest

from bot.database import Database
from bot.message import Outbound, Sent
from bot.parts import Mwanga
from tests.books import check_ledger
from tests.sending import Bench
from tests.world import PINS, Phones

WAITS = """SELECT COUNT(*) FROM pg_stat_activity
  WHERE wait_event_type = 'Lock' AND datname = current_database()"""


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def waits(watch: asyncpg.Connection) -> None:
    """Until the server waits for somebody's row."""
    while not await watch.fetchval(WAITS):
        await asyncio.sleep(0)


async def cross(enemy: asyncpg.Connection, watch: asyncpg.Connection, held: asyncio.Event) -> None:
    """Hold the device, and come to the agent's row when the sale has that and waits for the device: a ring, which
    the server's side is the first to notice. Twice: once in a batch, and once more alone."""
    async with enemy.transaction():
        await enemy.execute("SELECT 1 FROM device WHERE serial = 'SHS0283' FOR UPDATE")
        held.set()
        for _ in range(2):
            await waits(watch)
            savepoint = enemy.transaction()
            await savepoint.start()
            await enemy.execute("SELECT 1 FROM agent WHERE id = 1 FOR UPDATE")
            await savepoint.rollback()  # gives back the agent alone


async def test_a_sale_that_the_database_ended_for_a_ring_is_made_after_all(mwanga: Mwanga, demo_url: str) -> None:
    phones, address = Phones(mwanga), demo_url.removesuffix("&maxsize=6")
    await phones.text("Asha", "BUY SHS0283 8000")
    enemy, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    try:
        await enemy.execute("SET deadlock_timeout = '30s'")  # it is the server's side that is ended
        held = asyncio.Event()
        crossing = asyncio.create_task(cross(enemy, watch, held))
        await held.wait()
        told = dict(await phones.text("Asha", f"1 {PINS['Asha']}"))
        await crossing
    finally:
        await enemy.close()
        await watch.close()
    assert told["Asha"].startswith("SOLD TZS 8,000, 8 days")
    assert told.keys() == {"Asha", "Baraka"}
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
    await bench.promise("first", "second")
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
