"""Agents and customers as rows."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot import phone
from bot.site import Site
from handlers.exchange.sheet import Imported, Row, needed, percent, whole
from models import pins
from models.people import Agent, Customer, MiniGrid, Village

PAGE = 1000
AGENT_COLUMNS = (
    *("phone", "name", "language", "mini_grid", "cash_limit"),
    *("commission_percent", "goods_commission_percent", "pin"),
)


class AgentRow(NamedTuple):
    phone: str
    name: str
    language: str
    mini_grid: str
    cash_limit: int
    commission: int
    goods_commission: int | None
    pin: str


class CustomerRow(NamedTuple):
    name: str
    surname: str
    phone: str | None
    language: str
    mini_grid: str
    village: str


def _language(row: Row, site: Site) -> str:
    language = row.get("language") or site.languages[0]
    if language not in site.languages:
        raise ValueError(f"language is none of {', '.join(site.languages)}: {language[:20]!r}")
    return language


def _phone(text: str, site: Site) -> str:
    try:
        return phone.parse(text, site.country)
    except ValueError as error:
        raise ValueError(f"phone is no phone number: {text[:20]!r}") from error


def _read_agent(row: Row, site: Site) -> AgentRow:
    pin = row.get("pin", "")
    if pin and pins.is_weak(pin):
        raise ValueError("pin is not six digits, or easily guessed")
    return AgentRow(
        _phone(needed(row, "phone"), site),
        needed(row, "name"),
        _language(row, site),
        needed(row, "mini_grid"),
        whole(row, "cash_limit", 0, 99_999_999),
        percent(row, "commission_percent", 10),
        percent(row, "goods_commission_percent", 0) if row.get("goods_commission_percent") else None,
        pin,
    )


async def _fits_agent(agent: AgentRow) -> None:
    if not agent.pin and not await Agent.exists(phone=agent.phone):
        raise ValueError("pin is empty, and this agent is new")


async def _write_agent(row: AgentRow, site: Site) -> bool:
    grid, _new = await MiniGrid.get_or_create(name=row.mini_grid)
    wanted: dict[str, Any] = {
        "name": row.name,
        "language": row.language,
        "mini_grid_id": grid.id,
        "cash_limit": row.cash_limit * 10**site.exponent,
        "commission": row.commission,
    }
    if row.goods_commission is not None:
        wanted["goods_commission"] = row.goods_commission
    agent = await Agent.get_or_none(phone=row.phone)
    if agent is None:
        await Agent.create(phone=row.phone, pin_hash=site.vault.hash_pin(row.pin), **wanted)
        return True
    if all(getattr(agent, name) == value for name, value in wanted.items()):
        return False  # a PIN in the file is for new agents: later ones are the agent's own
    await Agent.filter(id=agent.id).update(**wanted)
    return True


async def _agents(site: Site) -> AsyncIterator[Sequence[object]]:
    for agent in await Agent.all().order_by("id").select_related("mini_grid"):
        limit = agent.cash_limit // 10**site.exponent
        percents = [f"{share / 100:g}" for share in (agent.commission, agent.goods_commission)]
        yield agent.phone, agent.name, agent.language, agent.mini_grid.name, limit, *percents, ""


def _read_customer(row: Row, site: Site) -> CustomerRow:
    number = row.get("phone", "")
    return CustomerRow(
        needed(row, "name"),
        needed(row, "surname"),
        _phone(number, site) if number and number.lower() != "none" else None,
        _language(row, site),
        needed(row, "mini_grid"),
        needed(row, "village") if row.get("village") else "",
    )


async def _fits_customer(customer: CustomerRow) -> None:
    """A village that is new is made. A mini-grid is not: nobody would ever see the customers of a misspelt one."""
    if not await MiniGrid.exists(name=customer.mini_grid):
        raise ValueError(f"there is no mini_grid {customer.mini_grid}; import villages first")


async def _write_customer(row: CustomerRow, _site: Site) -> bool:
    """A customer is the same when name, surname, phone and mini-grid are."""
    grid = await MiniGrid.get(name=row.mini_grid)
    village_id = (await Village.get_or_create(name=row.village, mini_grid=grid))[0].id if row.village else None
    same: dict[str, Any] = {"name": row.name, "surname": row.surname, "mini_grid_id": grid.id}
    same |= {"phone": row.phone} if row.phone else {"phone__isnull": True}
    known = await Customer.filter(**same).order_by("id").first()
    if known is None:
        who: dict[str, Any] = {"name": row.name, "surname": row.surname, "phone": row.phone, "language": row.language}
        await Customer.create(**who, mini_grid_id=grid.id, village_id=village_id)
        return True
    if (known.language, known.village_id) == (row.language, village_id):
        return False
    await Customer.filter(id=known.id).update(language=row.language, village_id=village_id)
    return True


async def _customers(_site: Site) -> AsyncIterator[Sequence[object]]:
    last = 0
    while page := await Customer.filter(id__gt=last).order_by("id").limit(PAGE).select_related("mini_grid", "village"):
        for customer in page:
            village = customer.village.name if customer.village else ""
            phone_ = customer.phone or "none"
            row = (customer.name, customer.surname, phone_, customer.language, customer.mini_grid.name, village)
            yield row
        last = page[-1].id


AGENTS = Imported(
    AGENT_COLUMNS,
    _agents,
    ("language", "commission_percent", "goods_commission_percent", "pin"),
    lambda agent: agent.phone,
    _read_agent,
    _fits_agent,
    _write_agent,
)
CUSTOMERS = Imported(
    CustomerRow._fields,
    _customers,
    ("phone", "language", "village"),
    lambda customer: (customer.name, customer.surname, customer.phone, customer.mini_grid),
    _read_customer,
    _fits_customer,
    _write_customer,
)
