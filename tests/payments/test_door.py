"""The door of providers' callbacks: who may knock, what is kept, and what is answered."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import pytest

from bot.company import Company
from bot.payments import Refusal
from bot.payments import door as door_file
from bot.runtime import DatabaseAway
from models.money import notices
from models.sql import now_ms
from tests.world.pushes import PushClock, alerts, payments, settled, waits_for
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite
HERE = "/payments/daraja/demo"
CONFIRMED = {
    "TransactionType": "Pay Bill",
    "TransID": "UKS7QK3P9A",
    "TransTime": "20261124104200",
    "TransAmount": "5000.00",
    "BusinessShortCode": "600000",
    "BillRefNumber": "SHS0283",
    "InvoiceNumber": "",
    "OrgAccountBalance": "49197.00",
    "ThirdPartyTransID": "",
    "MSISDN": "2547 ***** 126",
    "FirstName": "NICHOLAS",
    "MiddleName": "",
    "LastName": "",
}


async def knock(at: Serving, path: str, body: object = CONFIRMED, method: str = "POST") -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with at.client.request(method, path, data=data) as answer:
        return answer.status, await answer.text()


async def test_a_confirmation_is_answered_and_booked(demo_url: str) -> None:
    async with serving(demo_url) as at:
        status, said = await knock(at, f"{HERE}/confirmation")
        assert (status, json.loads(said)) == (200, {"ResultCode": 0, "ResultDesc": "Accepted"})
        await settled(at)
        assert await payments(at) == [("UKS7QK3P9A", 5_000_00)]
        [evidence] = await at.rows("SELECT source, balance_after FROM evidence")
        assert (evidence["source"], evidence["balance_after"]) == ("callback", 49_197_00)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("POST", "/payments/daraja/demp/confirmation", 404, "secret"),
        ("POST", "/payments/daraja/demo2/confirmation", 404, "secret"),
        ("POST", "/payments/daraja/%ff/confirmation", 404, "secret"),
        ("POST", f"{HERE}/refund", 404, "secret"),
        ("POST", "/payments/airtel/demo/confirmation", 404, "secret"),
        ("GET", f"{HERE}/confirmation", 405, ""),
    ],
)
async def test_who_does_not_know_the_way_is_turned_away(
    demo_url: str, method: str, path: str, status: int, reason: str
) -> None:
    async with serving(demo_url) as at:
        assert (await knock(at, path, method=method))[0] == status
        assert not await at.rows("SELECT 1 FROM notice")
        name = "daraja" if "daraja" in path else "unknown"
        assert at.metric("mwanga_callbacks_refused_total", gateway=name, reason="secret") == bool(reason)


@pytest.mark.parametrize(("sources", "status"), [("196.201.214.200,127.0.0.0/8", 200), ("196.201.214.200", 403)])
async def test_a_callback_comes_from_where_it_may(demo_url: str, sources: str, status: int) -> None:
    async with serving(demo_url, daraja_sources=sources) as at:
        assert (await knock(at, f"{HERE}/confirmation"))[0] == status
        assert len(await at.rows("SELECT 1 FROM notice")) == (status == 200)


async def test_behind_a_proxy_it_is_the_callers_own_address_that_counts(demo_url: str) -> None:
    async with serving(demo_url, daraja_sources="196.201.214.200", trusted_proxies="127.0.0.1") as at:
        headers = {"X-Forwarded-For": "203.0.113.9, 196.201.214.200"}
        async with at.client.post(f"{HERE}/confirmation", json=CONFIRMED, headers=headers) as answer:
            assert answer.status == 200
        [kept] = await at.rows("SELECT address FROM notice")
        assert kept["address"] == "196.201.214.200"


async def test_a_body_has_an_end(demo_url: str) -> None:
    async with serving(demo_url) as at:
        assert (await knock(at, f"{HERE}/confirmation", b"x" * (door_file.MOST_BODY + 1)))[0] == 413
        assert not await at.rows("SELECT 1 FROM notice")


@pytest.mark.parametrize("kind", ["confirmation", "stk"])
@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"{}", b"\xff\x00", b'{"Body": {"stkCallback": 1}}'])
async def test_what_cannot_be_read_is_kept_for_a_person(demo_url: str, kind: str, body: bytes) -> None:
    """No try would do better; what it was about must not be lost."""
    async with serving(demo_url) as at:
        assert (await knock(at, f"{HERE}/{kind}", body))[0] == 200
        assert (await knock(at, f"{HERE}/{kind}", body + b" "))[0] == 200
        await settled(at)
        assert [each for each in await alerts(at) if "could not be handled" in each] == [
            "A callback of daraja could not be handled: mwanga payments notices"
        ]
        assert await notices.count_parked() == 2


async def test_no_secret_is_logged(demo_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(demo_url, daraja_secret="open-sesame-0123456789", daraja_sources="196.201.214.200") as at:
        assert (await knock(at, "/payments/daraja/open-sesame-0123456780/stk"))[0] == 404
        assert (await knock(at, "/payments/daraja/open-sesame-0123456789/stk"))[0] == 403
        assert "a callback came from elsewhere" in caplog.text and "sesame" not in caplog.text


async def test_what_is_said_is_sealed(demo_url: str) -> None:
    async with serving(demo_url) as at:
        await knock(at, f"{HERE}/confirmation")
        [kept] = await at.rows("SELECT sealed FROM notice")
        assert "NICHOLAS" not in kept["sealed"] and "SHS0283" not in kept["sealed"]


async def test_what_cannot_be_kept_is_to_be_sent_again(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> bool:
        raise DatabaseAway

    async with serving(demo_url) as at:
        monkeypatch.setattr(notices, "keep", away)
        assert (await knock(at, f"{HERE}/confirmation"))[0] == 503


async def test_a_notice_that_fails_is_tried_again_and_at_last_left_to_a_person(
    demo_url: str, push_clock: PushClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(demo_url) as at:
        reader, tries = at.mwanga.payments.reader, 0

        async def fails(*_: object) -> list[object]:
            nonlocal tries
            tries += 1
            raise RuntimeError("the books are shut")

        monkeypatch.setattr(reader._settler, "_book", fails)
        await knock(at, f"{HERE}/confirmation")
        await waits_for(at, "SELECT 1 FROM notice WHERE tries = 1")
        for number, wait in enumerate(notices.WAITS_MS, 2):
            push_clock.forward(wait / 1000)
            reader.notify()
            await waits_for(at, f"SELECT 1 FROM notice WHERE tries = {number}")
        assert tries == notices.MOST_TRIES == 10
        assert len([each for each in await alerts(at) if "mwanga payments notices" in each]) == 1
        monkeypatch.undo()
        async with at.mwanga.database.work():
            assert await notices.run_again() == 1
        reader.notify()
        await settled(at)
        assert await payments(at) == [("UKS7QK3P9A", 5_000_00)]


# --- Validation


Validate = Callable[[str, int, Company], Awaitable[Refusal | None]]


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(None, "0"), (Refusal.ACCOUNT, "C2B00012"), (Refusal.AMOUNT, "C2B00013"), (Refusal.OTHER, "C2B00016")],
)
async def test_whether_a_payment_may_be_made_is_said_in_their_codes(
    demo_url: str, refusal: Refusal | None, code: str
) -> None:
    asked: list[tuple[str, int]] = []

    async def validate(account: str, amount: int, _company: Company) -> Refusal | None:
        asked.append((account, amount))
        return refusal

    async with serving(demo_url) as at:
        at.mwanga.payments.door._validate = validate
        status, said = await knock(at, f"{HERE}/validation")
        assert (status, json.loads(said)["ResultCode"]) == (200, code)
        assert asked == [("SHS0283", 5_000_00)] and not await at.rows("SELECT 1 FROM notice")


async def test_who_cannot_be_answered_in_time_is_let_pay(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    async with serving(demo_url) as at:
        monkeypatch.setattr(door_file, "ANSWER_WITHIN_S", 0.05)
        at.mwanga.payments.door._validate = never
        assert json.loads((await knock(at, f"{HERE}/validation"))[1])["ResultCode"] == "0"


async def test_a_question_that_cannot_be_read_is_refused(demo_url: str) -> None:
    async with serving(demo_url) as at:
        said = (await knock(at, f"{HERE}/validation", CONFIRMED | {"TransAmount": "much"}))[1]
        assert json.loads(said)["ResultCode"] == "C2B00016"


async def test_a_notice_that_another_server_handles_is_left_to_it(demo_url: str) -> None:
    async with serving(demo_url) as at:
        if at.mwanga.database.embedded:
            pytest.skip("there is one server")
        at.mwanga.payments.reader.stop()
        await knock(at, f"{HERE}/confirmation")
        go = asyncio.Event()

        async def other() -> bool:
            await go.wait()
            return await at.mwanga.payments.reader.handle_next()

        task = asyncio.create_task(other())  # before the transaction, which it would be part of
        async with at.mwanga.database.work():
            assert await notices.hold_next(now_ms())
            go.set()
            assert not await task
