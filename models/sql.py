"""Plain SQL over the tortoise connection, and what differs between the two engines.

Statements are written once with PostgreSQL's `$1`; SQLite gets `?1`. The business keeps days and moments, which SQLite
has as text; the tables of the machinery keep milliseconds since 1970 (UTC), which both engines compare alike.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.models import Model

T = TypeVar("T")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def connection() -> BaseDBAsyncClient:
    """The current transaction's connection, or the database's own outside of one."""
    unit = _UNIT.get()
    return get_connection("default") if unit is None else unit.connection


def on_postgres() -> bool:
    return connection().capabilities.dialect == "postgres"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def ms_of(moment: datetime) -> int:
    """A moment in milliseconds since 1970 (UTC)."""
    return int(moment.timestamp() * 1000)


def read_day(stored: date | str) -> date:
    """A day as a row has it: PostgreSQL gives a date, SQLite the text of one."""
    return date.fromisoformat(stored) if isinstance(stored, str) else stored


def read_moment(stored: datetime | str) -> datetime:
    """A moment as a row has it: PostgreSQL gives a datetime, SQLite the text of one."""
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored


def ending_of(column: str, length: str) -> str:
    """The SQL for the last characters of a column; `length` may be a parameter. Indexes are made of this very text."""
    return f"right({column}, {length})" if on_postgres() else f"substr({column}, -{length})"


def lower_of(column: str) -> str:
    """The SQL for a column in small ASCII letters, compared byte by byte. Indexes are made of this very text."""
    return f'lower({column} COLLATE "C")' if on_postgres() else f"lower({column})"


def ms_between(earlier: str, later: str) -> str:
    """The SQL for the milliseconds from one moment of the business to another."""
    if on_postgres():
        return f"CAST(ROUND(1000 * EXTRACT(EPOCH FROM {later} - {earlier})) AS BIGINT)"
    return f"CAST(ROUND({DAY_MS} * (julianday({later}) - julianday({earlier}))) AS INTEGER)"


def for_update(*, skip_locked: bool = False) -> str:
    """The end of a SELECT whose rows are held until the commit, passing over those that another process holds. SQLite
    has one writer and needs none."""
    if not on_postgres():
        return ""
    return " FOR UPDATE SKIP LOCKED" if skip_locked else " FOR UPDATE"


@lru_cache(maxsize=4096)
def marks(count: int, start: int = 1) -> str:
    """`$1,$2,…` for a list of values."""
    return ",".join(f"${n}" for n in range(start, start + count))


@lru_cache(maxsize=1024)
def row_marks(rows: int, columns: int) -> str:
    """`($1,$2),($3,$4),…` for a VALUES list."""
    return ",".join(f"({marks(columns, row * columns + 1)})" for row in range(rows))


def listed_rows(rows: Sequence[Sequence[Any]], kinds: Sequence[str]) -> tuple[str, list[Any]]:
    """The SQL for these rows, as it stands behind INSERT INTO or in WITH, and their values; `kinds` are the types of
    the columns as PostgreSQL calls them. It gets a list for each column: one statement, prepared once, for any number
    of rows. With VALUES each number had its own, and those that one connection keeps of the inbox's alone took 56 MB.
    SQLite has no lists."""
    if not on_postgres():
        return "VALUES " + row_marks(len(rows), len(kinds)), [value for row in rows for value in row]
    return _of_lists(tuple(kinds)), [list(column) for column in zip(*rows, strict=True)]


@cache
def _of_lists(kinds: tuple[str, ...]) -> str:
    names = ", ".join(f"column{n}" for n, _kind in enumerate(kinds, 1))  # as VALUES calls them
    lists = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(kinds, 1))
    return f"SELECT {names} FROM unnest({lists}) AS listed ({names})"


@lru_cache(maxsize=1024)
def _for_sqlite(statement: str) -> str:
    return re.sub(r"\$(\d+)", r"?\1", statement)


async def execute(db: BaseDBAsyncClient, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Run one statement and return its rows (those of RETURNING included). SQLite has no types for moments and days:
    tortoise has told sqlite3 to keep them as text, which sorts."""
    if db.capabilities.dialect == "sqlite":
        statement = _for_sqlite(statement)
    # not execute_query: on PostgreSQL it drops the rows of an UPDATE's RETURNING
    return await db.execute_query_dict(statement, list(values))


@cache
def columns_of(model: type[Model], table: str = "") -> str:
    """The columns of a model, by name: a column that a newer version has added is not read. With `table` each stands
    behind it. Not for module level: tortoise adds the columns of foreign keys when it starts. The order is that of
    their names, so that a database which counts statements knows them again after a restart."""
    return ", ".join(f"{table}.{column}" if table else column for column in sorted(model._meta.db_fields))


async def insert(table: str, **values: Any) -> int:
    """Add a row in the current transaction; its id."""
    statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks(len(values))}) RETURNING id"
    rows = await execute(connection(), statement, list(values.values()))
    return int(rows[0]["id"])


async def change(table: str, row: int, **values: Any) -> None:
    """Change a row in the current transaction, by its id."""
    await execute(connection(), _changing(table, tuple(values)), [row, *values.values()])


@lru_cache(maxsize=1024)
def _changing(table: str, columns: tuple[str, ...]) -> str:
    return f"UPDATE {table} SET {', '.join(f'{column} = ${n}' for n, column in enumerate(columns, 2))} WHERE id = $1"


async def execute_many(db: BaseDBAsyncClient, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for each row, in one trip to the database."""
    if db.capabilities.dialect == "sqlite":
        statement = _for_sqlite(statement)
    if rows:
        await db.execute_many(statement, [list(row) for row in rows])


@dataclass(frozen=True)
class IdOf:
    """The id of the row that an earlier one of the same Steps adds; or a text, with the id in the place of {}."""

    step: int
    text: str = ""

    def within(self, text: str) -> "IdOf":
        return IdOf(self.step, text)


class Steps:
    """Statements that belong together, in one trip to PostgreSQL. A value may be the IdOf a row that an earlier one of
    them adds; other than that none sees there what another one wrote, and of two that change the same row only one
    would count: `change` refuses to change a row for a second time."""

    def __init__(self) -> None:
        self.ids: dict[IdOf, int] = {}  # of the rows that were added, when all have run
        self._steps: list[tuple[str, Sequence[Any]]] = []
        self._adding: list[IdOf] = []
        self._changed: set[tuple[str, int]] = set()  # rows by table and id

    def add(self, table: str, **values: Any) -> IdOf:
        """Add a row."""
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks(len(values))}) RETURNING id"
        return self.add_by(statement, [*values.values()])

    def add_by(self, statement: str, values: Sequence[Any]) -> IdOf:
        """Add a row by this statement, which returns its id."""
        self._adding.append(IdOf(len(self._steps)))
        self.add_all(statement, values)
        return self._adding[-1]

    def add_all(self, statement: str, values: Sequence[Any]) -> None:
        """Add rows by this statement, to which nothing points."""
        self._steps.append((statement, values))

    def change(self, table: str, row: int, **values: Any) -> None:
        """Change a row that there was before, by its id. Raises ValueError for one that is changed already."""
        if (table, row) in self._changed:
            raise ValueError(f"{table} {row} is changed twice in one trip, and only one of both would count")
        self._changed.add((table, row))
        self._steps.append((_changing(table, tuple(values)), [row, *values.values()]))

    async def run(self) -> None:
        """Run them all; one of them adds a row."""
        await (self._run_as_one() if on_postgres() else self._run_one_by_one())

    async def _run_as_one(self) -> None:
        steps: list[str] = []
        values: list[Any] = []
        for statement, own in self._steps:
            ids = tuple(value if isinstance(value, IdOf) else None for value in own)
            steps.append(f"step{len(steps)} AS ({_with_ids(statement, ids, len(values))})")
            values += [value.text if isinstance(value, IdOf) else value for value in own if _takes_value(value)]
        wanted = ", ".join(f"{_id_of(added)} AS id{added.step}" for added in self._adding)
        [row] = await execute(connection(), f"WITH {', '.join(steps)} SELECT {wanted}", values)
        self.ids = {added: int(row[f"id{added.step}"]) for added in self._adding}

    async def _run_one_by_one(self) -> None:
        for step, (statement, own) in enumerate(self._steps):
            values = [self._known(value) if isinstance(value, IdOf) else value for value in own]
            rows = await execute(connection(), statement, values)
            if (added := IdOf(step)) in self._adding:
                self.ids[added] = int(rows[0]["id"])

    def number_of(self, value: int | IdOf) -> int:
        """An id, which all of them have to have run to know."""
        return self.ids[value] if isinstance(value, IdOf) else value

    def _known(self, value: IdOf) -> int | str:
        found = self.ids[IdOf(value.step)]
        return value.text.replace("{}", str(found)) if value.text else found


def _takes_value(value: Any) -> bool:
    """Whether a value of a step stays one in the statement of them all: an id alone is asked for there."""
    return not isinstance(value, IdOf) or bool(value.text)


def _id_of(added: IdOf) -> str:
    return f"(SELECT id FROM step{added.step})"


@lru_cache(maxsize=1024)
def _with_ids(statement: str, ids: tuple[IdOf | None, ...], before: int) -> str:
    """The same statement behind so many values of others, with ids of other steps where there are some."""
    put: list[str] = []
    for one in ids:
        before += _takes_value(one)
        if one is None:
            put.append(f"${before}")
        else:
            put.append(f"replace(${before}, '{{}}', CAST({_id_of(one)} AS TEXT))" if one.text else _id_of(one))
    return re.sub(r"\$(\d+)", lambda found: put[int(found[1]) - 1], statement)


def cut(text: str, length: int) -> str:
    """Text from outside as a column of this length takes it: PostgreSQL would refuse the whole batch, and no database
    stores half a character, which JSON can spell."""
    return text.replace("\0", "").encode(errors="replace").decode()[:length]


# In which order rows are held.
LOCKS = (
    *("payment_request", "receipt_text", "receipt_wallet", "payment"),
    *("agent", "device", "customer", "contract", "ticket", "phone"),
)


@dataclass(frozen=True)
class Rows:
    """The rows of a table for which an SQL condition is true."""

    table: str
    condition: str
    values: Sequence[Any]


async def lock_rows(table: str, condition: str, values: Sequence[Any]) -> None:
    """Hold these rows until the commit, the smallest id first, so that nobody ends in a deadlock. SQLite has one writer
    and needs no lock.

    Within a unit of work only the first to sell waits for rows, in the order of LOCKS. Whatever would be held out of
    this order, as by the second of a batch, is held at once or not at all: two batches that wait for each other would
    both stand still for a second until PostgreSQL ended one of them. When somebody else has such a row the unit of work
    raises OperationalError: the batch is undone and each of it runs alone. Who is alone waits for whatever it holds:
    a good sale must not fail because somebody else is busy.

    NO KEY: a row that points at this one, as a new ticket at its customer, has not to wait.
    """
    if on_postgres():
        await execute(connection(), f"SELECT 1 FROM {table} WHERE {condition} ORDER BY id{holding(table)}", values)


async def lock_all(*wanted: Rows) -> None:
    """The same for rows of several tables, in their order in LOCKS, in one trip to the database: it works through the
    questions of a statement from the first to the last."""
    if not on_postgres():
        return
    held: list[str] = []
    values: list[Any] = []
    for rows in sorted(wanted, key=lambda rows: LOCKS.index(rows.table)):
        condition = _numbered_from(rows.condition, len(values))
        held.append(f"SELECT 1 FROM {rows.table} WHERE {condition} ORDER BY id{holding(rows.table)}")
        values += rows.values
    each = ", ".join(f"held{n} AS MATERIALIZED ({one})" for n, one in enumerate(held))
    counts = ", ".join(f"(SELECT COUNT(*) FROM held{n})" for n in range(len(held)))
    await execute(connection(), f"WITH {each} SELECT {counts}", values)


def holding(table: str) -> str:
    """The end of a SELECT from this table alone whose rows are held as `lock_rows` does it."""
    if not on_postgres():
        return ""
    unit = unit_of_work()
    wait = "" if unit is None or unit.alone or LOCKS.index(table) > unit.locked else " NOWAIT"
    note_held(table)
    return f" FOR NO KEY UPDATE{wait}"


def holding_free() -> str:
    """The end of a SELECT whose rows are held, but for those that somebody else has: it waits for nobody. `note_held`
    when there was any."""
    return " FOR NO KEY UPDATE SKIP LOCKED" if on_postgres() else ""


def note_held(table: str) -> None:
    """This unit of work holds rows of this table: it waits for none that come before in LOCKS."""
    if unit := unit_of_work():
        unit.locked = max(unit.locked, LOCKS.index(table))


@lru_cache(maxsize=1024)
def _numbered_from(condition: str, before: int) -> str:
    """The same condition behind so many values of others."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + before}", condition)


AtEnd = Callable[[Sequence[Any]], Awaitable[None]]


async def once(question: str, ask: Callable[[], Awaitable[T]]) -> T:
    """What is asked at every message and is the same for all of a unit of work: as it was answered first in it."""
    unit = unit_of_work()
    if unit is None:
        return await ask()
    if question not in unit.seen:
        unit.seen[question] = await ask()
    answer: T = unit.seen[question]
    return answer


Key = TypeVar("Key", int, str)
Each = Callable[[Sequence[Key]], Awaitable[dict[Key, T]]]


def expect(what: str, keys: Iterable[Key]) -> None:
    """This unit of work is about these, by their ids or phones: what is asked of one will be asked of others."""
    if unit := unit_of_work():
        unit.expected.setdefault(what, set()).update(keys)


async def ask_together(question: str, own: Collection[Key], ask: Each[Key, T], *, of: str) -> dict[Key, T]:
    """What is asked of each of these: the first who asks it in a unit of work asks for all that it expects, so that the
    others have their answers already. Each answer is given once."""
    unit = unit_of_work()
    if unit is None:
        return await ask(sorted(own))
    if question not in unit.ahead:
        about: set[Key] = unit.expected.get(of, set()).union(own)
        unit.ahead[question] = await ask(sorted(about))
    known: dict[Key, T] = unit.ahead[question]
    if missing := [key for key in own if key not in known]:
        known |= await ask(missing)
    return {key: known.pop(key) for key in own}


def tell_after_commit(what: str) -> None:
    """Whoever waits for this (`Database.on_commit`) hears of it when this unit of work is committed."""
    if unit := unit_of_work():
        unit.news.add(what)


def forget_ahead() -> None:
    """Something may change from here on: what was asked ahead for others counts no more."""
    if unit := unit_of_work():
        unit.expected.clear()
        unit.ahead.clear()


class UnitOfWork:
    """What is known of a unit of work until its commit."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self.connection = connection
        self.locked = -1  # the place in LOCKS of what is held
        self.alone = False  # it handles what one person said; crossed with another one it is ended, and run again
        self.seen: dict[object, Any] = {}  # what may change meanwhile, and stays to the end as it was seen first
        self.expected: dict[str, set[Any]] = {}  # what it is about, by ids or phones
        self.ahead: dict[str, dict[Any, Any]] = {}  # what was asked of them already, by question
        self.news: set[str] = set()  # what somebody waits for, to be told after the commit
        self._ends: dict[str, tuple[AtEnd, list[Any]]] = {}
        self._very_ends: dict[str, tuple[AtEnd, list[Any]]] = {}

    def at_end(self, name: str, work: AtEnd, *, last: bool = False) -> list[Any]:
        """What this work is to be called with, once, right before the commit: a list to append to. What holds rows that
        everybody wants comes `last`, and so does what builds on all the rest."""
        return (self._very_ends if last else self._ends).setdefault(name, (work, []))[1]

    async def do_now(self, name: str) -> None:
        """Do what was left for the end under this name, for somebody has to see it before that."""
        if name in self._ends:
            work, values = self._ends[name]
            due, values[:] = [*values], []  # more may come
            await work(due)

    async def end(self) -> None:
        """Do what was left for the end."""
        for work, values in self._ends.values():
            await work(values)
        for work, values in self._very_ends.values():
            await work(values)


_UNIT: ContextVar[UnitOfWork | None] = ContextVar("unit of work", default=None)


def unit_of_work() -> UnitOfWork | None:
    """The one under way; None in a transaction that nobody told of it."""
    return _UNIT.get()


@asynccontextmanager
async def begin_unit_of_work(connection: BaseDBAsyncClient) -> AsyncIterator[UnitOfWork]:
    """Around all that is committed together, inside its transaction, on this connection."""
    unit = UnitOfWork(connection)
    before = _UNIT.get()
    if before:
        unit.seen = before.seen
    _UNIT.set(unit)
    try:
        yield unit
        await unit.end()
        if before:
            before.news |= unit.news
    finally:
        _UNIT.set(before)
