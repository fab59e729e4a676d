"""A server at work asks nothing that reads the whole of a table that grows: neither while it answers, nor by the clock.

Every statement of a day (tests/world/working_day.py) is noted as it is sent, also as it is sent for many at once, so
one that is new is tried here without being named. These are what runs again and again; those of pages stand in
tests/office/test_money_plans.py and test_message_plans.py. What reads everything by its nature, as the books at night,
does so on a connection of its own beside all work (bot/runtime/aside.py), and is not looked at."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiosqlite
import asyncpg
import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper

from bot.android.queue import MESSAGE, PULLED
from bot.inbound.inbox import WRITE_OUTCOME
from bot.inbound.ussd import KEEP
from bot.outbound.queue import WRITE_SENT
from bot.outbound.receipts import FIND, FIND_OURS
from bot.runtime import Database
from bot.runtime.addresses import connect_arguments
from bot.runtime.over_asyncpg import PREPARED
from bot.runtime.sqlite import _InlineConnection
from bot.server import Server
from models import rows
from models.devices.tables import find_exact
from models.selling import met
from models.selling.cash_requests import OVER
from models.selling.met import meet_exact
from models.selling.sales import newest_same
from models.sql import execute, marks
from tests.world.people import NOON
from tests.world.templates import Templates
from tests.world.working_day import MANY, open_for_the_day

# What reads a table from one of its ends and stops, or what is forgotten within days.
MAY = (
    r"SELECT id FROM name_change ORDER BY id LIMIT",  # taken from its beginning, and gone then
    r"SELECT id, created_at FROM entry ORDER BY id DESC LIMIT 1",
    r'FROM "collection" ORDER BY "id" DESC LIMIT',
    r"FROM instalment LIMIT ([$?]1|\d+)\) AS found",  # whether there are so many
    r'"payment_request" WHERE 1=0',  # tortoise's way to ask for nothing
    r"SELECT \* FROM payment_request ORDER BY id DESC LIMIT 1",  # tests/world/pushes.py
    r"SELECT \(SELECT MAX\(id\) FROM ticket\)",  # tests/world/working_day.py
    r"customer WHERE mini_grid_id = ([$?]1|\d+)\s+ORDER BY lower\(name.*LIMIT (5000|48)",  # in this order, and stops
    r"receipt_text [^()]*WHERE state = 'waiting'",  # few: what a person has to look at
    r"FROM receipt_text WHERE state = 'ignored'",  # by the hour, what came within the retention
    r"DELETE FROM form_once",  # kept for days: as many as the office presses in these
    r"DELETE FROM office_upload",  # kept for a day, where it did not count
    r"DELETE FROM phone_receiver",  # kept for a month: whom SIM cards may write to in it
)
# What has one row for each gateway, place, price, kind of thing or person of the office, however much happens.
SMALL = {
    *("africastalking", "agent", "appliance", "added_up", "collection_count", "connectiongroup"),
    *("connectiontype", "devicemodel", "gatewaystate", "keyword", "metertype", "minigrid", "network", "office_setting"),
    *("office_text", "officeuser", "paymentplan", "phone", "provider", "setting", "tariff", "till", "village"),
    *("vendingkey", "broadcast", "receipt_rule", "receipt_wallet", "tortoise_migrations"),
}
# Indexes of what waits, or is in stock: what has gone its way has left them, so that they are as short as the queue. Of
# the few plans that ended otherwise than by payment. And of whom a server knows again when it starts: it begins with
# the newest.
FEW = {
    *("inbox_new", "inbox_new_order", "alert_untold", "notice_new", "payment_request_open", "payment_request_news"),
    *("outbox_waiting", "outbox_scheduled", "outbox_sending", "contract_ended_otherwise", "contact_known"),
    *("receipt_text_waiting", "device_stock"),
}
# So many statements has a day at most, in which each comes alone and many come together (some 475 then). A connection
# keeps 500 prepared: a text that differed with each value would drive all of them out. Not counted are some twenty more
# with which the day ends, each of which comes once a day or less.
DIFFERENT = 500
# Rows one by one in a statement of their own: each number of rows would be a statement more to keep prepared.
LISTED = re.compile(r"(?:INSERT INTO|WITH \w+ \([^)]*\) AS).*VALUES \([^)]*\),\s*\(", re.DOTALL)
NAMED = re.compile(r'\b(?:FROM|JOIN|UPDATE|INTO)\s+"?(\w+)"?(?:\s+(?:AS\s+)?"?(\w+)"?)?', re.IGNORECASE)
READS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
MADE = re.compile(r"(?:WITH|RECURSIVE|,)\s+(\w+)\s*(?:\([^)]*\))?\s+AS\s+(?:MATERIALIZED\s+)?\(")
# How SQLite says that it walks through a table or one of its indexes.
WALK = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(?: LEFT-JOIN)?$|SEARCH (\w+) USING AUTOMATIC ")
# How it says that it searches by an index, and for what. A part of a table that has only one of these in common grows
# with it, and SQLite, which never counts, takes such an index as gladly as one that finds the row.
SEARCH = re.compile(r"SEARCH (\w+) USING (COVERING )?INDEX (\w+) \(([^)]*)\)")
COMMON = {"state", "kind", "category", "provider", "gateway", "mini_grid_id"}
ROWS_OF_ONE = {"outbox": {"phone"}}  # an agent gets a hundred messages a day: few entries, but many rows to look at
# What PostgreSQL says that it searches an index for stands before the first sign of each comparison.
COMPARES = re.compile(r" ([<>=]+|IS NULL|IS NOT NULL)")
COLUMN = re.compile(r"(?<!:)\b([a-z_]\w*)\b(?![.(])")
Walks = set[tuple[str, str]]  # the tables, and by which index


@pytest.fixture
def crowd_url(engine: str, templates: Templates) -> str:
    return templates.copy(engine, "crowd")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_on_sqlite_no_statement_reads_the_whole_of_a_table_that_grows(
    crowd_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with these values nor as it is planned before there are any. Most is planned once; what goes by a partial
    index for a value's sake is planned anew at each call."""
    sent = set[str]()
    with noted(monkeypatch, "sqlite") as prepared:
        async with open_for_the_day(crowd_url, monkeypatch) as day:
            database = day.at.mwanga.database
            opened = database.client._connection._conn  # type: ignore[attr-defined]
            opened.set_trace_callback(sent.add)
            await day.go_by()
            await day.ends()
            opened.set_trace_callback(None)
            hold({one: await walks_of_sqlite(database, one) for one in sorted(filter(READS.match, sent))})
            reading = sorted(filter(READS.match, prepared))
            hold({one: await walks_of_sqlite(database, one, nulls(one)) for one in reading})
    assert not_done(sent) == []


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_no_message_is_tried_against_a_list_of_values(demo_url: str) -> None:
    """SQLite makes a table of a list of three or more each time that it tries a row against it: for the conditions of
    three indexes that was half of what a message took to be closed."""
    async with Database(demo_url) as database:
        rows = await execute(
            database.client, "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('inbox', 'outbox')"
        )
    conditions = [str(row["sql"]) for row in rows if " WHERE " in str(row["sql"])]
    assert len(conditions) > 8
    assert [one for one in conditions if re.search(r" IN \((?:[^,)]*,){2}", one)] == []


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("what", ["device_id", "contract_id"])
async def test_what_is_sold_twice_is_looked_for_among_the_sales_of_one_thing(mwanga: Server, what: str) -> None:
    """An agent may have sold a hundred times today."""
    for by_agent, values in ((True, [1, 5000, NOON, 1]), (False, [1, 5000, NOON])):
        asked = f"EXPLAIN QUERY PLAN {newest_same(what, by_agent=by_agent)}"
        [first, *_others] = await execute(mwanga.database.client, asked, values)
        assert f"({what}=? AND created_at>?)" in first["detail"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_requests_that_are_over_are_looked_for_among_those_that_wait(mwanga: Server) -> None:
    """SQLite plans before it knows how many are wanted: in the order of ids it went through all there ever were."""
    asked = f"EXPLAIN QUERY PLAN SELECT id FROM cash_request WHERE {OVER}"
    [only] = await execute(mwanga.database.client, asked, [None, None])
    assert "cash_request_asked (expires_at<?)" in only["detail"]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("paying", [False, True])
async def test_devices_are_looked_for_by_their_serials_however_many_there_are(
    mwanga: Server, count: int, monkeypatch: pytest.MonkeyPatch, *, paying: bool
) -> None:
    """And not by all customers of the mini-grid."""
    statement, values = await look_for_devices(count, monkeypatch, paying=paying)
    [first, *_others] = await execute(mwanga.database.client, f"EXPLAIN QUERY PLAN {statement}", values)
    assert re.search(r"SEARCH device USING INDEX \w+ \(serial=\?\)", first["detail"])


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("paying", [False, True])
async def test_so_are_they_right_after_an_import(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, *, paying: bool
) -> None:
    """For a minute PostgreSQL does not know what its tables hold: it tried the serials with each of 1,000 customers."""
    async with mwanga.database.work() as db:
        for statement in IMPORTED:
            await execute(db, statement)
    statement, values = await look_for_devices(4, monkeypatch, paying=paying)
    rows = await execute(mwanga.database.client, f"EXPLAIN (ANALYZE) {statement}", values)
    assert [row["QUERY PLAN"] for row in rows if re.search(r"loops=\d{2}", row["QUERY PLAN"])] == []


IMPORTED = (
    "INSERT INTO customer (name, surname, phone, language, mini_grid_id) SELECT 'Mteja', 'N' || n, "
    "'+25573' || lpad(n::text, 7, '0'), 'sw', 1 FROM generate_series(1, 1000) n",
    "INSERT INTO device (serial, kind, issuer, sealed_key, count, customer_id) SELECT 'SHD' || id, 'shs', "
    "'openpaygo', '', 0, id FROM customer WHERE name = 'Mteja'",
)


async def look_for_devices(
    count: int, monkeypatch: pytest.MonkeyPatch, *, paying: bool
) -> tuple[str, Sequence[object]]:
    """What is asked for devices of so many serials, with its values."""
    asked = list[tuple[str, Sequence[object]]]()

    async def note(_db: object, statement: str, values: Sequence[object]) -> list[dict[str, object]]:
        asked.append((statement, values))
        return []

    with monkeypatch.context() as patched:
        patched.setattr(met if paying else rows, "execute", note)
        serials = [f"SHS{n}" for n in range(count)]
        await (meet_exact(serials, 1, met.Asked()) if paying else find_exact(serials, 1))
    [one] = asked
    return one


@pytest.mark.parametrize("engine", ["postgres"])
async def test_on_postgres_no_statement_needs_the_whole_of_a_table_that_grows(
    crowd_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty tables are read whole unless that is made dear: what is left then has no index to go by."""
    with noted(monkeypatch, "postgres") as sent:
        async with open_for_the_day(crowd_url, monkeypatch) as day:
            await day.go_by()
            assert len(sent) <= DIFFERENT <= PREPARED, len(sent)
            await day.ends()
    async with planning(crowd_url) as db:
        await crowd(db)
        hold({one: await walks_of_postgres(db, one) for one in sorted(sent) if READS.match(one)})
    assert not_done(sent) == []
    assert [one for one in sent if LISTED.match(one)] == []


TOO_LONG = (
    *("SELECT id FROM ticket WHERE state = $1", "SELECT id FROM payment WHERE provider = $1 AND amount > $2"),
    *("SELECT id FROM sale WHERE amount = $1", "SELECT COUNT(*) FROM contract WHERE device_id IS NULL"),
    "INSERT INTO setting (name, value) SELECT serial, kind FROM device WHERE kind = $1",
)
GOOD = (
    *("SELECT id FROM ticket WHERE state = $1 AND customer_id = $2", "SELECT id FROM payment WHERE reference = $1"),
    "SELECT c.id FROM device d JOIN customer c ON c.id = d.customer_id WHERE d.id = $1 AND c.mini_grid_id = $2",
    "INSERT INTO setting (name, value) SELECT serial, kind FROM device WHERE kind = $1 AND id = $2",
)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_on_postgres_what_many_have_in_common_is_no_way_to_find_one(demo_url: str) -> None:
    async with planning(demo_url) as db:
        walks = {one: await walks_of_postgres(db, one) for one in (*TOO_LONG, *GOOD)}
    assert [one for one, walk in walks.items() if too_long(one, walk)] == [*TOO_LONG]


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("queue", ["inbox", "outbox", "notice", "payment_request"])
async def test_what_went_through_a_queue_is_cleared_away_before_it_is_long_to_walk_over(
    database: Database, queue: str
) -> None:
    """However many rows the table has: a fifth of it, as PostgreSQL waits for, may be a million."""
    [row] = await execute(database.client, "SELECT reloptions FROM pg_class WHERE relname = $1", [queue])
    cleared = dict(option.split("=") for option in row["reloptions"] or [])
    assert float(cleared.get("autovacuum_vacuum_scale_factor", 0.2)) == 0
    assert int(cleared["autovacuum_vacuum_threshold"]) <= 50_000
    assert cleared["vacuum_index_cleanup"] == "on", "of few dead rows the entries would stay in the indexes"


# With one row in it, or none, an index of few has no more to be walked through than to be asked.
CROWDS = {
    "ticket": "'key', 't' || n, 'state', 'open', 'customer_id', n, 'device_id', n",
    "void": "'sale_id', n + 1000, 'state', 'done'",
    "suspense": "'payment_id', n + 1000, 'closed_at', NULL",
    "reservation": "'key', 'k' || n, 'owner', n, 'state', 'open'",
    "cash_request": "'key', 'k' || n, 'agent_id', n / 50, 'state', CASE n % 10 WHEN 0 THEN 'asked' ELSE 'sold' END,"
    " 'sale_id', NULL",
    "payment_request": "'key', 'k' || n, 'reference', 'r' || n, 'phone', '+2557' || n, 'state', 'new',"
    " 'external_id', '', 'payment_id', NULL",
    "outbox": "'origin', 'o' || n, 'phone', '+2557' || n, 'state', 'waiting', 'external_id', ''",
}
CROWD = """INSERT INTO {table} SELECT (jsonb_populate_record(NULL::public.{table},
    to_jsonb(one) || jsonb_build_object('id', one.id + n, {others}))).*
  FROM (SELECT * FROM {table} ORDER BY id DESC LIMIT 1) AS one, generate_series(1, 5000) AS n"""


@asynccontextmanager
async def planning(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that plans as if it knew nothing of this database, and goes by any index rather than read a table
    whole. What is done with it is undone."""
    db = await asyncpg.connect(**connect_arguments(url))
    for way in ("seqscan", "hashjoin", "mergejoin", "material"):
        await db.execute(f"SET enable_{way} = off")
    await db.execute("SET plan_cache_mode = force_generic_plan")
    undone = db.transaction()
    await undone.start()
    try:
        await forget_sizes(db)
        yield db
    finally:
        await undone.rollback()
        await db.close()


async def forget_sizes(db: asyncpg.Connection) -> None:
    """Until the end of the transaction no table was ever looked at. PostgreSQL does so once in a minute, which may fall
    into this test, and walks through what has a few rows."""
    ours = "SELECT oid FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"
    for row in await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"):
        await db.execute(f'LOCK TABLE "{row["tablename"]}" IN SHARE UPDATE EXCLUSIVE MODE')
    await db.execute(f"UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid IN ({ours})")
    await db.execute(f"DELETE FROM pg_statistic WHERE starelid IN ({ours})")


async def crowd(db: asyncpg.Connection) -> None:
    """Thousands of what is open."""
    await db.execute("SET session_replication_role = replica")  # which row they belong to does not matter
    for table, others in CROWDS.items():
        assert await db.execute(CROWD.format(table=table, others=others)) == "INSERT 0 5000", table
        await db.execute(f"ANALYZE {table}")


# With what each kind of message is done on its way in and out (tests/inbound/test_round_trips.py), and what is asked
# and written once for many of them.
DONE = (
    *(WRITE_OUTCOME, KEEP, "SET state = 'sending'", WRITE_SENT[:40], FIND[:40], PULLED[:40], MESSAGE),
    *("INTO receipt_text", "INTO broadcast_receiver", "INTO top_up", "INTO hand_in_event"),
    *("called (phone) AS (", "asked (phone) AS (", "session_id, phone, mac) AS ("),
    *(
        f"device.customer_id IN ({marks(MANY)})",
        f"WHERE d.id IN ({marks(MANY)})",
        f"agent WHERE id IN ({marks(MANY)})",
        f"contract_id IN ({marks(MANY)})",
    ),
    *(FIND.format(marks(MANY)), FIND_OURS.format(marks(MANY - 1))),
)
LITERAL = r"'(?:[^']|'')*'|\b\d+\b"
VALUE = rf"(?:\$\d+|{LITERAL}|[\w.+-]+)"  # as PostgreSQL gets it, and as SQLite tells of it


def not_done(sent: set[str]) -> list[str]:
    """Those of DONE that were never sent."""
    all_sent = "\n".join(sent)
    return [one for one in DONE if not re.search(re.sub(r"\\\$\d+", lambda _mark: VALUE, re.escape(one)), all_sent)]


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch, engine: str) -> Iterator[set[str]]:
    """What is sent to it, with marks for the values."""
    sent = set[str]()

    def noting(ask):  # type: ignore[no-untyped-def]
        def ask_and_note(self, query, *values):  # type: ignore[no-untyped-def]
            sent.add(query)
            return ask(self, query, *values)

        return ask_and_note

    with monkeypatch.context() as patched:
        for kind in SENDING[engine]:
            for name in ASKING & vars(kind).keys():
                patched.setattr(kind, name, noting(getattr(kind, name)))
        yield sent


SENDING = {"sqlite": (aiosqlite.Connection, _InlineConnection), "postgres": (AsyncpgDBClient, TransactionWrapper)}
ASKING = {
    *("execute_query", "execute_query_dict", "execute_many", "execute_insert"),
    *("ask", "run_many", "execute", "execute_fetchall", "executemany"),
}


def nulls(statement: str) -> list[None]:
    """A value for each of its marks."""
    numbered = max(map(int, re.findall(r"\?(\d+)", statement)), default=0)
    return [None] * (numbered or statement.count("?"))


async def walks_of_sqlite(database: Database, statement: str, values: Sequence[None] = ()) -> Walks:
    """What SQLite walks through from one end to the other. A table without an index for what it is asked for gets one
    for the moment, of all its rows."""
    steps = await execute(database.client, f"EXPLAIN QUERY PLAN {statement}", values)
    plan = [str(step["detail"]) for step in steps]
    found = [(one[1] or one[3], one[2] or "") for step in plan if (one := WALK.match(step))]
    found += [(one[1], one[3]) for step in plan if (one := SEARCH.match(step)) and is_common(*one.groups())]
    tables = {table: table for table, _alias in NAMED.findall(statement)}
    tables |= {alias: table for table, alias in NAMED.findall(statement) if alias}
    made = set(MADE.findall(statement))
    return {(tables.get(name, ""), index) for name, index in found} - {(name, "") for name in made}


def is_common(table: str, covering: str | None, _index: str, searched: str) -> bool:
    """Whether an index is searched only for what many rows have in common."""
    return set(re.findall(r"(\S+?)[=<>]", searched)) <= common_of(table, covering=bool(covering))


def common_of(table: str, *, covering: bool) -> set[str]:
    return COMMON if covering else COMMON | ROWS_OF_ONE.get(table, set())


async def walks_of_postgres(db: asyncpg.Connection, statement: str) -> Walks:
    """The same of PostgreSQL, with the plan for any values. In tables that it believes to be empty it goes as gladly by
    an index of what many rows have in common as by one that finds the row: what it takes of the former is hidden from
    it, until it has gone by others or has to read the whole."""
    hidden = set[str]()
    changes = db.transaction()
    await changes.start()
    while True:
        found = list(walking(await plan_of_postgres(db, statement)))
        more = {node["Index Name"] for node in found if "Index Cond" in node} - FEW - hidden
        if not more:
            break
        hidden |= more
        await db.execute(HIDE, list(more))
    await changes.rollback()
    return {(node["Relation Name"], node.get("Index Name", "")) for node in found}


HIDE = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = ANY (SELECT unnest($1::text[])::regclass)"


async def plan_of_postgres(db: asyncpg.Connection, statement: str) -> dict[str, Any]:
    await db.execute(f"PREPARE one AS {statement}")
    values = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", statement)), default=0))
    plans = json.loads(await db.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE one{f'({values})' if values else ''}"))
    await db.execute("DEALLOCATE one")
    return plans[0]["Plan"]


def walking(node: dict[str, Any], above: str = "") -> Iterator[dict[str, Any]]:
    """The parts of a plan that look at each row of a table, or at each entry of an index, or at all that have something
    in common."""
    kind, table = node["Node Type"], node.setdefault("Relation Name", above)  # of a bitmap it stands above its indexes
    if kind == "Seq Scan" or ("Index" in kind and "Scan" in kind and finds_many(node)):
        yield node
    for part in node.get("Plans", ()):
        yield from walking(part, table)


def finds_many(node: dict[str, Any]) -> bool:
    """Whether an index of PostgreSQL is searched for nothing, or only for what many rows have in common, as that they
    have none."""
    columns = set[str]()
    for compared in node.get("Index Cond", "").split(") AND ("):
        column, sign, _value = COMPARES.split(compared, maxsplit=1) if compared else ("", "", "")
        columns |= set() if sign.startswith("IS ") else set(COLUMN.findall(column))
    return columns <= common_of(node["Relation Name"], covering=node["Node Type"] == "Index Only Scan")


def hold(walks: dict[str, Walks]) -> None:
    """Name what is too long, once where it was sent with other values as well."""
    assert len(walks) > 350
    bad = {re.sub(LITERAL, "?", one): (found, one) for one, walk in walks.items() if (found := too_long(one, walk))}
    assert not bad, "\n\n".join(f"{found}: {statement}" for found, statement in bad.values())


def too_long(statement: str, walks: Walks) -> Walks:
    """Those of them that grow with what happens."""
    if any(re.search(one, statement) for one in MAY):
        return set()
    return {(table, index) for table, index in walks if table and table.lower() not in SMALL and index not in FEW}
