"""Kannel: what its calls mean to us, and what its doors take and refuse."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.gateways import BadCallback, Callback, kannel
from bot.gateways.kannel import Kannel
from bot.message import Inbound, Receipt
from bot.text.numbers import Sender, SenderKind
from models.messages import State
from tests.emulators.kannel_sendsms import PASSWORD, PHONE, Sendsms, gateway, listening
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite

NAME = "kannel"
OWNER = Sender(SenderKind.NUMBER, PHONE)
BUY = "BUY SHS0283 8000"
ID = "ab8d3731-eeeb-4477-833c-b1c7f9e24a91"
# As bearerbox and smsbox 1.4.5 wrote them: %I, %p, %P, %C, %c, %T, %i, all but the text.
TO_US = f"id={ID}&from=255710000002&to=15054&time=1795482924&smsc=fake"
SEPTETS, BYTES, UCS2 = "charset=UTF-8&coding=0", "charset=8-BIT&coding=1", "charset=UTF-16BE&coding=2"


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
    return Inbound(gateway=NAME, **(values | {"reached_at": 1_795_482_924_000} | changes))  # type: ignore[arg-type]


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
        (post(f"id={ID}", b"Hi", From="+255710000002", To="15054", SMSC="fake"), inbound("Hi", reached_at=0)),
        (post(f"id={ID}&from=&to=15054&smsc=fake&time=", b"Hi", From="255710000002"), inbound("Hi", reached_at=0)),
        (
            post(f"id={ID}&from=255710000002&to=15054&smsc=fake", b"Hi", To="15055", Time="2026-11-24 09:55"),
            inbound("Hi", reached_at=0),
        ),
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


# The doors of a whole server.

DOOR = "/gateways/kannel/demo"


@pytest.fixture
async def sendsms() -> AsyncIterator[Sendsms]:
    async with listening() as fake:
        yield fake


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
    async with asyncio.timeout(60):
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
