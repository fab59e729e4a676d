"""What the office does with agents: add one, change what one may and earns, give one another PIN, retire one. Each
notes who did it and is in the caller's transaction."""

from datetime import UTC, datetime

from models.audit import record
from models.names import named_or_new
from models.people import pins
from models.people.tables import Agent, MiniGrid
from models.vault import Vault


class AgentExists(Exception):
    """Somebody sells with this phone number already."""


class WeakPin(Exception):
    """The PIN has not six digits, or is easily guessed."""


async def add_agent(
    *, phone: str, name: str, language: str, mini_grid: str, cash_limit: int, pin: str, vault: Vault, actor: str
) -> Agent:
    """A new agent, who may hold `cash_limit` (minor units); a mini-grid that is new is made. Raises WeakPin and
    AgentExists."""
    pin_hash = _hash(pin, vault)
    if await find_agent(phone):
        raise AgentExists(phone)
    grid, _new = await named_or_new(MiniGrid, mini_grid)
    agent = await Agent.create(
        phone=phone, name=name, language=language, mini_grid=grid, pin_hash=pin_hash, cash_limit=cash_limit
    )
    await record(actor, "agent", phone, name)
    return agent


async def find_agent(phone: str) -> Agent | None:
    """Who sells with this number (E.164)."""
    return await Agent.get_or_none(phone=phone, retired_at=None)


async def find_retired(phone: str) -> Agent | None:
    """Who sold with this number (E.164) last of those who are retired."""
    return await Agent.filter(phone=phone, retired_at__isnull=False).order_by("-retired_at").first()


async def change_agent(
    agent: Agent,
    *,
    cash_limit: int | None = None,
    commission: int | None = None,
    goods_commission: int | None = None,
    name: str | None = None,
    mini_grid: str | None = None,
    cashier: bool | None = None,
    actor: str,
) -> None:
    """Give an agent another limit (minor units), commissions (basis points), name or mini-grid, which is made when it
    is new, or let him be a cashier or not; what is None stays."""
    wanted = {
        "cash_limit": cash_limit,
        "commission": commission,
        "goods_commission": goods_commission,
        "name": name,
        "cashier": cashier,
        "mini_grid_id": (await named_or_new(MiniGrid, mini_grid))[0].id if mini_grid else None,
    }
    for column, value in wanted.items():
        before = getattr(agent, column)
        if value is not None and value != before:
            setattr(agent, column, value)
            await record(actor, f"agent {column}", agent.phone, f"{before} -> {value}")
    await agent.save(update_fields=list(wanted))


async def give_pin(agent: Agent, pin: str, *, vault: Vault, actor: str) -> None:
    """Give an agent another PIN, which lets one who is locked in again. Raises WeakPin."""
    await pins.change(agent, _hash(pin, vault), actor)
    if agent.locked_at:
        await pins.unlock(agent, actor)


async def retire_agent(agent: Agent, *, detail: str = "", actor: str) -> None:
    """Let an agent start nothing any more: he is locked for good, his history stays, and his number is free for
    another. Hold his row before."""
    now = datetime.now(UTC)
    await Agent.filter(id=agent.id).update(retired_at=now, locked_at=agent.locked_at or now, wrong_pins=0)
    await record(actor, "agent retired", agent.phone, detail)


def _hash(pin: str, vault: Vault) -> str:
    if pins.is_weak(pin):
        raise WeakPin
    return vault.hash_pin(pin)
