"""Debian's Kannel for real, between phones of its own emulator and our server as a process of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.outbound import NewMessage, enqueue
from bot.runtime import Database
from bot.text import gsm
from models.messages import MessageKind
from models.sql import execute, now_ms
from tests.emulators.kannel_box import INSTALLED, SENDER, UNROUTED, KannelBox, joined
from tests.world.people import PEOPLE
from tests.world.server import ServerProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not INSTALLED, reason="Kannel is not installed: apt install kannel kannel-extras"),
]
ASHA, BARAKA, JUMA = PEOPLE["Asha"], PEOPLE["Baraka"], PEOPLE["Juma"]
WITHIN_S = 60.0
# The other way of docs/gateways.md and of the reference's tables: the text within the address.
GET_URL = {"post-url = ": "get-url = ", "&charset=%C": "&text=%b&charset=%C", "mo-recode = true": "mo-recode = false"}
# Nothing in the address: all but the id is in the headers of a post-url.
HEADERS = {r'\?id=%I[^"]*"': '"\nsend-sender = true', "mo-recode = true": "mo-recode = false"}
# What another process enqueues is seen within a second there, on SQLite within ten.
SOON_SEEN = pytest.mark.parametrize("engine", ["postgres"])


@dataclass
class World:
    """Our server, Kannel, and what is committed in between."""

    server: ServerProcess
    kannel: KannelBox
    database: Database

    async def rows(self, columns: str, table: str) -> list[dict[str, Any]]:
        return await execute(self.database.client, f"SELECT {columns} FROM {table} ORDER BY id")

    async def reach(self, **states: int) -> None:
        """Look at the outbox until so many messages are in each state, and none in another."""
        seen: Counter[str] = Counter()
        try:
            async with asyncio.timeout(WITHIN_S):
                while seen != states:
                    seen = Counter(row["state"] for row in await self.rows("state", "outbox"))
        except TimeoutError:
            log = self.server.log[-3000:] + self.kannel.logs()[-3000:]
            raise AssertionError(f"{dict(seen)} and not {states}\n{log}") from None

    async def enqueue(self, phone: str, *texts: str, kind: MessageKind = MessageKind.TOKEN) -> None:
        """Something to be sent, as another process enqueues it."""
        outgoing = [NewMessage(f"{n} for {phone}", phone, text, kind, "kannel") for n, text in enumerate(texts)]
        async with self.database.work():
            await enqueue(outgoing, now_ms())


@asynccontextmanager
async def world(url: str, folder: Path, changes: Mapping[str, str] | None = None) -> AsyncIterator[World]:
    kannel = KannelBox(folder)
    server = ServerProcess(url, None, **kannel.settings)
    kannel.configure(server.port, changes or {})
    async with server, kannel, Database(url) as database:
        yield World(server, kannel, database)


@pytest.mark.parametrize(
    ("engine", "changes"),
    [("sqlite", {}), ("postgres", GET_URL), ("sqlite", HEADERS)],
    ids=["post-url sqlite", "get-url postgres", "headers sqlite"],
)
async def test_a_sale_by_sms_goes_through_kannel(demo_url: str, tmp_path: Path, changes: dict[str, str]) -> None:
    async with world(demo_url, tmp_path, changes) as at:
        await at.kannel.text(ASHA, "BUY SHS0283 8000")
        await at.kannel.read(ASHA, "^Sell 8 days for TZS 8,000.*Reply 1 and your PIN")
        await at.kannel.text(ASHA, "1 482915")
        code = (await at.kannel.read(ASHA, r"^SOLD TZS 8,000, 8 days\n.*Code ([0-9 ]+)\n"))[1]
        await at.kannel.read(BARAKA, code)
        await at.reach(delivered=3)
        inbox = await at.rows("gateway, phone, recipient, network, state", "inbox")
        outbox = await at.rows("id, external_id, gateway, parts", "outbox")
    assert len(code.replace(" ", "")) == 9
    assert inbox == [{"gateway": "kannel", "phone": ASHA, "recipient": SENDER, "network": "fake", "state": "done"}] * 2
    assert [row["external_id"] for row in outbox] == [str(row["id"]) for row in outbox]
    assert len(at.kannel.messages) == 3
    for secret in ("482915", code, at.kannel.settings["kannel_password"]):
        assert secret not in at.server.log + at.kannel.logs()


TEXTS = {
    "any script": "Été ƙwarai ê ẹ 😀",
    "line breaks": "one\ntwo",
    "long": "Umeme " * 30 + "{}" * 70,
    "long and of any script": "ƙarfin rana 😀 " * 12,
}


@SOON_SEEN
@pytest.mark.parametrize("changes", [{}, GET_URL, HEADERS], ids=["post-url", "get-url", "headers"])
async def test_any_text_comes_in_and_goes_out_whole(demo_url: str, tmp_path: Path, changes: dict[str, str]) -> None:
    async with world(demo_url, tmp_path, changes) as at:
        await at.kannel.text(BARAKA, "Été ƙarfi 😀 +&%", "ucs2")
        await at.kannel.text(BARAKA, "café +&% @£")
        for part in (1, 2):  # of a long one, joined by bearerbox
            await at.kannel.text(BARAKA, f"%05%00%03%07%02%0{part} part{part}", "udh-text")
        await at.enqueue(JUMA, *TEXTS.values())
        parts = [gsm.parts(text) for text in TEXTS.values()]
        await at.reach(delivered=3 + len(TEXTS))
        got = await at.kannel.wait_for(3 + sum(parts))
        inbox = await at.rows("text, state", "inbox")
        outbox = await at.rows("phone, parts", "outbox")
    assert {row["text"] for row in inbox} == {"Été ƙarfi 😀 +&%", "café +&% @£", "part1part2"}
    assert [row["parts"] for row in outbox if row["phone"] == JUMA] == parts == [1, 1, 4, 3]
    mine = [message for message in got if message.phone == JUMA]
    assert len(mine) == sum(parts)
    long = [[m for m in mine if m.part[:1] == (reference,)] for reference in {m.part[0] for m in mine if m.part}]
    texts = [m.text for m in mine if not m.part] + [joined(parts) for parts in long]
    assert sorted(texts) == sorted(TEXTS.values())


@SOON_SEEN
async def test_all_that_is_written_to_many_at_once_comes_to_kannel(demo_url: str, tmp_path: Path) -> None:
    """Its smsbox lets ten connections wait at its door. Of what else knocks some is lost, and is not sent again."""
    async with world(demo_url, tmp_path) as at:
        await at.enqueue(JUMA, *(f"Power is off on day {n}" for n in range(1_000)), kind=MessageKind.BROADCAST)
        await at.reach(delivered=1_000)


@SOON_SEEN
async def test_what_no_operator_takes_fails_and_what_waits_for_one_is_delivered_later(
    demo_url: str, tmp_path: Path
) -> None:
    async with world(demo_url, tmp_path) as at:
        await at.kannel.stop("fakesmsc")
        await at.enqueue(BARAKA, "waits")
        await at.reach(sent=1)  # "3: Queued for later delivery"
        await at.enqueue(f"{UNROUTED}712345678", "no way there")
        await at.reach(sent=1, failed=1)
        await at.kannel.start_phones()
        await at.reach(delivered=1, failed=1)
        assert [row["error"] for row in await at.rows("error", "outbox")] == ["", "no route"]
        await at.kannel.wait_for(1)
    assert [message.text for message in at.kannel.messages] == ["waits"]


@asynccontextmanager
async def broken(port: int) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """In the place of our server one that answers 500; within it, wait until so many calls came."""
    calls: list[str] = []
    changed = asyncio.Condition()

    async def fail(request: web.Request) -> web.Response:
        async with changed:
            calls.append(request.path_qs)
            changed.notify_all()
        return web.Response(status=500)

    async def language_names(times: int) -> None:
        async with asyncio.timeout(WITHIN_S), changed:
            await changed.wait_for(lambda: len(set(calls)) >= times)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fail)
    async with TestServer(app, port=port):
        yield language_names


@pytest.mark.parametrize(("engine", "kill"), [("postgres", False), ("sqlite", True)], ids=["stopped", "killed"])
async def test_while_our_server_is_down_nothing_is_lost_and_nothing_doubled(
    demo_url: str, tmp_path: Path, kill: bool
) -> None:
    async with world(demo_url, tmp_path) as at:
        await at.kannel.text(ASHA, "CASH")
        await at.reach(delivered=1)
        await (at.server.kill() if kill else at.server.stop())
        async with broken(at.server.port) as language_names:
            for phone, text in ((ASHA, "CASH"), (JUMA, "CASH"), (BARAKA, "BAL")):
                await at.kannel.text(phone, text)
            await language_names(3)
        await at.server.start()
        await at.reach(delivered=4)
        inbox = await at.rows("phone", "inbox")
        await at.kannel.wait_for(4)
    expected = {ASHA: 2, JUMA: 1, BARAKA: 1}
    assert Counter(row["phone"] for row in inbox) == expected
    assert Counter(message.phone for message in at.kannel.messages) == expected


@SOON_SEEN
async def test_while_kannel_is_down_nothing_is_lost_and_nothing_doubled(demo_url: str, tmp_path: Path) -> None:
    """bearerbox has one message to send and one to hand in when all of Kannel is killed."""
    async with world(demo_url, tmp_path) as at:
        await at.kannel.stop("smsbox")
        await at.kannel.text(ASHA, "CASH")
        await at.kannel.stop("fakesmsc")
        await at.kannel.start_smsbox()
        await at.enqueue(BARAKA, "taken before")
        await at.reach(sent=2)
        for box in ("smsbox", "bearerbox"):
            await at.kannel.stop(box, kill=True)
        await at.enqueue(JUMA, "enqueued meanwhile")
        await at.reach(sent=2, scheduled=1)
        await at.kannel.start_bearerbox()
        await at.kannel.start_phones()
        await at.kannel.start_smsbox()
        await at.reach(delivered=3)
        await at.kannel.wait_for(3)
    assert Counter(message.phone for message in at.kannel.messages) == {ASHA: 1, BARAKA: 1, JUMA: 1}
