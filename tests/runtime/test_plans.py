"""A server at work asks nothing that reads the whole of a table that grows: neither while it answers, nor by the clock.

Every statement is noted as it is sent, so one that is new is tried here without being named. These are what runs again
and again; those of pages stand in tests/office/test_money_plans.py and test_message_plans.py."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg
import pytest
import time_machine
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper

from bot.runtime import Database
from bot.runtime.addresses import connect_arguments
from bot.server import Server
from models import rows
from models.devices.tables import find_exact
from models.selling import met
from models.selling.met import meet_exact
from models.selling.sales import newest_same
from models.sql import execute
from tests.emulators.daraja import Emulator
from tests.world.people import MENU, NOON, Phones
from tests.world.pushes import becomes, selling, settled
from tests.world.server import Serving

# What reads a table from one of its ends and stops, or what is forgotten within days.
MAY = (
    r"SELECT id FROM name_change ORDER BY id LIMIT",  # taken from its beginning, and gone then
    r"SELECT id, created_at FROM entry ORDER BY id DESC LIMIT 1",
    r"SELECT \* FROM payment_request ORDER BY id DESC LIMIT 1",  # tests/world/pushes.py
    r"SELECT phone, network FROM contact WHERE network <> ''",  # once, when a server starts
    r"DELETE FROM form_once",  # kept for days: as many as the office presses in these
    r"DELETE FROM phone_receiver",  # kept for a month: whom SIM cards may write to in it
)
# What has one row for each gateway, place, price or person of the office, however much happens.
SMALL = {
    *(
        "africastalking",
        "agent",
        "alert",
        "appliance",
        "added_up",
        "collection_count",
        "connectiongroup",
        "connectiontype",
        "devicemodel",
        "gatewaystate",
        "metertype",
    ),
    *("keyword", "minigrid", "network", "office_setting", "office_text", "officeuser", "phone", "provider", "setting"),
    *("tariff", "till", "village", "vendingkey", "broadcast"),
}
NAMED = re.compile(r'\b(?:FROM|JOIN|UPDATE|INTO)\s+"?(\w+)"?(?:\s+(?:AS\s+)?"?(\w+)"?)?', re.IGNORECASE)
READS = re.compile(r"\s*(SELECT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
SCAN = re.compile(r"SCAN (\w+)$|Seq Scan on (\w+)")


# From the name to the yes: a device from stock, and a meter that is in none.
REGISTERED = (
    ("Hamisi Omari", "none", "2", "0284", "1", "1"),
    ("Upendo Ally", "none", "1", "04123456792", "1", "1", "1"),
)


async def work(at: Serving, daraja: Emulator) -> None:
    """A day: people text and dial, phones are asked to pay, and the clock goes on."""
    mwanga = at.mwanga
    phones = Phones(mwanga)
    for keys in REGISTERED:
        await phones.choose("Asha", "Register")
        screens = [await phones.enter("Asha", each) for each in keys]
        assert screens[-1].startswith("END REGISTERED"), screens
    for who, text in (
        *(("Asha", "BUY SHS0283 8000"), ("Asha", "1 482915"), ("Asha", "CASH"), ("Asha", "LIST"), ("Asha", "BAL")),
        *(("Asha", "PAY"), ("Asha", "STOCK"), ("Asha", "SALES"), ("Asha", "STMT"), ("Asha", "FIX SHS0283 no light")),
        *(("Asha", "REG Rehema Ali, 0713000111, ebike, 0043, Mtwara, sw"), ("Asha", "HELP")),
        *(("Baraka", "TOKEN"), ("Baraka", "BAL"), ("Baraka", "BUY SHS0283 8000"), ("Baraka", "1")),
        *(("Baraka", "STATUS"), ("Baraka", "FIX SHS0283 dark"), ("Stranger", "hello"), ("Stranger", "STOP")),
        *(("Juma", "CLAIM 5000"), ("Juma", "TICKETS")),
    ):
        await phones.text(who, text)
    for who in ("Asha", "Baraka"):
        await phones.dial(who, MENU)
        await phones.enter(who, "1")
    [push] = await daraja.wait_for(1)
    await becomes(at, "asked")
    await daraja.pay(push)
    await settled(at)
    await mwanga.housekeeping.chores()
    await mwanga.housekeeping.purge()
    await mwanga.watch.chores()
    await mwanga.payments.collector.turn()
    await mwanga.alerts.look()
    await mwanga.phones.turn()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_on_sqlite_no_statement_reads_the_whole_of_a_table_that_grows(demo_url: str) -> None:
    sent = set[str]()
    with time_machine.travel(NOON, tick=False):
        async with selling(demo_url) as (at, daraja):
            opened = at.mwanga.database.client._connection._conn  # type: ignore[attr-defined]
            opened.set_trace_callback(sent.add)
            await work(at, daraja)
            opened.set_trace_callback(None)
            hold({one: await plan(at.mwanga, one) for one in sorted(sent) if READS.match(one)})


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


async def plan(mwanga: Server, statement: str) -> list[str]:
    rows = await execute(mwanga.database.client, f"EXPLAIN QUERY PLAN {statement}")
    return [str(row["detail"]) for row in rows]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_on_postgres_no_statement_needs_the_whole_of_a_table_that_grows(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty tables are read whole unless that is made dear: what is left then has no index to go by."""
    with noted(monkeypatch) as sent, time_machine.travel(NOON, tick=False):
        async with selling(demo_url) as (at, daraja):
            await work(at, daraja)
    db, plans = await asyncpg.connect(**connect_arguments(demo_url)), {}
    await db.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    for statement in sorted(one for one in sent if READS.match(one)):
        await db.execute(f"PREPARE one AS {statement}")
        values = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", statement)), default=0))
        rows = await db.fetch(f"EXPLAIN EXECUTE one {f'({values})' if values else ''}")
        await db.execute("DEALLOCATE one")
        plans[statement] = [row[0] for row in rows]
    await db.close()
    hold(plans)


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


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """What is sent to PostgreSQL."""
    sent = set[str]()

    def noting(ask):  # type: ignore[no-untyped-def]
        async def ask_and_note(self, query, *values):  # type: ignore[no-untyped-def]
            sent.add(query)
            return await ask(self, query, *values)

        return ask_and_note

    with monkeypatch.context() as patched:
        for kind in (AsyncpgDBClient, TransactionWrapper):
            for name in ("execute_query", "execute_query_dict", "execute_many", "execute_insert"):
                if name in vars(kind):
                    patched.setattr(kind, name, noting(getattr(kind, name)))
        yield sent


def hold(plans: dict[str, list[str]]) -> None:
    assert len(plans) > 100
    whole = {statement: found for statement, plan in plans.items() if (found := scanned(statement, plan))}
    assert not whole, "\n\n".join(f"{tables}: {statement}" for statement, tables in whole.items())


def scanned(statement: str, plan: list[str]) -> set[str]:
    """The tables that grow and are read whole."""
    if any(re.search(one, statement) for one in MAY):
        return set()
    tables = {alias or table: table for table, alias in NAMED.findall(statement)}
    tables |= {table: table for table, _alias in NAMED.findall(statement)}
    made = set(re.findall(r"(?:WITH|RECURSIVE|,)\s+(\w+)\s*(?:\([^)]*\))?\s+AS\s+(?:MATERIALIZED\s+)?\(", statement))
    found = {name for step in plan for name in (match[1] or match[2] for match in [SCAN.search(step)] if match)}
    return {
        table for name in found if (table := tables.get(name, "")) not in {"", *made} and table.lower() not in SMALL
    }
