"""The statements over the outbox table, and what they cost."""

import pytest

from bot.outbound import failover, queue
from bot.outbound.queue import Size
from bot.outbound.receipts import FIND
from bot.routing import watch
from bot.runtime import Database, Metrics
from models.messages import State
from models.sql import execute
from tests.world.outbox_rig import SECOND, START, Bench


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def test_the_queues_are_counted_with_their_oldest(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("tried")
    await bench.settle()
    await bench.switch("off")
    bench.clock.now += SECOND
    await bench.enqueue("one", "two", gateway="kannel")
    async with bench.database.work():
        found = await queue.sizes()
    assert sorted(found, key=lambda size: size.gateway) == [
        Size("africastalking", State.SCHEDULED, 1, START),
        Size("kannel", State.WAITING, 2, START + SECOND),
    ]


def test_a_queue_that_is_empty_at_the_next_scrape_is_not_shown() -> None:
    metrics = Metrics()
    metrics.set_queues([Size("kannel", State.WAITING, 2, START)], START + 3 * SECOND)
    assert b'mwanga_outbox_messages{gateway="kannel",state="waiting"} 2.0' in metrics.text()
    assert b'mwanga_outbox_oldest_seconds{gateway="kannel",state="waiting"} 3.0' in metrics.text()
    metrics.set_queues([], START + 4 * SECOND)
    assert b"kannel" not in metrics.text()


STATEMENTS = [
    *(
        queue.CLAIM,
        queue.CLAIM_PARTS,
        queue.PROMOTE,
        queue.BRING_FORWARD,
        queue.EXPIRE,
        queue.UNREPORTED,
        queue.TAKE_BACK,
        queue.NEXT_DUE,
        queue.SIZES,
    ),
    *(failover.WAITING, failover.SCHEDULED, queue.MOVE),
    *(watch.HAVE_WAITING, watch.WAITING),
    *(
        queue.RELEASE_FROM_STOPPED,
        queue.FAIL_OF_REMOVED,
        queue.WRITE_SENT,
        queue.WRITE_NOT_SENT,
        FIND.format("$1"),
    ),
]


async def test_no_statement_reads_the_history(bench: Bench) -> None:
    if not bench.database.embedded:
        pytest.skip("PostgreSQL plans by what a table holds; the conditions are the same")
    async with bench.database.work() as db:
        for statement in STATEMENTS:
            values = [1] * sum(f"${n}" in statement for n in range(1, 9))
            plan = await execute(db, "EXPLAIN QUERY PLAN " + statement.format(lock=""), values)
            assert "SCAN outbox" not in {step["detail"] for step in plan}, statement
