"""What callbacks of Daraja mean, byte by byte, and what its codes are called: tables."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from pydantic import SecretStr

from bot.config import load
from bot.configured import company_of
from bot.gateways import Callback
from bot.payments import Answer, State
from bot.payments.daraja import Daraja
from bot.payments.wire import read_amount, read_phone, write_amount
from models.money.receiving import Incoming, Source
from models.selling.requests import Reason

CHECKOUT = "ws_CO_191220191020363925"
METADATA = [
    {"Name": "Amount", "Value": 1.00},
    {"Name": "MpesaReceiptNumber", "Value": "NLJ7RT61SV"},
    {"Name": "TransactionDate", "Value": 20191219102115},
    {"Name": "PhoneNumber", "Value": 254708374149},
]


@cache
def daraja() -> Daraja:
    company = company_of(load(country="KE", currency="KES", timezone="Africa/Nairobi", secret_key="k" * 32))
    settings = Daraja.Settings(secret=SecretStr("demo"))
    return Daraja(None, settings, address="http://127.0.0.1", company=company)  # type: ignore[arg-type]


def read(kind: str, said: Any, query: bytes = b"") -> Answer | None:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return daraja().read(kind, Callback("POST", query, "application/json", body))


def push(code: Any, items: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    said = {"MerchantRequestID": "29115-34620561-1", "CheckoutRequestID": CHECKOUT, "ResultCode": code}
    metadata = {} if items is None else {"CallbackMetadata": {"Item": items}}
    return {"Body": {"stkCallback": said | {"ResultDesc": "words"} | metadata}}


def test_a_push_that_was_paid() -> None:
    answer = read("stk", push(0, METADATA), b"request=6f0c")
    assert answer and answer.payment
    assert (answer.state, answer.external_id, answer.request) == (State.PAID, CHECKOUT, "6f0c")
    assert answer.payment == Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="NLJ7RT61SV",
        amount=1_00,
        paid_at=datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC),
        request="6f0c",
        payer_phone="+254708374149",
    )


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (1, State.FAILED, Reason.LOW_BALANCE),
        ("1", State.FAILED, Reason.LOW_BALANCE),
        (2, State.FAILED, Reason.AMOUNT),
        (3, State.FAILED, Reason.AMOUNT),
        (4, State.FAILED, Reason.LIMIT),
        (8, State.FAILED, Reason.SETUP),
        (17, State.FAILED, Reason.BUSY),
        (26, State.FAILED, Reason.BUSY),
        (1001, State.FAILED, Reason.BUSY),
        (1019, State.EXPIRED, Reason.NO_ANSWER),
        (1025, State.FAILED, Reason.NOT_SENT),
        (1032, State.FAILED, Reason.CANCELLED),
        (1037, State.FAILED, Reason.NO_ANSWER),
        (2001, State.FAILED, Reason.WRONG_PIN),
        (2028, State.FAILED, Reason.SETUP),
        (8006, State.FAILED, Reason.LOCKED),
        (9999, State.FAILED, Reason.NOT_SENT),
        ("SFC_IC0003", State.FAILED, Reason.SETUP),  # a text: PHP makes 0 of it, which is success
        ("SFC_IC9999", State.PENDING, None),  # nobody knows it: it is looked up
        (4999, State.PENDING, None),
        ("00", State.PENDING, None),
        (0.0, State.PENDING, None),
    ],
)
def test_a_code_is_text_and_has_one_meaning(code: Any, state: State, reason: Reason | None) -> None:
    answer = read("stk", push(code))
    assert answer and (answer.state, answer.reason, answer.payment) == (state, reason, None)


@pytest.mark.parametrize(
    "items",
    [
        None,
        [],
        METADATA[:1],
        METADATA[1:],
        [{"Name": "Amount"}, *METADATA[1:]],
        [{"Name": "Amount", "Value": "much"}, *METADATA[1:]],
        [{"Name": "Amount", "Value": -5}, *METADATA[1:]],
        [{"Name": "Amount", "Value": 1e300}, *METADATA[1:]],
        [{"Name": "Amount", "Value": 0.001}, *METADATA[1:]],
        [{"Name": "MpesaReceiptNumber", "Value": ""}, METADATA[0]],
    ],
)
def test_paid_without_receipt_or_amount_is_no_payment(items: list[dict[str, Any]] | None) -> None:
    with pytest.raises(ValueError, match=r"is no amount|is paid"):
        read("stk", push(0, items))


@pytest.mark.parametrize(
    "said", [b"<html>", b"", b"[]", b"0", b'{"Body": []}', b'{"Body": {"stkCallback": {}}}', b"[" * 9_000]
)
def test_what_is_no_callback_is_said_to_be_none(said: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JSON|no Body|missing"):
        read("stk", said)


CONFIRMED = {
    "TransactionType": "Pay Bill",
    "TransID": "RKL51ZDR4F",
    "TransTime": "20231121121325",
    "TransAmount": "5.00",
    "BusinessShortCode": "600966",
    "BillRefNumber": " shs 0283 ",
    "OrgAccountBalance": "25.00",
    "MSISDN": "2547 ***** 126",
    "FirstName": "NICHOLAS",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"TransAmount": "5"}, {}),
        ({"TransAmount": 5.5}, {"amount": 5_50}),
        ({"OrgAccountBalance": ""}, {"balance_after": None}),
        ({"MSISDN": "254708374149"}, {"payer_phone": "+254708374149"}),
        ({"MSISDN": "f" * 64}, {"payer_phone": "f" * 40}),
        ({"MiddleName": "", "LastName": "KITO"}, {"payer_name": "NICHOLAS KITO"}),
        ({"FirstName": None}, {"payer_name": ""}),
        ({"FirstName": "NICHOLAS\ud83d"}, {"payer_name": "NICHOLAS\ufffd"}),
        ({"BillRefNumber": ""}, {"account_text": ""}),
        ({"BillRefNumber": "a\0b"}, {"account_text": "ab"}),
    ],
)
def test_a_confirmation(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = read("confirmation", CONFIRMED | changed)
    assert answer and answer.payment and answer.state is State.PAID
    usual = {
        "reference": "RKL51ZDR4F",
        "amount": 5_00,
        "paid_at": datetime(2023, 11, 21, 9, 13, 25, tzinfo=UTC),
        "payer_phone": "2547*****126",
        "payer_name": "NICHOLAS",
        "account_text": "shs 0283",
        "balance_after": 25_00,
        "request": "",
    }
    for name, value in (usual | expected).items():
        assert getattr(answer.payment, name) == value, name


@pytest.mark.parametrize("cut", ["é".encode()[:1], "é".encode("latin-1")], ids=["half a letter", "another charset"])
def test_a_name_that_cannot_be_read_refuses_no_money(cut: bytes) -> None:
    answer = read("confirmation", json.dumps(CONFIRMED).encode().replace(b"NICHOLAS", b"ANDR" + cut))
    assert answer and answer.payment
    assert (answer.payment.payer_name, answer.payment.amount) == ("ANDR\ufffd", 5_00)


@pytest.mark.parametrize("time", ["soon", "00010101000000"])
def test_a_time_that_cannot_be_read_refuses_no_money(time: str) -> None:
    answer = read("confirmation", CONFIRMED | {"TransTime": time})
    assert answer and answer.payment and (datetime.now(UTC) - answer.payment.paid_at).total_seconds() < 60


def test_their_queue_that_ran_full_says_nothing() -> None:
    assert read("timeout", {"whatever": 1}) is None


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [("5000", 2, 5_000_00), ("5000.50", 2, 5_000_50), ("5000", 0, 5_000), ("1.234", 3, 1_234), ("0.01", 2, 1)],
)
def test_an_amount_is_read_and_written_exactly(text: str, exponent: int, minor: int) -> None:
    assert read_amount(text, exponent) == minor
    assert read_amount(write_amount(minor, exponent), exponent) == minor


@pytest.mark.parametrize("text", ["", "0", "-1", "NaN", "Infinity", "1e30", "1e999999", "1,000", "0.001", "٣x"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        read_amount(text, 2)


def test_a_masked_phone_is_kept_as_it_is_masked() -> None:
    assert read_phone("25470****149", "KE") == "25470****149"
