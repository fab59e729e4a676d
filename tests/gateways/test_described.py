"""Gateways that are described in mwanga.toml: what their callbacks mean, and the requests that we make."""

import hmac
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateways import BadCallback, BadSignature, Callback
from bot.gateways.description import read_descriptions
from bot.gateways.errors import SendError
from bot.message import Inbound, Outbound, Receipt
from bot.setting_files import REFERRED
from models.messages import State
from tests.project.pages import GATEWAYS
from tests.world.described import (
    DELIVERY_URL,
    HTTPSMS,
    KEY,
    MESSAGE,
    OWNER,
    PHONE,
    PIGEON,
    SECRET,
    TEXTBEE,
    gateway,
    get,
)


def post(body: bytes | str | dict[str, Any], query: str = "", headers: Mapping[str, str] | None = None) -> Callback:
    data = json.dumps(body) if isinstance(body, dict) else body
    return Callback("POST", query.encode(), "", data.encode() if isinstance(data, str) else data, headers or {})


def signed(body: dict[str, Any], key: str = KEY) -> Callback:
    return post(body, headers={"X-Signature": hmac.digest(key.encode(), json.dumps(body).encode(), "sha256").hex()})


def inbound(external_id: str, text: str, **changes: str) -> Inbound:
    return Inbound("pigeon", external_id, OWNER, text, **changes)


# What its calls mean.

JSON = {"callbacks": "json", "incoming": {"id": "m.id", "from": "m.who.0", "text": "m.text"}}
QUERY = {"callbacks": "query", "incoming": {"id": "id", "from": "from", "text": "text"}}
BEE = {"smsId": "s1", "message": "1 482915 é", "sender": PHONE, "webhookEvent": "MESSAGE_RECEIVED"}
CLOUD = {"data": {"message_id": "m1", "contact": PHONE, "owner": "+255713000111", "content": "Hi", "sim": "SIM1"}}


@pytest.mark.parametrize(
    ("table", "callback", "meaning"),
    [
        (
            PIGEON,
            post("msg=1&msisdn=%2B255710000002&shortcode=+15054&body=a+%26+b%2B&net=64004"),
            inbound("1", "a & b+", recipient="+15054", network="64004"),
        ),
        (PIGEON, post("msg=1&msisdn=255710000002&body="), inbound("1", "")),
        (PIGEON, post("msg=1&msisdn=0710000002&body=caf%C3%A9%00"), inbound("1", "café")),
        (PIGEON | JSON, post({"m": {"id": 17, "who": [255710000002], "text": "Hi 😀\0"}}), inbound("17", "Hi 😀")),
        (PIGEON | JSON, post('{"m":{"id":1.50,"who":["0710000002"],"text":"\\ud83d!"}}'), inbound("1.50", "\ufffd!")),
        (PIGEON | QUERY, get("id=1&from=255710000002&text=a+%2B+b"), inbound("1", "a + b")),
        (TEXTBEE, signed(BEE), inbound("s1", "1 482915 é")),
        (HTTPSMS, post(CLOUD), inbound("m1", "Hi", recipient="+255713000111")),
    ],
)
def test_a_text_comes_in_as_form_json_or_query(table: dict[str, Any], callback: Callback, meaning: Inbound) -> None:
    ours = gateway(table)
    assert ours.parse_sms(ours.read(callback)) == meaning


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_any_text_comes_in_and_goes_out_as_it_was_written(text: str) -> None:
    ours = gateway(PIGEON | JSON)
    assert ours.parse_sms(ours.read(post({"m": {"id": 1, "who": ["0710000002"], "text": text}}))).text == text
    body = gateway().request(Outbound(42, PHONE, text))[2]
    assert dict(parse_qsl((body or b"").decode(), keep_blank_values=True))["text"] == text
    body = gateway(HTTPSMS).request(Outbound(42, PHONE, text))[2]
    assert json.loads(body or b"")["content"] == text


def test_a_text_without_an_id_of_its_own_is_told_by_several_fields_and_its_id_hides_a_pin() -> None:
    table = PIGEON | {"incoming": {"id": ["msisdn", "at", "body"], "from": "msisdn", "text": "body"}}

    def external_id(form: str, **changes: Any) -> str:
        ours = gateway(table, **changes)
        return ours.parse_sms(ours.read(post(form))).external_id

    form = "msisdn=255710000002&at=12:00&body=1+482915"
    ids = [external_id(form), external_id(form.replace("00&", "01&")), external_id(form, secret="x" * 16)]
    assert external_id(form) == ids[0] and len(set(ids)) == 3 and {len(each) for each in ids} == {64}


REPORT = "msg=9&state="
OURS = PIGEON | {
    "send": PIGEON["send"] | {"id": ""},
    "delivery": {"status": "state", "words": PIGEON["delivery"]["words"]},
}
BARE = {"url": "https://pigeon.example.org/", "query": {"to": "{phone}", "text": "{text}"}}
EVENT = {"type": "message.send.expired", "data": {"request_id": "42", "is_final": True}}


@pytest.mark.parametrize(
    ("table", "callback", "receipt"),
    [
        (PIGEON, post(f"{REPORT}DELIVRD"), ("9", State.DELIVERED, "DELIVRD", "")),
        (PIGEON, post(f"{REPORT}delivrd&why=gone"), ("9", State.DELIVERED, "delivrd: gone", "")),
        (PIGEON, post(f"{REPORT}UNDELIV"), ("9", State.FAILED, "UNDELIV", "undelivered")),
        (PIGEON, post(f"{REPORT}UNDELIV&why=err+E12"), ("9", State.FAILED, "UNDELIV: err E12", "bad number")),
        (PIGEON, post(f"{REPORT}UNDELIV&why=E120"), ("9", State.FAILED, "UNDELIV: E120", "undelivered")),
        (PIGEON, post(f"{REPORT}ON_ITS_WAY"), ("9", State.SENT, "ON_ITS_WAY", "")),
        (PIGEON, post("msg=theirs&state=ACCEPTD", "mwanga_id=42"), ("theirs", State.SENT, "ACCEPTD", "")),
        (OURS, post("msg=theirs&state=DELIVRD", "mwanga_id=42"), ("42", State.DELIVERED, "DELIVRD", "")),
        (
            TEXTBEE,
            signed({"smsBatchId": "b1", "webhookEvent": "MESSAGE_FAILED", "errorCode": "RESULT_ERROR"}),
            ("b1", State.FAILED, "MESSAGE_FAILED: RESULT_ERROR", "undelivered"),
        ),
        (HTTPSMS, post(EVENT), ("42", State.FAILED, "message.send.expired true", "undelivered")),
        (
            HTTPSMS,
            post(EVENT | {"type": "message.phone.sent", "data": {"request_id": "42"}}),
            ("42", State.SENT, "message.phone.sent", ""),
        ),
        (
            HTTPSMS,
            post(EVENT | {"data": {"request_id": "42", "is_final": False}}),
            ("42", State.SENT, "message.send.expired false", ""),
        ),
    ],
)
def test_a_report_has_the_state_that_its_word_is_described_as(
    table: dict[str, Any], callback: Callback, receipt: tuple[str, State, str, str]
) -> None:
    ours = gateway(table)
    assert ours.parse_receipt(ours.read(callback)) == Receipt("pigeon", *receipt)


@pytest.mark.parametrize(
    ("kind", "table", "callback", "sentence"),
    [
        ("sms", PIGEON, post("msisdn=255710000002&body=Hi"), "msg is missing"),
        ("sms", PIGEON, post("msg=1&msisdn=&body=Hi"), "msisdn is empty"),
        ("sms", PIGEON, post("msg=1&msisdn=255710000002"), "body is missing"),
        ("sms", PIGEON, post(f"msg={'x' * 121}&msisdn=1&body=Hi"), "msg is longer than 120 characters"),
        ("sms", PIGEON, post(b"\xff=\xff"), "the body is no form in UTF-8"),
        ("sms", PIGEON | JSON, post("msg=1"), "the body is no JSON in UTF-8"),
        ("sms", PIGEON | JSON, post(b'{"m":"\xff"}'), "the body is no JSON in UTF-8"),
        ("sms", PIGEON | JSON, post("[" * 8000), "the body is no JSON in UTF-8"),
        ("sms", PIGEON | JSON, post({"m": {"id": 1, "who": [None], "text": "Hi"}}), "m.who.0 is missing"),
        ("sms", PIGEON | {"incoming": None}, post(""), "pigeon brings no messages"),
        ("receipt", PIGEON, post("msg=9"), "state is missing"),
        ("receipt", PIGEON, post("state=DELIVRD"), "msg is missing"),
        ("receipt", {"callbacks": "form", "send": BARE}, post(""), "pigeon has no delivery reports"),
        ("ussd", PIGEON, post(""), "pigeon has no USSD"),
        ("ussd_end", PIGEON, post(""), "pigeon has no USSD"),
        ("optout", PIGEON, post(""), "pigeon has no opt-outs"),
    ],
)
def test_a_call_that_cannot_be_read_is_refused_in_words(
    kind: str, table: dict[str, Any], callback: Callback, sentence: str
) -> None:
    ours = gateway(table)
    with pytest.raises(BadCallback) as refused:
        getattr(ours, f"parse_{kind}")(ours.read(callback))
    assert str(refused.value) == sentence


@pytest.mark.parametrize("callback", [post(BEE), signed(BEE, "another key"), post(BEE, headers={"X-Signature": "é"})])
def test_a_call_without_its_signature_is_refused(callback: Callback) -> None:
    with pytest.raises(BadSignature, match="X-Signature does not fit the body"):
        gateway(TEXTBEE).read(callback)


# What we ask of it.


def test_a_request_is_put_together_in_the_encoding_of_each_of_its_parts() -> None:
    url, headers, body = gateway().request(MESSAGE)
    assert str(url) == "https://pigeon.example.org/k%7Btext%7Dy/send"
    assert headers == {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer k{text}y"}
    assert dict(parse_qsl((body or b"").decode())) == {
        "to": "255710000002",
        "from": "15054",
        "text": MESSAGE.text,
        "ref": "42",
        "dlr": DELIVERY_URL,
        "code": "7",
    }


@pytest.mark.parametrize(
    ("table", "address", "body"),
    [
        (
            TEXTBEE,
            "https://api.textbee.dev/api/v1/gateway/devices/d1/send-sms",
            {"recipients": [PHONE], "message": MESSAGE.text},
        ),
        (
            HTTPSMS,
            "https://api.httpsms.com/v1/messages/send",
            {"from": "+255713000111", "to": PHONE, "content": MESSAGE.text, "request_id": "42"},
        ),
    ],
)
def test_the_shipped_descriptions_send_as_their_servers_read(table: Any, address: str, body: Any) -> None:
    url, headers, sent = gateway(table).request(MESSAGE)
    assert (str(url), headers) == (address, {"Content-Type": "application/json", "x-api-key": "k"})
    assert json.loads(sent or b"") == body


@pytest.mark.parametrize(
    ("send", "path_query", "body"),
    [
        (
            {"method": "GET", "query": {"to": "{phone}", "m": "{text}", "u": "1"}},
            [("to", PHONE), ("m", MESSAGE.text), ("u", "1")],
            None,
        ),
        ({"text": "{text}", "query": {"to": "{phone}"}}, [("to", PHONE)], MESSAGE.text.encode()),
    ],
)
def test_a_text_goes_in_the_address_or_as_the_body(send: dict[str, Any], path_query: Any, body: bytes | None) -> None:
    table = {"callbacks": "json", "send": {"url": "https://pigeon.example.org/send"} | send}
    url, _headers, sent = gateway(table).request(MESSAGE)
    assert (parse_qsl(urlsplit(str(url)).query), sent) == (path_query, body)


def test_the_descriptions_of_the_documents_have_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", GATEWAYS.read_text(), re.DOTALL)]
    tables = {name: table for block in blocks for name, table in block.get("gateways", {}).items()}
    for name in REFERRED.findall(str(tables)):
        monkeypatch.setenv(name, "k" * 16)
    good, problems = read_descriptions(tables)
    assert (good.keys(), problems) == ({"pigeon", "shop-phone"}, [])


# Aggregators of the plain kind: they answer in words, report by GET, and want to be told how a text is coded.

SEND = {"url": "https://pigeon.example.org/send", "form": {"to": "{phone}", "text": "{text}", "dcs": "{coding}"}}
CODING = {"coding": {"gsm": "0", "unicode": "2"}}
ID = {"id_pattern": r"id[:=] ?(\w+)"}


def plain(**send: Any) -> dict[str, Any]:
    return {"callbacks": "form", "send": SEND | CODING | send}


@pytest.mark.parametrize(
    ("send", "said", "meaning"),
    [
        ({"success": {"contains": ["accepted", "queued"]}}, "Message ACCEPTED", "42"),
        ({"success": {"contains": ["accepted"]}}, "rejected", SendError("refused")),
        ({"success": {"contains": [0]}, **ID}, "status=0 id=ab12", "ab12"),
        ({"success": {"in": ["OK"]}, **ID}, "OK\nid: 77\n", "77"),
        ({"success": {"in": ["OK"]}, **ID}, "OK", SendError("strange answer")),
        (ID, f"id={'9' * 121}", SendError("strange answer")),
    ],
)
def test_an_answer_in_plain_text_says_whether_it_was_taken_and_by_which_id(
    send: dict[str, Any], said: str, meaning: str | SendError
) -> None:
    ours = gateway(plain(**send))
    if isinstance(meaning, str):
        assert ours.read_answer(MESSAGE, 200, said).external_id == meaning
    else:
        with pytest.raises(SendError, match=str(meaning)):
            ours.read_answer(MESSAGE, 200, said)


@pytest.mark.parametrize(("text", "coding"), [("Code 944 953 797", "0"), ("Été ƙ", "2")])
def test_a_request_says_how_its_text_is_coded(text: str, coding: str) -> None:
    message = type(MESSAGE)(42, MESSAGE.phone, text)
    assert f"&dcs={coding}".encode() in (gateway(plain()).request(message)[2] or b"")


@pytest.mark.parametrize("callbacks", ["form", "json", "query"])
def test_a_report_by_get_has_its_fields_in_the_address(callbacks: str) -> None:
    ours = gateway(PIGEON | {"callbacks": callbacks})
    assert "GET" in ours.methods
    receipt = ours.parse_receipt(ours.read(get("msg=9&state=DELIVRD")))
    assert receipt == Receipt("pigeon", "9", State.DELIVERED, "DELIVRD")


def test_a_get_does_not_get_around_the_signature() -> None:
    with pytest.raises(BadSignature):
        gateway(TEXTBEE).read(get("smsBatchId=b1&webhookEvent=MESSAGE_SENT"))


@pytest.mark.parametrize(
    ("send", "sentence"),
    [
        ({"success": {}}, "send.success: in, which may have a path, or contains."),
        ({"success": {"in": ["OK"], "contains": ["OK"]}}, "send.success: in, which may have a path, or contains."),
        ({"success": {"path": "a", "contains": ["OK"]}}, "send.success: in, which may have a path, or contains."),
        ({"id": "a", **ID}, "send.id_pattern: this or send.id says where the answer has the id."),
        ({"id_pattern": "[0-9]+"}, "send.id_pattern: a regular expression with the id as a group"),
        ({"id_pattern": "("}, "send.id_pattern: a regular expression (missing"),
        ({"coding": None}, "send.coding: the request has {coding}, and this is missing."),
    ],
)
def test_each_mistake_has_its_sentence(send: dict[str, Any], sentence: str) -> None:
    _, problems = read_descriptions({"pigeon": {"secret": SECRET} | plain(**send)})
    assert [problem.startswith(f"gateways.pigeon.{sentence}") for problem in problems] == [True], problems
