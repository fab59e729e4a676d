"""The database, or the token journal, has no room or no time for a moment: no message is to blame, and each is answered
then."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from bot.inbound import worker
from bot.inbound.inbox import StoredSms
from bot.server import Server
from models.sql import execute
from models.tokens import journal
from models.tokens.journal import JOURNAL
from tests.world.people import PINS, Phones

FULL: dict[str, Callable[[], Exception]] = {
    "sqlite": lambda: OperationalError(sqlite3.OperationalError("database or disk is full")),
    "postgres": lambda: asyncpg.DiskFullError("could not extend file\nHINT: Check free disk space."),
}


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSES_S", (0, 0))
    monkeypatch.setattr(worker, "PAUSE_S", 0)


async def fail_to_insert(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], times: int
) -> None:
    """So many times there is no room for another message that goes out. SQLite undoes the whole transaction then."""
    async with mwanga.database.work() as db:
        kind = type(db)
    run, failing = kind.execute_many, iter(range(times))

    async def runs(self: Any, query: str, values: list[list[Any]]) -> None:
        if "INSERT INTO outbox" in query and next(failing, None) is not None:
            if mwanga.database.embedded:
                await self._connection.rollback()
            raise error()
        await run(self, query, values)

    monkeypatch.setattr(kind, "execute_many", runs)


async def test_a_message_waits_until_there_is_room_on_the_disk(
    mwanga: Server, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batch, its own unit of work three times, and so on: that it failed would find room, and be told to nobody."""
    await fail_to_insert(mwanga, monkeypatch, FULL[engine], times=9)
    assert [text[:8] for _name, text in await Phones(mwanga).text("Asha", "CASH")] == ["You hold"]
    assert await execute(mwanga.database.client, "SELECT state, aways FROM inbox") == [{"state": "done", "aways": 0}]


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("error", [asyncpg.OutOfMemoryError, asyncpg.QueryCanceledError])
async def test_what_the_database_ended_in_the_middle_is_tried_again(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    await fail_to_insert(mwanga, monkeypatch, error, times=3)
    assert [text[:8] for _name, text in await Phones(mwanga).text("Asha", "CASH")] == ["You hold"]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_what_it_ends_each_time_is_set_aside_and_told(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold up all others."""
    await fail_to_insert(mwanga, monkeypatch, asyncpg.QueryCanceledError, times=4)
    assert [text[:8] for _name, text in await Phones(mwanga).text("Asha", "CASH")] == ["Sorry, t"]


async def test_a_sale_is_tried_again_when_the_token_journal_has_no_room(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    append, failing = journal.append, iter(range(3))

    def appends(file: Path, text: str) -> None:
        if next(failing, None) is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(file, text)

    monkeypatch.setattr(journal, "append", appends)
    JOURNAL.begin([tmp_path / "tokens"])
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    assert dict(await phones.text("Asha", f"1 {PINS['Asha']}"))["Asha"].startswith("SOLD")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_message_waits_while_another_program_has_the_file(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than its three tries alone, of which none began."""
    handle, run_alone = mwanga.worker._dispatcher.handle, worker.Worker._run_message
    ask, fails_first, locked = aiosqlite.Connection.execute, iter([True]), list[bool]()

    async def handles(message: StoredSms, *about: Any) -> Any:
        if next(fails_first, False):
            raise ZeroDivisionError
        return await handle(message, *about)

    async def runs_alone(self: worker.Worker, message: StoredSms) -> None:
        locked.extend([True] * 3)
        monkeypatch.setattr(worker.Worker, "_run_message", run_alone)
        await run_alone(self, message)

    async def asks(self: aiosqlite.Connection, *statement: Any) -> Any:
        if locked and statement == ("BEGIN IMMEDIATE",):
            locked.pop()
            raise sqlite3.OperationalError("database is locked")
        return await ask(self, *statement)

    monkeypatch.setattr(mwanga.worker._dispatcher, "handle", handles)
    monkeypatch.setattr(worker.Worker, "_run_message", runs_alone)
    monkeypatch.setattr(aiosqlite.Connection, "execute", asks)
    mwanga.inbox.busy = True  # it is stored by itself, before its batch
    assert [text[:8] for _name, text in await Phones(mwanga).text("Asha", "CASH")] == ["You hold"]
