"""The database: open it, bring its tables up to date, and run one unit of work in one transaction."""

import asyncio
import fcntl
import os
import pkgutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from bot.runtime.addresses import check_address, connect_arguments, is_embedded, most_connections, shown, sqlite_file
from bot.runtime.steps import Steps
from models import TABLES, migrations
from models.sql import UnitOfWork, begin_unit_of_work, connection, execute

APPS = {"models": {"models": TABLES, "default_connection": "default", "migrations": "models.migrations"}}
TORTOISE = {"connections": {"default": "sqlite://:memory:"}, "apps": APPS}  # for tortoise's `makemigrations`


MIGRATION_LOCK = 7269420  # any number, the same in every process
# Whoever says nothing for so long within a unit of work hangs, or its machine is cut off. PostgreSQL would not notice
# for hours, and all that while the locks of that unit would hold up every other server.
SILENT_MS = 15_000


AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asking a connection that has just gone, before it knows
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # after SILENT_MS
)


MIGRATIONS = {module.name for module in pkgutil.iter_modules(migrations.__path__)}
OTHER_VERSION = (
    "Another version of Mwanga made this database (it knows {unknown}, which this one does not). Use that version, or"
    " go back to a backup from before."
)
NOT_MIGRATED = (
    "{database} cannot be brought up to date ({error}). Nothing is changed in it: the version before can go on with it."
)
NOT_UTF8 = (
    "{database} is in {encoding}, which has not all letters that people write, so that their texts could not be stored."
    " Make it in UTF8, as the statements of `mwanga setup postgres` do."
)
# Between two steps the program is at work itself, and on a slow machine for longer than SILENT_MS.
NEVER_SILENT = "SET LOCAL idle_in_transaction_session_timeout = 0"
# What may be run again. Two units of work want the same rows: they waited for each other in a deadlock, or one would
# have (models/sql.py). Or the database had no memory left, or somebody, or a limit of time, ended what it was asked.
AGAIN = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.OutOfMemoryError,
    asyncpg.QueryCanceledError,
)


class DatabaseError(Exception):
    """The database cannot be used; the text says why in one sentence."""


class DatabaseAway(Exception):
    """The connection to the database broke; nothing that was begun on it is there, but for an OutcomeUnknown."""


class NotNow(DatabaseAway, OperationalError):
    """Its disk is full, or another program has its file: nothing that was begun is there, and it may be run again."""


class OutcomeUnknown(DatabaseAway):
    """The connection broke while the work was committed: all of it is there, or nothing."""


def tortoise_config(url: str, *, read_only: bool = False) -> dict[str, Any]:
    """Our database address as tortoise's configuration. Raises DatabaseError for one that cannot be."""
    try:
        check_address(url)
    except ValueError as error:
        raise DatabaseError(f"MWANGA_DATABASE: {error}") from error
    if is_embedded(url):
        return _config(
            {
                "engine": "bot.runtime.sqlite",
                "credentials": {"file_path": str(sqlite_file(url)), "read_only": read_only},
            }
        )
    credentials = connect_arguments(url) | {
        # tortoise would give its own defaults for these; asyncpg takes them from the address
        "host": None,
        "port": 0,
        "minsize": 1,
        "maxsize": most_connections(url),
        "server_settings": {
            "idle_in_transaction_session_timeout": str(SILENT_MS),
            "default_transaction_read_only": "on" if read_only else "off",
            # What was answered is on the disk, and a statement sees what others committed, whatever the server's usual.
            "synchronous_commit": "on",
            "default_transaction_isolation": "read committed",
        },
    }
    return _config({"engine": "bot.runtime.over_asyncpg", "credentials": credentials})


def _config(connection: dict[str, Any]) -> dict[str, Any]:
    return {"connections": {"default": connection}, "apps": APPS, "use_tz": True}


class Database:
    """An open database. Entering it makes it the one that the models of this context use. One that is opened
    `read_only` is not changed by anything, and not made when it is not there."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url, self._read_only = url, read_only
        self.on_commit: dict[str, Callable[[], None]] = {}  # who waits for what (`tell_after_commit`)
        self._context = TortoiseContext()

    @property
    def embedded(self) -> bool:
        return is_embedded(self.url)

    async def __aenter__(self) -> "Database":
        EXECUTOR_CACHE.clear()  # tortoise keeps statements by table alone, those of another engine too
        try:
            await self._context.__aenter__()
            await self._context.init(config=tortoise_config(self.url, read_only=self._read_only))
            await self.client.execute_query("SELECT 1")
        except DatabaseError:
            raise
        except Exception as error:
            await self._context.__aexit__(None, None, None)
            folder = sqlite_file(self.url).parent
            why = f"there is no folder {folder}" if self.embedded and not folder.exists() else str(error)
            raise DatabaseError(f"The database {shown(self.url)} cannot be opened: {why}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._context.__aexit__(None, None, None)

    @property
    def client(self) -> BaseDBAsyncClient:
        return self._context.db("default")

    async def migrate(self) -> None:
        """Bring the tables up to date. Several processes may start at once: one does it, the others wait.

        Raises DatabaseError when another version of Mwanga made the tables in a way that this one does not know."""
        if await self._is_up_to_date():
            return
        if self.embedded:
            async with self._alone():
                await self._migrate()
            return
        lock = await asyncpg.connect(**connect_arguments(self.url))
        try:
            await lock.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
            await self._migrate()
        finally:
            await lock.close()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Locks the folder of an embedded database, for a lock on the file itself would be in SQLite's way."""
        folder = os.open(sqlite_file(self.url).parent, os.O_RDONLY)
        try:
            await asyncio.to_thread(fcntl.flock, folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    async def _migrate(self) -> None:
        """All steps, and the notes that they were taken, are one unit of work. A server that dies among them, or a disk
        that is full, has changed nothing: the next start begins again, and the version before can go on."""
        if await self._is_up_to_date():
            return
        if await self._applied() is None and (fault := await self.find_encoding_fault()):
            raise DatabaseError(fault)
        try:
            async with self.work() as opened:
                if not self.embedded:
                    await opened.execute_script(NEVER_SILENT)
                await Steps(opened, APPS).take_all()
        except (OperationalError, sqlite3.Error, asyncpg.PostgresError, ValueError) as error:
            why = str(error).partition("\n")[0]  # PostgreSQL has hints below
            raise DatabaseError(NOT_MIGRATED.format(database=shown(self.url), error=why)) from error

    async def _is_up_to_date(self) -> bool:
        """Whether all steps that we know made its tables. Raises DatabaseError for one that we do not know."""
        applied = await self._applied() or set()
        if unknown := applied - MIGRATIONS:
            raise DatabaseError(OTHER_VERSION.format(unknown=min(unknown)))
        return applied == MIGRATIONS

    async def check(self, *, older: bool = False) -> None:
        """Look at it without changing it. Raises DatabaseError when it is broken, has no tables yet, or was made by a
        newer version; also by an `older` one, unless that may be."""
        try:
            broken = await self._find_damage() if self.embedded else ""
            applied = await self._applied()
        except sqlite3.DatabaseError as error:
            broken = str(error)
        if broken:
            raise DatabaseError(f"{shown(self.url)} is damaged ({broken}): go back to a backup.")
        if applied is None:
            raise DatabaseError(f"{shown(self.url)} has no tables of Mwanga: `mwanga migrate` makes them.")
        if unknown := applied - MIGRATIONS:
            raise DatabaseError(OTHER_VERSION.format(unknown=min(unknown)))
        if not older and MIGRATIONS - applied:
            raise DatabaseError(f"{shown(self.url)} is of an older version: `mwanga migrate` brings it up to date.")

    async def _applied(self) -> set[str] | None:
        """The steps that made its tables, None where there are no tables. Raises DatabaseError when they cannot be
        read."""
        try:
            return {row["name"] for row in await execute(self.client, "SELECT name FROM tortoise_migrations")}
        except OperationalError as error:
            if _is_without_tables(error):
                return None
            raise DatabaseError(f"{shown(self.url)} cannot be read: {error}.") from error

    async def find_encoding_fault(self) -> str:
        """Why texts of people could not be stored in it; nothing where it has all letters."""
        if self.embedded:
            return ""
        [found] = await execute(self.client, "SHOW server_encoding")
        encoding = found["server_encoding"]
        return "" if encoding == "UTF8" else NOT_UTF8.format(database=shown(self.url), encoding=encoding)

    async def _find_damage(self) -> str:
        """The first fault of a SQLite file, if there is any."""
        [found] = await execute(self.client, "PRAGMA integrity_check(1)")
        said = " ".join(str(found["integrity_check"]).split())  # it may have two lines
        return "" if said == "ok" else said

    @asynccontextmanager
    async def work(self) -> AsyncIterator[BaseDBAsyncClient]:
        """One unit of work: everything inside is committed together, or nothing is.

        Raises DatabaseAway when the connection broke, NotNow when the disk is full: nothing that was done inside is to
        blame. OutcomeUnknown is one that broke at the commit. OperationalError is what may be run again.
        """
        away: type[DatabaseAway] = DatabaseAway
        try:
            async with in_transaction() as opened, begin_unit_of_work(opened) as unit:
                yield opened
                away = OutcomeUnknown
        except Exception as error:
            if again := _find_again(error):
                raise again from error
            if _is_away(error):
                raise away(type(error).__name__) from error
            raise
        for what in unit.news:
            if tell := self.on_commit.get(what):
                tell()

    @asynccontextmanager
    async def one_statement(self) -> AsyncIterator[None]:
        """A unit of work of a single statement. PostgreSQL commits that by itself before it answers: the begin and the
        end of a transaction would be two trips more. Raises OutcomeUnknown when the connection broke."""
        if self.embedded:
            async with self.work():
                yield
            return
        try:
            yield
        except Exception as error:
            if _is_away(error):
                raise OutcomeUnknown(type(error).__name__) from error
            raise

    @asynccontextmanager
    async def part(self) -> AsyncIterator[UnitOfWork]:
        """A part of the unit of work that is under way: when it raises it is undone alone, and what the unit holds
        stays held. OperationalError is what may be run again; NotNow ends the unit as well."""
        db = connection()
        await db.execute_query("SAVEPOINT part")
        try:
            async with begin_unit_of_work(db) as unit:
                yield unit
        except Exception as error:
            again = _find_again(error)
            # A full disk may have had SQLite undo the whole unit: then it knows no part any more.
            with suppress(OperationalError) if isinstance(again, NotNow) else nullcontext():
                await db.execute_query("ROLLBACK TO SAVEPOINT part")
            if again:
                raise again from error
            raise
        await db.execute_query("RELEASE SAVEPOINT part")


def _is_without_tables(error: OperationalError) -> bool:
    """Whether there is no such table, and not that this user may not read it."""
    return isinstance(error.args[0], asyncpg.UndefinedTableError) or "no such table" in str(error)


def _find_again(error: Exception) -> OperationalError | None:
    """What may be run again, by its name on both engines."""
    if _can_nobody_now(error):
        return NotNow(str(error).partition("\n")[0])  # PostgreSQL has hints below
    return OperationalError(error) if isinstance(error, AGAIN) else None


def _can_nobody_now(error: Exception) -> bool:
    """Whether there is no room on the disk of the database, or another program has its file."""
    said = error.args[0] if isinstance(error, OperationalError) and error.args else error
    in_sqlite = isinstance(said, sqlite3.Error) and any(word in str(said) for word in ("disk is full", "is locked"))
    return in_sqlite or isinstance(said, asyncpg.DiskFullError)


def _is_away(error: BaseException | None) -> bool:
    """Whether a broken connection is behind this error. asyncpg's errors for bad values are ValueErrors too."""
    while error:
        if isinstance(error, AWAY) and not isinstance(error, ValueError):
            return True
        error = error.__cause__ or error.__context__
    return False


class OneServer:
    """Keeps a second server off an embedded database: one process writes to a SQLite file (a second one costs
    all of them their speed, and would take over messages that are being sent). The lock is beside the file itself, by
    whatever link it is reached."""

    def __init__(self, url: str) -> None:
        self._path = Path(f"{sqlite_file(url).resolve()}.lock")
        self._file: IO[str] | None = None

    def __enter__(self) -> "OneServer":
        """Raises DatabaseError where another one serves it, and where nothing can be written."""
        try:
            self._file = self._path.open("w")
        except OSError as error:
            raise DatabaseError(f"{self._path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DatabaseError(f"Another mwanga serves {self._path.with_suffix('')} already.") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
