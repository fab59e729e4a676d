"""Days that are closed: what the books said then, and that nothing is booked into them any more.

The database refuses what is effective before the end of a closed day (models/migrations/0001_tables.py): of everybody,
or of the one agent or provider whose day was closed. What comes late is booked at the first moment that is open.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.clock import CLOCK, Doubt
from models.money.providers import Provider
from models.people import Agent
from models.sql import connection, execute, insert, marks, on_postgres, read_day, read_moment

EVERYBODY = ""  # the subject of the day of all
# Held by whoever closes a day that is open for all, until the commit; each entry holds it too, but lets the others in:
# nothing is being booked while the figures of such a day are read.
HOLD = "SELECT pg_advisory_xact_lock(7269423)"
HOLD_TOO = "SELECT pg_advisory_xact_lock_shared(7269423)"
KEEP_ALONE = "SELECT pg_advisory_xact_lock(7269431)"  # two who close the same day at once would both be first
# What was begun in the last moment of a day is booked by now: a sale says when it took effect as it is written.
MARGIN = timedelta(minutes=1)
_OF_SUBJECT = """JOIN account a ON a.id = l.account_id JOIN entry e ON e.id = l.entry_id
  WHERE a.kind = $1 AND a.owner = $2"""
# One account: what it held before the day began, and the sums of the day, by what else moved in the same entry.
BEFORE = f"SELECT COALESCE(SUM(l.amount), 0) AS sum FROM line l {_OF_SUBJECT} AND e.effective_at < $3"
MOVED = f"""SELECT COALESCE(SUM(l.amount), 0) AS sum FROM line l {_OF_SUBJECT}
  AND e.effective_at >= $3 AND e.effective_at < $4"""
BESIDE = """ AND EXISTS (SELECT 1 FROM line m JOIN account b ON b.id = m.account_id
  WHERE m.entry_id = l.entry_id AND b.kind = $5)"""
# Every kind of account: what it holds now, less what moved since the day.
KINDS = "SELECT kind, SUM(balance) AS balance FROM account GROUP BY kind ORDER BY kind"
SINCE = """SELECT a.kind, SUM(l.amount) AS sum, SUM(CASE WHEN l.amount > 0 THEN l.amount ELSE 0 END) AS debit
  FROM entry e JOIN line l ON l.entry_id = e.id JOIN account a ON a.id = l.account_id
  WHERE e.effective_at >= $1 AND e.effective_at < $2 GROUP BY a.kind"""
FAR = datetime(9999, 1, 1, tzinfo=UTC)
Figures = dict[str, int]
BeginWork = Callable[[], AbstractAsyncContextManager[object]]  # a unit of work


class DayClose(Model):
    """One day of one agent or provider, append only. The day of everybody has no subject: what is effective before its
    end cannot be booked any more."""

    id = fields.BigIntField(primary_key=True)
    day = fields.DateField()
    subject = fields.CharField(40, default="", db_default="")  # `agent 3`, `provider daraja`; empty: all
    ends_at = fields.DatetimeField()  # the end of that day, UTC
    figures = fields.TextField()  # JSON: opening, taken, handed in, closing, in minor units
    actor = fields.CharField(100)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "day_close"
        unique_together = (("day", "subject"),)
        indexes = (("subject", "ends_at"),)


class DayNotOver(Exception):
    """A day is closed when it is over: into one of a time to come nothing could be booked until then, and nothing
    sold."""


class ClockAhead(DayNotOver):
    """By a clock that seems to be ahead nobody knows whether it is."""


@dataclass(frozen=True)
class Closed:
    """A closed day of one subject. Figures are in minor units."""

    day: date
    subject: str
    figures: dict[str, Any]
    actor: str
    at: datetime
    new: bool  # False: it was closed before, and the figures are those of then


def bounds_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a day of this zone begins, and when the next one does (UTC)."""
    first, next_one = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return first.astimezone(UTC), next_one.astimezone(UTC)


async def close_agent(agent: Agent, day: date, zone: ZoneInfo, actor: str) -> Closed:
    """Close an agent's day, in the caller's unit of work. Raises DayNotOver."""
    return await _close(f"agent {agent.id}", day, zone, actor)


async def close_provider(provider: Provider, day: date, zone: ZoneInfo, actor: str) -> Closed:
    """Close a provider's day, in the caller's unit of work. Raises DayNotOver."""
    return await _close(f"provider {provider.name}", day, zone, actor)


async def close_all(begin_work: BeginWork, day: date, zone: ZoneInfo, actor: str) -> list[Closed]:
    """Close the day of each agent and each provider who ever had money of ours, and that of all, which is the last of
    the list. Raises DayNotOver.

    The day of all is closed first, and nobody sells while its figures are read. What was being booked is there then,
    and from then on nothing moves the figures of the others: they are read beside all sales, and kept each in a unit
    of work of its own. Where that broke off, closing the day again does the rest.
    """
    begins, ends = bounds_of(day, zone)
    async with begin_work():
        of_all = await _close(EVERYBODY, day, zone, actor)
    kept, closed = await closed_days(day), []
    for subject in await _subjects():
        await asyncio.sleep(0)  # others get their turn between two of them
        if subject not in kept:
            figures = await _figures(subject, begins, ends)
            async with begin_work():
                kept[subject] = await _keep(subject, day, ends, figures, actor)
        closed.append(kept[subject])
    return [*closed, of_all]


async def figures_of(subject: str, day: date, zone: ZoneInfo) -> dict[str, Any]:
    """What the books say now of a subject's day, which is not closed by that."""
    return await _figures(subject, *bounds_of(day, zone))


async def closed_days(day: date) -> dict[str, Closed]:
    """What of a day is closed, by its subject."""
    rows = await DayClose.filter(day=day).order_by("id")
    return {row.subject: _closed(row, new=False) for row in rows}


async def first_open(at: datetime, *, agent_id: int | None = None, provider: str = "") -> datetime:
    """`at`, or the end of the last closed day of all (or of this agent or provider) when that is later: what comes late
    is effective then. Until the commit nobody closes a day, so that it stays so."""
    if on_postgres():
        await execute(connection(), HOLD_TOO)
    subjects = [EVERYBODY, f"agent {agent_id}", f"provider {provider}"]
    statement = f"SELECT MAX(ends_at) AS ends_at FROM day_close WHERE subject IN ({marks(3)})"
    [row] = await execute(connection(), statement, subjects)
    return max(at, read_moment(row["ends_at"])) if row["ends_at"] else at


async def _subjects() -> list[str]:
    """Each agent and each provider who ever had money of ours."""
    known = "SELECT DISTINCT owner FROM account WHERE kind IN ('cash', 'commission', 'wallet') ORDER BY owner"
    agents = [f"agent {row['owner']}" for row in await execute(connection(), known)]
    return [*agents, *(f"provider {provider.name}" for provider in await Provider.all().order_by("name"))]


async def _close(subject: str, day: date, zone: ZoneInfo, actor: str) -> Closed:
    if on_postgres():  # SQLite has one writer
        await execute(connection(), HOLD)
    if earlier := await _find(subject, day):
        return earlier
    begins, ends = bounds_of(day, zone)
    if datetime.now(UTC) < ends + MARGIN:
        raise DayNotOver(day)
    if await CLOCK.doubt() is Doubt.AHEAD:
        raise ClockAhead(day)
    return await _keep(subject, day, ends, await _figures(subject, begins, ends), actor)


async def _keep(subject: str, day: date, ends: datetime, figures: dict[str, Any], actor: str) -> Closed:
    """Close it with these figures, unless somebody else was quicker."""
    if on_postgres():
        await execute(connection(), KEEP_ALONE)
    if earlier := await _find(subject, day):
        return earlier
    columns = {"day": day, "subject": subject, "ends_at": ends, "figures": json.dumps(figures), "actor": actor}
    columns |= {"created_at": datetime.now(UTC)}
    row = DayClose(id=await insert("day_close", **columns), **columns, _from_db=True)
    await record(actor, "close day", subject or "all", str(day))
    return _closed(row, new=True)


async def _find(subject: str, day: date) -> Closed | None:
    row = await DayClose.get_or_none(day=day, subject=subject)
    return _closed(row, new=False) if row else None


def _closed(row: DayClose, *, new: bool) -> Closed:
    figures = json.loads(row.figures)
    return Closed(read_day(row.day), row.subject, figures, row.actor, read_moment(row.created_at), new)


async def _figures(subject: str, begins: datetime, ends: datetime) -> dict[str, Any]:
    what, _, name = subject.partition(" ")
    if what == "agent":
        return await _agent_figures(int(name), begins, ends)
    if what == "provider":
        provider = await Provider.get(name=name)
        return await _provider_figures(int(provider.id), begins, ends)
    return await _kind_figures(begins, ends)


async def _agent_figures(agent: int, begins: datetime, ends: datetime) -> Figures:
    """Cash and commission of one agent: closing = opening + taken - handed in - paid; due = due before + earned - paid,
    out of the cash, into the wallet or out of the office's till. What a sale that was taken
    back gave back is less taken. A wallet holds what the agent paid before selling."""
    cash, commission, wallet = [(kind, agent, begins) for kind in ("cash", "commission", "wallet")]
    opening, moved = await _sum(BEFORE, *cash), await _sum(MOVED, *cash, ends)
    handed_in = -await _sum(MOVED + BESIDE, *cash, ends, "office cash")
    paid = -await _sum(MOVED + BESIDE, *cash, ends, "commission")
    into_wallet = -await _sum(MOVED + BESIDE, *wallet, ends, "commission")
    out_of_till = await _sum(MOVED + BESIDE, *commission, ends, "office cash")
    due_before, due_moved = -await _sum(BEFORE, *commission), -await _sum(MOVED, *commission, ends)
    wallet_before, wallet_moved = -await _sum(BEFORE, *wallet), -await _sum(MOVED, *wallet, ends)
    figures = {
        "opening": opening,
        "taken": moved + handed_in + paid,
        "handed in": handed_in,
        "commission paid": paid,
        "closing": opening + moved,
        "commission due before": due_before,
        "commission earned": due_moved + paid + into_wallet + out_of_till,
        "commission due": due_before + due_moved,
    }
    if into_wallet:
        figures |= {"commission put into the wallet": into_wallet}
    if out_of_till:
        figures |= {"commission paid by the office": out_of_till}
    if wallet_before or wallet_moved:
        figures |= {"wallet before": wallet_before, "wallet": wallet_before + wallet_moved}
    return figures


async def _provider_figures(provider: int, begins: datetime, ends: datetime) -> Figures:
    """What a provider has of ours: closing = opening + received - paid out - fees - paid back."""
    account = ("clearing", provider, begins)
    opening, moved = await _sum(BEFORE, *account), await _sum(MOVED, *account, ends)
    paid_out = -await _sum(MOVED + BESIDE, *account, ends, "bank")
    fees = -await _sum(MOVED + BESIDE, *account, ends, "fees")
    return {
        "opening": opening,
        "received": moved + paid_out + fees,
        "paid out": paid_out,
        "fees": fees,
        "closing": opening + moved,
    }


async def _kind_figures(begins: datetime, ends: datetime) -> dict[str, Figures]:
    """Of each kind of account: opening, debits, credits and closing; over all kinds they add up to nothing."""
    now = {row["kind"]: int(row["balance"]) for row in await execute(connection(), KINDS)}
    after = {row["kind"]: int(row["sum"]) for row in await execute(connection(), SINCE, [ends, FAR])}
    day = {row["kind"]: row for row in await execute(connection(), SINCE, [begins, ends])}
    figures = {}
    for kind, balance in now.items():
        moved, debit = (int(day[kind]["sum"]), int(day[kind]["debit"])) if kind in day else (0, 0)
        closing = balance - after.get(kind, 0)
        if any((closing, moved, debit)):
            figures[kind] = {"opening": closing - moved, "debit": debit, "credit": debit - moved, "closing": closing}
    return figures


async def _sum(statement: str, *values: object) -> int:
    [row] = await execute(connection(), statement, list(values))
    return int(row["sum"])
