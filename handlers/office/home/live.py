"""The live parts of the first page: one stream of server-sent events that says no more than that something has changed.
A page then fetches its part anew, in its own language and for its own user.

Whoever is on a stream is told every two seconds at most, and so seldom that reading the page takes a twentieth of the
time at most. While nobody is, nothing is asked.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.android.streams import Stream
from bot.server import SERVER, Server
from handlers.office.frame.page import HEADERS
from handlers.office.frame.routes import ALL, USER, office_page
from handlers.office.frame.session import find_user
from handlers.office.home.reading import READINGS, Readings
from models.sql import connection, execute

log = logging.getLogger(__name__)
LOOK_S = 2.0
SHARE = 20  # of the time, one part is for reading the page
MOST, MOST_OF_ONE = 64, 6  # streams of this server, and of one user
SESSION_S = 30.0  # so long after its end a session's stream may go on
NO_MORE = 204  # a browser that gets it does not come again by itself

# What stands still while nothing happens, by one step in an index each.
MARKS = """SELECT (SELECT MAX(id) FROM inbox) AS inbox, (SELECT MAX(id) FROM inbox WHERE state = 'new') AS unread,
  (SELECT MAX(id) FROM outbox) AS outbox, (SELECT MAX(updated_at) FROM ussdsession) AS dialled,
  (SELECT MAX(id) FROM sale) AS sale, (SELECT MAX(id) FROM entry) AS entry, (SELECT MAX(id) FROM audit) AS audit,
  (SELECT MAX(id) FROM ticket_event) AS ticket, (SELECT MAX(opened_at) FROM suspense WHERE closed_at IS NULL) AS lost,
  (SELECT MAX(id) FROM receipt_text) AS receipt, (SELECT MAX(id) FROM phone) AS phone,
  (SELECT MAX(linked_at) FROM phone) AS linked,
  (SELECT MAX(id) FROM customer) AS customer, (SELECT MAX(id) FROM device) AS device,
  (SELECT MAX(id) FROM tariff) AS tariff, (SELECT MAX(id) FROM agent) AS agent"""
# A delivery report, or a gateway's answer, changes a row that stands already.
NEWEST = """SELECT MAX(sent_at) AS sent, MAX(delivered_at) AS delivered
  FROM (SELECT sent_at, delivered_at FROM outbox ORDER BY id DESC LIMIT 200) AS newest"""


@dataclass(eq=False, slots=True)
class Viewer:
    """One page that is open somewhere."""

    request: web.Request
    stream: Stream
    checked_at: float  # when its session was seen to hold

    @property
    def is_gone(self) -> bool:
        """Whether the page was closed."""
        return self.request.transport is None or self.request.transport.is_closing()


class Live:
    """All streams of this server, and the loop that looks for what has changed while there is one."""

    def __init__(self, server: Server, readings: Readings, look_s: float = LOOK_S) -> None:
        self._server, self._readings, self.look_s = server, readings, look_s
        self._viewers: list[Viewer] = []
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    def __len__(self) -> int:
        """How many pages are open."""
        return sum(not each.is_gone for each in self._viewers)

    @property
    def is_looking(self) -> bool:
        """Whether the loop runs."""
        return self._looking is not None and not self._looking.done()

    def open(self, request: web.Request) -> Viewer | None:
        """One more stream; None where there are enough."""
        self._viewers = [each for each in self._viewers if not each.is_gone]
        own = [each for each in self._viewers if each.request[USER].id == request[USER].id]
        if self._stopped or len(self._viewers) >= MOST or len(own) >= MOST_OF_ONE:
            return None
        viewer = Viewer(request, Stream(), time.monotonic())
        self._viewers.append(viewer)
        if not self.is_looking:
            self._looking = asyncio.create_task(self._look(), name="live pages")
        return viewer

    def close(self, viewer: Viewer) -> None:
        """It has ended."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)

    def stop(self) -> None:
        """End all streams: a server that stops would wait for them."""
        self._stopped = True
        for viewer in self._viewers:
            viewer.stream.close()
        if self._looking:
            self._looking.cancel()

    async def _look(self) -> None:
        known = await self._mark()
        while self._viewers:
            await asyncio.sleep(max(self.look_s, self._readings.took_s * SHARE))
            try:
                await self._end_sessions()
                found = await self._mark()
            except Exception as error:  # the database may be away for a while
                log.warning("live pages could not look: %s", type(error).__name__)
                continue
            if found != known:
                known = found
                for viewer in self._viewers:
                    viewer.stream.send("home")

    async def _mark(self) -> Any:
        """What is another one when something has happened, on whatever server."""
        watched = self._server.router.watch.gateways.items()
        gateways = [(name, state, facts.waiting, facts.battery, facts.airtime) for name, (facts, state) in watched]
        return [await execute(connection(), MARKS), await execute(connection(), NEWEST), gateways]

    async def _end_sessions(self) -> None:
        """End the streams of those who were signed out, or may no longer be here."""
        now = time.monotonic()
        for viewer in [each for each in self._viewers if now - each.checked_at > SESSION_S]:
            viewer.checked_at = now
            if await find_user(viewer.request) is None:
                viewer.stream.send("ended")
                viewer.stream.close()


LIVE = web.AppKey("live pages", Live)


@office_page("/live", roles=ALL, fragment=True)
async def listen(request: web.Request) -> web.StreamResponse:
    """The stream."""
    if request.method == "HEAD":
        return web.Response(headers=HEADERS)
    live = request.app[LIVE]
    viewer = live.open(request)
    if viewer is None:
        return web.Response(status=NO_MORE, headers=HEADERS)
    kind = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=HEADERS | kind)
    try:
        await response.prepare(request)
        async for chunk in viewer.stream.chunks():
            await response.write(chunk)
    except ConnectionError:
        pass  # the page was closed
    finally:
        live.close(viewer)
    return response


async def prepare(app: web.Application) -> None:
    """Make what the pages share, when the server is there."""
    app[READINGS] = Readings(app[SERVER])
    app[LIVE] = Live(app[SERVER], app[READINGS])


async def end(app: web.Application) -> None:
    app[LIVE].stop()
    app[READINGS].stop()
