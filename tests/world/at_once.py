"""Two units of work of one PostgreSQL: the second waits for what the first holds, so that what it read before is so no
more when it goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bot.server import Server
from models.sql import execute

WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
Work = Callable[[], Awaitable[Any]]


async def do_meanwhile(mwanga: Server, first: Work, second: Work) -> Any:
    """Do both, each in a unit of work, as in `happen_meanwhile`."""

    async def follow() -> Any:
        async with mwanga.database.work():
            return await second()

    return await happen_meanwhile(mwanga, first, follow)


async def happen_meanwhile(mwanga: Server, first: Work, second: Work) -> Any:
    """Begin `second`, which has units of work of its own, when `first` is done in one and not committed; commit that
    when `second` waits for it, or has ended without waiting. Returns what `second` returns, and raises what it
    raises."""
    done, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with mwanga.database.work():
            await first()
            done.set()
            await go_on.wait()

    async with asyncio.timeout(60):
        holding = asyncio.create_task(hold())
        await asyncio.wait([holding, asyncio.create_task(done.wait())], return_when=asyncio.FIRST_COMPLETED)
        following = asyncio.ensure_future(second())
        while not (holding.done() or following.done()) and not await execute(mwanga.database.client, WAITS):
            await asyncio.sleep(0)
        go_on.set()
        await holding
        return await following
