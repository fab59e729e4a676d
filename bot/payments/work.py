"""All of mobile money that runs in a server: the providers, the door, and the two loops."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from bot.company import Company
from bot.payments.base import Provider
from bot.payments.collector import Collector
from bot.payments.daraja import Daraja
from bot.payments.door import Door, Validate
from bot.payments.reading import Reader
from bot.payments.settling import Book, Settler, Tell
from bot.payments.simulated import SimulatedDaraja
from bot.runtime import Database, Metrics
from models.selling.requests import DUE


class Payments:
    """Mobile money at work. Without any provider nothing of it runs."""

    def __init__(
        self,
        database: Database,
        company: Company,
        providers: Mapping[str, Provider],
        metrics: Metrics,
        *,
        book: Book,  # books what came, and says who is told what
        validate: Validate,  # says whether a payment may be made
        tell: Tell,
        on_settled: Callable[[], None],  # after a commit: messages may wait to be sent
    ) -> None:
        self.providers = providers
        self.settler = Settler(company, book, tell)
        self.reader = Reader(database, company.vault, providers, self.settler, on_settled)
        self.collector = Collector(database, providers, self.settler, on_settled)
        database.on_commit[DUE] = self.notify
        self.door = Door(database, company, providers, validate, metrics, self.reader.notify)
        for provider in providers.values():
            if isinstance(provider, Daraja) and not database.embedded:
                provider.token.database = database
            if isinstance(provider, SimulatedDaraja):
                provider.call_back = partial(self.door.keep, provider)
                provider.ask_us = partial(self.door.ask, provider)

    @property
    def simulated(self) -> SimulatedDaraja | None:
        """The provider whose phones ring in the simulator, where there is one."""
        return next((each for each in self.providers.values() if isinstance(each, SimulatedDaraja)), None)

    def notify(self) -> None:
        """It was committed that a phone is to be asked, or a push to be looked up."""
        if self.providers:
            self.collector.notify()

    def start(self) -> "list[asyncio.Task[None]]":
        """The loops, running."""
        if not self.providers:
            return []
        return [
            asyncio.create_task(self.reader.run(), name="notices"),
            asyncio.create_task(self.collector.run(), name="payment requests"),
        ]

    def stop(self) -> None:
        """Have both loops end: what is left is done after the next start."""
        self.reader.stop()
        self.collector.stop()

    async def finish(self, within: float) -> None:
        """Give calls to providers that are under way so many seconds."""
        await self.collector.finish(within)
