"""What the office does with agents: add one, change what one may and earns, give one another PIN, retire one. Each
notes who did it and is in the caller's transaction."""

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime

from models.audit import record
from models.names import named_or_new
from models.people import pins
from models.people.pins import RetiredBefore
from models.people.tables import Agent, MiniGrid
from models.sql import lock_rows
from models.vault import Vault

E164 = re.compile(r"\+[0-9]{4,15}")
# What a page lets people edit.
EDITED = ("phone", "name", "language", "mini_grid_id", "cash_limit", "commission", "goods_commission", "cashier")


class AgentExists(Exception):
    """Somebody sells with this phone number already."""


class ChangedMeanwhile(Exception):
    """Somebody else has changed this agent since the page was drawn."""


class WeakPin(Exception):
    """The PIN has not six digits, or is easily guessed."""


async def add_agent(
    *, phone: str, name: str, language: str, mini_grid: str, cash_limit: int, pin: str, vault: Vault, actor: str
) -> Agent:
    """A new agent, who may hold `cash_limit` (minor units); a mini-grid that is new is made. Raises WeakPin and
    AgentExists."""
    pin_hash = await _hash(pin, vault)
    if await find_agent(phone):
        raise AgentExists(phone)
    grid, _new = await named_or_new(MiniGrid, mini_grid)
    agent = await Agent.create(
        phone=phone, name=name, language=language, mini_grid=grid, pin_hash=pin_hash, cash_limit=cash_limit
    )
    await record(actor, "agent", phone, name)
    return agent


def version_of(agent: Agent) -> str:
    """What an agent is now, in a few letters: a form carries it, and is refused when it is not so any more."""
    said = [getattr(agent, column) for column in EDITED]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


async def lock_agent(agent_id: int, seen: str = "") -> Agent:
    """An agent as he is now, held until the commit. Raises ChangedMeanwhile when he is not as he was `seen`."""
    await lock_rows("agent", "id = $1", [agent_id])
    agent = await Agent.get(id=agent_id)
    if seen and version_of(agent) != seen:
        raise ChangedMeanwhile(agent.name)
    return agent


async def find_agent(phone: str) -> Agent | None:
    """Who sells with this number (E.164)."""
    return await Agent.get_or_none(phone=phone, retired_at=None)


async def agents_among(words: Collection[str]) -> list[Agent]:
    """Those whose numbers are among these words, which are anybody's: a number that changed hands is the last one's."""
    numbers = [each for each in words if E164.fullmatch(each)]  # what is longer, the ORM refuses to look for
    return await Agent.filter(phone__in=numbers).order_by("id") if numbers else []


async def find_retired(phone: str) -> Agent | None:
    """Who sold with this number (E.164) last of those who are retired."""
    return await Agent.filter(phone=phone, retired_at__isnull=False).order_by("-retired_at").first()


async def change_agent(  # noqa: PLR0913 - one agent, and all that may change of him
    agent: Agent,
    *,
    cash_limit: int | None = None,
    commission: int | None = None,
    goods_commission: int | None = None,
    name: str | None = None,
    language: str | None = None,
    mini_grid: str | None = None,
    cashier: bool | None = None,
    actor: str,
) -> None:
    """Give an agent another limit (minor units), commissions (basis points), name, language or mini-grid, which is made
    when it is new, or let him be a cashier or not; what is None stays."""
    if mini_grid:
        await _move(agent, mini_grid, actor)
    wanted = {
        "cash_limit": cash_limit,
        "commission": commission,
        "goods_commission": goods_commission,
        "name": name,
        "language": language,
        "cashier": cashier,
    }
    changed = {name: value for name, value in wanted.items() if value not in (None, getattr(agent, name))}
    for column, value in changed.items():
        await record(actor, f"agent {column}", agent.phone, old=str(getattr(agent, column)), new=str(value))
        setattr(agent, column, value)
    if changed:  # and nothing else, which somebody may have changed since the agent was read
        await agent.save(update_fields=list(changed))


async def _move(agent: Agent, mini_grid: str, actor: str) -> None:
    """To a mini-grid of this name: then he sees its customers, and no others."""
    grid, _new = await named_or_new(MiniGrid, mini_grid)
    if grid.id == agent.mini_grid_id:
        return
    before = await MiniGrid.get(id=agent.mini_grid_id)
    agent.mini_grid_id = grid.id
    await Agent.filter(id=agent.id).update(mini_grid_id=grid.id)
    await record(actor, "agent mini-grid", agent.phone, old=before.name, new=grid.name)


async def change_number(agent: Agent, phone: str, *, actor: str) -> bool:
    """Give an agent another phone number (E.164); False: he has it already. Raises AgentExists, and
    RetiredBefore for one who sells no more."""
    if agent.retired_at:
        raise RetiredBefore(agent.phone)
    if agent.phone == phone:
        return False
    if await find_agent(phone):
        raise AgentExists(phone)
    await Agent.filter(id=agent.id).update(phone=phone)
    await record(actor, "agent phone", phone, old=agent.phone, new=phone)
    return True


async def give_pin(agent: Agent, pin: str, *, vault: Vault, actor: str) -> None:
    """Give an agent another PIN, which lets one who is locked in again. Raises WeakPin and RetiredBefore."""
    await pins.change(agent, await _hash(pin, vault), actor)
    if agent.locked_at:
        await pins.unlock(agent, actor)


async def retire_agent(agent: Agent, *, detail: str = "", actor: str) -> None:
    """Let an agent start nothing any more: he is locked for good, his history stays, and his number is free for
    another; once, by whoever is first. Hold his row before."""
    now, there = datetime.now(UTC), Agent.filter(id=agent.id, retired_at=None)
    if await there.update(retired_at=now, locked_at=agent.locked_at or now, wrong_pins=0):
        await record(actor, "agent retired", agent.phone, detail)


async def _hash(pin: str, vault: Vault) -> str:
    if pins.is_weak(pin):
        raise WeakPin
    return await pins.hash_beside(pin, vault)
