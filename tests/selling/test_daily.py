"""What agents are told by the clock: once a day each, whoever asks how often, and not those who want nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.runtime import Database, DatabaseAway
from bot.server import Server
from handlers.account import daily
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent
from models.selling.agents_day import ACTIVE, active_untold
from models.sql import columns_of, connection, execute, execute_many
from tests.world.effort import effort
from tests.world.people import PEOPLE, Phones

DAY = datetime(2026, 11, 24, tzinfo=UTC)
YES = "1 482915"


def at(hours: float) -> datetime:
    """This time of the day in Mtwara, which is three hours ahead."""
    return DAY + timedelta(hours=hours - 3)


@asynccontextmanager
async def world(url: str, **settings: object) -> AsyncIterator[Server]:
    async with assembled(load(database=url, languages="en,sw,fr,pt,ha", **settings), serving=False) as mwanga:
        yield mwanga


async def told(mwanga: Server) -> list[tuple[str, str]]:
    """Whom the chores of now told what."""
    before = await execute(connection(), "SELECT COALESCE(MAX(id), 0) AS id FROM outbox")
    await mwanga.housekeeping.chores()
    new = "SELECT phone, text FROM outbox WHERE id > $1 AND origin LIKE '% agent %' ORDER BY id"
    rows = await execute(connection(), new, [before[0]["id"]])
    names = {number: name for name, number in PEOPLE.items()}
    return [(names[row["phone"]], row["text"]) for row in rows]


async def summaries() -> list[dict[str, Any]]:
    return await execute(connection(), "SELECT origin FROM outbox WHERE origin LIKE 'summary %'")


async def sell(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", YES)


async def make_active(count: int) -> list[Agent]:
    """Have so many agents beside those of the demo, each of whom handed in just now."""
    columns = "name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, prepaid, cashier, commission"
    hired = f"INSERT INTO agent (phone, {columns}) SELECT $1, {columns} FROM agent WHERE phone = $2"
    there = await Agent.filter(phone__startswith="+25578").count()
    new = [f"+25578{n:07d}" for n in range(there, count)]
    await execute_many(connection(), hired, [(phone, PEOPLE["Asha"]) for phone in new])
    agents = await Agent.filter(phone__startswith="+25578").order_by("id")
    handed = """INSERT INTO hand_in (reference, agent_id, amount, commission, actor, created_at)
      VALUES ($1, $2, 100, 0, 'test', $3)"""
    rows = [(f"H{agent.id}", agent.id, datetime.now(UTC)) for agent in agents[there:]]
    await execute_many(connection(), handed, rows)
    return agents


async def test_an_agent_who_sold_is_told_of_the_day_once(demo_url: str) -> None:
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url) as mwanga:
            await sell(mwanga)
            clock.move_to(at(18.9))
            assert await told(mwanga) == []
            clock.move_to(at(19))
            said = "24/11: 1 sold, TZS 8,000. Handed in 0. You hold 8,000 of 200,000. Commission due 800."
            assert await told(mwanga) == [("Asha", said)]
            assert await told(mwanga) == []
            clock.move_to(at(22.9))
        async with world(demo_url) as mwanga:  # after a start, and as another server
            assert await told(mwanga) == []
            clock.move_to(at(19 + 24))
            assert await told(mwanga) == []  # nothing was sold on that day


async def test_in_the_morning_agents_are_told_what_they_can_sell_for(demo_url: str) -> None:
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url) as mwanga:
            await sell(mwanga)
            clock.move_to(at(24 + 6.9))
            assert await told(mwanga) == []
            clock.move_to(at(24 + 7))
            assert await told(mwanga) == [("Asha", "Good morning. You can sell for TZS 192,000 today.")]
            assert await told(mwanga) == []
            asha = await Agent.get(phone=PEOPLE["Asha"])
            async with mwanga.database.work():
                lines = [Posting(AccountKind.CASH, asha.id, 19_200_000), Posting(AccountKind.DAYS, 0, -19_200_000)]
                await post("more", lines, actor="test")
            clock.move_to(at(48 + 7))
            assert await told(mwanga) == [
                ("Asha", "Good morning. You hold TZS 200,000, your limit: hand in, then sell.")
            ]
            clock.move_to(at(24 * 9 + 7))
            assert await told(mwanga) == []  # idle for more than a week


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("why", ["stopped", "locked", "retired", "off", "too late"])
async def test_who_wants_none_or_sells_no_more_is_not_told(demo_url: str, why: str) -> None:
    settings = {"summary_hour": "", "morning_hour": ""} if why == "off" else {}
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url, **settings) as mwanga:
            await sell(mwanga)
            if why == "stopped":
                await Phones(mwanga).text("Asha", "STOP")
            if why == "locked":
                await Phones(mwanga).text("Juma", "LOCK 0700000001 482915")
            if why == "retired":
                await Agent.filter(phone=PEOPLE["Asha"]).update(retired_at=at(12), locked_at=at(12))
            clock.move_to(at(23.5) if why == "too late" else at(20))
            assert await told(mwanga) == []
            clock.move_to(at(24 + 11.5) if why == "too late" else at(24 + 8))
            assert await told(mwanga) == []


async def test_two_servers_tell_an_agent_once(demo_url: str) -> None:
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url) as one, world(demo_url) as other:
            await sell(one)
            clock.move_to(at(20))
            await one.housekeeping.chores()
            await other.housekeeping.chores()
            assert len(await summaries()) == 1


async def test_agents_are_gone_through_once_in_an_hour(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portion that began again with the first agent would look at all that were told before it."""
    asked = list[tuple[int, list[int]]]()  # behind which agent was looked, and who was found

    async def noted(since: datetime, until: datetime, name: str, after: int, most: int) -> list[Agent]:
        found = await active_untold(since, until, name, after, most)
        asked.append((after, [agent.id for agent in found]))
        return found

    with time_machine.travel(at(18), tick=False) as clock:
        async with world(demo_url) as mwanga:
            agents = [agent.id for agent in await make_active(40)]
            monkeypatch.setattr(daily, "active_untold", noted)
            clock.move_to(at(19))
            await mwanga.housekeeping.chores()
            assert [agent for _after, found in asked for agent in found] == agents
            assert len(asked) > 2
            assert [after for after, _found in asked] == [0, *(found[-1] for _after, found in asked[:-1])]
            clock.move_to(at(20))
            asked.clear()
            await mwanga.housekeeping.chores()
            assert asked == [(0, [])]


async def test_who_sells_while_others_are_told_is_told_in_the_next_hour(demo_url: str) -> None:
    """And not only who comes behind those who were told by now."""
    with time_machine.travel(at(18.5), tick=False) as clock:
        async with world(demo_url) as mwanga:
            await make_active(1)
            clock.move_to(at(19))
            await mwanga.housekeeping.chores()
            clock.move_to(at(19.5))
            await sell(mwanga)
            clock.move_to(at(20))
            assert [name for name, _text in await told(mwanga)] == ["Asha"]


class Breaking(Database):
    """Is gone when the summary of a second agent is to be committed."""

    def __init__(self, database: Database) -> None:
        self._whole = database

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Any]:
        async with self._whole.work() as connection:
            yield connection
            if len(await summaries()) > 1:
                raise ConnectionError


async def test_what_could_not_be_committed_is_told_in_the_next_hour(demo_url: str) -> None:
    """Together with who became active before these."""
    with time_machine.travel(at(18.5), tick=False) as clock:
        async with world(demo_url) as mwanga:
            await make_active(3)
            clock.move_to(at(19))
            mwanga.housekeeping._database = Breaking(mwanga.database)
            with pytest.raises(DatabaseAway):
                await mwanga.housekeeping.chores()
            assert len(await summaries()) == 1
            mwanga.housekeeping._database = mwanga.database
            await sell(mwanga)
            clock.move_to(at(20))
            await mwanga.housekeeping.chores()
            assert len(await summaries()) == 4


async def test_the_next_agent_is_found_without_a_look_at_all_others(demo_url: str) -> None:
    """And not by all that was handed in: PostgreSQL would find both where EXISTS asks about it."""
    statement = ACTIVE.format(columns=columns_of(Agent))
    took = list[int]()
    with time_machine.travel(at(18), tick=False):
        async with world(demo_url):
            for count in (20, 300):
                await make_active(count)
                await execute(connection(), "ANALYZE")
                took.append(await effort(statement, [at(0), at(19), "summary ", 0, 1]))
    assert took[1] <= took[0]
