"""Days whose figures nobody moves any more: `mwanga close`."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

import typer

from bot.cli.prompt import e164, fail, load_config, open_database, perform, tidy_name
from bot.company import Company
from models.clock import CLOCK
from models.demo.world import is_demo
from models.money.day_close import ClockAhead, Closed, DayNotOver, bounds_of, close_agent, close_all, close_provider
from models.money.providers import Provider
from models.people import Agent
from models.people.agents import find_agent, find_retired

WHOSE = "Whose day? Say one of --agent PHONE, --provider NAME, --all."
AHEAD = "The clock is over a day ahead of what a server saw last. Set it; or, if it is right, run: mwanga clock right"


def close(
    day: Annotated[str, typer.Argument(help="a day that is over, like 2026-11-27, or yesterday")],
    by: Annotated[str, typer.Option(help="who closes it: your name")],
    agent: Annotated[str | None, typer.Option(help="of the agent with this phone number")] = None,
    provider: Annotated[str | None, typer.Option(help="of this provider of mobile money, like daraja")] = None,
    all_: Annotated[bool, typer.Option("--all", help="of each agent, each provider, and of the whole books")] = False,
) -> None:
    """Close a day: its figures are kept, and nothing is booked into it any more."""
    if [agent is not None, provider is not None, all_].count(True) != 1:
        fail(WHOSE)
    config, by = load_config(), tidy_name(by)
    phone = e164(agent, config) if agent else ""

    async def work() -> None:
        async with open_database(config) as (database, company):
            closing = _day(day, company)
            await CLOCK.begin(lenient=await is_demo())
            try:
                if all_:
                    closed = await close_all(database.work, closing, company.zone, by)
                else:
                    async with database.work():
                        closed = [await _close_one(phone, provider, closing, company, by)]
            except ClockAhead:
                fail(AHEAD)
            except DayNotOver:
                fail(f"{closing} is not over. Close it tomorrow.")
            names = {f"agent {each.id}": f"{each.name}, {each.phone}" for each in await Agent.all()}
            for each in closed:
                typer.echo("\n".join(_lines(each, names, company)))

    perform(work())


def _day(text: str, company: Company) -> date:
    if text == "yesterday":
        return company.today() - timedelta(days=1)
    try:
        day = date.fromisoformat(text)
        bounds_of(day, company.zone)
    except (ValueError, OverflowError):  # no day, or one at either end of all time
        fail(f"{text} is no day: write it like 2026-11-27.")
    return day


async def _close_one(phone: str, provider: str | None, day: date, company: Company, by: str) -> Closed:
    if provider:
        return await close_provider(await _provider(provider), day, company.zone, by)
    return await close_agent(await _agent(phone), day, company.zone, by)


async def _agent(phone: str) -> Agent:
    agent = await find_agent(phone) or await find_retired(phone)
    if agent is None:
        fail(f"Nobody sells with {phone}.")
    return agent


async def _provider(name: str) -> Provider:
    provider = await Provider.get_or_none(name=name)
    if provider is None:
        known = ", ".join(each.name for each in await Provider.all().order_by("name"))
        fail(f"{name} never had money of ours. {f'Those that did: {known}.' if known else 'No provider did.'}")
    return provider


def _lines(closed: Closed, names: Mapping[str, str], company: Company) -> list[str]:
    whose = names.get(closed.subject, closed.subject.removeprefix("provider ")) or "The whole books"
    said = "closed" if closed.new else f"was closed by {closed.actor} on {closed.at.astimezone(company.zone):%Y-%m-%d}"
    lines = [f"{whose}: {closed.day} {said}."]
    for name, figure in closed.figures.items():
        if isinstance(figure, dict):
            moved = f"{company.number(figure['opening'])} + {company.number(figure['debit'])}"
            moved += f" - {company.number(figure['credit'])} = {company.number(figure['closing'])}"
            lines.append(f"  {name}: {moved}")
        else:
            lines.append(f"  {name}: {company.number(figure)}")
    return lines
