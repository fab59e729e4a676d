"""What an agent earned on a day: exactly what was booked on it, and found without a walk through all that was."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from tortoise.backends.base.client import BaseDBAsyncClient

from bot.server import Server
from models.people import Agent
from models.selling import agents_statement
from models.selling.agents_statement import day_figures
from models.sql import connection, execute, execute_many
from tests.world.effort import effort
from tests.world.people import PEOPLE

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OTHER = 1_000  # an agent who is not asked about
UNEARNED = ("hand in", "top up", "commission paid out")  # how keys begin of what takes commission out


@dataclass(frozen=True)
class Booked:
    """A line on an agent's commission account. Money is in minor units."""

    agent: int
    earned: int
    created: datetime
    effective: datetime
    key: str = "sale"

    def lines(self, entry: int) -> list[tuple[int, str, int, int]]:
        return [(entry, "commission", self.agent, -self.earned), (entry, "commission cost", 0, self.earned)]

    def counts(self, agent: int, since: datetime, until: datetime) -> bool:
        return self.agent == agent and since <= self.created < until and self.key not in UNEARNED


async def book(mwanga: Server, booked: Sequence[Booked]) -> None:
    """Book these in this order."""
    entries = """INSERT INTO entry (id, key, actor, line_count, effective_at, created_at)
      VALUES ($1, $2, 'test', 2, $3, $4)"""
    opened = "INSERT INTO account (kind, owner, currency, balance) VALUES ($1, $2, 'TZS', 0) ON CONFLICT DO NOTHING"
    lines = """INSERT INTO line (entry_id, account_id, amount)
      VALUES ($1, (SELECT id FROM account WHERE kind = $2 AND owner = $3), $4)"""
    async with mwanga.database.work() as db:
        [row] = await execute(db, "SELECT COALESCE(MAX(id), 0) + 1 AS first FROM entry")
        numbered = list(enumerate(booked, row["first"]))
        wanted = {("commission cost", 0), *(("commission", one.agent) for one in booked)}
        await execute_many(db, opened, sorted(wanted))
        await execute_many(db, entries, [(n, f"{one.key} {n}", one.effective, one.created) for n, one in numbered])
        await execute_many(db, lines, [line for n, one in numbered for line in one.lines(n)])


def booked_at(clock: datetime, chance: random.Random, agents: Sequence[int]) -> Booked:
    """Something at this time: by a clock that may be wrong, from a notice that may be late. Now and then another agent
    sold by a clock that was wrong by more than is believed."""
    clocks = (0.0, agents), (chance.uniform(-1, 24), agents), (chance.uniform(-96, 96), [OTHER])
    [(wrong, whose)] = chance.choices(clocks, (93, 5, 2 if clock > BEGIN + 5 * DAY else 0))
    created = clock + timedelta(hours=wrong)
    effective = created - timedelta(days=chance.uniform(0, 15) if chance.random() < 0.3 else 0)
    key, amount = chance.choice(("sale", "sale", "contract", *UNEARNED)), chance.randint(1, 999)
    return Booked(chance.choice(whose), chance.choice((-1, 1)) * amount, created, effective, key)


async def test_it_is_all_that_was_booked_on_the_day(mwanga: Server) -> None:
    """Whatever the order in which it was booked, and whenever it was effective."""
    chance, days = random.Random(7), 20
    agents = [(await Agent.get(phone=PEOPLE[name])).id for name in ("Asha", "Juma")]
    clocks = sorted(BEGIN + chance.random() * days * DAY for _ in range(100 * days))
    booked = [booked_at(clock, chance, agents) for clock in clocks]
    await book(mwanga, booked)
    spans = [(BEGIN + n * DAY, BEGIN + (n + 1) * DAY) for n in range(-1, days + 1)]
    with time_machine.travel(BEGIN + days * DAY, tick=False):
        for since, until in (*spans, (BEGIN, BEGIN + 7 * DAY), (BEGIN - DAY, BEGIN + 400 * DAY)):
            for agent in agents:
                earned = sum(one.earned for one in booked if one.counts(agent, since, until))
                assert (await day_figures(agent, since, until)).commission == earned


async def test_a_sale_by_a_clock_that_was_a_day_ahead_counts_when_it_says(mwanga: Server) -> None:
    """Though a hundred of that day were booked after it."""
    asha, juma = [(await Agent.get(phone=PEOPLE[name])).id for name in ("Asha", "Juma")]
    others = [Booked(juma, 1, at, at) for at in (BEGIN + n * DAY / 100 for n in range(300))]
    ahead = Booked(asha, 5, BEGIN + DAY + DAY / 100, BEGIN + DAY + DAY / 100)
    await book(mwanga, [*others[:1], ahead, *others[1:]])
    assert (await day_figures(asha, BEGIN + DAY, BEGIN + 2 * DAY)).commission == 5


@pytest.mark.everyday_on_sqlite
async def test_today_takes_the_same_whatever_was_earned_before(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asha earned ten times on each of 300 days, Juma on the last hundred. Every other notice comes late."""
    asha, juma = [(await Agent.get(phone=PEOPLE[name])).id for name in ("Asha", "Juma")]
    clocks = [BEGIN + n * DAY / 10 for n in range(3_000)]
    earned = [(at, asha) for at in clocks] + [(at, juma) for at in clocks[-1_000:]]
    late = dict.fromkeys(clocks[1::2], 10 * DAY)
    await book(mwanga, [Booked(agent, 5, at, at - late.get(at, 0 * DAY)) for at, agent in sorted(earned)])
    await execute(connection(), "ANALYZE")  # as each database does by itself now and then
    asha_took, juma_took = [await effort_of_day(one, BEGIN + 299 * DAY, monkeypatch) for one in (asha, juma)]
    assert asha_took < 1.2 * juma_took


async def effort_of_day(agent: int, since: datetime, monkeypatch: pytest.MonkeyPatch) -> int:
    efforts = list[int]()

    async def noted(db: BaseDBAsyncClient, statement: str, values: Sequence[object]) -> list[dict[str, Any]]:
        efforts.append(await effort(statement, values))
        return await execute(db, statement, values)

    with monkeypatch.context() as patched:
        patched.setattr(agents_statement, "execute", noted)
        assert (await day_figures(agent, since, since + DAY)).commission == 50
    return sum(efforts)
