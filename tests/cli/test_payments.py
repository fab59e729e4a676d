"""What the office does with mobile money at a prompt."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.app import assembled
from bot.config import load
from bot.gateways import Callback
from handlers.selling.received import book_payment
from models.money import notices
from models.money.receiving import Incoming, Source
from models.selling import requests
from models.selling.requests import RequestState
from models.sql import now_ms
from tests.emulators.daraja import Emulator
from tests.world.prompt import Run, mwanga_command, query
from tests.world.pushes import written

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
def unknown(demo_url: str) -> int:
    """A push of which nobody knows whether it is paid: its number."""

    async def make() -> int:
        async with assembled(load(database=demo_url), handling=False, serving=False) as server, server.database.work():
            request = await written()
            [request] = await requests.claim("daraja", 1, me="test", now=now_ms())
            await requests.end(request, RequestState.UNKNOWN, code="timeout", reason="", now=now_ms())
            return request.id

    return asyncio.run(make())


def test_what_has_not_ended_is_listed(run: Run, unknown: int) -> None:
    shown = run("payments", "list", "--unknown").output
    assert f"{unknown} | " in shown and "| +255710000002 | TZS 5,000 | SHS0283 | unknown timeout" in shown


def test_one_that_is_parked_is_put_aside(run: Run, unknown: int, demo_url: str) -> None:
    assert run("payments", "park", str(unknown)).output == f"{unknown} is put aside.\n"
    assert run("payments", "list").output == ""
    assert query(demo_url, "SELECT state, code, look_at FROM payment_request") == [
        {"state": "expired", "code": "parked", "look_at": 0}
    ]
    assert query(demo_url, "SELECT action FROM audit ORDER BY id DESC LIMIT 1")[0]["action"] == "payments park"
    late = run("payments", "receipt", str(unknown), "UKS7QK3P9A")
    assert late.exit_code == 0 and "paid" in late.output, late.output


def test_a_receipt_from_the_portal_books_it_once(run: Run, unknown: int, demo_url: str) -> None:
    done = run("payments", "receipt", str(unknown), "uks 7qk3p9a")
    assert done.exit_code == 0 and "paid" in done.output, done.output
    [payment] = query(demo_url, "SELECT reference, amount FROM payment WHERE provider = 'daraja'")
    assert (payment["reference"], payment["amount"]) == ("UKS7QK3P9A", 5_000_00)
    again = run("payments", "receipt", str(unknown), "UKS7QK3P9A")
    assert again.exit_code == 1 and f"{unknown} is paid already" in again.output


@pytest.mark.parametrize(
    ("account", "amount", "phone", "taken"),
    [
        ("0712", 5_000_00, "+255710000003", False),  # somebody else's
        ("0712", 4_000_00, "+255710000002", False),  # another amount
        ("SHS0283", 5_000_00, "+255710000002", False),  # it bought something before
        ("0712", 5_000_00, "2557*****002", True),
    ],
)
def test_a_receipt_of_another_payment_is_refused(
    run: Run, unknown: int, demo_url: str, account: str, amount: int, phone: str, taken: bool
) -> None:
    async def came() -> None:
        async with assembled(load(database=demo_url), handling=False, serving=False) as server, server.database.work():
            payment = Incoming(
                source=Source.CALLBACK,
                provider="daraja",
                reference="UKS7QK3P9A",
                amount=amount,
                paid_at=datetime.now(UTC),
                payer_phone=phone,
                account_text=account,
            )
            await book_payment(payment, server.company)

    asyncio.run(came())
    done = run("payments", "receipt", str(unknown), "UKS7QK3P9A")
    assert (done.exit_code == 0) is taken, done.output
    assert taken or done.output == "UKS7QK3P9A is another payment: look at the portal again.\n"
    [request] = query(demo_url, "SELECT state FROM payment_request")
    assert request["state"] == ("paid" if taken else "unknown")


def test_the_demo_asks_nobody(run: Run, unknown: int) -> None:
    asked = run("payments", "query", str(unknown))
    assert asked.exit_code == 1 and "the demo world" in asked.output
    assert "Daraja is not configured" in run("payments", "register").output
    assert "There is no push 99" in run("payments", "park", "99").output


def test_who_asks_the_provider_is_noted(run: Run, unknown: int, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DARAJA_URL", "http://127.0.0.1:9")  # the push has no id there: nobody is called
    asked = run("payments", "query", str(unknown))
    assert asked.exit_code == 0 and f"{unknown} | " in asked.output, asked.output
    assert run("payments", "park", str(unknown)).exit_code == 0
    ended = run("payments", "query", str(unknown))
    assert (ended.exit_code, ended.output) == (1, f"{unknown} is expired.\n")
    noted = query(demo_url, "SELECT actor, action, subject FROM audit WHERE action LIKE 'payments %' ORDER BY id")
    assert [tuple(row.values()) for row in noted] == [
        ("command line", f"payments {what}", str(unknown)) for what in ("query", "park")
    ]


def test_what_cannot_be_read_is_shown_and_handled_again(run: Run, demo_url: str) -> None:
    async def keep() -> None:
        async with assembled(load(database=demo_url), handling=False, serving=False) as server:
            door, provider = server.payments.door, server.payments.providers["daraja"]
            await door.keep(provider, "stk", Callback("POST", b"", "text/html", b"<html>"), "196.201.214.200")
            await server.payments.reader.handle_next()
            assert await notices.count_parked() == 1

    asyncio.run(keep())
    shown = run("payments", "notices").output
    assert "daraja stk from 196.201.214.200 | Unreadable: the body is no JSON object | <html>" in shown
    for several in (1, 0):
        assert run("payments", "notices", "--again").output == f"Handled once more: {several}.\n"
    noted = query(demo_url, "SELECT subject, detail FROM audit WHERE action = 'payments notices'")
    assert noted == [{"subject": "mobile money", "detail": "1 handled once more"}]


async def test_addresses_are_registered_once(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator() as daraja:
        monkeypatch.setenv("MWANGA_DATABASE", demo_url)
        monkeypatch.setenv("MWANGA_DARAJA_URL", daraja.url)
        monkeypatch.setenv("MWANGA_PUBLIC_URL", "https://energy.example.org")
        first = await asyncio.to_thread(mwanga_command, "payments", "register")
        assert first.output == "Safaricom says: success\n", first.output
        assert daraja.registered["ConfirmationURL"] == "https://energy.example.org/payments/daraja/demo/confirmation"
        assert daraja.registered["ResponseType"] == "Completed"
        again = await asyncio.to_thread(mwanga_command, "payments", "register")
        assert again.exit_code == 1 and "already registered" in again.output
