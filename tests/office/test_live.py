"""The live part of the first page: a stream says that something has changed, and the part is fetched anew."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse

from bot.config import Config
from bot.runtime import Database
from handlers.office.frame.page import STATIC
from handlers.office.home import live, mark, reading
from handlers.office.home.live import LIVE, Live
from handlers.office.home.reading import READINGS
from models.sql import execute, now_ms
from tests.world.browser import Office, open_office, receive_message

pytestmark = pytest.mark.everyday_on_sqlite
MOST_BYTES = 5_000
NEWS = b"event: home"


@pytest.fixture
async def office(config: Config, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(live, "SHARE", 0)  # where a page takes three seconds, a minute goes by between two looks
    async with open_office(config) as office:
        await office.html()
        pages(office).look_s = 0.01
        yield office


def pages(office: Office) -> Live:
    assert office.client.app
    return office.client.app[LIVE]


async def left(office: Office) -> None:
    """Wait until the server has seen that all have left."""
    async with asyncio.timeout(60):
        while len(pages(office)):
            await asyncio.sleep(0)


@asynccontextmanager
async def listening(office: Office) -> AsyncIterator[ClientResponse]:
    response = await office.get(f"/live?mark={await mark.read_mark(office.mwanga)}")
    assert response.status == 200 and response.content_type == "text/event-stream"
    try:
        yield response
    finally:
        response.close()


async def next_event(stream: ClientResponse) -> bytes:
    async with asyncio.timeout(60):
        return (await stream.content.readuntil(b"\n\n")).partition(b"\n")[0]


async def test_the_counts_beside_the_entries_are_fetched_anew(office: Office) -> None:
    """The navigation of the first page is a live part of it, and has the mark that the stream begins with."""
    html = await office.html()
    assert re.search(r'<nav aria-label="Pages" data-live="/live/entries" data-mark="[0-9a-f]{16}">', html)
    assert "data-live" not in await office.html("/tickets")
    before = await (await office.get("/live/entries")).text()
    async with listening(office) as stream:
        await office.sms("Asha", "wxyz qqq")
        assert await next_event(stream) == NEWS
    after = await (await office.get("/live/entries")).text()
    assert "Messages</a>" in before and "Messages<b>1</b></a>" in after
    assert '<a href="/" aria-current="page">Home</a>' in after and "<html" not in after


async def test_what_comes_in_is_told_and_the_part_shows_it(office: Office) -> None:
    async with listening(office) as stream:
        await asyncio.sleep(0)
        await office.sms("Asha", "wxyz qqq")
        assert await next_event(stream) == NEWS
        response = await office.get("/live/home")
        part = await response.text()
        assert "wxyz qqq" in part and "<html" not in part and "<header" not in part


async def test_a_page_that_was_drawn_before_something_happened_is_told(office: Office) -> None:
    [known] = re.findall(r'data-mark="(\w+)"', await office.html())
    await office.sms("Asha", "wxyz qqq")
    response = await office.get(f"/live?mark={known}")
    assert await next_event(response) == NEWS
    response.close()


async def test_nothing_is_asked_while_nobody_looks(office: Office) -> None:
    async with listening(office):
        assert pages(office).is_looking
    async with asyncio.timeout(60):
        while pages(office).is_looking:
            await asyncio.sleep(0)
    async with listening(office):
        assert pages(office).is_looking


async def test_there_are_so_many_streams_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 2)
    async with listening(office), listening(office):
        response = await office.get("/live")
        assert response.status == 204  # a browser does not come again by itself
    await left(office)
    async with listening(office):
        assert len(pages(office)) == 1


async def test_a_stream_ends_with_its_session(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SESSION_S", 0)
    async with listening(office) as stream:
        await office.post("/logout", csrf=await office.csrf("/"))
        async with asyncio.timeout(60):
            said = await stream.content.read()
        assert said.endswith(b"event: ended\ndata: {}\n\n")


async def test_a_stream_ends_when_the_server_stops(office: Office) -> None:
    async with listening(office) as stream:
        pages(office).stop()
        assert await stream.content.read() == b""
    assert (await office.get("/live")).status == 204


async def test_nobody_listens_without_signing_in(config: Config) -> None:
    async with open_office(config) as office:
        for path in ("/live", "/live/entries", "/live/home"):
            response = await office.get(path)
            assert response.status == 401  # the script then has the page loaded, which leads to the sign-in


async def test_those_who_are_told_at_once_share_one_reading(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert office.client.app
    readings, seen = office.client.app[READINGS], []
    read = readings.read

    async def counted() -> object:
        seen.append(now_ms())
        return await read()

    monkeypatch.setattr(readings, "read", counted)
    monkeypatch.setattr(reading, "SHARED_S", 60.0)  # at once, however slow the machine is
    readings.forget()
    await asyncio.gather(*(office.get("/live/home") for _ in range(5)))
    assert len(seen) == 1
    await receive_message(office.db, now_ms())
    await office.html()
    assert len(seen) == 2  # who opens the page gets it as it is now


def test_the_script_is_small() -> None:
    assert len(STATIC.joinpath("office.js").read_bytes()) <= MOST_BYTES


async def test_looking_for_what_has_changed_reads_no_table_whole(database: Database) -> None:
    """PostgreSQL would read empty tables whole, so it is kept from that."""
    for question in (mark.MARKS, mark.NEWEST):
        async with database.work() as db:
            if not database.embedded:
                await execute(db, "SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
            plan = [str(row) for row in await execute(db, explain + question)]
        big = re.compile(
            r"(SCAN|SEARCH|Scan) .*\b(inbox|outbox|sale|entry|audit|ticket_event|suspense|customer|device)\b"
        )
        reads = [step for step in plan if big.search(step)]
        assert reads
        # SQLite takes the end of a table for its newest rows.
        steps = r"SEARCH|USING|Index (Only )?Scan" if question == mark.MARKS else r"SCAN|Index (Only )?Scan"
        assert all(re.search(steps, step) for step in reads), reads
