"""How often the database is asked, and with what: each unit of work with its statements, its begin and its end."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from tortoise.backends.sqlite.client import SqliteTransactionWrapper

from bot.runtime import sqlite

Unit = list[str]  # the statements of one unit of work


@dataclass
class Trips:
    """What was asked since `forget`. Of what nobody prepared yet PostgreSQL is asked once more; that is not counted."""

    units: list[Unit] = field(default_factory=list)
    _at_work: dict[Any, Unit] = field(default_factory=dict)  # by task, the one that is under way

    def forget(self) -> None:
        self.units.clear()
        self._at_work.clear()

    def note(self, statement: str) -> None:
        task, statement = asyncio.current_task(), re.sub(r"\?(\d)", r"$\1", statement)  # as it is written for both
        if statement.startswith("BEGIN") or task not in self._at_work:
            self._at_work[task] = []
            self.units.append(self._at_work[task])
        self._at_work[task].append(statement)

    def with_statement(self, part: str) -> list[Unit]:
        """The units of work that asked something like this."""
        return [unit for unit in self.units if any(part in statement for statement in unit)]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    """Count in this block, on both engines."""
    trips = Trips()
    with monkeypatch.context() as patched:
        for way in ("_execute", "_executemany"):
            patched.setattr(asyncpg.Connection, way, _noting(trips, getattr(asyncpg.Connection, way)))
        plain = asyncpg.Connection.execute

        async def execute(connection: Any, statement: str, *values: Any, **how: Any) -> Any:
            if not values:  # with values it is noted where all others are
                trips.note(statement)
            return await plain(connection, statement, *values, **how)

        patched.setattr(asyncpg.Connection, "execute", execute)
        for way in ("execute_insert", "execute_query", "execute_query_dict", "execute_many"):
            patched.setattr(sqlite._Transaction, way, _noting(trips, getattr(SqliteTransactionWrapper, way)))
        for way in ("begin", "commit"):
            patched.setattr(sqlite._Transaction, way, _noting(trips, getattr(sqlite._Transaction, way), way.upper()))
        yield trips


def _noting(trips: Trips, ask: Any, what: str = "") -> Any:
    async def noted(client: Any, *statement: Any, **how: Any) -> Any:
        trips.note(what or statement[0])
        return await ask(client, *statement, **how)

    return noted
