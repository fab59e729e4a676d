"""A push goes out after the commit, the customer pays, and what comes back is booked once: a whole server, and an
emulator of Daraja, both real ones on loopback. Time stands still unless a test moves it."""

import asyncio
from typing import Any

import pytest

from bot import app as app_file
from bot.payments import by_hand
from bot.payments import collector as collector_file
from bot.payments import daraja as daraja_file
from tests.emulators.daraja import BUSY_PHONE, PAGE, SPIKE_ARREST, Emulator, Push, Trouble, error
from tests.world.people import PEOPLE
from tests.world.pushes import SERIAL, PushClock, alerts, asked, becomes, payments, selling, settled, waits_for
from tests.world.run_out import run_out
from tests.world.server import serving

pytestmark = pytest.mark.everyday_on_sqlite
CUT, HANGS = Trouble(cut=True, taken=True), Trouble(hang=True, taken=True)
PUSH, QUERY = "processrequest", "stkpushquery"


async def test_a_customer_is_asked_and_pays(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        assert (push.phone, push.amount) == (PEOPLE["Baraka"][1:], 5_000)
        await becomes(at, "asked")
        receipt = await daraja.pay(push)
        request = await becomes(at, "paid")
        assert await payments(at) == [(receipt, 5_000_00)]
        [payment] = await at.rows("SELECT id, payer_phone FROM payment WHERE provider = 'daraja'")
        assert request["payment_id"] == payment["id"] and payment["payer_phone"] == PEOPLE["Baraka"]


# --- What comes twice, early, late, or in another order


async def test_a_callback_that_comes_again_counts_once(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        said = daraja.paid(push, "UKS0000001")
        again = {**said, "ResultDesc": "The same, in other words."}  # other bytes
        assert await asyncio.gather(*(daraja.call_back(push, each) for each in (said, said, again, said))) == [200] * 4
        await settled(at)
        assert await payments(at) == [("UKS0000001", 5_000_00)]
        assert len(await at.rows("SELECT 1 FROM notice")) == 2


@pytest.mark.parametrize("first", ["push", "confirmation"])
async def test_a_payment_that_comes_as_push_and_as_confirmation_is_one(demo_url: str, first: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")

        async def confirm() -> None:
            assert await daraja.pay_bill("SHS0283", "5000.00", receipt="UKS0000007") == "0"

        steps = [lambda: daraja.pay(push, "UKS0000007"), confirm]
        for step in steps if first == "push" else reversed(steps):
            await step()
            await settled(at)
        assert await payments(at) == [("UKS0000007", 5_000_00)]
        assert (await becomes(at, "paid"))["payment_id"]


@pytest.mark.parametrize("told", [True, False], ids=["then told whose", "never told"])
async def test_a_confirmation_of_a_till_waits_for_the_push_that_it_may_be_of(
    demo_url: str, push_clock: PushClock, told: bool
) -> None:
    """At a till nobody types an account, and Safaricom hides the phone: only the callback says whose the money is."""
    async with selling(demo_url, daraja_till="700000") as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        assert await daraja.pay_bill("", "5000.00", receipt="UKS0000007", phone="2547 ***** 002") == "0"
        await waits_for(at, "SELECT 1 FROM notice WHERE look_at > received_at")
        assert await payments(at) == []
        if told:
            await daraja.pay(push, "UKS0000007")
            await becomes(at, "paid")
        push_clock.forward(0.5 if told else 121)
        at.mwanga.payments.reader.notify()
        await settled(at)
        assert await payments(at) == [("UKS0000007", 5_000_00)]
        assert any("Money waits for somebody" in each for each in await alerts(at)) == (not told)


async def test_a_confirmation_of_a_till_waits_for_no_other_push_when_its_money_is_there(demo_url: str) -> None:
    """Where the same is paid all day long some phone always rings for it."""
    async with selling(demo_url, daraja_till="700000") as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        await daraja.pay(push, "UKS0000007")
        await becomes(at, "paid")
        await asked(at, key="sms 2", person="Neema")
        await daraja.wait_for(2)
        await becomes(at, "asked")
        assert await daraja.pay_bill("", "5000.00", receipt="UKS0000007", phone="2547 ***** 002") == "0"
        came = "SELECT done_at FROM notice WHERE kind = 'confirmation'"
        await waits_for(at, f"{came} AND (done_at > 0 OR look_at > received_at)")
        assert [row["done_at"] > 0 for row in await at.rows(came)] == [True]
        assert await payments(at) == [("UKS0000007", 5_000_00)] and await alerts(at) == []


# A callback that waits while the answer is known by now: its reader looks again after half a second.
PUT_OFF = "SELECT 1 FROM notice n, payment_request r WHERE n.done_at = 0 AND r.external_id <> ''"


@pytest.mark.parametrize("with_our_reference", [True, False])
async def test_a_callback_may_come_before_the_answer_to_its_push(
    demo_url: str, with_our_reference: bool, push_clock: PushClock
) -> None:
    """Without our reference in its address nobody knows yet whose it is: it is kept until the answer brings its id."""
    async with selling(demo_url) as (at, daraja):

        def early(push: Push) -> dict[str, Any]:
            if not with_our_reference:
                push.fields["CallBackURL"] = push.fields["CallBackURL"].partition("?")[0]
            return daraja.paid(push, "UKS0000001")

        daraja.early = early
        await asked(at)
        [push] = await daraja.wait_for(1)
        async with asyncio.timeout(60):
            while not await at.rows("SELECT 1 FROM payment_request WHERE state = 'paid'"):
                if await at.rows(PUT_OFF):
                    push_clock.forward(0.5)
                    at.mwanga.payments.reader.notify()
                await asyncio.sleep(0)
        await waits_for(at, "SELECT 1 FROM payment_request WHERE external_id <> ''")
        assert (await becomes(at, "paid"))["external_id"] == push.checkout_id
        assert await payments(at) == [("UKS0000001", 5_000_00)]


async def test_a_payment_after_a_failure_counts_and_a_failure_after_a_payment_does_not(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        await daraja.fail(push, 1032)
        assert (await becomes(at, "failed"))["reason"] == "cancelled"
        receipt = await daraja.pay(push)
        await becomes(at, "paid")
        await daraja.fail(push, 1037)
        await settled(at)
        await becomes(at, "paid")
        assert await payments(at) == [(receipt, 5_000_00)]


async def test_two_callbacks_with_two_receipts_are_two_payments_and_one_is_the_requests(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        await daraja.pay(push, "UKS0000001")
        await settled(at)
        first = (await becomes(at, "paid"))["payment_id"]
        await daraja.pay(push, "UKS0000002")
        await settled(at)
        assert [receipt for receipt, _ in await payments(at)] == ["UKS0000001", "UKS0000002"]
        assert (await becomes(at, "paid"))["payment_id"] == first


async def test_two_servers_of_one_database_ask_once_and_book_once(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        if at.mwanga.database.embedded:
            pytest.skip("an embedded database has one server")
        async with serving(demo_url, daraja_url=daraja.url) as other:
            people = ("Baraka", "Neema", "Amina", "Stranger")
            for person in people:
                await asked(at, key=person, person=person)
                other.mwanga.payments.notify()
            pushes = await daraja.wait_for(len(people))
            await waits_for(at, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM payment_request WHERE state = 'new')")
            doors = [f"{server.client._base_url}payments/daraja/demo/stk" for server in (at, other)]
            said = [(push, daraja.paid(push, f"UKS000000{number}")) for number, push in enumerate(pushes)]
            bodies = [({"Body": {"stkCallback": each | {"Tries": n}}}) for _, each in said for n in range(2)]
            answers = await asyncio.gather(*(daraja.post(door, body) for body in bodies for door in doors))
            assert set(answers) == {200}
            await settled(at)
            await waits_for(at, "SELECT 1 FROM payment_request WHERE state = 'paid' HAVING COUNT(*) = 4")
            assert [receipt for receipt, _ in sorted(await payments(at))] == [f"UKS000000{n}" for n in range(4)]
            assert len(daraja.pushes) == len(people) and len(daraja.tokens) == 1


async def test_one_receipt_pays_for_one_request(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        await becomes(at, "asked")
        await asked(at, key="sms 2", person="Neema")
        first, second = await daraja.wait_for(2)
        await becomes(at, "asked")
        await daraja.pay(first, "UKS0000001")
        await daraja.pay(second, "UKS0000001")
        await settled(at)
        assert await payments(at) == [("UKS0000001", 5_000_00)]
        states = await at.rows("SELECT state FROM payment_request ORDER BY id")
        assert [row["state"] for row in states] == ["paid", "asked"]


async def test_another_amount_is_booked_as_it_is_and_the_office_is_told(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        receipt = await daraja.pay(push, amount=3_000)
        await settled(at)
        assert await payments(at) == [(receipt, 3_000_00)]
        assert f"TZS 5,000 was asked of {PEOPLE['Baraka']}, and TZS 3,000 was paid ({receipt})." in await alerts(at)


async def test_what_has_not_ended_is_counted_at_metrics(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        async with at.client.get("/metrics") as answer:
            assert 'mwanga_payment_requests{provider="daraja",state="asked"} 1.0' in await answer.text()
        await daraja.pay(push)
        await becomes(at, "paid")
        assert at.metric("mwanga_payment_notices_total", provider="daraja", kind="stk", outcome="new") == 1


# --- What is not answered


@pytest.mark.parametrize("trouble", [CUT, HANGS, PAGE], ids=["cut", "hangs", "page"])
async def test_a_push_that_is_not_answered_is_unknown_and_never_sent_again(
    demo_url: str, trouble: Trouble, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, daraja):
        daraja.trouble(PUSH, trouble)
        await asked(at)
        await daraja.wait_for_calls(PUSH, 1)
        if trouble is HANGS:
            run_out(daraja_file.TIMEOUT)
        await becomes(at, "unknown")
        for _ in range(3):
            push_clock.forward(130)
            at.mwanga.payments.notify()
            await at.mwanga.payments.collector.turn()
        assert [path for path, _ in daraja.calls if PUSH in path] == ["/mpesa/stkpush/v1/processrequest"]


async def test_the_callback_of_a_push_whose_answer_was_lost_finds_it_by_our_reference(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        daraja.trouble(PUSH, CUT)
        await asked(at)
        await becomes(at, "unknown")
        await daraja.pay(daraja.pushes[0], "UKS0000001")
        request = await becomes(at, "paid")
        assert request["external_id"] == daraja.pushes[0].checkout_id


async def test_or_by_the_phone_and_the_amount(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        daraja.trouble(PUSH, CUT)
        await asked(at)
        await becomes(at, "unknown")
        [push] = daraja.pushes
        push.fields["CallBackURL"] = push.fields["CallBackURL"].partition("?")[0]
        await daraja.pay(push, "UKS0000001")
        await becomes(at, "paid")


async def test_what_is_refused_for_now_is_asked_again(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, daraja):
        daraja.trouble(PUSH, SPIKE_ARREST, times=2)
        await asked(at)
        for calls in (1, 2):
            await daraja.wait_for_calls(PUSH, calls)
            await waits_for(at, f"SELECT 1 FROM payment_request WHERE looks = {calls} AND claimed_at = 0")
            push_clock.forward(10)
            at.mwanga.payments.notify()
        await daraja.wait_for(1)
        assert (await becomes(at, "asked"))["code"] == "500.003.02"


async def test_while_nobody_is_there_it_is_asked_again_and_in_the_end_not_sent(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, daraja):
        daraja.listener.dies()
        await asked(at)
        await waits_for(at, "SELECT 1 FROM payment_request WHERE looks = 1 AND claimed_at = 0")
        push_clock.forward(91)
        at.mwanga.payments.notify()
        request = await becomes(at, "failed")
        assert (request["reason"], request["code"]) == ("not sent", "unreachable")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (BUSY_PHONE, "busy"),
        (error("400.002.02", "Bad Request - Invalid PhoneNumber", 400), "setup"),
        (error("500.001.1001", "Merchant does not exist"), "setup"),
    ],
    ids=["busy", "field", "merchant"],
)
async def test_a_push_that_is_refused_has_failed(demo_url: str, trouble: Trouble, reason: str) -> None:
    async with selling(demo_url) as (at, daraja):
        daraja.trouble(PUSH, trouble)
        await asked(at)
        assert (await becomes(at, "failed"))["reason"] == reason
        daraja.trouble(PUSH, trouble)
        await asked(at, key="sms 2", person="Neema")
        await becomes(at, "failed")
        told = [each for each in await alerts(at) if "M-Pesa takes no payments" in each]
        assert len(told) == (reason == "setup")  # one for all whom it happens to


async def test_a_callback_that_blames_our_settings_alerts_the_office(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        await daraja.fail(push, "SFC_IC0003")
        assert (await becomes(at, "failed"))["reason"] == "setup"
        assert [each for each in await alerts(at) if "(SFC_IC0003): see its settings" in each]


async def test_a_token_that_ended_is_replaced_once_for_all_requests(demo_url: str) -> None:
    """Each new token voids the former: two tasks that replaced it would void each other's."""
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        await daraja.wait_for(1)
        assert len(daraja.tokens) == 1
        daraja.void_token()
        people = ("Amina", "Neema", "Stranger")
        for number, person in enumerate(people):
            await asked(at, key=f"sms {person}", person=person, amount=(number + 1) * 1_000_00)
        await daraja.wait_for(1 + len(people))
        assert len([token for token in daraja.tokens if token]) == 2


async def test_what_cannot_be_written_holds_up_nobody_else(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector_file, "AGAIN_S", 0.0)
    async with selling(demo_url) as (at, daraja):
        tries = 0

        async def fails(*_: object) -> list[object]:
            nonlocal tries
            tries += 1
            raise RuntimeError("the words cannot be found")

        monkeypatch.setattr(at.mwanga.payments.settler, "_book", fails)
        daraja.trouble(PUSH, BUSY_PHONE)
        await asked(at)
        await daraja.wait_for_calls(PUSH, 1)
        await asked(at, key="sms 2", person="Neema")
        await daraja.wait_for(1)
        await becomes(at, "asked")
        while tries < collector_file.TRIES:
            await asyncio.sleep(0)
        monkeypatch.undo()
        [left] = await at.rows("SELECT state FROM payment_request ORDER BY id LIMIT 1")
        assert left["state"] == "new"  # nothing of it was written; as of a server that died, nobody knows it


# --- What nobody tells us


async def test_a_callback_that_never_comes_is_looked_up_when_the_phone_has_rung_for_long_enough(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        push.result = 1032
        push_clock.forward(181)
        at.mwanga.payments.notify()
        assert (await becomes(at, "failed"))["reason"] == "cancelled"


async def test_a_phone_that_nobody_answered_expires_and_late_money_counts(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        push_clock.forward(181)
        at.mwanga.payments.notify()
        await becomes(at, "expired")
        receipt = await daraja.pay(push)
        await becomes(at, "paid")
        assert await payments(at) == [(receipt, 5_000_00)]


async def test_what_is_paid_without_a_receipt_waits_for_it_and_then_for_a_person(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        push.result = "0"
        push_clock.forward(181)
        at.mwanga.payments.notify()
        request = await becomes(at, "unknown")
        assert request["code"] == "no receipt" and await payments(at) == []
        push_clock.forward(301)
        at.mwanga.payments.notify()
        await waits_for(at, "SELECT 1 FROM alert WHERE sentence LIKE '%no receipt came%'")
        assert (await becomes(at, "unknown"))["look_at"] == 0
        receipt = await daraja.pay(push)  # the callback was only late
        await becomes(at, "paid")
        assert await payments(at) == [(receipt, 5_000_00)]


async def test_the_receipt_that_the_alert_asks_for_may_have_bought_what_the_push_was_for(
    demo_url: str, push_clock: PushClock
) -> None:
    """Its confirmation came after the alert: she has her code, and the office enters what the portal shows."""
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        request = await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        push.result = "0"
        for seconds, state in ((181, "look_at > 0"), (301, "look_at = 0")):
            push_clock.forward(seconds)
            at.mwanga.payments.notify()
            await waits_for(at, f"SELECT 1 FROM payment_request WHERE code = 'no receipt' AND {state}")
        for serial, receipt in (("EB100042", "UKS0000006"), (SERIAL, "UKS0000007")):
            assert await daraja.pay_bill(serial, "5000.00", receipt=receipt) == "0"
        await settled(at)
        told = await at.rows("SELECT id FROM outbox ORDER BY id")
        company, settler = at.mwanga.company, at.mwanga.payments.settler

        async def enter(receipt: str) -> None:
            async with at.mwanga.database.work():
                await by_hand.book_receipt(request, receipt, company=company, settler=settler, actor="grace")

        with pytest.raises(by_hand.NotDone):
            await enter("UKS0000006")
        await enter("UKS0000007")
        await becomes(at, "paid")
        assert await at.rows("SELECT id FROM outbox ORDER BY id") == told and len(await payments(at)) == 2


@pytest.mark.parametrize("phone", ["2547 ***** 126", PEOPLE["Baraka"]], ids=["masked", "whole"])
@pytest.mark.parametrize("when", ["before the look", "after it"])
async def test_what_is_paid_and_confirmed_waits_for_nothing(
    demo_url: str, push_clock: PushClock, phone: str, when: str
) -> None:
    """The callback is lost, and the confirmation names no push: she has her code, and need not wait for another."""
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        push.result = "0"
        for step in ("before the look", "after it"):
            if step == when:
                assert await daraja.pay_bill(SERIAL, "5000.00", receipt="UKS0000007", phone=phone) == "0"
                await settled(at)
            push_clock.forward(181 if step == "before the look" else 301)
            at.mwanga.payments.notify()
            await becomes(at, "unknown" if (when, step) == ("after it", "before the look") else "paid")
        assert await payments(at) == [("UKS0000007", 5_000_00)] and await alerts(at) == []
        said = [row["text"] for row in await at.rows("SELECT text FROM outbox ORDER BY id")]
        assert sum("Code" in each for each in said) == 1
        assert sum("its receipt" in each for each in said) == (when == "after it")


@pytest.mark.parametrize("trouble", [None, PAGE], ids=["pending", "no answer"])
async def test_who_has_her_code_does_not_read_that_nothing_was_paid(
    demo_url: str, push_clock: PushClock, trouble: Trouble | None
) -> None:
    """Daraja is behind its own confirmation: it says that the phone still rings, or nothing."""
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        await daraja.wait_for(1)
        await becomes(at, "asked")
        assert await daraja.pay_bill(SERIAL, "5000.00", receipt="UKS0000007") == "0"
        await settled(at)
        told = await at.rows("SELECT id FROM outbox ORDER BY id")
        if trouble:
            daraja.trouble(QUERY, trouble)
        push_clock.forward(181)
        at.mwanga.payments.notify()
        await becomes(at, "paid")
        assert await at.rows("SELECT id FROM outbox ORDER BY id") == told
        heard = await at.rows("SELECT source FROM evidence")
        assert [row["source"] for row in heard] == ["callback"], "an answer that names no receipt is no evidence of it"


@pytest.mark.parametrize("says", ["callback", "query"])
async def test_nor_does_who_paid_the_bill_because_the_phone_did_not_ring(
    demo_url: str, push_clock: PushClock, says: str
) -> None:
    """The push has failed, and that is so. But the same was paid for the same meanwhile, and she has her code."""
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        assert await daraja.pay_bill(SERIAL, "5000.00", receipt="UKS0000007") == "0"
        await settled(at)
        told = await at.rows("SELECT id FROM outbox ORDER BY id")
        if says == "callback":
            await daraja.fail(push, 1037)
        else:
            push.result = 1037
            push_clock.forward(181)
            at.mwanga.payments.notify()
        assert (await becomes(at, "failed"))["reason"] == "no answer"
        assert await at.rows("SELECT id FROM outbox ORDER BY id") == told


async def test_what_is_confirmed_and_was_never_answered_is_unknown_no_more(
    demo_url: str, push_clock: PushClock
) -> None:
    """Without its id at Daraja nobody can ask for it: it would hold the debt back for two days."""
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        daraja.trouble(PUSH, CUT)
        await asked(at)
        await becomes(at, "unknown")
        assert await daraja.pay_bill(SERIAL, "5000.00", receipt="UKS0000007") == "0"
        await settled(at)
        push_clock.forward(15)
        at.mwanga.payments.notify()
        await becomes(at, "paid")
        assert await payments(at) == [("UKS0000007", 5_000_00)]
        await daraja.pay(daraja.pushes[0], "UKS0000008")  # it was another payment after all
        await settled(at)
        assert len(await payments(at)) == len(await at.rows("SELECT 1 FROM sale")) == 2


@pytest.mark.parametrize(
    ("serial", "amount", "phone"),
    [("SHS0283", "4000.00", "masked"), ("EB100042", "5000.00", "masked"), (SERIAL, "5000.00", PEOPLE["Neema"])],
    ids=["another amount", "another device", "another phone"],
)
async def test_another_payment_is_not_taken_for_it(
    demo_url: str, push_clock: PushClock, serial: str, amount: str, phone: str
) -> None:
    async with selling(demo_url) as (at, daraja):
        await registered(at, daraja)
        await asked(at)
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        assert await daraja.pay_bill(serial, amount, phone=phone) == "0"
        await settled(at)
        push.result = "0"
        push_clock.forward(181)
        at.mwanga.payments.notify()
        assert (await becomes(at, "unknown"))["code"] == "no receipt"


async def test_what_is_unknown_is_looked_up_for_two_days_and_then_left_to_a_person(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        await daraja.wait_for(1)
        await becomes(at, "asked")
        daraja.trouble(QUERY, PAGE, times=100)
        waits = [180, 15, 15, 30, 30, 90, 3_600, 3_600]
        for number, wait in enumerate(waits, 1):
            push_clock.forward(wait - 1)
            await at.mwanga.payments.collector.turn()
            await at.mwanga.payments.collector.drain()
            assert sum(QUERY in path for path, _ in daraja.calls) == number - 1
            push_clock.forward(1)
            at.mwanga.payments.notify()
            await daraja.wait_for_calls(QUERY, number)
            await at.mwanga.payments.collector.drain()
        assert (await becomes(at, "unknown"))["look_at"] and not await alerts(at)
        push_clock.forward(48 * 3_600)
        at.mwanga.payments.notify()
        await waits_for(at, "SELECT 1 FROM payment_request WHERE look_at = 0")
        assert [each for each in await alerts(at) if "Nobody knows whether" in each]


async def test_a_claim_of_a_server_that_died_is_unknown_and_not_asked(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, daraja):
        async with at.mwanga.database.work() as db:
            await asked(at, notify=False)
            await db.execute_query("UPDATE payment_request SET claimed_by = 'dead', claimed_at = created_at")
        push_clock.forward(121)
        at.mwanga.payments.notify()
        assert (await becomes(at, "unknown"))["code"] == "interrupted"
        assert daraja.pushes == []


async def test_a_push_that_is_under_way_when_the_server_stops_is_unknown_after_it(
    demo_url: str, monkeypatch: pytest.MonkeyPatch, push_clock: PushClock
) -> None:
    monkeypatch.setattr(app_file, "STOP_S", 0.1)
    async with Emulator() as daraja:
        daraja.trouble(PUSH, HANGS)
        async with serving(demo_url, daraja_url=daraja.url) as at:
            await asked(at)
            await daraja.wait_for(1)
        push_clock.forward(121)
        async with serving(demo_url, daraja_url=daraja.url) as at:
            assert (await becomes(at, "unknown"))["code"] == "interrupted"
            daraja.pushes[0].fields["CallBackURL"] = str(at.client._base_url) + "payments/daraja/demo/stk"
            await daraja.pay(daraja.pushes[0], "UKS0000001")
            await becomes(at, "paid")
        assert len(daraja.pushes) == 1


async def registered(at: Any, daraja: Any) -> None:
    """Daraja knows where we confirm payments."""
    await at.mwanga.payments.providers["daraja"].register()
    assert daraja.registered
