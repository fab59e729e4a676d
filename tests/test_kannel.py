"""Kannel: what its calls mean to us, what we ask of it, and what each of its answers is called."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_from_bytes

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.app import assembled
from bot.config import load
from bot.gateways import ERRORS, BadCallback, Callback, SendError, kannel
from bot.gateways.kannel import Kannel
from bot.gsm import BASIC, EXTENDED
from bot.message import Inbound, Outbound, Outcome, Receipt, Sent
from bot.phone import Sender, SenderKind
from models.messages import Class, State
from models.sql import execute
from tests.server import Serving, serving
from tests.world import GATEWAY, PEOPLE, Phones

NAME = "kannel"
PHONE = "+255710000002"
OWNER = Sender(SenderKind.NUMBER, PHONE)
BUY = "BUY SHS0283 8000"
PASSWORD, SECRET = "a password: 100 %", "kannel's secret / 100 %"
ID = "ab8d3731-eeeb-4477-833c-b1c7f9e24a91"
ADDRESS = "http://127.0.0.1:8080"
# As bearerbox and smsbox 1.4.5 wrote them: %I, %p, %P, %C, %c, %T, %i, all but the text.
TO_US = f"id={ID}&from=255710000002&to=15054&time=1795482924&smsc=fake"
SEPTETS, BYTES, UCS2 = "charset=UTF-8&coding=0", "charset=8-BIT&coding=1", "charset=UTF-16BE&coding=2"


def gateway(session: object = None, url: str = "", **changes: str) -> Kannel:
    account = {"username": "mwanga", "password": PASSWORD, "sender": "15054", "secret": SECRET}
    return Kannel(session, url=url, address=ADDRESS, country="TZ", **(account | changes))  # type: ignore[arg-type]


def get(query: str) -> Callback:
    return Callback("GET", query.encode(), "application/octet-stream", b"")


def post(query: str, body: bytes, content_type: str = "text/plain", **headers: str) -> Callback:
    told = {f"X-Kannel-{name}": value for name, value in headers.items()}
    return Callback("POST", query.encode(), content_type.partition(";")[0], body, told | {"Content-Type": content_type})


def sms(callback: Callback, ours: Kannel | None = None) -> Inbound:
    ours = ours or gateway()
    return ours.parse_sms(ours.read(callback))


def inbound(text: str, **changes: object) -> Inbound:
    values = {"external_id": ID, "sender": OWNER, "text": text, "recipient": "15054", "network": "fake"}
    return Inbound(gateway=NAME, **(values | changes))  # type: ignore[arg-type]


# What its calls mean.


@pytest.mark.parametrize(
    ("callback", "meaning"),
    [
        (get(f"{TO_US}&text=BUY+SHS0283+8000&{SEPTETS}"), inbound(BUY)),
        (get(f"{TO_US}&text=a+%26+a%2Bb+100%25&{SEPTETS}"), inbound("a & a+b 100%")),
        (get(f"{TO_US}&text=caf%C3%A9&{SEPTETS}"), inbound("café")),
        (get(f"{TO_US}&text=caf%E9&{SEPTETS}"), inbound("caf\ufffd")),
        (get(f"{TO_US}&text=caf%E9&charset=ISO-8859-1&coding=0"), inbound("café")),
        (get(f"{TO_US}&text=%80+5&charset=WINDOWS-1252&coding=0"), inbound("€ 5")),
        (get(f"{TO_US}&text=%00H%00i+%AC%D8%3D%DE%00&{UCS2}"), inbound("Hi€😀")),
        (get(f"{TO_US}&text=%00H%D8%3D&{UCS2}"), inbound("H\ufffd")),
        (get(f"{TO_US}&text=%00%01bin%FF&{BYTES}"), inbound("\x01binÿ")),
        (get(f"{TO_US}&text=%00H%00i&coding=2"), inbound("Hi")),
        (get(f"{TO_US}&text=caf%C3%A9&charset=KLINGON"), inbound("café")),
        (get(f"{TO_US}&text=caf%C3%A9"), inbound("café")),
        (get(f"{TO_US}&text=&{SEPTETS}"), inbound("")),
        (post(f"{TO_US}&{SEPTETS}", "1 482915 é".encode()), inbound("1 482915 é")),
        (post(f"{TO_US}&{SEPTETS}", b"a+b=c&text=d"), inbound("a+b=c&text=d")),
        (post(f"{TO_US}&{UCS2}", "Été 😀".encode("utf-16-be")), inbound("Été 😀")),
        (post(f"{TO_US}&{BYTES}", b"\0\1bin", "application/octet-stream"), inbound("\1bin")),
        (post(TO_US, "Été".encode("utf-16-be"), 'text/plain; charset="UTF-16BE"'), inbound("Été")),
        (post(TO_US, b"caf\xe9", "text/plain; charset=iso-8859-1"), inbound("café")),
        (post(f"id={ID}", b"Hi", From="+255710000002", To="15054", SMSC="fake"), inbound("Hi")),
        (post(f"id={ID}&from=&to=15054&smsc=fake", b"Hi", From="255710000002", To="15055"), inbound("Hi")),
        (post("", f"{TO_US}&text=Hi+%E2%82%AC".encode(), "application/x-www-form-urlencoded"), inbound("Hi €")),
        (post(TO_US, b"text=%00H&coding=2", "application/x-www-form-urlencoded"), inbound("H")),
    ],
)
def test_a_text_comes_in_by_get_url_by_post_url_and_as_a_form(callback: Callback, meaning: Inbound) -> None:
    assert sms(callback) == meaning


@pytest.mark.parametrize(
    ("number", "sender"),
    [
        ("%2B255710000002", OWNER),
        ("255710000002", OWNER),
        ("+255710000002", OWNER),
        ("0710000002", OWNER),
        ("254712345678", Sender(SenderKind.NUMBER, "+254712345678")),
        ("15055", Sender(SenderKind.SHORT, "15055")),
        ("M-PESA", Sender(SenderKind.ALPHA, "M-PESA")),
        ("", Sender(SenderKind.ALPHA, "")),
    ],
)
def test_a_sender_comes_with_and_without_its_plus(number: str, sender: Sender) -> None:
    assert sms(get(f"id={ID}&from={number}&text=Hi")) == Inbound(NAME, ID, sender, "Hi")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_any_text_comes_in_as_it_was_written(text: str) -> None:
    for charset, coding in (("UTF-8", 0), ("UTF-16BE", 2)):
        fields = f"{TO_US}&charset={charset}&coding={coding}"
        assert sms(get(f"{fields}&text={quote_from_bytes(text.encode(charset))}")).text == text
        assert sms(post(fields, text.encode(charset))).text == text


def test_a_text_without_an_id_is_told_by_who_wrote_what_when_and_its_id_hides_a_pin() -> None:
    same = "from=255710000002&to=15054&time=1795482924&text=1+482915"
    ours = sms(get(same)).external_id
    assert ours == sms(get(f"{same}&id=")).external_id
    others = [
        same.replace(*change) for change in (("0002&", "0003&"), ("15054", "15055"), ("924", "925"), ("+4", "+5"))
    ]
    ids = [sms(get(other)).external_id for other in others] + [sms(get(same), gateway(secret="x" * 16)).external_id]
    assert len({ours, *ids}) == 6
    assert all(len(each) == 64 for each in ids)


def test_a_post_url_with_nothing_in_its_address_is_read_from_its_headers() -> None:
    told = {"From": "255710000002", "To": "15054", "Time": "2026-11-25 07:15:24", "SMSC": "fake", "Coding": "2"}
    come = sms(post("", "Été".encode("utf-16-be"), **told))
    assert (come.sender, come.recipient, come.network, come.text) == (OWNER, "15054", "fake", "Été")
    later = sms(post("", "Été".encode("utf-16-be"), **told | {"Time": "2026-11-25 07:15:25"}))
    assert len(come.external_id) == 64 and come.external_id != later.external_id
    assert sms(post(f"id={ID}", b"Hi", From="M\udcff")).sender == Sender(SenderKind.ALPHA, "M?")


@pytest.mark.parametrize(
    ("kind", "query", "sentence"),
    [
        ("sms", "id=1&text=Hi", "from is missing"),
        ("sms", "id=1&from=255710000002", "text is missing"),
        ("sms", "from=255710000002&to=15054&text=Hi", "time is missing"),
        ("sms", "id=" + "x" * 121 + "&from=255710000002&text=Hi", "id is longer than 120 characters"),
        ("sms", "&".join(f"a{n}=1" for n in range(60)), "the body is no form in LATIN-1"),
        ("receipt", "state=1", "id is missing"),
        ("receipt", "id=7&state=", "state is empty"),
        ("ussd", "id=7", "Kannel has no USSD"),
        ("ussd_end", "id=7", "Kannel has no USSD"),
        ("optout", "id=7", "Kannel has no opt-outs"),
    ],
)
def test_a_call_that_cannot_be_read_is_refused_in_words(kind: str, query: str, sentence: str) -> None:
    ours = gateway()
    with pytest.raises(BadCallback) as refused:
        getattr(ours, f"parse_{kind}")(ours.read(get(query)))
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("mask", "state", "reason"),
    [
        ("1", State.DELIVERED, ""),
        ("2", State.FAILED, "undelivered"),
        ("4", State.SENT, ""),
        ("8", State.SENT, ""),
        ("16", State.FAILED, "refused"),
        ("32", State.SENT, ""),
        ("soon", State.SENT, ""),
    ],
)
def test_every_delivery_mask_has_a_state(mask: str, state: State, reason: str) -> None:
    ours = gateway()
    receipt = ours.parse_receipt(ours.read(get(f"id=7&state={mask}")))
    word = kannel.MASKS[mask][2] if mask in kannel.MASKS else mask
    assert receipt == Receipt(NAME, "7", state, word, reason)


# What we ask of it.


@dataclass
class Sendsms:
    """The sendsms address of a Kannel: notes what comes and answers as told."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hangs: bool = False

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        self.bodies.append(await request.read())
        if self.hangs:
            await asyncio.Event().wait()
        status, text = self.answers.pop(0) if self.answers else (202, "0: Accepted for delivery")
        return web.Response(status=status, text=text, headers={"Location": "/"} if status == 302 else None)


@pytest.fixture
async def sendsms() -> AsyncIterator[Sendsms]:
    fake, app = Sendsms(), web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    async with TestServer(app) as server:
        fake.url = str(server.make_url("/cgi-bin/sendsms"))
        yield fake


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ours(session: aiohttp.ClientSession, sendsms: Sendsms) -> Kannel:
    return gateway(session, sendsms.url)


MESSAGE = Outbound(42, PHONE, "TOKEN 123 456 789 & 8 days, ref K7Q2M", Class.TOKEN)


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
        "/delivery?id=42&state=%d",
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
    ("kind", "hours"), [(Class.TOKEN, 72), (Class.REPLY, 6), (Class.REMINDER, 24), (Class.BROADCAST, 2)]
)
async def test_kannel_forgets_a_message_when_its_class_is_too_old(
    ours: Kannel, sendsms: Sendsms, kind: Class, hours: int
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


async def test_no_answer_is_an_unknown_outcome(ours: Kannel, sendsms: Sendsms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kannel, "TIMEOUT", aiohttp.ClientTimeout(total=0.2, connect=0.1))
    sendsms.hangs = True
    error = (await failure(ours)).error
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
    named |= {*kannel.HTTP_STATUS.values(), *kannel.HTTP_FAMILY.values()}
    assert named - {""} <= ERRORS.keys()


# The doors of a whole server.

DOOR = "/gateways/kannel/demo"


@pytest.fixture
async def at(demo_url: str, sendsms: Sendsms) -> AsyncIterator[Serving]:
    account = {"kannel_username": "mwanga", "kannel_password": PASSWORD, "kannel_sender": "15054"}
    async with serving(demo_url, kannel_url=sendsms.url, **account) as running:
        yield running


async def test_a_text_by_get_is_answered_empty_and_its_reply_goes_out_by_kannel(at: Serving, sendsms: Sendsms) -> None:
    asha = f"{DOOR}/sms?id={ID}&from=255700000001&to=15054&text=CASH&{SEPTETS}&time=1795482924&smsc=fake"
    for _ in range(2):
        async with at.client.get(asha) as response:
            assert (response.status, await response.read()) == (200, b"")
    await at.handled()
    async with asyncio.timeout(10):
        while not await at.rows("SELECT 1 FROM outbox WHERE state = 'sent'"):
            await asyncio.sleep(0)
    [row] = await at.rows("SELECT id, gateway, external_id FROM outbox")
    assert (row["gateway"], row["external_id"]) == (NAME, str(row["id"]))
    assert sendsms.bodies[0].startswith(b"You hold")
    async with at.client.get(f"{DOOR}/delivery?id={row['id']}&state=1") as response:
        assert (response.status, await response.read()) == (200, b"")
    assert [row["state"] for row in await at.rows("SELECT state FROM outbox")] == ["delivered"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/gateways/kannel/wrong/sms?id=1&from=255700000001&text=CASH", 404),
        ("GET", "/gateways/nobody/demo/sms?id=1&from=255700000001&text=CASH", 404),
        ("GET", "/gateways/africastalking/demo/sms?id=1&from=255700000001&text=CASH", 405),
        ("HEAD", f"{DOOR}/sms?id=1&from=255700000001&text=CASH", 405),
        ("PUT", f"{DOOR}/sms?id=1&from=255700000001&text=CASH", 405),
        ("GET", f"{DOOR}/sms?id=1&from=255700000001", 400),
        ("GET", f"{DOOR}/ussd?id=1", 400),
        ("GET", f"{DOOR}/delivery?state=1", 400),
    ],
)
async def test_what_is_not_for_this_door_is_refused(at: Serving, method: str, path: str, status: int) -> None:
    async with at.client.request(method, path) as response:
        assert response.status == status
    assert await at.rows("SELECT 1 FROM inbox") == []


async def test_a_text_larger_than_we_take_is_refused(at: Serving) -> None:
    async with at.client.post(f"{DOOR}/sms?{TO_US}", data=b"x" * 8193) as response:
        assert response.status == 413


@pytest.mark.parametrize("text", ["1 482915".encode("utf-16-be"), b"1 482915"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_pin_in_a_refused_call_is_starred_in_any_coding(at: Serving, method: str, text: bytes) -> None:
    body, query = (b"", f"&text={quote_from_bytes(text)}") if method == "GET" else (text, "")
    async with at.client.request(method, URL(f"{DOOR}/sms?id=1{query}", encoded=True), data=body) as no:
        assert no.status == 400
    [kept] = await at.rows("SELECT body FROM refused")
    assert "1 ******" in kept["body"]


# What is configured.

GOOD = {
    "secret_key": "s" * 32,
    "help_phone": "+255700000000",
    "kannel_url": "http://127.0.0.1:13013/cgi-bin/sendsms",
    "kannel_username": "mwanga",
    "kannel_password": "secret",
    "kannel_secret": "k" * 16,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kannel_url": ""}, "go together"),
        ({"kannel_username": ""}, "go together"),
        ({"kannel_password": ""}, "go together"),
        ({"kannel_secret": "k" * 15}, "MWANGA_KANNEL_SECRET needs 16 characters"),
        ({"kannel_url": "127.0.0.1:13013"}, "whole address"),
        ({"route": "kannel,pigeon"}, "MWANGA_ROUTE names pigeon, which is not configured."),
        ({"route": "africastalking, kannel"}, "MWANGA_ROUTE names africastalking, which is not configured."),
    ],
)
def test_each_wrong_setting_of_kannel_and_of_the_route_has_its_sentence(changes: dict[str, str], words: str) -> None:
    assert load(**GOOD).problems() == load(**GOOD, route="kannel").problems() == []
    [problem] = load(**GOOD | changes).problems()
    assert words in problem


@pytest.mark.parametrize(
    ("route", "carrier"),
    [
        ("", "africastalking"),
        ("africastalking,kannel", "africastalking"),
        ("kannel", "kannel"),
        ("kannel, africastalking", "kannel"),
    ],
)
async def test_an_answer_goes_back_as_its_question_came_and_the_rest_by_the_route(
    demo_url: str, route: str, carrier: str
) -> None:
    both = {"kannel_url": f"{ADDRESS}/cgi-bin/sendsms", "africastalking_url": ADDRESS}
    async with assembled(load(database=demo_url, route=route, **both), serving=False) as mwanga:
        phones = Phones(mwanga)
        await phones.text("Asha", BUY)
        await phones.text("Asha", "1 482915")
        rows = await execute(mwanga.database.client, "SELECT phone, gateway FROM outbox ORDER BY id")
    assert {row["gateway"] for row in rows if row["phone"] == PEOPLE["Asha"]} == {GATEWAY}
    assert [row["gateway"] for row in rows if row["phone"] == PHONE] == [carrier]
