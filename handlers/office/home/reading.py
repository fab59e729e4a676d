"""Everything that the first page is drawn from, read once; and shared by those who look at it at the same moment."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from aiohttp import web

from bot.server import Server
from handlers.office.home.lines import Line, read_lines
from handlers.office.home.machine import Machine, look_at_machine
from handlers.office.home.mark import read_mark
from models.clock import CLOCK, Doubt
from models.messages import beats
from models.money import notices
from models.money.books import Checked, last_check
from models.office import beginnings, needs, overview
from models.office.beginnings import Beginnings
from models.office.money_days import Sold, read_sold
from models.office.needs import Waiting
from models.office.overview import Report
from models.selling import requests
from models.selling.requests import RequestState
from models.settings import last_backup
from models.sql import ms_of

SHARED_S = 2.0  # of those who are told at once that something has changed, one reads for all


class Backup(NamedTuple):
    """A copy of the database that was read again."""

    at: int  # milliseconds
    size: int  # bytes
    file: str  # its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How things are. Times are milliseconds (UTC)."""

    mark: str  # of the moment before
    at: datetime
    today: date  # where the operator is
    report: Report
    waiting: Waiting
    lines: Sequence[Line]
    sold: Sold  # on each day of this month up to today
    unknown_pushes: int
    parked_notices: int
    doubt: Doubt | None  # of the clock
    books: Checked | None
    backup: Backup | None
    machine: Machine
    beginnings: Beginnings

    @property
    def now(self) -> int:
        return ms_of(self.at)


async def read(server: Server) -> Seen:
    """Read it all, by bounded statements."""
    mark, now = await read_mark(server), datetime.now(UTC)
    midnight = now.astimezone(server.company.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    report = await overview.read(ms_of(now), midnight.astimezone(UTC))
    await server.router.watch.look()
    open_requests = await requests.count_open()
    return Seen(
        mark=mark,
        at=now,
        today=midnight.date(),
        report=report,
        waiting=await needs.read(),
        lines=await read_lines(server, report, await beats.read(ms_of(now)), ms_of(now)),
        sold=await read_sold(midnight.date().replace(day=1), midnight.date(), server.company.zone),
        unknown_pushes=sum(count for _name, state, count in open_requests if state == RequestState.UNKNOWN),
        parked_notices=await notices.count_parked(),
        doubt=await CLOCK.doubt(),
        books=await last_check(),
        backup=Backup(*kept) if (kept := await last_backup()) else None,
        machine=look_at_machine(server),
        beginnings=await beginnings.read(),
    )


class Readings:
    """Reads for the page, and for its live part no more often than is needed. `took_s` is how long that took last."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._one = asyncio.Lock()
        self._last: Seen | None = None
        self._at = 0.0
        self.took_s = 0.0

    async def read(self) -> Seen:
        """How things are at this moment."""
        began = time.monotonic()
        seen = await read(self._server)
        self._last, self._at = seen, time.monotonic()
        self.took_s = self._at - began
        return seen

    async def share(self) -> Seen:
        """How things are: several who ask at once, and nothing has happened between them, are answered by one
        reading."""
        async with self._one:
            last, fresh = self._last, time.monotonic() - self._at <= SHARED_S
            if last and fresh and last.mark == await read_mark(self._server):
                return last
            return await self.read()

    def forget(self) -> None:
        """The next one who asks has it read anew."""
        self._last = None


READINGS = web.AppKey("readings of the first page", Readings)
