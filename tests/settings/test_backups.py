"""A copy of the database that the office asks for: whole, read again, noted, and never two at once."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import assembled
from bot.config import load
from bot.runtime import backups
from bot.runtime.addresses import sqlite_file
from bot.runtime.backups import NotCopied, Running, back_up
from bot.server import Server
from models.settings import last_backup
from models.sql import execute, now_ms


@pytest.fixture(params=["sqlite"])  # PostgreSQL has its own
def engine() -> str:
    return "sqlite"


async def test_a_copy_is_whole_and_the_database_knows_of_it(mwanga: Server, tmp_path: Path) -> None:
    assert await last_backup() is None
    copied = await back_up(mwanga.database.url, tmp_path)
    assert [copied.file] == list(tmp_path.glob("mwanga-*"))
    assert copied.file.stat().st_mode & 0o777 == 0o600
    kept = await last_backup()
    assert kept is not None and kept[1:] == (copied.size, copied.file.name) and now_ms() - kept[0] < 60_000
    async with assembled(load(database=f"sqlite://{copied.file}"), serving=False, handling=False) as other:
        assert len(await execute(other.database.client, "SELECT 1 FROM agent")) == 3


async def test_two_at_once_make_one(mwanga: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = asyncio.create_task(back_up(mwanga.database.url, tmp_path))
    await asyncio.sleep(0)
    with pytest.raises(Running, match="A copy is being made already"):
        await back_up(mwanga.database.url, tmp_path)
    await one
    with closing(sqlite3.connect(sqlite_file(mwanga.database.url))) as opened:
        opened.execute("SELECT 1")  # whoever reads it meanwhile is not shut out


async def test_a_copy_that_does_not_add_up_is_none(
    mwanga: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find_fault(_ask: object) -> str:
        return "Entry 7 does not add up"

    monkeypatch.setattr(backups, "find_fault", find_fault)
    with pytest.raises(NotCopied, match=r"There is no copy: Entry 7 does not add up\."):
        await back_up(mwanga.database.url, tmp_path)
    assert not list(tmp_path.glob("mwanga-*")) and await last_backup() is None


async def test_without_its_folder_there_is_no_copy_and_it_is_said(mwanga: Server, tmp_path: Path) -> None:
    with pytest.raises(NotCopied, match="There is no copy: unable to open database file"):
        await back_up(mwanga.database.url, tmp_path / "not here")


async def test_a_copy_that_is_stopped_leaves_nothing(
    mwanga: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = asyncio.Event()

    async def verify_for_ever(_copy: Path) -> None:
        copied.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(backups, "_verify", verify_for_ever)
    one = asyncio.create_task(back_up(mwanga.database.url, tmp_path))
    await copied.wait()
    assert list(tmp_path.glob("mwanga-*"))
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    assert not list(tmp_path.glob("mwanga-*"))


async def test_a_copy_ends_when_it_is_given_up(mwanga: Server, tmp_path: Path) -> None:
    given_up = threading.Event()
    given_up.set()
    with pytest.raises(NotCopied, match="it was stopped"):
        backups.copy_file(sqlite_file(mwanga.database.url), tmp_path / "copy.db", given_up)
