"""tortoise's SQLite client, durable and on the loop's own thread. (tortoise finds its migration dialect by the
word sqlite in the module's name.)"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError

WAIT_MS = 5_000  # so long for whoever has the file


class _InlineConnection(aiosqlite.Connection):
    """Runs statements on the loop's own thread: handing one to another thread and back costs 0.4 ms, twenty
    times a point query (measured; a commit with its fdatasync takes 0.3 ms). Nothing here scans a table."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._connection is None:
            raise ValueError("Connection closed")
        return fn(*args, **kwargs)

    async def _connect(self) -> "_InlineConnection":
        self._connection = self._connector()
        return self

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def executescript(self, script: str) -> None:  # type: ignore[override]
        """Run its statements one by one. sqlite3 commits before a script: of a transaction that has one in it nothing
        could be undone."""
        for statement in _statements(script):
            self._conn.execute(statement)

    def ask(self, statement: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        """The rows of a statement. What sqlite3 makes of a row looks each column up by its name: in one of forty
        columns that takes as long as the statement."""
        try:
            asked = self._conn.execute(statement, values)
            names = [column[0] for column in asked.description or ()]
            return [dict(zip(names, row, strict=True)) for row in asked]
        except sqlite3.Error as error:
            raise _by_name(error) from error

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        try:
            self._conn.executemany(statement, rows)
        except sqlite3.Error as error:
            raise _by_name(error) from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script. A trigger has semicolons of its own, and so may a text. What never ends is one too:
    SQLite says what is wrong with it."""
    begun = ""
    for part in script.split(";"):
        begun += f"{part};"
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""
    if begun:
        yield begun


def _by_name(error: sqlite3.Error) -> Exception:
    """An error by the name that tortoise has for it on both engines."""
    if isinstance(error, sqlite3.OperationalError):
        return OperationalError(error)
    return IntegrityError(error) if isinstance(error, sqlite3.IntegrityError) else error


class _Transaction(SqliteTransactionWrapper):
    _connection: _InlineConnection

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """As tortoise does it, without its lock: a transaction on the loop's own thread asks one thing at a time."""
        return self._connection.ask(query, values or ())

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        self._connection.run_many(query, values)

    async def begin(self) -> None:
        # IMMEDIATE takes the write lock now, so that whatever is read stays true until the commit, also with
        # the command line at work beside the server. A rollback that failed, on a broken disk, has left its own open.
        if self._connection.in_transaction:
            await self._connection.rollback()
        await self._connection.execute("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        """What only counts at the commit, as an entry that does not balance, leaves the transaction open in SQLite, and
        so does a full or broken disk: it is undone here, as PostgreSQL does, before anybody reads it."""
        try:
            await super().commit()
        except sqlite3.Error as error:
            await self.rollback()
            raise _by_name(error) from error


class _Context(SqliteTransactionContext):
    async def __aenter__(self) -> TransactionalDBClient:
        """Begin. Somebody else may have the file: tortoise 1.1 would keep its own lock then, and nothing more could
        begin."""
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            self._trxlock.release()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        return cast(TransactionalDBClient, self.connection)


class EmbeddedClient(SqliteClient):
    """tortoise's SQLite client over the inline connection, with durable settings. With `read_only` it changes nothing,
    and makes no file."""

    def __init__(self, file_path: str, *, read_only: bool = False, **others: Any) -> None:
        super().__init__(file_path, **others)
        self._read_only = read_only

    async def create_connection(self, with_db: bool) -> None:
        if self._connection is not None:
            return
        name = _read_only_name(Path(self.filename)) if self._read_only else self.filename
        opened = _InlineConnection(
            lambda: sqlite3.connect(name, isolation_level=None, cached_statements=512, uri=self._read_only), 64
        )
        await opened._connect()
        opened.row_factory = sqlite3.Row
        if not self._read_only:
            await _make_durable(opened)
        # What REPLACE takes away is deleted by triggers only when these may be set off by others.
        for pragma in (f"busy_timeout={WAIT_MS}", "foreign_keys=ON", "recursive_triggers=ON"):
            await opened.execute(f"PRAGMA {pragma}")
        self._connection = opened

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        async with self.acquire_connection() as connection:
            rows: list[dict[str, Any]] = connection.ask(query, values or ())
            return rows

    def _in_transaction(self) -> TransactionContext:
        return _Context(_Transaction(self), self._lock)


async def _make_durable(opened: _InlineConnection) -> None:
    """Have each commit synced (FULL): what was answered 200 survives a power cut. A new file gets its journal from
    whoever opens it; where another process does that in the same moment SQLite does not wait, since each has read what
    the other one wants to write."""
    until = time.monotonic() + WAIT_MS / 1000
    while True:
        try:
            await opened.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        await asyncio.sleep(0.01)
    await opened.execute("PRAGMA synchronous=FULL")


def _read_only_name(file: Path) -> str:
    """SQLite would make a -wal and a -shm also for a reader, and leave them there. Without a -wal nobody writes, so
    that it need not look for one."""
    alone = not Path(f"{file}-wal").exists()
    return f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"


client_class = EmbeddedClient  # where tortoise looks for an engine named by its module
