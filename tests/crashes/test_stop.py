"""A server that is told to stop does so within ten seconds, also while its database hangs."""

import asyncio

import asyncpg
import pytest

from bot import app
from tests.emulators.africastalking import Emulator
from tests.world.people import PEOPLE
from tests.world.server import STOP_S, ServerProcess, query

WAITS = """SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
  WHERE datname = current_database() AND NOT granted"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("table", ["contact", "outbox"])
async def test_a_message_that_hangs_does_not_keep_the_server_from_stopping(demo_url: str, table: str) -> None:
    """Somebody holds what the message needs, and what is sent: it is undone, and handled after the next start."""
    async with Emulator() as at:
        server = ServerProcess(demo_url, at)
        await server.start()
        holder = await asyncpg.connect(demo_url.partition("&maxsize")[0])
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table}")
            assert await at.sms(PEOPLE["Asha"], "CASH") == 200
            while not await holder.fetchval(WAITS):
                pass
            assert await server.stop(within=STOP_S) == 0, server.log
        await holder.close()
        assert (await query(demo_url, "SELECT state FROM inbox"))[0]["state"] == "new"
        async with server:
            assert "You hold" in await at.read(PEOPLE["Asha"])


async def test_what_cannot_even_be_undone_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine of the database has vanished: that something is undone hangs as well."""
    undone = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await undone.wait()

    monkeypatch.setattr(app, "UNDO_S", 0)
    task = asyncio.create_task(hangs())
    async with asyncio.timeout(60):
        await app._end(0, task)
    undone.set()
    with pytest.raises(asyncio.CancelledError):
        await task
