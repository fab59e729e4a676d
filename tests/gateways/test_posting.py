"""What is posted over kept connections: what goes over the wire, and that no request ever gets another one's answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bot.gateways.errors import SendError
from bot.gateways.posting import Posting

HEADERS = {"Accept": "application/json", "apiKey": "k0", "Content-Type": "application/x-www-form-urlencoded"}
Answering = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


class Wire:
    """A server that keeps what came over each connection, byte by byte."""

    def __init__(self, answer: Answering) -> None:
        self.connections: list[list[bytes]] = []
        self.url = ""
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came: list[bytes] = []
        self.connections.append(came)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                came.append(head + await reader.readexactly(length))
                await self._answer(writer, sum(map(len, self.connections)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def wired(answer: Answering) -> AsyncIterator[Wire]:
    wire = Wire(answer)
    async with await asyncio.start_server(wire.serve, "127.0.0.1", 0) as server:
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/version1/messaging?a=%20b"
        yield wire


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def answer_of(said: bytes, status: bytes = b"201 Created") -> bytes:
    return b"".join((b"HTTP/1.1 ", status, b"\r\nContent-Length: ", str(len(said)).encode(), b"\r\n\r\n", said))


async def in_turn(writer: asyncio.StreamWriter, number: int) -> None:
    """Each request gets its number."""
    writer.write(answer_of(b"%d" % number))


def always(said: bytes) -> Answering:
    async def answer(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(said)

    return answer


async def test_it_writes_what_aiohttp_would_write_over_one_connection(session: aiohttp.ClientSession) -> None:
    async with wired(in_turn) as wire:
        posting = Posting(session, wire.url, HEADERS)
        assert [await posting.post(body) for body in (b"a=1", b"a=2&b=3")] == [b"1", b"2"]
        async with session.post(wire.url, data=b"a=2&b=3", headers=HEADERS) as answer:
            assert await answer.read() == b"3"
    [[_first, ours, theirs]] = wire.connections
    assert ours.endswith(b"\r\n\r\na=2&b=3")
    assert sorted(ours.split(b"\r\n")) == sorted(theirs.split(b"\r\n"))


async def test_a_request_that_was_cut_off_takes_its_connection_along(session: aiohttp.ClientSession) -> None:
    answered = asyncio.Event()

    async def late(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 1:
            await answered.wait()
        await in_turn(writer, number)

    async with wired(late) as wire:
        posting = Posting(session, wire.url, HEADERS)
        first = asyncio.create_task(posting.post(b"first"))
        while not wire.connections or not wire.connections[0]:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        answered.set()
        assert first.cancelled()
        assert await posting.post(b"second") == b"2"
    assert len(wire.connections) == 2


@pytest.mark.parametrize(
    ("said", "connections"),
    [(answer_of(b"busy", b"503 Busy"), 1), (b"HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\n<", 2)],
)
async def test_after_an_error_a_connection_is_kept_when_all_of_it_was_heard(
    session: aiohttp.ClientSession, said: bytes, connections: int
) -> None:
    async with wired(always(said)) as wire:
        posting = Posting(session, wire.url, HEADERS)
        for _ in range(2):
            with pytest.raises(SendError, match="503"):
                await posting.post(b"")
    assert len(wire.connections) == connections


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer_of(b"yes"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n2\r\nes\r\n0\r\n\r\n",
    ],
)
async def test_an_answer_may_come_in_pieces(session: aiohttp.ClientSession, said: bytes) -> None:
    async with wired(always(said)) as wire:
        assert await Posting(session, wire.url, HEADERS).post(b"") == b"yes"


async def test_an_answer_may_end_with_its_connection(session: aiohttp.ClientSession) -> None:
    async def closes(writer: asyncio.StreamWriter, _number: int) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nyes")
        writer.close()

    async with wired(closes) as wire:
        posting = Posting(session, wire.url, HEADERS)
        assert [await posting.post(b"") for _ in range(2)] == [b"yes", b"yes"]
    assert len(wire.connections) == 2


async def test_a_header_with_a_line_break_is_refused(session: aiohttp.ClientSession) -> None:
    async with wired(in_turn) as wire:
        with pytest.raises(ValueError, match="line break"):
            await Posting(session, wire.url, {"apiKey": "k0\nHost: elsewhere"}).post(b"")
    assert wire.connections in ([], [[]])
