"""What happens by the clock holds nobody up on the embedded database: no portion of it takes 20 ms of the loop's
thread, with 200,000 customers, their meters, contracts and messages."""

import gc
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.runtime import Database
from bot.server import Server
from models.messages.tables import Outbox
from models.sql import execute, ms_of

MOST_S = 0.020
CUSTOMERS, METERS, CONTRACTS, TEXTS = 200_000, 120_000, 80_000, 200_000
DUE_TODAY = 400
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=ZoneInfo("Africa/Dar_es_Salaam"))
NUMBERS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) "
FILL = (
    (
        CUSTOMERS,
        """INSERT INTO customer (name, surname, phone, language, mini_grid_id)
        SELECT 'Mteja', 'N' || n, '+25573' || substr('0000000' || n, -7), 'sw', 1 FROM n""",
    ),
    (
        METERS,
        """INSERT INTO device (serial, kind, issuer, sealed_key, count, customer_id, tariff_id, access_until)
        SELECT 'M' || n, 'meter', 'sts', '', 0, n + 3, (SELECT MIN(id) FROM tariff WHERE unit = 'energy'), '2026-01-01'
        FROM n""",
    ),
    (
        CONTRACTS,
        """INSERT INTO contract (key, appliance_id, customer_id, agent_id, terms, price, down, period, day_price,
        minimum, commission, sold_on, created_at)
        SELECT 'c' || n, 1, n + 3, 1, 'instalments', 100000, 10000, 'weekly', 0, 1, 0, '2026-10-01',
        '2026-10-01 06:00:00+00:00' FROM n""",
    ),
    # Each with six that are overdue and were reminded of, and one that is due later.
    (
        CONTRACTS * 7,
        """INSERT INTO instalment (contract_id, appliance_id, number, due_on, amount, paid, reminded_after)
        SELECT 2 + (n - 1) / 7, 1, 1 + (n - 1) % 7,
          CASE WHEN (n - 1) % 7 < 6 THEN date('2026-10-08', (7 * ((n - 1) % 7)) || ' days') ELSE '2026-12-24' END,
          10000, 0, CASE WHEN (n - 1) % 7 < 6 THEN '2026-11-30 06:00:00+00:00' END FROM n""",
    ),
    (
        TEXTS,
        """INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state,
        outcome, error) SELECT 'kannel', n, '+255730000001', 'number', '', '',
          CASE WHEN n > 150000 THEN 'BAL' ELSE '' END, n, 'done', '', '' FROM n""",
    ),
    (TEXTS, "INSERT INTO contact (phone, replies_since, talk) SELECT 'p' || n, {now}, '' FROM n"),
)


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Timed(Database):
    """Notes how much of the thread each unit of work takes."""

    def __init__(self, database: Database) -> None:
        self._timed, self.took = database, list[float]()

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Any]:
        began = time.thread_time()
        async with self._timed.work() as connection:
            yield connection
        self.took.append(time.thread_time() - began)


async def fill(mwanga: Server) -> None:
    for rows, statement in FILL:
        await execute(mwanga.database.client, NUMBERS.format(rows) + statement.format(now=ms_of(NOON)))
    due = "UPDATE instalment SET due_on = '2026-12-03' WHERE contract_id <= $1 AND number = 7"
    await execute(mwanga.database.client, due, [DUE_TODAY + 1])


@pytest.mark.slow
async def test_no_portion_of_the_chores_holds_up_the_loop(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        await mwanga.housekeeping.chores()  # the first reminder of a process also compiles what it needs
        await fill(mwanga)
        gc.collect()
        gc.freeze()  # the heap of the tests is not that of a server
        timed = Timed(mwanga.database)
        mwanga.housekeeping._database = timed
        await mwanga.housekeeping.chores()
        await mwanga.housekeeping.purge()
    assert await Outbox.filter(kind="reminder").count() >= DUE_TODAY
    assert (await execute(mwanga.database.client, "SELECT COUNT(*) AS n FROM inbox WHERE text <> ''")) == [{"n": 0}]
    gc.unfreeze()
    assert len(timed.took) > 20, "a fast machine does more in each: 83 were seen, and over 100 on others"
    assert slowest(timed.took) < MOST_S


def slowest(took: Sequence[float]) -> float:
    """But for one of a hundred: a machine that others use as well is slow now and then."""
    return sorted(took)[-1 - len(took) // 100]
