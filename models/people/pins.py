"""PINs of agents: six digits, and five wrong ones in a row lock, however they came in."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

from models.audit import record
from models.people.tables import Agent
from models.sql import connection, execute
from models.vault import Vault

TRIES = 5
_SHAPE = re.compile(r"\d{6}")


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True)
class Checked:
    verdict: Verdict
    tries_left: int = TRIES


def is_weak(pin: str) -> bool:
    """Not six digits, all the same, or a run up or down."""
    if not _SHAPE.fullmatch(pin):
        return True
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    return steps in ({0}, {1}, {-1})


async def check(agent: Agent, pin: str, vault: Vault) -> Checked:
    """Compare a PIN and count the wrong ones, in the caller's transaction. A locked agent stays locked."""
    fresh = await Agent.get(id=agent.id)
    if fresh.locked_at:
        return Checked(Verdict.LOCKED, 0)
    if vault.check_pin(pin, fresh.pin_hash):
        if fresh.wrong_pins:
            await Agent.filter(id=agent.id).update(wrong_pins=0)
        return Checked(Verdict.RIGHT)
    # Counted in one statement: two wrong tries at once on two channels count as two.
    rows = await execute(
        connection(),
        "UPDATE agent SET wrong_pins = wrong_pins + 1 WHERE id = $1 RETURNING wrong_pins",
        [agent.id],
    )
    left = TRIES - int(rows[0]["wrong_pins"])
    if left > 0:
        return Checked(Verdict.WRONG, left)
    await lock(agent, f"{TRIES} wrong PINs")
    return Checked(Verdict.LOCKED, 0)


async def lock(agent: Agent, reason: str) -> None:
    await Agent.filter(id=agent.id).update(locked_at=datetime.now(UTC))
    await record(agent.phone, "lock", agent.phone, reason)


async def unlock(agent: Agent, actor: str) -> None:
    """The office lets an agent in again."""
    await Agent.filter(id=agent.id).update(locked_at=None, wrong_pins=0)
    await record(actor, "unlock", agent.phone)


async def change(agent: Agent, hashed: str, actor: str) -> None:
    """Set a new PIN, already hashed by the vault."""
    await Agent.filter(id=agent.id).update(pin_hash=hashed, wrong_pins=0)
    await record(actor, "pin", agent.phone)
