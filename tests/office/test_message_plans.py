"""At ten million messages and a million customers: each statement of these pages walks an index and stops early."""

from datetime import date
from typing import Any

import pytest

from bot.outbound import broadcasts as worker
from bot.runtime import Database
from models.messages import broadcasts, withdrawal, written
from models.office import audience, conversation, inbox, outgoing, written_to_many
from models.office.audience import Audience
from models.sql import execute

AUDIENCE = Audience(mini_grid=1, village=2, connection=3, late=True, tag="x", language="sw")


def chosen() -> tuple[str, list[Any]]:
    values: list[Any] = [0, 1_000]
    condition = AUDIENCE.condition(values, date(2026, 11, 24))
    return f"SELECT c.id FROM customer c WHERE c.id > $1 AND c.id <= $2 AND {condition} ORDER BY c.id LIMIT 5", values


STATEMENTS: dict[str, tuple[str, list[Any]]] = {
    **{f"inbox {tab}": (inbox.NEWEST.format(which=which), [9, 9, 0, 9]) for tab, which in inbox.CONDITIONS.items()},
    **{f"looked {tab}": (inbox.LAST_LOOKED.format(which=which), [9, 9]) for tab, which in inbox.CONDITIONS.items()},
    "last lines": (inbox.LAST.format("($1),($2)"), ["+1", "+2"]),
    "count": (inbox.WAITING, [0]),
    "texts": (conversation.TEXTS, ["+1", 9, 9]),
    "answers": (conversation.ANSWERS, ["+1", 9, 9]),
    "dialled": (conversation.DIALLED, ["+1", 9, 9]),
    "bought": (conversation.BOUGHT, ["+1", "2026-11-24", 9]),
    "sold": (conversation.SOLD, [1, "2026-11-24", 9]),
    "lost": (outgoing.LOST, [9, 0, 9]),
    "mark": (written.MARK, [1, "+1", 9]),
    "last text": (written.LAST_TEXT, ["+1"]),
    "last written": (written.LAST_WRITTEN, ["+1"]),
    "people": (audience.PEOPLE.format("$2,$3"), ["2026-11-24", 1, 2]),
    "window": (audience.LOOKED_AT, [0, 9]),
    "chosen": chosen(),
    "receivers": (written_to_many.RECEIVERS.format(people=written_to_many.OF_ALL), [1, 9, 9]),
    "receivers of a result": (written_to_many.RECEIVERS.format(people=written_to_many.OF_RESULT), [1, 9, 9, "stop"]),
    "under way": (written_to_many.UNDER_WAY, [1]),
    "results": (broadcasts.COUNTS, [1]),
    "take": (broadcasts.TAKE.format(lock=""), [0]),
    "settle": (broadcasts.TO_SETTLE, [0, 9]),
    "waiting": (worker.WAITING, ["kannel", 9]),
    "retrying": (worker.RETRYING, []),
    "take back one": (withdrawal.HOLD_BY_OFFICE.format(which=withdrawal.ONE, lock=""), [7]),
    "take back many": (withdrawal.HOLD_BY_OFFICE.format(which=withdrawal.OF_BROADCAST, lock=""), ["broadcast 1 %"]),
    "keep a code back": (withdrawal.HOLD_BY_OFFICE.format(which=withdrawal.WITH_CODE, lock=""), ["%123 456 789%"]),
    "take back": (withdrawal.WITHDRAW_BY_OFFICE.format(numbers="$3, $4"), [1, "cancelled", 7, 8]),
    "last asked": (written.LAST_ASKED, ["+1"]),
}
TABLES = (
    *("outbox", "customer", "device", "instalment", "contract", "sale", "broadcast_receiver", "ussdsession"),
    *("c", "d", "i", "k", "o", "s"),
)


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL reads empty tables whole, whatever indexes there are
@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_statement_reads_a_whole_table(database: Database, name: str) -> None:
    statement, values = STATEMENTS[name]
    plan = await execute(database.client, f"EXPLAIN QUERY PLAN {statement}", values)
    whole = [row["detail"] for row in plan if row["detail"].startswith("SCAN") and "INDEX" not in row["detail"]]
    # of the inbox the newest by their number, of which a LIMIT takes some
    assert not [each for each in whole if each.split()[1] in TABLES], plan


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_people_of_a_rare_result_are_found_by_it(database: Database) -> None:
    """Through 300,000 people SQLite walks for 0.4 s."""
    statement, values = STATEMENTS["receivers of a result"]
    plan = [row["detail"] for row in await execute(database.client, f"EXPLAIN QUERY PLAN {statement}", values)]
    searched = [each for each in plan if "broadcast_receiver " in each]
    assert len(searched) == 2 and all("result=?" in each or "broadcast_receiver_queued" in each for each in searched), (
        plan
    )


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_waits_for_an_answer_is_found_by_its_own_index(database: Database) -> None:
    for name, index in (
        ("inbox to answer", "inbox_to_answer"),
        ("count", "inbox_to_answer"),
        ("mark", "inbox_to_answer"),
    ):
        statement, values = STATEMENTS[name]
        plan = str(await execute(database.client, f"EXPLAIN QUERY PLAN {statement}", values))
        assert index in plan, plan
