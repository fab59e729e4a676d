"""What the emulated gateway phone writes, and that it reads as strictly as the app does."""

from typing import Any

import pytest

from tests.emulators.android.clock import START
from tests.emulators.android.wire import Unreadable, date, moment, order, parts, settings, signature

ASHA, BARAKA = "+255700000001", "+255710000002"


def test_the_signature_is_that_of_the_published_vector() -> None:
    body = (
        '{"id":"ev_1","webhookId":"wh_rx","event":"sms:received","deviceId":"dev_1","payload":{"messageId":"1a2b3c4d",'
        '"message":"BAL 1001","receivedAt":"2026-11-23T10:00:00.000+03:00","sender":"+254700000001","simNumber":1,'
        '"phoneNumber":"+254700000001"}}'
    )
    expected = "8cc0eb6c7148f74bf1d2524346077f1505e2f67e6b6eddc28a48b03058c678f2"
    assert signature("test-signing-key-0001", body, "1795417205") == expected


def test_dates_are_read_as_strictly_as_the_app_does() -> None:
    assert date(START) == "2026-11-23T10:00:00.000+03:00"
    assert moment("2026-11-23T07:00:00.000Z") == moment("2026-11-23T10:00:00.000+03:00") == START
    assert moment("2026-11-23T07:00:00.123456Z") == START + 123.456  # not a fraction: milliseconds
    for wrong in ("2026-11-23T07:00:00Z", "2026-11-23 07:00:00.000", "", None):
        with pytest.raises(Unreadable):
            moment(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ẹ" * 70, 1), ("ẹ" * 71, 2), ("a" * 307, 3)],
)
def test_parts_are_counted_as_the_radio_does(text: str, expected: int) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "broken",
    [
        {"createdAt": None},
        {"createdAt": "2026-11-23T07:00:00Z"},
        {"validUntil": "tomorrow"},
        {"phoneNumbers": [ASHA, BARAKA]},
        {"textMessage": {}},
        {"simNumber": 0},
        {"id": 7},
    ],
)
def test_a_message_that_the_app_cannot_read_is_left_out(broken: dict[str, Any]) -> None:
    good = {"id": "m1", "textMessage": {"text": "hello"}, "phoneNumbers": [ASHA]}
    good["createdAt"] = "2026-11-23T07:00:00.000Z"
    assert order(good)
    assert order(good | {"state": "Sent"}) is None
    with pytest.raises(Unreadable):
        order(good | broken)


def test_a_setting_that_the_app_does_not_know_loses_all_that_comes_after_it() -> None:
    given = {"messages": {"processing_order": "FIFO", "limit_period": "Per30Minutes"}, "webhooks": {"signing_key": "k"}}
    assert [name for name, _ in settings(given)][-1] == "webhooks.signing_key"
    read = []
    with pytest.raises(Unreadable):
        read += [name for name, _ in settings(given, "1.66.1")]
    with pytest.raises(Unreadable):
        for name, _ in settings({"messages": {"processing_order": "FIFO"}, "surprise": {}}):
            read.append(name)
    assert read == ["messages.processing_order"]
