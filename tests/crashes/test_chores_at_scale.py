"""What happens by the clock holds nobody up: no portion of it takes 20 ms of the loop's thread, with a million
customers on the embedded database, their meters, contracts, messages and sales. PostgreSQL does its own part beside the
loop, whose share does not grow with customers."""

import gc
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.app import PURGES
from bot.runtime import Database, housekeeping
from bot.runtime.housekeeping import Chore, Housekeeping
from bot.server import Server
from handlers.selling.waited import ApplyWaiting
from models.messages.tables import Outbox
from models.sql import DAY_MS, HOUR_MS, execute, ms_of

# On PostgreSQL that is to ask and to read what is answered.
MOST_S = 0.020
CUSTOMERS = {"sqlite": 1_000_000, "postgres": 50_000}
DUE_TODAY = 400
AGENTS = 300
HOURS = 3  # of which the sales are added up
ZONE = ZoneInfo("Africa/Dar_es_Salaam")
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=ZONE)
EVENING, MORNING = NOON + timedelta(hours=7), NOON + timedelta(hours=20)
NUMBERS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) "
# What differs between the engines: a moment, and the n-th week after a day.
SAID = {
    "sqlite": {
        "sold_at": "(strftime('%Y-%m-%d %H:%M:%f', {ms} / 1000.0, 'unixepoch') || '000+00:00')",
        "week": "date('2026-10-01', (7 * {week}) || ' days')",
        "nothing": "x''",
    },
    "postgres": {
        "sold_at": "to_timestamp({ms} / 1000.0)",
        "week": "date '2026-10-01' + CAST(7 * {week} AS int)",
        "nothing": "''",
    },
}
# Rows for each customer, and the statement.
FILL: tuple[tuple[float, str], ...] = (
    (
        1,
        """INSERT INTO customer (name, surname, phone, language, mini_grid_id)
        SELECT 'Mteja', 'N' || n, '+2557' || (30000000 + n), 'sw', 1 FROM n""",
    ),
    (
        0.6,
        """INSERT INTO device (serial, kind, issuer, sealed_key, count, customer_id, tariff_id, access_until)
        SELECT 'M' || n, 'meter', 'sts', '', 0, n + 3, (SELECT MIN(id) FROM tariff WHERE unit = 'energy'), '2026-01-01'
        FROM n""",
    ),
    (
        0.1,
        """INSERT INTO contract (key, appliance_id, customer_id, agent_id, terms, price, down, period, day_price,
        minimum, commission, sold_on, created_at)
        SELECT 'c' || n, 1, n + 3, 1, 'instalments', 100000, 10000, 'weekly', 0, 1, 0, '2026-10-01',
        '2026-10-01 06:00:00+00:00' FROM n""",
    ),
    # Each with six that are overdue and were reminded of, and one that is due later.
    (
        0.6,
        """INSERT INTO instalment (contract_id, appliance_id, number, due_on, amount, paid, reminded_after)
        SELECT 2 + (n - 1) / 6, 1, 1 + (n - 1) % 6, {overdue}, 10000, 0, '2026-11-30 06:00:00+00:00' FROM n""",
    ),
    (
        0.1,
        """INSERT INTO instalment (contract_id, appliance_id, number, due_on, amount, paid)
        SELECT 1 + n, 1, 7, '2026-12-24', 10000, 0 FROM n""",
    ),
    # Of what came in and went out a twentieth is old enough to be emptied now.
    (
        1,
        """INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state,
        outcome, error) SELECT 'kannel', 'i' || n, '+255730000001', 'number', '', '',
          CASE WHEN n % 20 = 0 THEN 'BAL' ELSE '' END, n, 'done', '', '' FROM n""",
    ),
    (
        1,
        """INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at)
        SELECT 'o' || n, '+2557' || (30000000 + n), CASE WHEN n % 20 = 0 THEN 'Code' ELSE '' END, 'reply', 1, 'kannel',
          'delivered', n, n, n FROM n""",
    ),
    (0.2, "INSERT INTO contact (phone, replies_since, talk) SELECT 'p' || n, {now}, '' FROM n"),
    (0.01, "INSERT INTO contact (phone, replies_since, talk) SELECT 'q' || n, 1, 'BUY' FROM n"),
    (
        0.1,
        """INSERT INTO payment (id, provider, reference, amount, currency, paid_at, created_at, agent_id)
        SELECT 1000 + n, 'cash', 'P' || n, 500000, 'TZS', {sold_at}, {sold_at}, 3 + n % {agents} FROM n""",
    ),
    (
        0.1,
        """INSERT INTO sale (reference, key, amount, unit, units, commission, created_at, agent_id, customer_id,
          device_id, payment_id)
        SELECT 'S' || n, 's' || n, 500000, 'energy', 1, 50000, {sold_at}, 3 + n % {agents}, 3 + n, 3 + n, 1000 + n
        FROM n""",
    ),
    (
        0.0006,
        """INSERT INTO ticket (key, category, text, state, opened_at, due_at, asked_at, customer_id)
        SELECT 't' || n, 'power', 'dark', 'asked', {past}, {past}, {past}, 3 + n FROM n""",
    ),
    (
        0.0006,
        """INSERT INTO ticket (key, category, text, state, opened_at, due_at, customer_id)
        SELECT 'v' || n, 'payment', 'c' || n, 'open', {past}, {past}, 3 + n FROM n""",
    ),
    (
        0.0006,
        """INSERT INTO cash_request (key, phone, language, amount, state, alone, created_at, expires_at, agent_id,
          customer_id, device_id)
        SELECT 'r' || n, '+2557' || (30000000 + n), 'sw', 500000, 'asked', FALSE, 1, 2, 1, 3 + n, 3 + n FROM n""",
    ),
    (0.01, "INSERT INTO phone_receiver (phone_id, sim, month, receiver) SELECT 1, 1, 24000, 'p' || n FROM n"),
    (0.01, "INSERT INTO refused (gateway, reason, body, created_at) SELECT 'kannel', 'unreadable', '', n FROM n"),
    (0.01, "INSERT INTO phone_part (outbox_id, event_id) SELECT n, 'e' || n FROM n"),
    (
        0.01,
        "INSERT INTO draft (name, phone, talk, answers, updated_at) SELECT 'd' || n, 'p' || n, 'buy', '[]', n FROM n",
    ),
    (
        0.02,
        """INSERT INTO ussdsession (id, gateway, service_code, session_id, phone, transcript_length, transcript_mac,
          talk, pin_given, open, started_at, updated_at)
        SELECT n, 'kannel', '*384*20#', 's' || n, 'p' || n, 0, '', '', FALSE, FALSE, n, n FROM n""",
    ),
    (0.02, "INSERT INTO ussdturn (mac, response, created_at, session_id) SELECT 'm' || n, 'CON', n, n FROM n"),
    (
        0.01,
        """INSERT INTO notice (provider, kind, digest, sealed, address, received_at, done_at)
        SELECT 'daraja', 'stk', 'd' || n, 'sealed', '', n, n FROM n""",
    ),
    (0.001, "INSERT INTO guess (name, wrong, since) SELECT 'g' || n, 1, n FROM n"),
    (
        0.001,
        """INSERT INTO office_session (hash, role, epoch, created_at, seen_at, address, browser, user_id)
        SELECT 'h' || n, 'owner', 1, n, n, '', '', (SELECT MIN(id) FROM officeuser) FROM n""",
    ),
    (
        0.01,
        """INSERT INTO reservation (key, kind, owner, amount, state, expires_at)
        SELECT 'r' || n, 'cash', 1, 1, 'used', n FROM n""",
    ),
    (
        0.01,
        """INSERT INTO receipt_text (inbox_id, gateway, sender, sealed, state, received_at)
        SELECT n, 'phone-1', 'M-PESA', '', 'ignored', n FROM n""",
    ),
    (0.001, "INSERT INTO form_once (key, taken_at) SELECT 'f' || n, n FROM n"),
    (
        0.0001,
        """INSERT INTO office_upload (created_at, brought_by, kind, name, data)
        SELECT n, 'admin', 'customers', 'a.csv', {nothing} FROM n""",
    ),
    (
        0.001,
        """INSERT INTO gateway_beat (gateway, hour, up, down, paused, noted_at)
        SELECT 'kannel', n, 1, 0, 0, n FROM n""",
    ),
)
SELLERS = """INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission)
  SELECT '+2557' || (60000000 + n), 'Wakala', language, mini_grid_id, pin_hash, 0, cash_limit, commission
  FROM agent, n WHERE agent.id = 1"""
AFTERWARDS = (
    "UPDATE instalment SET due_on = '2026-12-03' WHERE contract_id <= 401 AND number = 7",
    # The names of most are found by now, and the sums have all of what was sold before.
    "DELETE FROM name_change WHERE customer_id > 5000",
    "UPDATE added_up SET until_at = {begun}",
    "UPDATE outbox SET created_at = 1 WHERE kind = 'reminder'",  # those of the demo went out before all others
)


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


async def fill(mwanga: Server, engine: str) -> None:
    db, customers, began = mwanga.database.client, CUSTOMERS[engine], ms_of(NOON) - HOURS * HOUR_MS
    said, sales = SAID[engine], int(CUSTOMERS[engine] * 0.1)
    words = {
        "now": ms_of(NOON),
        "agents": AGENTS,
        "sold_at": said["sold_at"].format(ms=f"({began} + CAST(n AS bigint) * {(HOURS - 1) * HOUR_MS} / {sales})"),
        "past": said["sold_at"].format(ms=str(began - 10 * DAY_MS)),
        "begun": said["sold_at"].format(ms=str(began)),
        "overdue": said["week"].format(week="(1 + (n - 1) % 6)"),
        "nothing": said["nothing"],
    }
    await execute(db, NUMBERS.format(AGENTS) + SELLERS)
    for each, statement in FILL:
        await execute(db, NUMBERS.format(max(1, round(each * customers))) + statement.format_map(words))
    for statement in AFTERWARDS:
        await execute(db, statement.format_map(words))


@pytest.mark.slow
async def test_no_portion_of_the_chores_holds_up_the_loop(
    mwanga: Server, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Counter[int] = Counter()
    with time_machine.travel(NOON, tick=False) as clock:
        await mwanga.housekeeping.chores()  # the first reminder of a process also compiles what it needs
        await fill(mwanga, engine)
        gc.collect()
        gc.freeze()  # the heap of the tests is not that of a server
        timed, forgotten = Timed(mwanga.database), counted(monkeypatch)
        chores = [note(keeper, timed, done) for keeper in (mwanga.housekeeping, mwanga.watch)]
        for moment in (NOON, EVENING, MORNING):
            clock.move_to(moment, tick=False)
            await mwanga.housekeeping.chores()
        await mwanga.watch.chores()
        await mwanga.housekeeping.purge()
    gc.unfreeze()
    idle = [chore for chore in [*chores[0], *chores[1]] if not done[id(chore)]]
    assert [type(chore) for chore in idle] == [ApplyWaiting], "in each unit of work it takes one payment"
    assert [purge.name for purge in PURGES if not forgotten[purge.statement]] == []
    assert await Outbox.filter(kind="reminder").count() >= DUE_TODAY
    assert (await execute(mwanga.database.client, "SELECT COUNT(*) AS n FROM inbox WHERE text <> ''")) == [{"n": 0}]
    assert len(timed.took) > 20, "a fast machine does more in each: 83 were seen, and over 100 on others"
    assert slowest(timed.took) < MOST_S


def note(keeper: Housekeeping, timed: Timed, done: "Counter[int]") -> Sequence[Chore]:
    """Have it counted what each chore does, and timed."""
    chores = keeper._chores

    def noting(chore: Chore) -> Chore:
        async def work(most: int) -> int:
            some = await chore(most)
            done[id(chore)] += some
            return some

        return work

    keeper._database, keeper._chores = timed, [noting(chore) for chore in chores]
    return chores


def counted(monkeypatch: pytest.MonkeyPatch) -> "Counter[str]":
    """How many rows each purge has forgotten, by its statement."""
    rows: Counter[str] = Counter()

    async def purging(db: Any, statement: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        gone = await execute(db, statement, values)
        rows[statement] += len(gone)
        return gone

    monkeypatch.setattr(housekeeping, "execute", purging)
    return rows


def slowest(took: Sequence[float]) -> float:
    """But for one of a thousand: a machine that others use as well is slow now and then."""
    return sorted(took)[-1 - len(took) // 1000]
