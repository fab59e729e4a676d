"""What agents are told by the clock: in the evening what the day was, in the morning what they can sell for."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta

from bot.company import Company
from bot.message import Copy
from bot.text import Text, _
from handlers.account.statement import day_text
from models.messages import MessageKind
from models.people import Agent
from models.selling import agents_statement
from models.selling.agents_day import active_untold
from models.selling.cash_limit import read_room

LATEST_H = 4  # hours after its own in which a message still goes out: later it is no news
ACTIVE_DAYS = 7  # of an agent who is told in the morning
Told = list[tuple[str, list[Copy]]]


async def summarise(company: Company, most: int) -> Told:
    """The day of some agents who sold, handed in or topped up, from the hour on that the company sets."""
    return await _tell(company, company.summary_hour, "summary", 0, _summary, most)


async def greet(company: Company, most: int) -> Told:
    """What some agents who were active lately can sell for today, from the hour on that the company sets."""
    return await _tell(company, company.morning_hour, "morning", ACTIVE_DAYS, _morning, most)


async def _tell(
    company: Company,
    hour: int | None,
    name: str,
    days_before: int,
    write: Callable[[Agent, Company, datetime], Awaitable[Text]],
    most: int,
) -> Told:
    """The messages of this name and day, each with its origin: the outbox takes it once."""
    now = datetime.now(company.zone)
    if hour is None or not hour <= now.hour < hour + LATEST_H:
        return []
    midnight = datetime.combine(now.date(), time(), company.zone)
    since = midnight - timedelta(days=days_before)
    until = midnight if days_before else now
    origin = f"{name} {now.date().isoformat()} agent "
    agents = await active_untold(since.astimezone(UTC), until.astimezone(UTC), origin, most)
    return [
        (
            f"{origin}{agent.id}",
            [Copy(agent.phone, await write(agent, company, midnight), MessageKind.REPLY, agent.language)],
        )
        for agent in agents
    ]


async def _summary(agent: Agent, company: Company, midnight: datetime) -> Text:
    since = midnight.astimezone(UTC)
    figures = await agents_statement.day_figures(agent.id, since, datetime.now(UTC))
    return await day_text(agent, company, midnight, figures)


async def _morning(agent: Agent, company: Company, _midnight: datetime) -> Text:
    room = await read_room(agent)
    if room.left <= 0 and agent.prepaid:
        return _("Good morning. Your wallet is empty: top it up, then sell.")
    if room.left <= 0:
        return _("Good morning. You hold {held}, your limit: hand in, then sell.", held=company.money(room.held))
    return _("Good morning. You can sell for {amount} today.", amount=company.money(room.left))
