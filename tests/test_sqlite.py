"""The embedded database, when another program has its file."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot.database import Database
from models.messages import Setting


async def test_who_waited_in_vain_works_on_when_the_file_is_free(tmp_path: Path) -> None:
    """An import, a backup or a copying program may hold it for longer than anybody waits."""
    path = tmp_path / "mwanga.db"
    async with Database(f"sqlite://{path}") as database:
        await database.migrate()
        await database.client.execute_query("PRAGMA busy_timeout=0")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            async with database.work():
                raise AssertionError("the other one has it")
        other.close()
        async with asyncio.timeout(5), database.work():
            await Setting.create(name="now", value="free")
        assert await Setting.filter(name="now").count() == 1
