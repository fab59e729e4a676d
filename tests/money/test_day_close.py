"""A day that is closed stays as it was: its figures, and what can be booked into it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.cli import close as close_command
from bot.runtime import Database
from bot.server import Server
from models import clock
from models.audit import Audit
from models.clock import CLOCK, Doubt
from models.money import day_close
from models.money.day_close import Closed, DayNotOver, close_agent, close_all, close_provider, first_open
from models.money.hand_in import hand_in
from models.money.ledger import AccountKind, Posting, post
from models.money.providers import Provider
from models.money.wallets import make_prepaid, top_up
from models.people import Agent
from models.sql import execute
from tests.world.prompt import Run, do_in_one_work

ZONE = ZoneInfo("Africa/Dar_es_Salaam")  # UTC + 3
DAY = date(2026, 11, 26)
NOON = datetime(2026, 11, 26, 9, tzinfo=UTC)
NEXT = datetime(2026, 11, 27, 9, tzinfo=UTC)
_entries = itertools.count(1)


async def take(agent: int, amount: int, at: datetime, commission: int = 0) -> None:
    """An agent sells for cash."""
    key = f"sale {next(_entries)}"
    lines = [Posting(AccountKind.CASH, agent, amount), Posting(AccountKind.DAYS, 0, -amount)]
    if amount:
        await post(key, lines, actor="test", effective_at=at)
    if commission:
        earned = [
            Posting(AccountKind.COMMISSION_COST, 0, commission),
            Posting(AccountKind.COMMISSION, agent, -commission),
        ]
        await post(f"{key} commission", earned, actor="test", effective_at=at)


async def receive(provider: Provider, amount: int, at: datetime) -> None:
    """A customer pays by mobile money."""
    lines = [Posting(AccountKind.CLEARING, provider.id, amount), Posting(AccountKind.ENERGY, 0, -amount)]
    await post(f"payment {next(_entries)}", lines, actor="test", effective_at=at)


async def pay_out(provider: Provider, amount: int, fee: int, at: datetime) -> None:
    lines = [Posting(AccountKind.BANK, 0, amount), Posting(AccountKind.CLEARING, provider.id, -amount)]
    await post(f"payout {next(_entries)}", lines, actor="test", effective_at=at)
    kept = [Posting(AccountKind.FEES, 0, fee), Posting(AccountKind.CLEARING, provider.id, -fee)]
    await post(f"fee {next(_entries)}", kept, actor="test", effective_at=at)


async def closed(database: Database, actor: str = "Rehema") -> list[Closed]:
    return await close_all(database.work, DAY, ZONE, actor)


async def go_on() -> None:
    """Nothing happens."""


@dataclass
class Second:
    """Who comes while the days of all are closed, one after the other."""

    comes: Callable[[], Awaitable[None]] = go_on


@pytest.fixture
async def open_books(mwanga: Server) -> Database:
    return mwanga.database


async def test_an_agents_day_has_its_figures(open_books: Database) -> None:
    asha = await Agent.get(id=1)
    async with open_books.work():
        await take(1, 50_000, NOON - timedelta(days=1), 5_000)
        await take(1, 20_000, NOON, 2_000)
        await take(2, 9_000, NOON)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        async with open_books.work():
            await hand_in(asha, 60_000, "rehema", "R1")
    async with open_books.work():
        await take(1, 7_000, NEXT, 700)
        done = await close_agent(asha, DAY, ZONE, "Rehema")
    assert done.figures == {
        "opening": 50_000,
        "taken": 20_000,
        "handed in": 60_000,
        "commission paid": 7_000,
        "closing": 3_000,
        "commission due before": 5_000,
        "commission earned": 2_000,
        "commission due": 0,
    }


async def test_commission_that_went_into_the_wallet_was_earned(open_books: Database) -> None:
    asha = await Agent.get(id=1)
    async with open_books.work():
        await make_prepaid(asha, "rehema")
        await take(1, 0, NOON - timedelta(days=1), 5_000)
        await take(1, 0, NOON, 2_000)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        async with open_books.work():
            await top_up(asha, 60_000, "rehema", "R1")
    async with open_books.work():
        done = await close_agent(asha, DAY, ZONE, "Rehema")
    commission = {name: figure for name, figure in done.figures.items() if figure and name.startswith("commission")}
    assert commission == {
        "commission due before": 5_000,
        "commission earned": 2_000,
        "commission put into the wallet": 7_000,
    }
    assert done.figures["wallet"] == 67_000


async def test_a_providers_day_has_its_figures(open_books: Database) -> None:
    async with open_books.work():
        daraja = await Provider.create(name="daraja")
        await receive(daraja, 80_000, NOON - timedelta(days=1))
        await receive(daraja, 30_000, NOON)
        await pay_out(daraja, 90_000, 500, NOON)
        await receive(daraja, 1_000, NEXT)
    async with open_books.work():
        done = await close_provider(daraja, DAY, ZONE, "Rehema")
    assert done.figures == {"opening": 80_000, "received": 30_000, "paid out": 90_000, "fees": 500, "closing": 19_500}


async def test_the_day_of_all_closes_everybody_and_adds_up_to_nothing(open_books: Database) -> None:
    async with open_books.work():
        daraja = await Provider.create(name="daraja")
        await take(1, 20_000, NOON, 2_000)
        await receive(daraja, 30_000, NOON)
        await receive(daraja, 5_000, NEXT)
    done = await closed(open_books)
    assert [each.subject for each in done] == ["agent 1", "provider daraja", ""]
    kinds = done[-1].figures
    assert kinds["clearing"] == {"opening": 0, "debit": 30_000, "credit": 0, "closing": 30_000}
    assert kinds["cash"]["closing"] == 20_000
    for figure in ("opening", "closing"):
        assert sum(kind[figure] for kind in kinds.values()) == 0
    assert sum(kind["debit"] - kind["credit"] for kind in kinds.values()) == 0


async def test_twice_is_the_same(open_books: Database) -> None:
    async with open_books.work():
        await take(1, 20_000, NOON)
    first = await closed(open_books)
    async with open_books.work():
        await take(1, 20_000, NEXT)
    again = await closed(open_books, "Somebody else")
    assert [(each.figures, each.actor) for each in again] == [(each.figures, "Rehema") for each in first]
    assert [each.new for each in (*first, *again)] == [True, True, False, False]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(("hours", "over"), [(20.99, False), (21.01, False), (21.02, True)])
async def test_a_day_is_closed_when_it_is_over(open_books: Database, hours: float, over: bool) -> None:
    """Midnight in Dar es Salaam is 21:00 UTC, and a minute more is waited."""
    with time_machine.travel(datetime(2026, 11, 26, tzinfo=UTC) + timedelta(hours=hours), tick=False):
        if over:
            assert (await closed(open_books))[-1].new
        else:
            with pytest.raises(DayNotOver):
                await closed(open_books)


async def test_nothing_is_booked_into_a_closed_day(open_books: Database) -> None:
    end = datetime(2026, 11, 26, 21, tzinfo=UTC)
    await closed(open_books)
    for at in (NOON, NOON - timedelta(days=9), end - timedelta(microseconds=1)):
        with pytest.raises(Exception, match="the day is closed"):
            async with open_books.work():
                await take(1, 5_000, at)
    async with open_books.work():
        assert await first_open(NOON) == end
        assert await first_open(NEXT) == NEXT
        await take(1, 5_000, await first_open(NOON))


async def test_the_closed_day_of_one_is_open_for_the_others(open_books: Database) -> None:
    end = datetime(2026, 11, 26, 21, tzinfo=UTC)
    async with open_books.work():
        daraja, airtel = await Provider.create(name="daraja"), await Provider.create(name="airtel")
        await close_agent(await Agent.get(id=1), DAY, ZONE, "Rehema")
        await close_provider(daraja, DAY, ZONE, "Rehema")
    for late in (take(1, 5_000, NOON), receive(daraja, 5_000, NOON)):
        with pytest.raises(Exception, match="the day is closed"):
            async with open_books.work():
                await late
    async with open_books.work():
        await take(2, 5_000, NOON)
        await receive(airtel, 5_000, NOON)
        assert await first_open(NOON, agent_id=1) == end == await first_open(NOON, provider="daraja")
        assert await first_open(NOON, agent_id=2) == NOON == await first_open(NOON, provider="airtel")


@pytest.mark.parametrize("verb", ["UPDATE day_close SET figures = '{}'", "DELETE FROM day_close"])
async def test_what_is_closed_can_be_neither_changed_nor_opened(open_books: Database, verb: str) -> None:
    await closed(open_books)
    with pytest.raises(Exception, match="day_close is append only"):
        await execute(open_books.client, verb)


async def test_who_closes_waits_for_what_is_being_booked(open_books: Database) -> None:
    """The figures have it, or the database refuses it: never neither."""
    begun = asyncio.Event()

    async def book() -> None:
        async with open_books.work():
            await take(1, 5_000, NOON)
            begun.set()
            for _ in range(50):
                await asyncio.sleep(0)

    async def close() -> list[Closed]:
        await begun.wait()
        return await closed(open_books)

    _, done = await asyncio.gather(book(), close())
    assert done[0].figures["taken"] == 5_000 == done[-1].figures["cash"]["closing"]


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Second:
    """What happens when the second agent's figures are read."""
    second, read = Second(), day_close._agent_figures

    async def watched(agent: int, begins: datetime, ends: datetime) -> day_close.Figures:
        if agent == 2:
            await second.comes()
        return await read(agent, begins, ends)

    monkeypatch.setattr(day_close, "_agent_figures", watched)
    return second


async def test_everybody_sells_while_the_days_of_agents_are_closed(open_books: Database, second: Second) -> None:
    async with open_books.work():
        await take(1, 20_000, NOON, 2_000)
        await take(2, 9_000, NOON)
    reads, sold = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reads.set()
        await sold.wait()

    second.comes = wait
    closing = asyncio.create_task(closed(open_books))
    async with asyncio.timeout(30):
        await reads.wait()
    try:
        async with asyncio.timeout(30), open_books.work():
            await take(1, 5_000, NEXT)
    finally:
        sold.set()
        done = {each.subject: each.figures for each in await closing}
    assert [done[agent]["closing"] for agent in ("agent 1", "agent 2")] == [20_000, 9_000]
    assert done[""]["cash"]["closing"] == 29_000 and done["agent 1"]["commission due"] == 2_000


async def test_what_broke_off_is_closed_by_closing_again(open_books: Database, second: Second) -> None:
    async with open_books.work():
        await take(1, 20_000, NOON)
        await take(2, 9_000, NOON)
        await Provider.create(name="daraja")

    async def break_off() -> None:
        raise LookupError

    second.comes = break_off
    with pytest.raises(LookupError):
        await closed(open_books)
    second.comes = go_on
    with pytest.raises(Exception, match="the day is closed"):
        async with open_books.work():
            await take(2, 5_000, NOON)
    async with open_books.work():
        await take(2, 1_000, NEXT)
    done = await closed(open_books, "Zuberi")
    new = {each.subject: each.new for each in done}
    assert new == {"agent 1": False, "agent 2": True, "provider daraja": True, "": False}
    assert done[1].figures["closing"] == 9_000 == done[-1].figures["cash"]["closing"] - done[0].figures["closing"]
    notes = await Audit.filter(action="close day").order_by("id")
    assert [(note.subject, note.actor) for note in notes] == [
        *(("all", "Rehema"), ("agent 1", "Rehema"), ("agent 2", "Zuberi"), ("provider daraja", "Zuberi"))
    ]


async def test_two_close_a_day_at_once(open_books: Database) -> None:
    async with open_books.work():
        await take(1, 20_000, NOON)
        await take(2, 9_000, NOON)
    one, other = await asyncio.gather(closed(open_books), closed(open_books, "Zuberi"))
    assert [each.new for each in one] == [not each.new for each in other]
    assert [(each.figures, each.actor) for each in one] == [(each.figures, each.actor) for each in other]
    assert await Audit.filter(action="close day").count() == 3


async def test_what_comes_late_is_booked_although_somebody_closes_meanwhile(open_books: Database) -> None:
    """Whoever asked which moment is open has it until the commit."""
    asked = asyncio.Event()

    async def book() -> None:
        async with open_books.work():
            at = await first_open(NOON)
            asked.set()
            for _ in range(50):
                await asyncio.sleep(0)
            await take(1, 5_000, at)

    async def close() -> list[Closed]:
        await asked.wait()
        return await closed(open_books)

    _, done = await asyncio.gather(book(), close())
    assert done[-1].figures["cash"]["closing"] == 5_000


def test_a_day_is_closed_at_the_prompt(run: Run, demo_url: str) -> None:
    do_in_one_work(demo_url, lambda: take(1, 2_000_000, NOON, 200_000))
    missing = run("close", "2026-11-26", "--by", "Rehema Kito")
    assert missing.exit_code == 1 and "Whose day?" in missing.output
    first = run("close", "2026-11-26", "--agent", "0700 000 001", "--by", "Rehema Kito")
    assert first.exit_code == 0, first.output
    assert first.output.startswith("Asha Mushi, +255700000001: 2026-11-26 closed.\n  opening: 0\n  taken: 20,000\n")
    again = run("close", "2026-11-26", "--all", "--by", "Somebody Else").output
    assert "Asha Mushi, +255700000001: 2026-11-26 was closed by Rehema Kito on " in again
    assert "The whole books: 2026-11-26 closed.\n" in again and "  cash: 0 + 20,000 - 0 = 20,000\n" in again
    assert "Rehema Kito | close day | agent 1 | 2026-11-26" in run("audit").output


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2026-13-01", "--all"), "2026-13-01 is no day: write it like 2026-11-27."),
        (("9999-12-31", "--all"), "9999-12-31 is no day: write it like 2026-11-27."),
        (("0001-01-01", "--all"), "0001-01-01 is no day: write it like 2026-11-27."),
        (("9998-01-01", "--all"), "9998-01-01 is not over. Close it tomorrow."),
        (("2026-11-26", "--provider", "daraja"), "daraja never had money of ours. No provider did."),
        (("2026-11-26", "--agent", "0799 000 001"), "Nobody sells with +255799000001."),
    ],
)
def test_what_cannot_be_closed_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("close", *words, "--by", "Rehema")
    assert result.exit_code == 1 and result.output.strip() == said


def test_no_day_is_closed_at_the_prompt_while_the_clock_seems_to_be_ahead(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_no_demo() -> bool:
        return False

    monkeypatch.setattr(close_command, "is_demo", is_no_demo)
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    do_in_one_work(demo_url, lambda: take(1, 2_000_000, NOON, 200_000))
    words, ahead = ("close", "yesterday", "--all", "--by", "Rehema"), datetime.now(UTC) + timedelta(days=3)
    with time_machine.travel(ahead, tick=False):
        refused = run(*words)
        assert refused.exit_code == 1 and refused.output.startswith("The clock is over a day ahead")
        assert run("clock", "right").exit_code == 0
        assert run(*words).exit_code == 0


async def test_no_day_is_closed_while_the_clock_seems_to_be_ahead(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not have begun: nothing could be sold until it is over."""

    async def is_ahead() -> Doubt:
        return Doubt.AHEAD

    monkeypatch.setattr(CLOCK, "doubt", is_ahead)
    with time_machine.travel(NEXT, tick=False):
        with pytest.raises(DayNotOver):
            await closed(mwanga.database)
        monkeypatch.undo()
        assert await closed(mwanga.database)
