"""MTN's MoMo: a request goes out by our own UUID, its callback has us look, and what the look says is booked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.payments import by_hand
from models.selling import requests
from models.sql import now_ms
from tests.emulators.momo import ENVIRONMENT, KEY, SECRET, USER, Collection, Emulator, Trouble
from tests.world.people import PEOPLE
from tests.world.pushes import PushClock, alerts, asked, becomes, payments, settled, waits_for
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite
CUT = Trouble(cut=True, taken=True)


@asynccontextmanager
async def selling(demo_url: str) -> AsyncIterator[tuple[Serving, Emulator]]:
    """A server whose MoMo is the emulator."""
    async with Emulator() as momo:
        told = {"url": momo.url, "subscription_key": KEY, "api_user": USER, "api_key": SECRET}
        settings = {f"momo_{name}": value for name, value in (told | {"environment": ENVIRONMENT}).items()}
        async with serving(demo_url, **settings) as at:
            yield at, momo


async def rings(at: Serving, momo: Emulator, amount: int = 5_000_00) -> Collection:
    await asked(at, amount, provider="momo")
    [one] = await momo.wait_for(1)
    await becomes(at, "asked")
    return one


async def looked_at_in_vain(at: Serving) -> None:
    """Returns once it was looked up for the first time, and is to be again within the minute."""
    await waits_for(at, f"SELECT 1 FROM payment_request WHERE looks = 1 AND look_at < {now_ms() + 60_000}")


def pay(one: Collection, receipt: str = "363440463") -> None:
    one.status, one.receipt = "SUCCESSFUL", receipt


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_customer_is_asked_and_pays(demo_url: str, method: str) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        assert one.fields["amount"] == "5000" and one.fields["currency"] == "TZS"
        assert one.fields["payer"] == {"partyIdType": "MSISDN", "partyId": PEOPLE["Baraka"][1:]}
        pay(one)
        assert await momo.call_back(one, method) == 200
        await becomes(at, "paid")
        assert await payments(at, "momo") == [("363440463", 5_000_00)]
        assert [row["source"] for row in await at.rows("SELECT source FROM evidence")] == ["query"]


async def test_a_callback_that_lies_counts_for_nothing(demo_url: str) -> None:
    """It is not signed: whoever knows its address may send one. MTN itself says that nothing was paid yet."""
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        lie = one.said | {"status": "SUCCESSFUL", "financialTransactionId": "1"}
        assert await momo.call_back(one, "POST", lie) == 200
        await settled(at)
        await at.mwanga.payments.collector.turn()
        await at.mwanga.payments.collector.drain()
        await becomes(at, "asked")
        assert await payments(at, "momo") == []


async def test_a_request_that_was_not_answered_is_sent_once_more_by_the_same_id(demo_url: str) -> None:
    async with selling(demo_url) as (at, momo):
        momo.troubles.append(CUT)
        await rings(at, momo)
        assert [status for method, path, status in momo.calls if path.endswith("requesttopay")] == [0, 409]


async def test_after_two_silences_it_is_unknown_and_found_by_the_same_id(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        momo.troubles += [Trouble(cut=True), Trouble(cut=True, taken=True)]
        await asked(at, provider="momo")
        await becomes(at, "unknown")
        [one] = momo.taken.values()
        pay(one)
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")


async def test_after_a_silence_nobody_who_is_away_says_that_it_was_not_taken(
    demo_url: str, push_clock: PushClock
) -> None:
    """It was taken, the phone rings, and the line broke: who pays there must not read that nothing was sent."""
    async with selling(demo_url) as (at, momo):
        momo.troubles.append(Trouble(cut=True, taken=True, dies=True))
        await asked(at, provider="momo")
        await becomes(at, "unknown")
        [one] = momo.taken.values()
        pay(one)
        momo.listener.lives()
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")


@pytest.mark.parametrize("trouble", [Trouble(429), Trouble(403, {"message": "Out of call volume quota"})])
async def test_nor_does_a_refusal(demo_url: str, trouble: Trouble) -> None:
    async with selling(demo_url) as (at, momo):
        momo.troubles += [Trouble(cut=True), trouble]
        await asked(at, provider="momo")
        await becomes(at, "unknown")


async def test_one_that_never_arrived_has_failed(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        momo.troubles += [Trouble(cut=True)] * 2
        await asked(at, provider="momo")
        await becomes(at, "unknown")
        push_clock.forward(15)
        at.mwanga.payments.notify()
        assert (await becomes(at, "failed"))["reason"] == "not sent"


@pytest.mark.parametrize(
    ("reason", "state", "meaning"),
    [
        ("APPROVAL_REJECTED", "failed", "cancelled"),
        ({"code": "APPROVAL_REJECTED", "message": "no"}, "failed", "cancelled"),
        ("NOT_ENOUGH_FUNDS", "failed", "low balance"),
        ("INTERNAL_PROCESSING_ERROR", "failed", "low balance"),
        ("PAYER_LIMIT_REACHED", "failed", "limit"),
        ("PAYER_NOT_FOUND", "failed", "not registered"),
        ("COULD_NOT_PERFORM_TRANSACTION", "expired", "no answer"),
        ("EXPIRED", "expired", "no answer"),
        ("A_NEW_WORD", "failed", ""),
        (None, "failed", ""),
    ],
)
async def test_why_nothing_was_paid(demo_url: str, reason: str | None, state: str, meaning: str) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        one.status, one.reason = "FAILED", reason
        await momo.call_back(one)
        assert (await becomes(at, state))["reason"] == meaning


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Trouble(400, {"code": "INVALID_CURRENCY", "message": "no"}), "failed"),
        (Trouble(500, {"code": "NOT_ALLOWED", "message": "no"}), "failed"),
        (Trouble(500, {"code": "INTERNAL_PROCESSING_ERROR", "message": "oh"}, taken=True), "unknown"),
        (Trouble(502, "<html>", taken=True), "unknown"),
    ],
)
async def test_a_request_that_is_not_taken(demo_url: str, trouble: Trouble, state: str) -> None:
    async with selling(demo_url) as (at, momo):
        momo.troubles.append(trouble)
        await asked(at, provider="momo")
        request = await becomes(at, state)
        assert (request["reason"] == "setup") == (state == "failed")
        assert bool([each for each in await alerts(at) if "MoMo takes no payments" in each]) == (state == "failed")


async def test_a_callback_that_is_lost_is_looked_up_in_the_end(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        pay(one)
        push_clock.forward(331)
        at.mwanga.payments.notify()
        await becomes(at, "paid")


@pytest.mark.parametrize("page", ["<html>", {"statusCode": 404, "message": "Resource not found"}, ""])
async def test_a_page_that_is_not_found_does_not_say_that_nothing_was_paid(
    demo_url: str, push_clock: PushClock, page: dict[str, Any] | str
) -> None:
    """Something before MTN gives it, as where the address is being changed: MTN itself names its own code."""
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        pay(one)
        momo.troubles.append(Trouble(404, page))
        push_clock.forward(331)
        at.mwanga.payments.notify()
        assert (await becomes(at, "unknown"))["code"] == "http 404"
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")


async def test_a_callback_may_come_before_the_answer_to_its_request(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        momo.early = pay
        await asked(at, provider="momo")
        await waits_for(at, "SELECT 1 FROM payment_request WHERE state <> 'new'")
        push_clock.forward(0.5)
        at.mwanga.payments.reader.notify()
        await becomes(at, "paid")


async def test_a_look_that_a_callback_wanted_is_tried_again_soon(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        pay(one)
        momo.troubles.append(Trouble(502, "<html>"))
        await momo.call_back(one)
        await settled(at)
        await looked_at_in_vain(at)
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")


@pytest.mark.parametrize("answers", [[], [Trouble(502, "<html>")]], ids=["at once", "after a silence"])
async def test_what_is_paid_after_its_end_is_looked_up_and_counts(
    demo_url: str, push_clock: PushClock, answers: list[Trouble]
) -> None:
    """Its callback comes days late, and once: it is followed until MTN says what became of the money."""
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        push_clock.forward(331)
        at.mwanga.payments.notify()
        await becomes(at, "expired")
        push_clock.forward(3 * 24 * 3_600)
        pay(one)
        momo.troubles += answers
        assert await momo.call_back(one) == 200
        await settled(at)
        for _each in answers:
            await looked_at_in_vain(at)
            push_clock.forward(15)
            at.mwanga.payments.notify()
        await becomes(at, "paid")
        assert await payments(at, "momo") == [("363440463", 5_000_00)]


async def test_a_callback_of_one_that_was_given_up_is_followed_as_well(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        given_up = "UPDATE payment_request SET state = 'unknown', look_at = 0, looks = 60 RETURNING id"
        await at.rows(given_up)
        push_clock.forward(5 * 24 * 3_600)
        pay(one)
        momo.troubles.append(Trouble(502, "<html>"))
        await momo.call_back(one)
        await settled(at)
        await looked_at_in_vain(at)
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")


@pytest.mark.parametrize("ended", [False, True])
async def test_a_callback_that_comes_during_a_look_has_another_one_made(
    demo_url: str, push_clock: PushClock, ended: bool
) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        if ended:
            push_clock.forward(331)
            at.mwanga.payments.notify()
            await becomes(at, "expired")

        async def paid_meanwhile(one: Collection) -> None:
            momo.meanwhile = None
            pay(one)
            await momo.call_back(one)
            await settled(at)

        momo.meanwhile = paid_meanwhile
        await momo.call_back(one)
        await becomes(at, "paid")


async def test_news_of_one_that_has_failed_tell_nobody_twice(demo_url: str) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        one.status, one.reason = "FAILED", "APPROVAL_REJECTED"
        await momo.call_back(one)
        await becomes(at, "failed")
        told = await at.rows("SELECT id FROM outbox ORDER BY id")
        await momo.call_back(one, body=one.said | {"again": "yes"})
        await settled(at)
        await waits_for(at, "SELECT 1 FROM payment_request WHERE looks = 1 AND look_at = 0")
        assert (await becomes(at, "failed"))["reason"] == "cancelled"
        assert await at.rows("SELECT id FROM outbox ORDER BY id") == told


async def test_what_is_paid_in_another_currency_is_not_booked_as_ours(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        pay(one)
        one.fields["currency"] = "EUR"
        push_clock.forward(331)
        at.mwanga.payments.notify()
        assert (await becomes(at, "unknown"))["code"] == "currency"
        assert await payments(at, "momo") == []


async def test_a_receipt_that_is_named_later_needs_no_person(demo_url: str, push_clock: PushClock) -> None:
    """MTN says that it is paid, without its own id, and calls back once more before it has one."""
    async with selling(demo_url) as (at, momo):
        one = await rings(at, momo)
        one.status = "SUCCESSFUL"
        await momo.call_back(one)
        assert (await becomes(at, "unknown"))["code"] == "no receipt"
        await momo.call_back(one, body=one.said | {"again": "yes"})
        await settled(at)
        await looked_at_in_vain(at)
        pay(one)
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")
        assert await payments(at, "momo") == [("363440463", 5_000_00)] and await alerts(at) == []


async def paid_after_its_end(at: Serving, momo: Emulator, push_clock: PushClock) -> Collection:
    """MTN says of one that had expired that it is paid, and names no receipt."""
    one = await rings(at, momo)
    push_clock.forward(331)
    at.mwanga.payments.notify()
    await becomes(at, "expired")
    one.status = "SUCCESSFUL"
    await momo.call_back(one)
    await settled(at)
    await waits_for(at, "SELECT 1 FROM payment_request WHERE code = 'no receipt' AND look_at > 0")
    return one


async def texts(at: Serving) -> list[str]:
    """What Baraka reads, up to the first full stop."""
    rows = await at.rows("SELECT text FROM outbox WHERE phone = $1 ORDER BY id", [PEOPLE["Baraka"]])
    return [row["text"].partition(".")[0] for row in rows]


NOT_PAID, SAID_SO = "Not paid: TZS 5,000, SHS0283", "MoMo says that you paid TZS 5,000, SHS0283"


async def test_what_is_paid_after_its_end_and_names_no_receipt_is_listed_until_a_person_has_it(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, momo):
        await paid_after_its_end(at, momo, push_clock)
        push_clock.forward(301)
        at.mwanga.payments.notify()
        await waits_for(at, "SELECT 1 FROM alert WHERE sentence LIKE '%no receipt came%'")
        [push] = await requests.list_open(unknown=True)
        assert (push.code, push.look_at) == ("no receipt", 0)


async def test_who_read_that_it_is_paid_reads_that_nothing_was_when_it_is_put_aside(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, momo):
        await paid_after_its_end(at, momo, push_clock)
        [push] = await requests.list_open(unknown=True)
        async with at.mwanga.database.work():
            await by_hand.park(push, settler=at.mwanga.payments.settler, actor="rehema")
        assert await texts(at) == [NOT_PAID, SAID_SO, NOT_PAID]


async def test_who_read_that_it_is_paid_reads_that_nothing_was_when_its_provider_says_so(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, momo):
        one = await paid_after_its_end(at, momo, push_clock)
        one.status, one.reason = "FAILED", "NOT_ENOUGH_FUNDS"
        push_clock.forward(301)
        at.mwanga.payments.notify()
        await becomes(at, "failed")
        assert await texts(at) == [NOT_PAID, SAID_SO, NOT_PAID] and await requests.list_open() == []


@pytest.mark.parametrize("trouble", [None, Trouble(502, "<html>")], ids=["pending", "no answer"])
async def test_what_is_paid_after_its_end_is_looked_up_for_two_days_and_then_left_to_a_person(
    demo_url: str, push_clock: PushClock, trouble: Trouble | None
) -> None:
    async with selling(demo_url) as (at, momo):
        one = await paid_after_its_end(at, momo, push_clock)
        one.status = "PENDING"
        momo.troubles += [trouble] * 2 if trouble else []
        push_clock.forward(301)
        at.mwanga.payments.notify()
        await waits_for(at, f"SELECT 1 FROM payment_request WHERE looks = 2 AND look_at < {now_ms() + 60_000}")
        await at.rows("UPDATE payment_request SET looks = 60 RETURNING id")
        push_clock.forward(48 * 3_600)
        at.mwanga.payments.notify()
        await waits_for(at, "SELECT 1 FROM alert WHERE sentence LIKE 'Nobody knows whether%'")
        [push] = await requests.list_open(unknown=True)
        assert (push.state, push.code, push.look_at) == ("expired", "no receipt", 0)
