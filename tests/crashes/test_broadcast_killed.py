"""The server is killed while it writes to many, and goes on after the next start: everybody is written to once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from bot.runtime import Database
from tests.emulators.africastalking import Emulator
from tests.world.many import write_to_all
from tests.world.server import ServerProcess, query
from tests.world.templates import Templates

pytestmark = pytest.mark.slow

PEOPLE = "SELECT phone FROM outbox WHERE kind = 'broadcast'"
CUSTOMERS = "SELECT DISTINCT phone FROM customer WHERE phone IS NOT NULL"


def zone_at_noon() -> str:
    """A time zone in which it is about noon now: by night nobody is written to."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{'-' if ahead >= 0 else '+'}{abs(ahead)}"


@pytest.mark.parametrize("kills", [6])
async def test_everybody_is_written_to_once_however_often_it_is_killed(
    engine: str, kills: int, templates: Templates
) -> None:
    url = await asyncio.to_thread(templates.copy, engine, "crowd")
    async with Database(url) as database:
        await write_to_all(database)
    random = Random(5)
    async with Emulator() as at, ServerProcess(url, at, timezone=zone_at_noon(), log_level="ERROR") as server:
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.0, 0.3))  # the random instant is what is tested
            await server.kill()
            await server.start()
        async with asyncio.timeout(300):  # to hundreds, on a busy machine
            while await query(url, "SELECT 1 FROM broadcast WHERE state = 'going'"):
                await asyncio.sleep(0.05)
    written = Counter(row["phone"] for row in await query(url, PEOPLE))
    assert set(written) == {row["phone"] for row in await query(url, CUSTOMERS)}
    assert set(written.values()) == {1}
