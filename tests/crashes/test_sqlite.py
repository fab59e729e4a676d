"""The embedded database, when another program has its file."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from tortoise.exceptions import OperationalError

from bot.runtime import Database
from models.settings import Setting
from tests.world.server import ROOT


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_who_waited_in_vain_works_on_when_the_file_is_free(empty_url: str) -> None:
    """An import, a backup or a copying program may hold it for longer than anybody waits."""
    async with Database(empty_url) as database:
        await database.client.execute_query("PRAGMA busy_timeout=0")
        other = sqlite3.connect(empty_url.removeprefix("sqlite://"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="database is locked"):
            async with database.work():
                raise AssertionError("the other one has it")
        other.close()
        async with asyncio.timeout(60), database.work():
            await Setting.create(name="now", value="free")
        assert await Setting.filter(name="now").count() == 1


async def test_a_commit_that_failed_is_undone_before_anybody_reads_it(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full or broken disk: SQLite leaves what was begun open, and would let nobody begin again."""
    async with Database(empty_url) as database:
        with monkeypatch.context() as broken, pytest.raises(OperationalError, match="disk I/O"):
            broken.setattr(aiosqlite.Connection, "commit", _fails)
            async with database.work():
                await Setting.create(name="lost", value="x")
        assert not await Setting.filter(name="lost").exists()
        async with database.work():
            await Setting.create(name="now", value="well")
        assert await Setting.filter(name__in=["lost", "now"]).values_list("name", flat=True) == ["now"]


async def test_a_script_is_undone_with_its_transaction(empty_url: str) -> None:
    """sqlite3 by itself commits before a script, and all in it as it goes."""
    noting = "CREATE TRIGGER one AFTER INSERT ON word BEGIN DELETE FROM word WHERE text = ';'; DELETE FROM setting; END"
    async with Database(empty_url) as database:
        with pytest.raises(RuntimeError, match="the lights went out"):
            async with database.work() as opened:
                await opened.execute_script(f"CREATE TABLE word (text TEXT); {noting}; INSERT INTO word VALUES ('a;b')")
                assert not await Setting.exists()
                raise RuntimeError("the lights went out")
        assert await Setting.exists()
        assert not await database.client.execute_query_dict("SELECT 1 FROM sqlite_master WHERE name IN ('word', 'one')")


@pytest.mark.parametrize("broken", ["INSERT INTO word VALUES ('a)", "CREATE TRIGGER one AFTER DELETE ON word BEGIN"])
async def test_a_statement_of_a_script_that_never_ends_is_not_passed_over(empty_url: str, broken: str) -> None:
    """A step with a quote too few would be noted as taken."""
    async with Database(empty_url) as database:
        with pytest.raises(OperationalError):
            await database.client.execute_script(f"CREATE TABLE word (text TEXT); {broken}")
        await database.client.execute_script("INSERT INTO word VALUES ('b'); -- a remark at the end")
        assert await database.client.execute_query_dict("SELECT text FROM word") == [{"text": "b"}]


async def test_whoever_comes_next_undoes_what_a_broken_disk_left_open(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(empty_url) as database:
        with monkeypatch.context() as broken, pytest.raises(sqlite3.OperationalError, match="disk I/O"):
            broken.setattr(aiosqlite.Connection, "commit", _fails)
            broken.setattr(aiosqlite.Connection, "rollback", _fails)
            async with database.work():
                await Setting.create(name="lost", value="x")
        async with database.work():
            await Setting.create(name="now", value="well")
        assert await Setting.filter(name__in=["lost", "now"]).values_list("name", flat=True) == ["now"]


async def test_who_opens_a_new_file_waits_for_who_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself would not: two that open a new file at once would wait for each other."""
    tried, execute = asyncio.Event(), aiosqlite.Connection.execute

    def noted(connection: aiosqlite.Connection, statement: str, *values: Any) -> Any:
        if "journal_mode" in statement:
            tried.set()
        return execute(connection, statement, *values)

    monkeypatch.setattr(aiosqlite.Connection, "execute", noted)
    other = sqlite3.connect(tmp_path / "mwanga.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opening = asyncio.create_task(_opens(f"sqlite://{tmp_path}/mwanga.db"))
    async with asyncio.timeout(60):
        await tried.wait()
        other.execute("CREATE TABLE word (text TEXT)")
        other.execute("COMMIT")
        await opening
    other.close()


async def _opens(url: str) -> None:
    async with Database(url) as database:
        assert await database.client.execute_query_dict("PRAGMA journal_mode") == [{"journal_mode": "wal"}]


async def _fails(_connection: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


MIGRATE = """
import asyncio, sys
from bot.runtime.database import Database
async def migrate():
    async with Database(sys.argv[1]) as database:
        await database.migrate()
asyncio.run(migrate())
"""


@pytest.mark.slow
async def test_processes_that_start_at_once_make_one_database(tmp_path: Path) -> None:
    """The office brings data while the server starts for the first time."""
    both = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, f"sqlite://{tmp_path}/mwanga.db", cwd=ROOT)
        for _process in range(2)
    ]
    assert [await process.wait() for process in both] == [0, 0]
