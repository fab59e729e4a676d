"""Somebody else holds what a notice is about: it waits, as a text does, and is not one that failed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from bot.payments.base import Answer
from bot.payments.simulated import Does
from bot.runtime import Database, DatabaseAway, NotNow
from bot.server import Server
from models.money import notices
from models.selling import requests
from models.settings import Setting
from models.sql import connection, execute
from tests.world.people import PEOPLE, Phones

WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def somebody(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.partition("&maxsize")[0])
    try:
        yield connection
    finally:
        await connection.close()


async def pay(mwanga: Server) -> None:
    """Baraka's phone rings and he pays: the notice of it waits."""
    payments = mwanga.payments
    assert payments.simulated
    await Phones(mwanga).text("Baraka", "BUY 5000")
    await payments.collector.turn()
    await payments.collector.drain()
    [prompt] = payments.simulated.prompts(PEOPLE["Baraka"])
    assert await payments.simulated.answer(prompt.id, Does.PAY)


async def test_a_notice_waits_for_a_request_that_it_looks_for_twice(
    mwanga: Server, demo_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first time it was not there: the provider's id for it was committed meanwhile."""
    await pay(mwanga)
    reader = mwanga.payments.reader
    settle = reader._settler.settle

    async def looks_before(answer: Answer, **how: Any) -> str:
        assert await requests.hold(answer.provider, external_id="not known yet") is None
        return await settle(answer, **how)

    monkeypatch.setattr(reader._settler, "settle", looks_before)
    caplog.set_level(logging.WARNING, "bot.payments.reading")
    async with somebody(demo_url) as holder, somebody(demo_url) as watch:
        async with asyncio.timeout(60), holder.transaction():
            await holder.execute("SELECT 1 FROM payment_request FOR UPDATE")
            handling = asyncio.create_task(reader.handle_next())
            while not handling.done() and not await watch.fetchval(WAITS):
                await asyncio.sleep(0)
        assert await handling
    assert not caplog.records
    rows = await execute(mwanga.database.client, "SELECT tries, done_at > 0 AS done FROM notice")
    assert rows == [{"tries": 0, "done": True}]
    assert await execute(mwanga.database.client, "SELECT state FROM payment_request") == [{"state": "paid"}]


async def test_what_is_undone_by_a_deadlock_may_be_run_again(database: Database) -> None:
    async with database.work():
        await Setting.create(name="before", value="")
        with pytest.raises(OperationalError):
            async with database.part():
                await Setting.create(name="within", value="")
                raise asyncpg.DeadlockDetectedError
        await Setting.create(name="after", value="")
    assert sorted(row.name for row in await Setting.filter(name__in=["before", "within", "after"])) == [
        "after",
        "before",
    ]


async def test_a_notice_is_not_to_blame_for_a_disk_that_is_full(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pay(mwanga)
    reader = mwanga.payments.reader

    async def full(*_: object, **__: object) -> str:
        raise asyncpg.DiskFullError("could not extend file")

    with monkeypatch.context() as patched:
        patched.setattr(reader._settler, "settle", full)
        with pytest.raises(NotNow) as caught:
            await reader.handle_next()
        assert isinstance(caught.value, DatabaseAway)
    [row] = await execute(mwanga.database.client, "SELECT tries, done_at FROM notice")
    assert (row["tries"], row["done_at"]) == (0, 0)
    assert await reader.handle_next() and await notices.next_at() == 0


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_nor_for_a_file_that_can_grow_no_more(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite undoes the whole unit of work in the middle of a statement, and there is room for less."""
    await pay(mwanga)
    reader, client = mwanga.payments.reader, mwanga.database.client

    async def fills(*_: object, **__: object) -> str:
        await execute(connection(), "INSERT INTO setting (name, value) VALUES ('large', $1)", ["x" * 5_000_000])
        return "settled"

    [size] = await execute(client, "PRAGMA page_count")
    await execute(client, f"PRAGMA max_page_count = {size['page_count'] + 8}")
    with monkeypatch.context() as patched:
        patched.setattr(reader._settler, "settle", fills)
        with pytest.raises(NotNow):
            await reader.handle_next()
    [row] = await execute(client, "SELECT tries, done_at FROM notice")
    assert (row["tries"], row["done_at"]) == (0, 0)
    await execute(client, "PRAGMA max_page_count = 1000000")
    assert await reader.handle_next() and await notices.next_at() == 0
