"""The live parts of the first page: one stream of server-sent events that says no more than that something has changed.
A page then fetches its part anew, in its own language and for its own user.

Whoever is on a stream is told every two seconds at most, and so seldom that reading the page takes a twentieth of the
time at most. While nobody is, nothing is asked.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

from aiohttp import web

from bot.android.streams import Stream
from bot.server import SERVER, Server
from handlers.office.frame.page import HEADERS
from handlers.office.frame.routes import ALL, USER, office_page
from handlers.office.frame.session import find_user
from handlers.office.home.mark import read_mark
from handlers.office.home.reading import READINGS, Readings

log = logging.getLogger(__name__)
LOOK_S = 2.0
SHARE = 20  # of the time, one part is for reading the page
MOST, MOST_OF_ONE = 64, 6  # streams of this server, and of one user
SESSION_S = 30.0  # so long after its end a session's stream may go on
NO_MORE = 204  # a browser that gets it does not come again by itself


@dataclass(eq=False, slots=True)
class Viewer:
    """One page that is open somewhere."""

    request: web.Request
    stream: Stream
    known: str  # the mark of what it shows
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
        self._leave_out_gone()
        own = [each for each in self._viewers if each.request[USER].id == request[USER].id]
        if self._stopped or len(self._viewers) >= MOST or len(own) >= MOST_OF_ONE:
            return None
        viewer = Viewer(request, Stream(), request.query.get("mark", ""), time.monotonic())
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

    def _leave_out_gone(self) -> None:
        """aiohttp tells a handler that its page was closed when it writes next, which may be long."""
        for viewer in [each for each in self._viewers if each.is_gone]:
            viewer.stream.close()
            self._viewers.remove(viewer)

    async def _look(self) -> None:
        while self._viewers:
            try:
                await self._end_sessions()
                self._tell(await read_mark(self._server))
            except Exception as error:  # the database may be away for a while
                log.warning("live pages could not look: %s", type(error).__name__)
            await asyncio.sleep(max(self.look_s, self._readings.took_s * SHARE))
            self._leave_out_gone()

    def _tell(self, mark: str) -> None:
        """Something has happened since these pages were drawn, or were told last."""
        for viewer in self._viewers:
            if viewer.known != mark:
                viewer.known = mark
                viewer.stream.send("home")

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
