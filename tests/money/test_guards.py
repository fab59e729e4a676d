"""What the database refuses by itself, on both engines: each statement with the reason for which nobody may run it."""

import importlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import asyncpg
import pytest
from tortoise.exceptions import IntegrityError

from bot.app import assembled
from bot.config import Config
from bot.server import Server
from models.devices import Unit
from models.money.disputes import Step
from models.money.ledger import CHART, AccountKind, Posting, post
from models.money.receipt_texts import TextState
from models.money.reservations import Reserved
from models.money.statements import Direction
from models.people.tables import Gender
from models.selling.cash_requests import CashRequestState
from models.selling.catalogue import Terms
from models.selling.requests import RequestState
from models.selling.voids import VoidState
from models.sql import connection, execute
from tests.world.people import PINS, Phones

REFUSED = (IntegrityError, asyncpg.IntegrityConstraintViolationError)
guards = importlib.import_module("models.migrations.0002_guards")


@pytest.fixture
async def sold(config: Config) -> AsyncIterator[Server]:
    """The demo world after a sale for each device, a hand-in, a ticket and a note of the office."""
    async with assembled(config, serving=False) as mwanga:
        phones = Phones(mwanga)
        for text in ("BUY SHS0283 8000", f"1 {PINS['Asha']}", "BUY 04123456784 5000", f"1 {PINS['Asha']}"):
            await phones.text("Asha", text)
        async with mwanga.database.work():
            for statement in FIRST:
                await execute(connection(), statement)
        yield mwanga


# One row of each table that only grows and that no talk of the fixture fills.
FIRST = (
    "INSERT INTO evidence (source, provider, reference, payment_id, amount, created_at)"
    " VALUES ('text', 'cash', 'R1', 1, 800000, '2026-11-24 05:00:00+00:00')",
    "INSERT INTO hand_in (reference, agent_id, amount, commission, actor, created_at)"
    " VALUES ('H1', 1, 100, 0, 'office', '2026-11-24 05:00:00+00:00')",
    "INSERT INTO statement_file (provider, begins_at, ends_at, actor, created_at) VALUES ('bank',"
    " '2026-11-23 05:00:00+00:00', '2026-11-23 06:00:00+00:00', 'office', '2026-11-24 05:00:00+00:00')",
    "INSERT INTO top_up (reference, agent_id, amount, actor, created_at)"
    " VALUES ('T1', 1, 100, 'office', '2026-11-24 05:00:00+00:00')",
    "INSERT INTO hand_in_event (hand_in_id, step, actor, created_at)"
    " VALUES (1, 'disputed', '+255700000001', '2026-11-24 05:00:00+00:00')",
    "INSERT INTO day_close (day, ends_at, figures, actor, created_at)"
    " VALUES ('2026-11-23', '2026-11-23 21:00:00+00:00', '{}', 'office', '2026-11-24 05:00:00+00:00')",
    "INSERT INTO audit (created_at, actor, action, subject, detail)"
    " VALUES ('2026-11-24 05:00:00+00:00', 'office', 'lock', 'agent', '')",
    "INSERT INTO registration (key, request, agent_id, customer_id, consent, created_at)"
    " VALUES ('r1', '', 1, 1, '', '2026-11-24 05:00:00+00:00')",
    "INSERT INTO ticket (key, customer_id, category, text, state, opened_at, due_at)"
    " VALUES ('t1', 1, 'other', '', 'open', '2026-11-24 05:00:00+00:00', '2026-11-25 05:00:00+00:00')",
    "INSERT INTO ticket_event (ticket_id, created_at, actor, step, text)"
    " VALUES (1, '2026-11-24 05:00:00+00:00', 'office', 'opened', '')",
    "INSERT INTO reservation (key, kind, owner, amount, state, expires_at) VALUES ('k1', 'cash', 1, 5, 'used', 0)",
    "INSERT INTO void (sale_id, reason, asked_by, asked_at, state)"
    " VALUES (1, 'wrong device', 'agent', '2026-11-24 05:00:00+00:00', 'refused')",
    "INSERT INTO payment_request (key, provider, reference, phone, language, customer_id, account, amount, state,"
    " created_at, expires_at) VALUES ('q1', 'daraja', 'Q1', '+255710000001', 'en', 1, '', 5, 'paid', 0, 0)",
    "INSERT INTO cash_request (key, phone, language, customer_id, agent_id, amount, alone, state, created_at,"
    " expires_at) VALUES ('c1', '+255710000001', 'en', 1, 1, 5, false, 'declined', 0, 0)",
)
NOW = "'2026-11-24 05:00:00+00:00'"
ENTRY = "INSERT INTO entry (key, actor, reason, line_count, effective_at, created_at) VALUES"
SALE = (
    "INSERT INTO sale (reference, key, payment_id, part, customer_id, amount, unit, units, commission, created_at)"
    " VALUES"
)
# Statement, and why it is refused. Each runs alone, so that what only counts at a commit counts at once.
FORBIDDEN = [
    # Balances change by lines alone.
    ("UPDATE account SET balance = 0 WHERE kind = 'cash'", "nobody's cash is written off by hand"),
    ("UPDATE account SET balance = balance + 1 WHERE id = 1", "not even the company's"),
    ("INSERT INTO account (kind, owner, currency, balance) VALUES ('cash', 9, 'TZS', 5)", "it begins with nothing"),
    ("UPDATE account SET owner = 2 WHERE kind = 'cash' AND owner = 1", "money does not become somebody else's"),
    ("UPDATE account SET kind = 'bank' WHERE kind = 'office cash'", "nor another kind"),
    ("UPDATE account SET currency = 'KES'", "nor another currency"),
    ("DELETE FROM account WHERE kind = 'bank'", "an account is kept, used or not"),
    ("INSERT INTO account (kind, owner, currency, balance) VALUES ('pocket', 0, 'TZS', 0)", "no such kind"),
    # Entries balance, and are whole.
    (f"{ENTRY} ('lone', 'me', '', 2, {NOW}, {NOW})", "an entry without lines"),
    (f"{ENTRY} ('one', 'me', '', 1, {NOW}, {NOW})", "one line moves nothing"),
    ("INSERT INTO line (entry_id, account_id, amount) VALUES (1, 3, 5)", "a line more in an entry that is booked"),
    ("INSERT INTO line (entry_id, account_id, amount) VALUES (1, 3, 5), (1, 4, -5)", "nor two that balance"),
    ("INSERT INTO line (entry_id, account_id, amount) VALUES (99, 1, 5)", "a line without an entry"),
    # What is paid on an instalment is what sales gave.
    ("UPDATE instalment SET paid = 0 WHERE paid > 0", "what was paid stays paid"),
    ("UPDATE instalment SET paid = amount WHERE paid = 0", "nobody pays by a stroke of the pen"),
    ("UPDATE instalment SET amount = 1 WHERE number = 1", "no less is due than was paid"),
    (
        "INSERT INTO instalment (contract_id, appliance_id, number, due_on, amount, paid)"
        " VALUES (1, 1, 999, '2026-12-01', 5, 5)",
        "it is not paid from the beginning",
    ),
    ("INSERT INTO allocation (sale_id, instalment_id, amount) VALUES (2, 1, 99999999999)", "more than is due"),
    ("INSERT INTO allocation (sale_id, instalment_id, amount) VALUES (2, 9, -1)", "it takes back nothing"),
    ("INSERT INTO allocation (sale_id, instalment_id, amount, reverses_id) VALUES (1, 1, -1, 1)", "only a part of it"),
    # A device would take no token more, or the same twice.
    ("UPDATE device SET count = count - 1 WHERE count > 0", "a count only rises"),
    ("UPDATE device SET access_due = -1", "nobody owes less than nothing"),
    # Values that mean nothing.
    ("INSERT INTO payment (provider, reference, amount, currency, paid_at, created_at)"
     f" VALUES ('cash', 'p', 0, 'TZS', {NOW}, {NOW})", "a payment of nothing"),
    (f"{SALE} ('S1', 's1', 1, 2, 1, 0, 'days', 1, 0, {NOW})", "a sale of nothing"),
    (f"{SALE} ('S2', 's2', 1, 2, 1, 5, 'days', -1, 0, {NOW})", "days less than none"),
    (f"{SALE} ('S3', 's3', 1, 2, 1, 5, 'beers', 1, 0, {NOW})", "a unit that nobody sells"),
    (f"{SALE} ('S4', 's4', 1, 1, 1, 5, 'days', 1, 0, {NOW})", "the same part of a payment twice"),
    ("UPDATE agent SET cash_limit = -1", "a limit below nothing"),
    ("UPDATE agent SET commission = 10001", "more than all of it"),
    ("UPDATE contract SET earned = commission + 1", "more than was agreed"),
    ("UPDATE customer SET gender = 'f'", "a gender that no export knows"),
    ("UPDATE customer SET latitude = 1", "a latitude alone"),
    ("UPDATE customer SET latitude = 91, longitude = 0", "north of the pole"),
    # What is over stays over.
    ("UPDATE reservation SET state = 'open'", "what was used is not there again"),
    ("UPDATE void SET state = 'done'", "it was refused"),
    ("UPDATE payment_request SET state = 'failed'", "it was paid"),
    ("UPDATE payment_request SET state = 'new'", "it would be asked twice"),
    ("UPDATE payment_request SET state = 'lost'", "no such state"),
    ("UPDATE cash_request SET state = 'asked'", "it was declined"),
]  # fmt: skip


async def test_the_database_refuses(sold: Server) -> None:
    let_through = [(statement, why) for statement, why in FORBIDDEN if not await is_refused(sold, statement)]
    assert let_through == []


async def is_refused(mwanga: Server, statement: str) -> bool:
    try:
        await execute(mwanga.database.client, statement)
    except REFUSED:
        return True
    return False


async def test_tables_only_grow(engine: str, sold: Server) -> None:
    for table in guards.APPEND_ONLY:
        await only_grows(table, engine, sold)


async def only_grows(table: str, engine: str, sold: Server) -> None:
    client = sold.database.client
    before = await execute(client, f"SELECT * FROM {table} ORDER BY id")
    assert before, f"the fixture has no row of {table}"
    columns = ", ".join(before[0])
    verbs = ["UPDATE {t} SET id = id", "DELETE FROM {t}"]
    if engine == "postgres":
        verbs += ["TRUNCATE {t} CASCADE", "DELETE FROM ONLY {t} WHERE true"]
    else:
        verbs += [f"REPLACE INTO {{t}} ({columns}) SELECT {columns} FROM {{t}} WHERE id = 1"]
        verbs += ["UPDATE OR REPLACE {t} SET id = 1", "UPDATE OR IGNORE {t} SET id = id"]
    for verb in verbs:
        with pytest.raises(REFUSED, match=f"{table} is append only" if "CASCADE" not in verb else None):
            await execute(client, verb.format(t=table))
    assert await execute(client, f"SELECT * FROM {table} ORDER BY id") == before


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_replace_is_refused_to_a_tool_that_knows_nothing_of_us(demo_url: str, sold: Server) -> None:
    """SQLite's own shell has neither foreign keys nor triggers of what REPLACE takes away; also by a key alone."""
    for table, keys in guards.APPEND_ONLY.items():
        refuses_replace(demo_url, table, ["id", *keys])


def refuses_replace(demo_url: str, table: str, uniques: list[str]) -> None:
    with closing(sqlite3.connect(demo_url.removeprefix("sqlite://"), isolation_level=None)) as other:
        names = [row[1] for row in other.execute(f"PRAGMA table_info({table})")]
        for unique in uniques:
            keys = unique.split(", ")
            known = " AND ".join(f"{key} IS NOT NULL" for key in keys)
            copied = ", ".join(names if unique == "id" else [name for name in names if name != "id"])
            statement = f"REPLACE INTO {table} ({copied}) SELECT {copied} FROM {table} WHERE {known} LIMIT 1"
            if other.execute(f"SELECT COUNT(*) FROM {table} WHERE {known}").fetchone()[0]:
                with pytest.raises(sqlite3.IntegrityError, match="append only"):
                    other.execute(statement)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_nothing_is_emptied_at_once(sold: Server) -> None:
    for table in ("account", "instalment", "contract", "device"):
        assert await is_refused(sold, f"TRUNCATE {table} CASCADE")


# What is right line by line and wrong as a whole: refused at the commit, and nothing of it is there.
UNFINISHED = {
    "an entry whose lines do not balance": (2, ((3, 5), (4, -4))),
    "an entry with fewer lines than it says": (3, ((3, 5), (4, -5))),
    "an entry without lines": (2, ()),
    "lines that balance one by one in two entries only": (2, ((3, 5), (4, 5))),
}


@pytest.mark.parametrize("wrong", UNFINISHED)
async def test_what_is_wrong_as_a_whole_is_not_committed(wrong: str, sold: Server) -> None:
    lines, given = UNFINISHED[wrong]
    before = await books(sold)
    with pytest.raises(REFUSED):
        async with sold.database.work() as db:
            await execute(db, f"{ENTRY} ('unfinished', 'me', '', {lines}, {NOW}, {NOW})")
            [entry] = await execute(db, "SELECT id FROM entry WHERE key = 'unfinished'")
            for account, amount in given:
                values = [entry["id"], account, amount]
                await execute(db, "INSERT INTO line (entry_id, account_id, amount) VALUES ($1, $2, $3)", values)
    assert await books(sold) == before
    async with sold.database.work():  # and the database goes on
        await post("after", [Posting(AccountKind.BANK, 0, 5), Posting(AccountKind.OFFICE, 0, -5)], actor="test")
    assert await books(sold) != before


async def test_two_currencies_do_not_make_up_for_each_other(sold: Server) -> None:
    """Not even when the sum is right: 5 shillings are not 5 dollars."""
    client = sold.database.client
    await execute(client, "INSERT INTO account (kind, owner, currency, balance) VALUES ('cash', 8, 'USD', 0)")
    with pytest.raises(REFUSED):
        async with sold.database.work():
            await post("swap", [Posting(AccountKind.CASH, 8, 5), Posting(AccountKind.CASH, 1, -5)], actor="test")


@pytest.mark.parametrize(
    ("kind", "amount"), [("wallet", 1), ("credit", 1), ("unapplied", 1), ("debt", -1), ("claim", -1)]
)
async def test_nobody_spends_what_is_not_there(kind: str, amount: int, sold: Server) -> None:
    """A wallet, a credit or a payment is spent to nothing, and not further; a debt is paid to nothing."""
    lines = [Posting(AccountKind(kind), 77, -amount), Posting(AccountKind.ADJUSTMENT, 0, amount)]
    async with sold.database.work():
        await post("there", lines, actor="test")
    async with sold.database.work():
        await post("spent", [Posting(each.kind, each.owner, -each.amount) for each in lines], actor="test")
    with pytest.raises(REFUSED):
        async with sold.database.work():
            await post("again", [Posting(each.kind, each.owner, -each.amount) for each in lines], actor="test")


async def books(mwanga: Server) -> list[list[dict[str, object]]]:
    statements = ("SELECT id, balance FROM account ORDER BY id", "SELECT COUNT(*) AS n FROM entry")
    return [await execute(mwanga.database.client, each) for each in statements]


def test_the_chart_names_every_kind() -> None:
    assert list(CHART) == list(AccountKind)


def test_the_database_knows_all_kinds_and_states() -> None:
    """Who adds one here adds it to the checks of the migrations."""
    checks = {(table, name): condition for table, name, condition in guards.CHECKS}
    for place, values in {
        ("account", "kind"): AccountKind,
        ("customer", "gender"): Gender,
        ("reservation", "kind"): AccountKind,
        ("reservation", "state"): Reserved,
        ("contract", "terms"): Terms,
        ("payment_request", "state"): RequestState,
        ("cash_request", "state"): CashRequestState,
        ("void", "state"): VoidState,
        ("statement_line", "direction"): Direction,
        ("receipt_text", "state"): TextState,
        ("hand_in_event", "step"): Step,
    }.items():
        listed = ", ".join(f"'{value}'" for value in values)
        column = place[1]
        assert checks[place] == f"@{column} IN ({listed})", place
    assert set(Unit) | {""} == {word.strip(" '") for word in checks["sale", "unit"][10:-1].split(",")}
