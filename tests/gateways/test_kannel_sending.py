"""Kannel: what we ask of it, and what each of its answers is called."""

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest

from bot.gateways import kannel, wire
from bot.gateways.errors import ERRORS, Outcome, SendError
from bot.gateways.kannel import Kannel
from bot.message import Outbound, Sent
from bot.text.gsm import BASIC, EXTENDED
from models.messages import MessageKind
from tests.emulators.kannel_sendsms import ADDRESS, PASSWORD, PHONE, SECRET, Sendsms, gateway, listening
from tests.world.run_out import run_out

MESSAGE = Outbound(42, PHONE, "TOKEN 123 456 789 & 8 days, ref K7Q2M", MessageKind.TOKEN)


@pytest.fixture
async def sendsms() -> AsyncIterator[Sendsms]:
    async with listening() as fake:
        yield fake


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ours(session: aiohttp.ClientSession, sendsms: Sendsms) -> Kannel:
    return gateway(session, sendsms.url)


async def failure(ours: Kannel, message: Outbound = MESSAGE) -> SendError:
    with pytest.raises(SendError) as raised:
        await ours.send(message)
    return raised.value


async def test_a_message_goes_out_in_headers_and_a_body_and_with_our_id(ours: Kannel, sendsms: Sendsms) -> None:
    assert await ours.send(MESSAGE) == Sent("42", parts=1, cost="")
    [request], [body] = sendsms.requests, sendsms.bodies
    sent = {name: value for name, value in request.headers.items() if name.startswith("X-Kannel-")}
    assert sent == {
        "X-Kannel-Username": "mwanga",
        "X-Kannel-Password": PASSWORD,
        "X-Kannel-From": "15054",
        "X-Kannel-To": PHONE,
        "X-Kannel-Coding": "0",
        "X-Kannel-Validity": str(72 * 60),
        "X-Kannel-DLR-Mask": "31",
        "X-Kannel-DLR-Url": f"{ADDRESS}/gateways/kannel/{quote(SECRET, safe='').replace('%', '%%')}"
        "/delivery?id=42&to=255710000002&state=%d",
    }
    assert request.method == "POST" and request.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert (request.path_qs, body.decode()) == ("/cgi-bin/sendsms", MESSAGE.text)


@pytest.mark.parametrize(
    ("text", "coding", "parts"),
    [
        ("Hi", "0", 1),
        (BASIC + EXTENDED, "0", 1),
        ("x" * 161, "0", 2),
        ("{" * 80 + "x", "0", 2),
        ("Été ê", "2", 1),
        ("ƙ" * 71, "2", 2),
        ("😀" * 36, "2", 2),
        ("line\nline", "0", 1),
        (" spaces ", "0", 1),
    ],
)
async def test_we_choose_the_coding_and_the_text_is_the_body(
    ours: Kannel, sendsms: Sendsms, text: str, coding: str, parts: int
) -> None:
    assert await ours.send(Outbound(1, PHONE, text)) == Sent("1", parts)
    assert sendsms.requests[0].headers["X-Kannel-Coding"] == coding
    assert sendsms.bodies[0].decode() == text


@pytest.mark.parametrize(
    ("kind", "hours"),
    [(MessageKind.TOKEN, 72), (MessageKind.REPLY, 6), (MessageKind.REMINDER, 24), (MessageKind.BROADCAST, 24)],
)
async def test_kannel_forgets_a_message_when_its_class_is_too_old(
    ours: Kannel, sendsms: Sendsms, kind: MessageKind, hours: int
) -> None:
    await ours.send(Outbound(1, PHONE, "Hi", kind))
    assert sendsms.requests[0].headers["X-Kannel-Validity"] == str(hours * 60)


async def test_without_a_sender_it_is_left_out(session: aiohttp.ClientSession, sendsms: Sendsms) -> None:
    await gateway(session, sendsms.url, sender="").send(MESSAGE)
    assert "X-Kannel-From" not in sendsms.requests[0].headers


# What its answers are called: those of Debian's Kannel, and those of what may stand before it.

ANSWERS = {
    (202, "3: Queued for later delivery"): "",
    (202, ""): "",
    (200, "0: Accepted for delivery"): "",
    (200, "Sent."): "",
    (200, "<html>It works!</html>"): "strange answer",
    (302, ""): "gateway fault",
    (400, "Sender missing and no global set, rejected"): "unknown sender",
    (400, "Missing receiver(s) number(s), rejected"): "bad number",
    (400, "Missing receiver number, rejected"): "bad number",
    (400, "Empty receiver number not allowed, rejected"): "bad number",
    (400, "Number(s) has/have been denied by white- and/or black-lists."): "refused",
    (400, "Coding field misformed, rejected"): "refused",
    (400, "Invalid content-type"): "gateway fault",
    (401, ""): "bad credentials",
    (403, "Authorization failed for sendsms"): "bad credentials",
    (403, "Not routable. Do not try again."): "no route",
    (404, "Unknown request."): "unreachable",
    (405, ""): "unreachable",
    (408, ""): "timeout",
    (413, ""): "refused",
    (429, ""): "throttled",
    (500, ""): "gateway fault",
    (503, "Temporal failure, try again later."): "gateway fault",
    (504, ""): "timeout",
}


@pytest.mark.parametrize(("status", "text", "name"), [(*answer, name) for answer, name in ANSWERS.items()])
async def test_every_answer_has_a_name(ours: Kannel, sendsms: Sendsms, status: int, text: str, name: str) -> None:
    sendsms.answers.append((status, text))
    if name:
        error = await failure(ours)
        assert (error.error.name, error.detail.split()[:2]) == (name, ["HTTP", str(status)])
    else:
        assert await ours.send(MESSAGE) == Sent("42")
    assert len(sendsms.requests) == 1


async def test_an_answer_that_quotes_us_says_no_number(ours: Kannel, sendsms: Sendsms) -> None:
    sendsms.answers.append((400, f"Denied receivers are: {PHONE} for 123 456 789"))
    assert (await failure(ours)).detail == "HTTP 400 Denied receivers are  for"


async def test_no_answer_is_an_unknown_outcome(ours: Kannel, sendsms: Sendsms) -> None:
    sendsms.hangs = True
    sending = asyncio.create_task(failure(ours))
    async with asyncio.timeout(60):
        while not sendsms.bodies:
            await asyncio.sleep(0)
    run_out(wire.TIMEOUT)
    error = (await sending).error
    assert (error.name, error.outcome) == ("timeout", Outcome.UNKNOWN)
    assert len(sendsms.requests) == 1


async def test_nobody_listening_is_unreachable(session: aiohttp.ClientSession) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/cgi-bin/sendsms"
        error = (await failure(gateway(session, url))).error
    assert (error.name, error.outcome) == ("unreachable", Outcome.RETRY)


def test_every_name_in_the_tables_is_an_error_that_the_office_can_read() -> None:
    named = {reason for _, reason, _ in kannel.MASKS.values()}
    named |= {name for table in kannel.ANSWERS.values() for name in table.values()}
    assert named - {""} <= ERRORS.keys()
