"""The wire of the Android app: what its JSON means to us, and what ours looks like to it."""

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.android import from_app, sims, to_app
from bot.android.from_app import Event, Report
from bot.gateways import BadCallback
from bot.gateways.errors import ERRORS
from bot.message import Inbound
from bot.text.numbers import Sender, SenderKind
from models.messages import MessageKind, Sim, State, read_sims
from models.messages.phones import too_old, write_sims

KEY = "test-signing-key-0001"
BODY = (
    b'{"id":"ev_1","webhookId":"wh_rx","event":"sms:received","deviceId":"dev_1","payload":{"messageId":"1a2b3c4d",'
    b'"message":"BAL 1001","receivedAt":"2026-11-23T10:00:00.000+03:00","sender":"+254700000001","simNumber":1,'
    b'"phoneNumber":"+254700000001"}}'
)
SIGNATURE = "8cc0eb6c7148f74bf1d2524346077f1505e2f67e6b6eddc28a48b03058c678f2"
RECEIVED: dict[str, Any] = json.loads(BODY)["payload"]


def test_the_signature_is_that_of_the_app() -> None:
    assert to_app.signature(KEY, BODY, "1795417205") == SIGNATURE
    assert to_app.signed(KEY, BODY, "1795417205", SIGNATURE)


@given(st.binary(max_size=40), st.text(max_size=12), st.text(max_size=70))
def test_no_other_signature_is_right(body: bytes, timestamp: str, given: str) -> None:
    right = to_app.signature(KEY, body, timestamp)
    assert to_app.signed(KEY, body, timestamp, given) is (given.lower() == right)
    assert not to_app.signed(KEY, body + b"x", timestamp, right)
    assert not to_app.signed("another key", body, timestamp, right)


@given(st.integers(0, 4_102_444_800_000))
def test_a_date_has_exactly_three_decimals_and_comes_back(ms: int) -> None:
    text = to_app.date(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert from_app.read_date(text) == ms
    assert from_app.read_date(datetime.fromisoformat(text).astimezone().isoformat()) == ms


@pytest.mark.parametrize("text", ["", "soon", "2026-11-23T10:00:00", None, 5, "99999-01-01T00:00:00Z"])
def test_another_date_is_refused(text: object) -> None:
    with pytest.raises(BadCallback):
        from_app.read_date(text)


AGENTS = {
    "me.capcom.smsgateway/1.67.0": "1.67.0",
    "me.capcom.smsgateway.insecure/1.70.12-rc1": "1.70.12",
    "okhttp/4.12.0": "",
    "": "",
    "Mozilla/5.0 me.capcom.smsgateway/1.67.0": "",
}


@pytest.mark.parametrize(("agent", "version"), AGENTS.items())
def test_the_version_is_in_the_user_agent(agent: str, version: str) -> None:
    assert to_app.version_in(agent) == version


VERSIONS = {"1.66.1": True, "1.9.0": True, "0.99.0": True, "1.67.0": False, "1.100.0": False, "2.0.0": False, "": False}


@pytest.mark.parametrize(("version", "old"), VERSIONS.items())
def test_which_versions_are_too_old(version: str, old: bool) -> None:
    assert too_old(version) is old


def test_a_row_of_the_outbox_is_a_message() -> None:
    row = {
        "external_id": "m42-1",
        "text": "Code 944 953 797",
        "phone": "+255710000002",
        "sim": 2,
        "kind": "token",
        "created_at": 1_795_417_200_000,
        "expires_at": 1_795_503_600_123,
    }
    message = to_app.message(row)
    assert message["simNumber"] == 2 and message["priority"] == 30 and "message" not in message
    assert (message["createdAt"], message["validUntil"]) == ("2026-11-23T07:00:00.000Z", "2026-11-24T07:00:00.123Z")
    assert "simNumber" not in to_app.message(row | {"sim": 0})
    assert to_app.message(row, 86_400)["validUntil"] == "2026-11-25T07:00:00.123Z", "too late is what its clock says"
    assert to_app.message(row, -86_400)["validUntil"] == "2026-11-24T07:00:00.123Z"
    assert max(to_app.message(row | {"kind": kind})["priority"] for kind in MessageKind) < 100, "it obeys its limits"


def test_webhooks_have_ids_that_stay_and_one_event_each() -> None:
    hooks = to_app.webhooks("phone-3", "https://mwanga.example.org/")
    assert {hook["url"] for hook in hooks} == {"https://mwanga.example.org/smsgate/webhooks/phone-3"}
    assert len({hook["id"] for hook in hooks}) == len({hook["event"] for hook in hooks}) == 6
    assert hooks == to_app.webhooks("phone-3", "https://mwanga.example.org")


def received(**changes: Any) -> Inbound:
    return from_app.read_sms(Event("ev_1", "sms:received", "phone-1", RECEIVED | changes), "TZ")


def test_an_sms_is_read() -> None:
    kenyan = Sender(SenderKind.NUMBER, "+254700000001")
    assert received() == Inbound(
        *("phone-1", "1a2b3c4d 1795417200000", kenyan, "BAL 1001", "SIM 1"), sim=1, reached_at=1795417200000
    )
    assert received(simNumber=None).sim == 0 and received(simNumber=200).sim == 8
    assert received(recipient="+255740000001").recipient == "+255740000001"
    assert received(sender="MPESA").sender == Sender(SenderKind.ALPHA, "MPESA")
    assert received(sender="15000").sender.kind is SenderKind.SHORT
    assert received(message="a\0b").text == "ab"
    assert received(message="\U0001f600\ud83d").text == "\U0001f600?", "half a character"
    assert received(simNumber=None).recipient == ""


def test_the_same_sms_has_the_same_id_in_every_zone_and_another_time_another() -> None:
    assert received(receivedAt="2026-11-23T07:00:00.000Z").external_id == received().external_id
    assert received(receivedAt="2026-11-23T07:00:01.000Z").external_id != received().external_id


BAD = [
    {"message": None},
    {"message": 5},
    {"messageId": None},
    {"messageId": "x" * 200},
    {"receivedAt": None},
    {"receivedAt": "23.11.2026"},
    {"sender": ["+255700000001"]},
]


@pytest.mark.parametrize("changes", BAD)
def test_an_sms_that_lacks_something_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadCallback):
        received(**changes)


RESULTS = {
    "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)": ("gateway fault", True),
    "Send result: RESULT_ERROR_RADIO_OFF (Failed because radio was explicitly turned off)": ("unreachable", False),
    "Send result: RESULT_ERROR_NO_SERVICE (Failed because service is currently unavailable)": ("unreachable", False),
    "Send result: RESULT_RIL_RADIO_NOT_AVAILABLE (The radio did not start or is resetting)": ("unreachable", False),
    "Send result: RESULT_ERROR_LIMIT_EXCEEDED (Failed because we reached the limit)": ("throttled", False),
    "Send result: RESULT_ERROR_NULL_PDU (Failed because no PDU provided)": ("refused", False),
    "Send result: RESULT_ERROR_SHORT_CODE_NEVER_ALLOWED (Failed because …)": ("refused", False),
    "Send result: RESULT_RIL_INVALID_ARGUMENTS (The radio received invalid arguments)": ("refused", False),
    "Send result: RESULT_MODEM_ERROR (Failed because of a modem error)": ("gateway fault", False),
    "Delivery result from SC +255750000000: 64": ("undelivered", False),
    "Delivery result: 1": ("undelivered", False),
    "TTL expired": ("expired", False),
    "Can't send message: SIM 2 not found": ("gateway fault", False),
    "Unknown": ("gateway fault", False),
    "sendSMS: Neither user 10123 nor current process has the permission. " + "at android.os.Parcel " * 40: (
        "gateway fault",
        False,
    ),
}


@pytest.mark.parametrize(("reason", "meaning"), RESULTS.items())
def test_why_a_message_failed_is_told_both_ways(reason: str, meaning: tuple[str, bool]) -> None:
    error, generic = meaning
    assert error in ERRORS
    patch = [{"id": "m1-1", "state": "Failed", "recipients": [{"phoneNumber": "+255", "error": reason}]}]
    assert from_app.read_reports(json.dumps(patch).encode()) == [Report("m1-1", State.FAILED, error, generic)]
    payload = {"messageId": "m1-1", "simNumber": 2, "reason": reason, "failedAt": "2026-11-23T10:00:00.000+03:00"}
    news = from_app.read_news(Event("ev_9", "sms:failed", "phone-1", payload))
    assert news == Report("m1-1", State.FAILED, error, generic, "ev_9", sim=2)


STATES = {
    "Pending": None,
    "Processed": None,
    "Cancelling": None,
    "a new word": None,
    "Sent": State.SENT,
    "Delivered": State.DELIVERED,
    "Cancelled": State.WAITING,
}


@pytest.mark.parametrize(("word", "state"), STATES.items())
def test_a_state_is_read(word: str, state: State | None) -> None:
    assert from_app.read_reports(json.dumps([{"id": "m1-1", "state": word}]).encode()) == [Report("m1-1", state)]


def test_what_was_sent_says_its_sim_and_parts() -> None:
    payload = {"messageId": "m1-1", "simNumber": 2, "partsCount": -1, "sentAt": "…", "recipient": "+255"}
    assert from_app.read_news(Event("e", "sms:sent", "p", payload)) == Report(
        "m1-1", State.SENT, event="e", sim=2, parts=0
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[[]]", b'[{"id": 5}]', b"null", b"[" + b"{}," * 200 + b"{}]"])
def test_a_report_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadCallback):
        from_app.read_reports(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_whatever_json_comes_is_read_or_refused(value: Any) -> None:
    body = json.dumps({"id": "e", "event": "sms:sent", "deviceId": "phone-1", "payload": value}).encode()
    for read in (
        from_app.read_reports,
        from_app.read_event,
        lambda body: from_app.read_device(body, "TZ"),
    ):
        try:
            event = read(json.dumps(value).encode())
            event = read(body)
        except BadCallback:
            continue
        if isinstance(event, Event):
            for parse in (
                from_app.read_news,
                from_app.read_health,
                lambda event: from_app.read_sms(event, "TZ"),
            ):
                try:
                    parse(event)
                except BadCallback:
                    continue


def test_a_device_is_read_and_stars_are_not_known() -> None:
    card = {"slotIndex": 0, "simNumber": 1, "phoneNumber": "0740000001", "carrierName": "Vodacom", "iccid": "1"}
    hidden = card | {"simNumber": 2, "phoneNumber": "*********0009", "carrierName": "***rtel"}
    body = {"name": "Tecno/KF6", "pushToken": "fcm", "simCards": [hidden, card, card | {"simNumber": 0}]}
    device = from_app.read_device(json.dumps(body).encode(), "TZ")
    assert (device.model, device.push) == ("Tecno KF6", True)
    assert device.sims == [Sim(1, "+255740000001", "Vodacom"), Sim(2)]


def test_a_long_name_of_an_operator_is_cut_and_keeps_no_phone_out() -> None:
    card = {"slotIndex": 0, "simNumber": 1, "carrierName": "Vodacom " + "emergency calls only " * 9}
    device = from_app.read_device(json.dumps({"name": "Tecno/KF6", "simCards": [card]}).encode(), "TZ")
    assert device.sims == [Sim(1, "", "Vodacom emergency calls only emergency c")]


def test_what_is_known_of_a_sim_stays_while_it_hides_itself() -> None:
    known = [Sim(1, "+255740000001", "Vodacom", failures=2), Sim(2, "", "Airtel")]
    assert sims.merge(known, [Sim(1), Sim(3)]) == [known[0], Sim(3)]
    assert sims.merge(known, [Sim(2, "+255680000001", "")]) == [Sim(2, "+255680000001", "Airtel")]


def test_a_card_of_another_operator_is_another_card_whose_number_nobody_knows() -> None:
    known = [Sim(1, "+255740000001", "Vodacom", failures=3, stopped="no credit")]
    assert sims.merge(known, [Sim(1, "", "Airtel")]) == [Sim(1, "", "Airtel")]
    assert sims.merge(known, [Sim(1, "+255740000001", "Vodacom TZ")]) == [replace(known[0], carrier="Vodacom TZ")]


@given(st.lists(st.builds(Sim, st.integers(1, 8), st.text(), st.text(), st.integers(0, 3), st.text())))
def test_sims_are_kept_as_they_are(sims: list[Sim]) -> None:
    assert read_sims(write_sims(sims)) == sims


PINGS: list[tuple[dict[str, float], tuple[int | None, bool | None, str]]] = [
    ({}, (None, None, "")),
    ({"battery:level": 140, "battery:charging": 0}, (100, False, "")),
    ({"battery:charging": 2, "connection:transport": 4}, (None, True, "Wi-Fi")),
    ({"connection:transport": 2, "connection:cellular": 3}, (None, None, "mobile 3G")),
    ({"connection:transport": 6, "connection:cellular": 3}, (None, None, "mobile, Wi-Fi")),
    ({"connection:transport": 0}, (None, None, "")),
    ({"battery:level": float("nan"), "connection:transport": float("inf")}, (None, None, "")),
]


@pytest.mark.parametrize(("checks", "expected"), PINGS)
def test_a_ping_is_read(checks: dict[str, float], expected: tuple[int | None, bool | None, str]) -> None:
    observed = {name: {"status": "pass", "observedValue": value} for name, value in checks.items()}
    payload = {"health": {"status": "pass", "version": "1.68.0", "checks": observed}}
    health = from_app.read_health(Event("e", "system:ping", "p", payload))
    assert (health.battery, health.charging, health.network) == expected and health.version == "1.68.0"
