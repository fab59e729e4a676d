"""What the office may set while servers run. The configuration gives the first value; once the office has set one, that
of the database counts, on all servers within a second. What is secret, or about the machine, is the configuration's."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from pydantic import ValidationError

from bot.company import Live
from bot.config import Config, explain
from bot.configured import figures_of
from bot.text.i18n import say_otherwise
from models.settings import read_settings, read_texts, read_version

log = logging.getLogger(__name__)
LOOK_S = 1.0

# By the names that the configuration has for them, under the headings of the office.
COMPANY = ("company", "help_phone", "languages", "coin", "rounding")
AGENTS = ("cash_limit", "commission_percent", "goods_commission_percent", "commission_at", "void_minutes")
HOURS = ("day_from", "day_until", "morning_hour", "summary_hour", "cash_request_minutes")
LIMITS = ("sender_cap", "global_cap", "retention_days", "suspense_days")
GATEWAYS = ("route",)
CHANGEABLE = (*COMPANY, *AGENTS, *HOURS, *LIMITS, *GATEWAYS)


class Changeable:
    """The configuration as it is with what the office has set."""

    def __init__(self, given: Config, live: Live | None = None) -> None:
        self.given = self.config = given
        self.on_change: list[Callable[[Config], None]] = []  # who is told of figures that are not the company's
        self.set: Mapping[str, str] = {}  # what the office has set
        self.version = -1
        self._live, self._stopping = live, asyncio.Event()
        self._refreshing = asyncio.Lock()  # a page that sets something looks too, not only the clock

    async def refresh(self) -> None:
        """Look whether the office has set something, and let that count: once, however many look at once."""
        async with self._refreshing:
            version = await read_version()
            if version != self.version:
                await self._take(version)

    async def _take(self, version: int) -> None:
        self.set, texts = await read_settings(), await read_texts()
        self.config = merge(self.given, self.set)
        if self._live:
            self._live.take(figures_of(self.config))
        for take in self.on_change:
            _tell(take, self.config)
        say_otherwise(texts)
        self.version = version

    async def run(self) -> None:
        """Look each second until stopped. While the database is away all stays as it is."""
        while not self._stopping.is_set():
            try:
                await self.refresh()
            except Exception as error:
                log.error("the settings could not be looked at: %s", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)

    def stop(self) -> None:
        """End between two looks."""
        self._stopping.set()


def _tell(take: Callable[[Config], None], config: Config) -> None:
    """Tell somebody of the figures. Who breaks over them keeps none of the others, nor the pages, from going on."""
    try:
        take(config)
    except Exception:
        log.exception("what the office has set does not count everywhere")


def merge(given: Config, values: Mapping[str, str]) -> Config:
    """The configuration with what the office has set. What another version of Mwanga let the office set, and this one
    does not know or take, does not count: a server starts all the same."""
    wanted = {name: value for name, value in values.items() if name in CHANGEABLE}
    while True:
        try:
            return with_values(given, wanted)
        except ValidationError as error:
            wrong = {str(mistake["loc"][0]) for mistake in error.errors()} & wanted.keys()
            if not wrong:
                raise
            log.error("what the office has set does not count: %s", ", ".join(sorted(wrong)))
            wanted = {name: value for name, value in wanted.items() if name not in wrong}


def merge_to_start(given: Config, values: Mapping[str, str]) -> Config:
    """The same, as a server looks at it before it starts: without the order of gateways, which may name one that is
    gone by now and is passed over."""
    return merge(given, {name: value for name, value in values.items() if name not in GATEWAYS})


def with_values(given: Config, values: Mapping[str, str]) -> Config:
    """The configuration with other values, checked as those of its file are. Raises ValidationError."""
    if not values:
        return given
    changed = Config(**{name: getattr(given, name) for name in given.model_fields_set} | dict(values))
    changed._file, changed._secret_files = given._file, given._secret_files
    return changed


def find_mistakes(given: Config, values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what the office would set, by name, in the words of the configuration."""
    try:
        with_values(given, values)
    except ValidationError as error:
        return {str(mistake["loc"][0]): explain(mistake).partition(": ")[2] for mistake in error.errors()}
    return {}
