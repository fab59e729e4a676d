"""PINs of agents: six digits, and five wrong ones in a row lock, however they came in."""

import asyncio
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from models.alerts import raise_alert
from models.audit import record
from models.people import guesses
from models.people.guesses import Limit
from models.people.tables import Agent
from models.rows import find_rows
from models.sql import DAY_MS, connection, execute, forget_ahead, holding, holding_free, marks, note_held, unit_of_work
from models.vault import Vault

TRIES = 5
ONCE = timedelta(hours=24)  # for so long a PIN that the office sends can be changed for an own one
# With LOCK anybody can try PINs, and each ticket tells an agent's number: it must not be a weapon against agents.
GUESSES_BY, GUESSES_AT = Limit("lock by", 3, DAY_MS), Limit("lock of", 10, DAY_MS)
_SHAPE = re.compile(r"\d{6}")


class Verdict(StrEnum):
    RIGHT = "right"
    ONCE = "once"  # right, and it has to be changed before anything else
    EXPIRED = "expired"  # it was to be changed, and the time is over
    WRONG = "wrong"
    LOCKED = "locked"


class RetiredBefore(Exception):
    """The agent sells no more: the number may be another one's by now."""


class TooManyGuesses(Exception):
    """LOCK is shut for a day: for who guessed too often, or for a number at which too many guessed."""


@dataclass(frozen=True)
class Checked:
    verdict: Verdict
    tries_left: int = TRIES


def is_pin(digits: str) -> bool:
    """Whether it can be anybody's PIN."""
    return bool(_SHAPE.fullmatch(digits))


def is_weak(pin: str) -> bool:
    """Not six digits, all the same, or a run up or down."""
    if not _SHAPE.fullmatch(pin):
        return True
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    return steps in ({0}, {1}, {-1})


def compare_ahead(tries: Iterable[tuple[Agent, str]], vault: Vault) -> None:
    """Begin to compare PINs that this unit of work may be about to check, beside the loop: one takes 1.5 ms (measured),
    in which the loop goes on with what comes before. No try is counted by that."""
    if unit := unit_of_work():
        for agent, pin in tries:
            if (pin, agent.pin_hash) not in unit.seen:
                comparing = asyncio.get_running_loop().run_in_executor(None, vault.check_pin, pin, agent.pin_hash)
                unit.seen[pin, agent.pin_hash] = comparing


async def hold_ahead(agents: Iterable[Agent]) -> None:
    """Hold those whose PINs this unit of work may be about to check, in one statement. Whoever is held by somebody else
    is waited for when his PIN is checked, and nobody else waits for that."""
    unit, numbers = unit_of_work(), sorted({agent.id for agent in agents})
    if unit and numbers:
        free = await find_rows(Agent, f"id IN ({marks(len(numbers))}) ORDER BY id{holding_free()}", numbers)
        unit.seen.update({_held(agent.id): agent for agent in free})
        if free:
            note_held("agent")


async def _hold(agent: Agent) -> Agent:
    """The agent as he is now, held until the commit."""
    unit = unit_of_work()
    held: Agent | None = unit.seen.get(_held(agent.id)) if unit else None
    if held:
        return held
    [fresh] = await find_rows(Agent, f"id = $1{holding('agent')}", [agent.id])
    return fresh


def _held(number: int) -> tuple[str, int]:
    """Where a unit of work has an agent whom it holds: nobody else changes him before its end."""
    return "held agent", number


def _locked(number: int) -> tuple[str, int]:
    return "locked agent", number


def was_locked(agent: Agent) -> bool:
    """Whether this unit of work has locked him: who was looked up before that does not know."""
    unit = unit_of_work()
    return bool(unit and _locked(agent.id) in unit.seen)


async def _change(agent: Agent, **columns: Any) -> None:
    """Write these columns. A unit of work that holds the agent reads him once more. Raises RetiredBefore for one who is
    retired by now: who is let in again would be named to customers, and given their tickets."""
    changes = ", ".join(f"{column} = ${n}" for n, column in enumerate(columns, 2))
    there = f"UPDATE agent SET {changes} WHERE id = $1 AND retired_at IS NULL RETURNING id"
    if not await execute(connection(), there, [agent.id, *columns.values()]):
        raise RetiredBefore(agent.phone)
    _forget(agent)


def _forget(agent: Agent) -> None:
    if unit := unit_of_work():
        unit.seen.pop(_held(agent.id), None)


async def is_right(pin: str, hashed: str | None, vault: Vault) -> bool:
    """Whether this is the PIN with this hash, compared beside the loop: now, where that was not begun ahead. None is
    nobody's, and takes as long."""
    unit = unit_of_work()
    comparing: asyncio.Future[bool] | None = unit.seen.get((pin, hashed)) if unit else None
    return await (asyncio.to_thread(vault.check_pin, pin, hashed) if comparing is None else comparing)


async def hash_beside(pin: str, vault: Vault) -> str:
    """The hash of a PIN, made beside the loop."""
    return await asyncio.to_thread(vault.hash_pin, pin)


async def check(agent: Agent, pin: str, vault: Vault) -> Checked:
    """Compare a PIN and count the wrong ones, in the caller's transaction. A locked agent stays locked. The row is held
    until the commit: of many tries at once, on several servers, five are compared."""
    fresh = await _hold(agent)
    if fresh.locked_at:
        return Checked(Verdict.LOCKED, 0)
    if await is_right(pin, fresh.pin_hash, vault):
        if not vault.has_made(fresh.pin_hash):  # the secret key was changed since it was set
            await _change(agent, pin_hash=await hash_beside(pin, vault))
        if fresh.wrong_pins:
            await _change(agent, wrong_pins=0)
        return Checked(_right(fresh))
    wrong = await _count_wrong(agent, TRIES)
    if wrong < TRIES:
        return Checked(Verdict.WRONG, TRIES - wrong)
    await lock(agent, agent.phone, f"{TRIES} wrong PINs")
    return Checked(Verdict.LOCKED, 0)


def _right(agent: Agent) -> Verdict:
    if agent.pin_expires_at is None:
        return Verdict.RIGHT
    return Verdict.ONCE if datetime.now(UTC) < agent.pin_expires_at else Verdict.EXPIRED


async def check_to_lock(number: str, agent: Agent | None, pin: str, sender: str, vault: Vault) -> bool:
    """Whether this is the PIN of the agent with this number, as somebody says who wants to lock him, by any phone. A
    wrong one is counted by who guesses and by the number, whether an agent has it or nobody, and locks nobody; from the
    agent's own phone it counts as well to the five that lock him elsewhere. Raises TooManyGuesses.
    """
    if await guesses.is_full(GUESSES_AT, number) or await guesses.count(GUESSES_BY, sender) is None:
        raise TooManyGuesses
    at = await guesses.count(GUESSES_AT, number)
    if at is None:
        raise TooManyGuesses
    if await is_right(pin, agent.pin_hash if agent else None, vault) and agent:
        await guesses.give_back([(GUESSES_BY, sender), (GUESSES_AT, number)])
        return True
    if agent:
        await record(sender, "wrong lock", number, f"wrong PIN {at} of {GUESSES_AT.most} in a day")
        if agent.phone == sender:
            await _count_wrong(agent, TRIES - 1)
        if at == GUESSES_AT.most:
            await raise_alert(f"{at} wrong PINs to LOCK agent {_who(agent)}, the last by {sender}. Call the agent.")
    return False


async def is_lock_shut(number: str) -> bool:
    """Whether so many guessed at the PIN of this number that LOCK is shut for it."""
    return await guesses.is_full(GUESSES_AT, number)


async def guessed_at(most: int) -> list[Agent]:
    """The agents at whose PINs so many wrong guesses were made that LOCK is shut for them, the newest first."""
    numbers = await guesses.full(GUESSES_AT, most)
    return await Agent.filter(phone__in=numbers, retired_at=None).order_by("name") if numbers else []


async def _count_wrong(agent: Agent, most: int) -> int:
    """One more wrong PIN, up to so many: how many there are. Counted in one statement: two wrong tries at once on two
    channels count as two."""
    rows = await execute(
        connection(),
        "UPDATE agent SET wrong_pins = CASE WHEN wrong_pins < $2 THEN wrong_pins + 1 ELSE wrong_pins END "
        "WHERE id = $1 RETURNING wrong_pins",
        [agent.id, most],
    )
    _forget(agent)
    return int(rows[0]["wrong_pins"])


async def lock(agent: Agent, actor: str, reason: str) -> None:
    """Lock an agent: who did it and why. The office is told."""
    open_yet = "UPDATE agent SET locked_at = $2 WHERE id = $1 AND locked_at IS NULL RETURNING id"
    if await execute(connection(), open_yet, [agent.id, datetime.now(UTC)]):
        _forget(agent)
        forget_ahead()  # who may be paid
        if unit := unit_of_work():
            unit.seen[_locked(agent.id)] = True
        await record(actor, "lock", agent.phone, reason)
        await raise_alert(f"Agent {_who(agent)} is locked: {reason}.")


def _who(agent: Agent) -> str:
    return f"{agent.name[:40]} ({agent.phone})"


async def unlock(agent: Agent, actor: str, reason: str = "") -> None:
    """The office lets an agent in again. Raises RetiredBefore."""
    await _change(agent, locked_at=None, wrong_pins=0)
    await record(actor, "unlock", agent.phone, reason)


async def change(agent: Agent, hashed: str, actor: str) -> None:
    """Set a new PIN, already hashed by the vault. Raises RetiredBefore."""
    await _change(agent, pin_hash=hashed, pin_expires_at=None, wrong_pins=0)
    await record(actor, "pin", agent.phone)


async def change_once(agent: Agent, vault: Vault, actor: str) -> str:
    """Set a PIN by chance that the agent has to change at its first use, within `ONCE`: the PIN, for his phone alone.
    It lets one who is locked in again. Raises RetiredBefore."""
    pin = by_chance()
    expires_at = datetime.now(UTC) + ONCE
    await _change(agent, pin_hash=await hash_beside(pin, vault), pin_expires_at=expires_at, wrong_pins=0)
    await record(actor, "pin for once", agent.phone)
    if agent.locked_at:
        await unlock(agent, actor)
    return pin


def by_chance() -> str:
    """A PIN that nobody guesses easily."""
    pin = ""
    while is_weak(pin):
        pin = f"{secrets.randbelow(1_000_000):06}"
    return pin
