"""A gateway's HTTP server on loopback, which can be away for a while."""

import asyncio
import socket
from contextlib import suppress

from aiohttp import web

from tests.world.ports import free_port


class Listener:
    """It keeps its port. Each answer ends its connection, so that whoever comes while it is away is refused, and does
    not find out on an old connection that nobody listens any more."""

    def __init__(self, app: web.Application) -> None:
        app.on_response_prepare.append(_last)
        self.port = free_port()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._socket: socket.socket | None = None
        self._taking: set[asyncio.Task[object]] = set()

    async def start(self) -> None:
        await self._runner.setup()
        self.lives()

    def lives(self) -> None:
        """It listens."""
        if self._socket is None:
            self._socket = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._socket.setblocking(False)
            asyncio.get_running_loop().add_reader(self._socket, self._take)

    def dies(self) -> None:
        """Whoever connects from now on is refused. Who has connected is served: to be cut off without being read is
        an outcome that nobody could count, and so this is no site of aiohttp's."""
        if self._socket:
            self._take()
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    async def close(self) -> None:
        self.dies()
        await asyncio.gather(*self._taking)
        await self._runner.cleanup()

    def _take(self) -> None:
        """All that have connected."""
        assert self._socket and self._runner.server
        with suppress(BlockingIOError):
            while True:
                came, _ = self._socket.accept()
                serving = asyncio.get_running_loop().connect_accepted_socket(self._runner.server, came)
                task = asyncio.create_task(serving)
                self._taking.add(task)
                task.add_done_callback(self._taking.discard)


async def _last(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Connection"] = "close"
    response.force_close()
