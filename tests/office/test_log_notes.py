"""The audit as the office reads it: what a note says, which notes the filters leave, and that asking costs the same
whatever the history."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import time_machine

from bot.runtime import Database
from models.audit import Audit, change_of, coming_from, record
from models.office import log
from models.office.log import Wanted
from models.sql import execute

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


async def note(actor: str, action: str, subject: str, *, days: int = 0, **more: str) -> None:
    with time_machine.travel(NOON + timedelta(days=days), tick=False):
        await record(actor, action, subject, **more)


async def subjects(wanted: Wanted, before: int = 0, most: int = 10) -> list[str]:
    return [row["subject"] for row in await log.read_notes(wanted, before, most)]


async def test_a_note_says_what_was_there_before_and_after_and_from_where(database: Database) -> None:
    with coming_from("41.59.1.20"):
        await record("Rehema", "customer phone", "7", old="+255710000001", new="+255754000111")
    await record("command line", "sales", "off", "Wrong tariff")
    first, second = await Audit.all().order_by("id").values("old", "new", "detail", "whence")
    assert (change_of(first), first["whence"]) == ("+255710000001 -> +255754000111", "41.59.1.20")
    assert (change_of(second), second["whence"]) == ("Wrong tariff", "")


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("20000000 -> 30000", ("20000000", "30000", "")),
        ("+255710000001 -> +255754000111", ("+255710000001", "+255754000111", "")),
        (" -> 08001", ("", "08001", "")),
        ("customer 5 -> 7, 0 minor units owed: moved", ("", "", "customer 5 -> 7, 0 minor units owed: moved")),
        ("They called", ("", "", "They called")),
    ],
)
async def test_what_is_nothing_but_a_change_is_shown_as_one(
    detail: str, shown: tuple[str, str, str], database: Database
) -> None:
    await record("Rehema", "agent cash_limit", "+255700000001", detail)
    [row] = await log.read_notes(Wanted(), 0, 1)
    assert (row["old"], row["new"], row["detail"]) == shown


async def test_from_where_holds_for_one_request_alone(database: Database) -> None:
    with pytest.raises(RuntimeError), coming_from("41.59.1.20"):
        raise RuntimeError
    with coming_from("x" * 200), coming_from("10.0.0.1"):
        await record("Rehema", "sign in", "Rehema")
    assert await Audit.all().values_list("whence", flat=True) == ["10.0.0.1"]


async def test_a_note_is_never_changed_nor_taken_away(database: Database) -> None:
    await record("Rehema", "sign in", "Rehema")
    for statement in ("UPDATE audit SET whence = ''", "UPDATE audit SET old = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append only"):
            await execute(database.client, statement)


async def test_filters_leave_what_was_asked_for_the_newest_first(database: Database) -> None:
    await note("Rehema", "sign in", "Rehema")
    await note("Rehema", "token shown", "7", days=1)
    await note("Pendo", "token shown", "8", days=2)
    await note("Pendo", "export", "people", days=3)
    assert await subjects(Wanted()) == ["people", "8", "7", "Rehema"]
    assert await subjects(Wanted(actor="Rehema")) == ["7", "Rehema"]
    assert await subjects(Wanted(action="token shown")) == ["8", "7"]
    assert await subjects(Wanted(actor="Pendo", action="token shown")) == ["8"]
    assert await subjects(Wanted(subject="7")) == ["7"]
    assert await subjects(Wanted(since=NOON + timedelta(days=1), until=NOON + timedelta(days=3))) == ["8", "7"]
    assert await subjects(Wanted(actor="nobody")) == []
    assert await log.list_actions() == ["export", "sign in", "token shown"]


async def test_pages_go_on_where_the_last_one_ended_also_within_one_moment(database: Database) -> None:
    for number in range(5):
        await note("Rehema", "export", str(number), days=number // 4)
    seen, before = [], 0
    while rows := await log.read_notes(Wanted(), before, 2):
        seen += [row["subject"] for row in rows]
        before = rows[-1]["id"]
    assert seen == ["4", "3", "2", "1", "0"]


async def test_no_action_is_listed_where_there_is_no_note(database: Database) -> None:
    assert await log.list_actions() == []


WANTED = [
    Wanted(),
    Wanted(actor="Rehema"),
    Wanted(action="export"),
    Wanted(subject="7"),
    Wanted(since=NOON, until=NOON + timedelta(days=1)),
    Wanted(actor="Rehema", since=NOON),
]


async def test_the_log_is_read_by_an_index_in_its_own_order(database: Database) -> None:
    """PostgreSQL would read an empty table whole, so it is kept from that."""
    explain = f"EXPLAIN {'QUERY PLAN ' * database.embedded}"
    async with database.work() as db:
        if not database.embedded:
            await execute(db, "SET LOCAL enable_seqscan = off")
            await execute(db, "SET LOCAL enable_bitmapscan = off")
        for wanted, before in product(WANTED, (0, 7)):
            statement, values = log.question(wanted, before, 51)
            plan = " ".join(map(str, await execute(db, explain + statement, values)))
            assert re.search(r"USING (COVERING )?INDEX|Index (Only )?Scan", plan), (wanted, before, plan)
            assert "TEMP B-TREE" not in plan and "Sort" not in plan, (wanted, before, plan)
