"""PostgreSQL ends one of two in a deadlock: what it ended is done again, and the sale is made."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from bot.message import Outbound, Sent
from bot.runtime import Database
from bot.server import Server
from models import sql
from models.sql import execute
from tests.world.books import check_ledger
from tests.world.outbox_rig import Bench
from tests.world.people import PINS, Phones

WAITS = """SELECT COUNT(*) FROM pg_stat_activity
  WHERE wait_event_type = 'Lock' AND datname = current_database()"""

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
        await enemy.execute("SET deadlock_timeout = '30s'")  # it is the server's side that is ended
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
