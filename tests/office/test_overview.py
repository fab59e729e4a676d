"""What the office's page asks of the database: about today, and never about all of history."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.runtime import Database
from models.money.ledger import AccountKind, Posting
from models.office import overview
from models.sql import execute, now_ms
from tests.world.books import book
from tests.world.browser import HOUR, receive_message


async def test_today_begins_at_midnight_where_the_operator_is(database: Database) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=ZoneInfo("Africa/Dar_es_Salaam")).astimezone(UTC)
    start = int(midnight.timestamp() * 1000)

    await receive_message(database.client, start - 1, number=1)
    await receive_message(database.client, start, number=2)
    seen = await overview.read(start + HOUR, midnight)
    assert seen.messages.received == (1, False)
    assert seen.messages.heard == {"africastalking": start}


async def test_an_agent_without_a_limit_who_holds_cash_comes_first(database: Database) -> None:
    client = database.client
    await execute(client, "INSERT INTO minigrid (name) VALUES ('Here')")
    grid = (await execute(client, "SELECT id FROM minigrid"))[0]["id"]
    for number, (limit, held) in enumerate(((0, 0), (100, 95), (0, 5), (100, -20))):
        rows = await execute(
            client,
            "INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission) "
            "VALUES ($1, $1, 'en', $2, '', 0, $3, 1000) RETURNING id",
            [f"+{number}", grid, limit],
        )
        if held:
            agent = int(rows[0]["id"])
            lines = Posting(AccountKind.CASH, agent, held), Posting(AccountKind.ENERGY, 0, -held)
            await book(f"sold {number}", *lines)
    seen = await overview.read(now_ms(), datetime.now(UTC))
    assert [(agent.name, agent.share) for agent in seen.agents] == [("+2", 100), ("+1", 95), ("+0", 0), ("+3", -20)]


QUESTIONS = [
    overview.QUEUES,
    overview.UNREAD,
    overview.RECEIVED,
    overview.SENT,
    overview.DIALLED,
    overview.NOT_UNDERSTOOD,
    overview.BROKEN,
    overview.REFUSED,
    overview.STUCK,
    overview.HELD,
]


async def test_no_question_reads_a_table_without_an_index(database: Database) -> None:
    """Cost must not grow with history. PostgreSQL would read empty tables whole, so it is kept from that."""
    explain = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
    tables = re.compile(r"(SCAN|SEARCH|Scan) .*\b(inbox|outbox|sale|s|ussdsession|refused|account)\b")
    async with database.work() as db:
        if not database.embedded:
            await execute(db, "SET LOCAL enable_seqscan = off")
            await execute(db, "SET LOCAL enable_bitmapscan = off")
        for question in QUESTIONS:
            values = [0] * len(set(re.findall(r"\$\d", question)))
            plan = [str(row) for row in await execute(db, explain + question, values)]
            reads = [step for step in plan if tables.search(step)]
            assert reads, question
            assert all(re.search(r"USING (COVERING )?INDEX|Index (Only )?Scan", step) for step in reads), reads
