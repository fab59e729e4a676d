"""A few bytes posted to a gateway over aiohttp's connections, again and again to one address."""

import asyncio
import re
from collections.abc import Mapping
from functools import cached_property

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from bot.gateways import wire
from bot.gateways.errors import SendError


class Posting:
    """What is posted to one address with the same headers each time: they are written once. aiohttp's own request sees
    to cookies, redirects, files and timers of each step as well, and takes twice the time (measured)."""

    def __init__(self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> None:
        self._session, self._url, self._headers = session, url, headers

    async def post(self, body: bytes) -> bytes:
        """The body of a 2xx answer. Raises SendError, like `wire.request`."""
        try:
            async with asyncio.timeout(wire.TIMEOUT.total):
                connection = await self._connect()
                try:
                    status, content = await self._exchange(connection, body)
                    error = wire.http_error(status)
                    said = b"" if error else await content.read()
                except BaseException:
                    connection.close()  # an answer may still come by it
                    raise
                connection.release()  # closed where the answer has not ended
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as raised:
            raise SendError("unreachable", type(raised).__name__) from raised
        except HttpProcessingError:
            raise SendError("strange answer", "not HTTP") from None
        except (aiohttp.ClientError, TimeoutError) as raised:
            raise SendError("timeout", type(raised).__name__) from raised
        if error:
            raise SendError(error, f"HTTP {status}")
        return said

    async def _connect(self) -> aiohttp.connector.Connection:
        connector = self._session.connector
        if connector is None:
            raise aiohttp.ClientConnectionError("the session is closed")
        try:
            return await connector.connect(self._asked, [], wire.TIMEOUT)
        except TimeoutError as error:
            raise SendError("unreachable", type(error).__name__) from error

    async def _exchange(
        self, connection: aiohttp.connector.Connection, body: bytes
    ) -> tuple[int, aiohttp.StreamReader]:
        """Write the request, and read how its answer begins."""
        protocol = connection.protocol
        if protocol is None or protocol.transport is None:
            raise aiohttp.ClientConnectionError("closed as soon as it was there")
        protocol.set_response_params(read_until_eof=True)
        protocol.transport.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer, content = await protocol.read()
        while answer.code // 100 == 1:  # it only says that another one comes
            answer, content = await protocol.read()
        wire.note_date(self._asked.url, answer.headers)
        return answer.code, content

    @cached_property
    def _asked(self) -> aiohttp.ClientRequest:
        """By this the pool knows whose connection is wanted."""
        return aiohttp.ClientRequest("POST", URL(self._url), headers=self._headers, loop=asyncio.get_running_loop())

    @cached_property
    def _head(self) -> str:
        """The request line and the headers that are always the same, with those that aiohttp adds."""
        headers = [(name, value) for name, value in self._asked.headers.items() if name != "Content-Length"]
        if any(re.search(r"[\r\n\0]", value) for _name, value in headers):
            raise ValueError("a header has a line break")
        lines = [f"POST {self._asked.url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return "".join(f"{line}\r\n" for line in lines)
