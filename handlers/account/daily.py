"""What agents are told by the clock: in the evening what the day was, in the morning what they can sell for."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

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


class Telling(ABC):
    """A chore that goes through all agents once: each of its turns goes on behind those who were told before. Whoever
    becomes active meanwhile and was passed is told in another hour, when it goes through them all again. The outbox
    takes a message once, whoever writes it."""

    name: ClassVar[str]  # how the origins of its messages begin
    days_before: ClassVar[int]  # of an agent who is told: active on one of these, or today where it is none

    def __init__(self, company: Company, tell: Callable[[str, list[Copy]], Awaitable[None]]) -> None:
        self._company, self._tell = company, tell
        self._hour, self._after = "", 0  # in which it goes through them, and the id of who was told last in it

    @property
    @abstractmethod
    def hour(self) -> int | None:
        """From when on it goes out, in the company's zone, as the company sets it; None: never."""

    @abstractmethod
    async def write(self, agent: Agent, midnight: datetime) -> Text:
        """What an agent reads on the day that began at this midnight."""

    async def __call__(self, most: int) -> int:
        """Tell the next ones. Returns how many that is: none when it went through all agents."""
        now = datetime.now(self._company.zone)
        if not self._is_due(now):
            return 0
        if self._hour != (hour := f"{now:%Y-%m-%d %H}"):  # what broke off in another one begins anew
            self._hour, self._after = hour, 0
        midnight = datetime.combine(now.date(), time(), self._company.zone)
        since = midnight - timedelta(days=self.days_before)
        until = midnight if self.days_before else now
        origin = f"{self.name} {now.date().isoformat()} agent "
        agents = await active_untold(since.astimezone(UTC), until.astimezone(UTC), origin, self._after, most)
        for agent in agents:
            text = await self.write(agent, midnight)
            await self._tell(f"{origin}{agent.id}", [Copy(agent.phone, text, MessageKind.REPLY, agent.language)])
        self._after = agents[-1].id if agents else 0
        return len(agents)

    def _is_due(self, now: datetime) -> bool:
        return self.hour is not None and self.hour <= now.hour < self.hour + LATEST_H


class Summary(Telling):
    """In the evening: the day of those who sold, handed in or topped up."""

    name, days_before = "summary", 0

    @property
    def hour(self) -> int | None:
        return self._company.summary_hour

    async def write(self, agent: Agent, midnight: datetime) -> Text:
        figures = await agents_statement.day_figures(agent.id, midnight.astimezone(UTC), datetime.now(UTC))
        return await day_text(agent, self._company, midnight, figures)


class Greeting(Telling):
    """In the morning: what those who were active lately can sell for."""

    name, days_before = "morning", 7

    @property
    def hour(self) -> int | None:
        return self._company.morning_hour

    async def write(self, agent: Agent, midnight: datetime) -> Text:
        room = await read_room(agent)
        if room.left <= 0 and agent.prepaid:
            return _("Good morning. Your wallet is empty: top it up, then sell.")
        if room.left <= 0:
            held = self._company.money(room.held)
            return _("Good morning. You hold {held}, your limit: hand in, then sell.", held=held)
        return _("Good morning. You can sell for {amount} today.", amount=self._company.money(room.left))
