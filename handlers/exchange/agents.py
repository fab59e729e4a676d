"""Agents as rows."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import (
    NOTHING,
    Row,
    drop_empty,
    figure,
    language,
    money,
    needed_text,
    percent,
    phone,
    require,
    text,
)
from handlers.exchange.references import NO_MINI_GRID, find_defined
from handlers.exchange.sheet import ImportKind
from handlers.welcome import welcome_agent
from models.names import folded, renew
from models.office.held import held_by_agent
from models.people import Agent, MiniGrid, pins
from models.people.agents import find_agent, find_retired
from models.tickets import tickets

COLUMNS = (
    *("phone", "name", "language", "mini_grid", "cash_limit"),
    *("commission_percent", "goods_commission_percent", "pin"),
)


class AgentRow(NamedTuple):
    """A PIN in the file is for a new agent: later ones are the agent's own."""

    phone: str
    mini_grid: str
    pin: str | None
    given: dict[str, Any]


def _read(row: Row, company: Company) -> AgentRow:
    number, pin = phone(row, "phone", company), text(row, "pin")
    if pin and pins.is_weak(pin):
        raise Reason(N_("pin is not six digits, or easily guessed"))
    return AgentRow(
        require(None if number == NOTHING else number, "phone"),
        needed_text(row, "mini_grid"),
        pin,
        drop_empty(
            name=needed_text(row, "name"),
            language=language(row, company),
            cash_limit=require(money(row, "cash_limit", 0, 99_999_999, company), "cash_limit"),
            commission=percent(row, "commission_percent"),
            goods_commission=percent(row, "goods_commission_percent"),
        ),
    )


async def _fits(row: AgentRow, _company: Company) -> None:
    """A mini-grid that is not there is not made: an agent of a misspelt one would have no customers."""
    await find_defined(MiniGrid, row.mini_grid, NO_MINI_GRID)
    if await find_agent(row.phone):
        return
    if not row.pin:
        raise Reason(N_("pin is empty, and this agent is new"))
    await _check_new(row.phone, row.given["name"])


async def _check_new(phone_: str, name: str) -> None:
    """A file of the time before brings nobody back who sells no more, or with another number by now: such a number is
    for somebody else, or is given at a prompt. Raises Reason."""
    retired = await find_retired(phone_)
    if retired and folded(retired.name) == folded(name):
        raise Reason(N_("{name} sells no more: leave the row out, or add the agent at the office's page"), name=name)
    for agent in await Agent.filter(name=name, retired_at=None):
        if phone_ in [held.phone for held in await held_by_agent(agent)]:
            raise Reason(N_("{name} has the phone {phone} by now"), name=name, phone=agent.phone)


async def _write(row: AgentRow, company: Company) -> bool:
    grid = await find_defined(MiniGrid, row.mini_grid, NO_MINI_GRID)
    wanted = row.given | {"mini_grid_id": grid.id}
    if known := await find_agent(row.phone):
        changed = await renew(known, wanted)
        await tickets.hand_back_elsewhere(known, "office")
        return changed
    usual: dict[str, Any] = {"language": company.languages[0]}
    usual |= {"commission": company.commission, "goods_commission": company.goods_commission}
    pin_hash = await pins.hash_beside(require(row.pin, "pin"), company.vault)
    await welcome_agent(await Agent.create(phone=row.phone, pin_hash=pin_hash, **usual | wanted), company)
    return True


async def _rows(company: Company) -> AsyncIterator[Sequence[object]]:
    for agent in await Agent.filter(retired_at=None).order_by("id").select_related("mini_grid"):
        limit = figure(agent.cash_limit, company)
        percents = [f"{share / 100:g}" for share in (agent.commission, agent.goods_commission)]
        yield agent.phone, agent.name, agent.language, agent.mini_grid.name, limit, *percents, ""


AGENTS = ImportKind(
    columns=COLUMNS,
    rows=_rows,
    optional=("language", "commission_percent", "goods_commission_percent", "pin"),
    read=_read,
    key=lambda agent: agent.phone,
    fits=_fits,
    write=_write,
)
