"""Delivery reports, in whatever order they come."""

import asyncio
import json
from dataclasses import replace
from itertools import permutations

import pytest

from bot.gateways import Callback
from bot.gateways.errors import SendError
from bot.message import Outbound, Receipt, Sent
from bot.runtime import Database
from models.messages import MessageKind, State
from tests.world.described import HTTPSMS, gateway
from tests.world.outbox_rig import MINUTE, SECOND, START, Bench, pulled, wait_for


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def receipt(state: State, external_id: str = "id 1", reason: str = "", gateway: str = "africastalking") -> Receipt:
    return Receipt(gateway, external_id, state, state.value.title(), reason)


ENDS = {
    ("sent",): "sent",
    ("failed",): "failed",
    ("delivered", "delivered", "delivered"): "delivered",
    **dict.fromkeys(permutations(["sent", "failed"]), "failed"),
    **dict.fromkeys(permutations(["sent", "delivered"]), "delivered"),
    **dict.fromkeys(permutations(["sent", "failed", "delivered"]), "delivered"),
}
ERROR = {"sent": "", "failed": "undelivered", "delivered": ""}


@pytest.mark.parametrize("early", [False, True])
async def test_reports_in_any_order_come_to_the_same_end(bench: Bench, early: bool) -> None:
    bench.gateway.answer = lambda message: Sent(message.text)
    await bench.enqueue(*(" ".join(order) for order in ENDS))
    if not early:
        await bench.settle()
    for order in ENDS:
        for state in order:
            known = await bench.outbox.record_receipt(receipt(State(state), " ".join(order)))
            assert known is not early
    await bench.settle()
    for order, end in ENDS.items():
        row = await bench.row(" ".join(order))
        assert (row["state"], row["error"]) == (end, ERROR[end])
        assert row["delivered_at"] == (START if end == "delivered" else 0)
    assert bench.counted("delivered") == list(ENDS.values()).count("delivered")


async def test_a_report_may_come_before_the_answer_to_its_own_request(bench: Bench) -> None:
    reports = []

    def answer(message: Outbound) -> Sent:
        reports.append(asyncio.create_task(bench.outbox.record_receipt(receipt(State.DELIVERED))))
        return Sent("id 1")

    bench.gateway.answer = answer
    await bench.enqueue("hello")
    await bench.settle()
    await asyncio.gather(*reports)
    await bench.settle()
    assert (await bench.row("hello"))["state"] == "delivered"
    assert bench.counted("sent") == bench.counted("delivered") == 1


async def test_a_report_of_another_gateway_says_nothing_of_a_message_with_the_same_id(bench: Bench) -> None:
    await bench.enqueue("hello")
    await bench.settle()
    assert not await bench.outbox.record_receipt(receipt(State.FAILED, gateway="kannel"))
    assert (await bench.row("hello"))["state"] == "sent"
    assert await bench.outbox.record_receipt(receipt(State.DELIVERED))
    assert (await bench.row("hello"))["state"] == "delivered"


@pytest.mark.parametrize("kind", [MessageKind.TOKEN, MessageKind.REMINDER])
async def test_a_report_with_our_own_id_settles_an_unknown_outcome(bench: Bench, kind: MessageKind) -> None:
    bench.gateway.refuse("timeout")
    await bench.enqueue("hello", kind=kind)
    await bench.settle()
    number = str((await bench.row("hello"))["id"])
    assert not await bench.outbox.record_receipt(receipt(State.DELIVERED, number)), "the gateway's own id, by chance"
    assert not await bench.outbox.record_receipt(replace(receipt(State.DELIVERED, number, "", "kannel"), ours=True))
    for state in (State.SENT, State.DELIVERED):
        assert await bench.outbox.record_receipt(replace(receipt(state, number), ours=True))
    await bench.settle_after(10 * MINUTE)
    row = await bench.row("hello")
    assert (row["state"], row["error"], row["sent_at"]) == ("delivered", "", START)
    assert bench.gateway.texts == ["hello"], "it is not sent again"


@pytest.mark.parametrize("kind", [MessageKind.TOKEN, MessageKind.BROADCAST])
async def test_a_gateway_that_takes_a_message_and_answers_with_an_error_gets_it_no_more(
    bench: Bench, kind: MessageKind
) -> None:
    """Else its receiver has it every five minutes, for as long as it is worth sending."""
    bench.gateway.refuse("gateway fault")
    await bench.enqueue("hello", kind=kind)
    await bench.settle()
    row = await bench.row("hello")
    assert row["state"] == "scheduled"
    assert await bench.outbox.record_receipt(replace(receipt(State.SENT, str(row["id"])), ours=True))
    await bench.settle_after(10 * MINUTE)
    assert await bench.outbox.record_receipt(replace(receipt(State.DELIVERED, str(row["id"])), ours=True))
    assert ((await bench.row("hello"))["state"], bench.gateway.texts) == ("delivered", ["hello"])


async def test_a_report_with_our_own_id_is_for_the_message_to_the_same_phone(bench: Bench) -> None:
    """After a restore the numbers begin again with that of the backup, and Kannel reports for a day on what went
    before."""
    bench.gateway.refuse("gateway fault")
    await bench.enqueue("hello")
    await bench.settle()
    row = await bench.row("hello")
    before = replace(receipt(State.DELIVERED, str(row["id"])), ours=True, phone="+255799999999")
    assert not await bench.outbox.record_receipt(before)
    assert (await bench.row("hello"))["state"] == "scheduled"
    await bench.settle_after(MINUTE)
    assert bench.gateway.texts == ["hello", "hello"]
    await bench.sql("UPDATE outbox SET external_id = CAST(id AS TEXT)")
    assert not await bench.outbox.record_receipt(before)
    assert await bench.outbox.record_receipt(replace(before, phone=row["phone"]))
    assert (await bench.row("hello"))["state"] == "delivered"


async def test_so_is_that_of_a_described_gateway_which_says_for_whom_it_was(bench: Bench) -> None:
    await bench.enqueue("hello")
    await bench.settle()
    row = await bench.row("hello")
    await bench.sql("UPDATE outbox SET external_id = CAST(id AS TEXT)")
    cloud = gateway(HTTPSMS)

    def delivered(contact: str) -> Receipt:
        data = {"request_id": str(row["id"]), "owner": "+255713000111", "contact": contact}
        body = json.dumps({"type": "message.phone.delivered", "data": data}).encode()
        report = cloud.parse_receipt(cloud.read(Callback("POST", b"", "", body)))
        return replace(report, gateway="africastalking")

    assert not await bench.outbox.record_receipt(delivered("+255799999999"))
    assert (await bench.row("hello"))["state"] == "sent"
    assert await bench.outbox.record_receipt(delivered(row["phone"]))
    assert (await bench.row("hello"))["state"] == "delivered"


async def test_a_report_on_another_phones_message_hides_none_on_this_one(bench: Bench) -> None:
    bench.gateway.refuse("gateway fault")
    await bench.enqueue("hello")
    await bench.settle()
    row = await bench.row("hello")
    delivered = replace(receipt(State.DELIVERED, str(row["id"])), ours=True, phone="+255799999999")
    failed = replace(receipt(State.FAILED, str(row["id"])), ours=True, phone=row["phone"])
    assert not await bench.outbox.record_receipt(delivered)
    assert await bench.outbox.record_receipt(failed)
    assert (await bench.row("hello"))["state"] == "failed"


async def test_a_report_that_overtakes_a_lost_answer_settles_it_too(bench: Bench) -> None:
    async def answer(message: Outbound) -> None:
        await bench.outbox.record_receipt(replace(receipt(State.DELIVERED, str(message.id)), ours=True))

    reports = []

    def hang(message: Outbound) -> SendError:
        reports.append(asyncio.create_task(answer(message)))
        return SendError("timeout")

    bench.gateway.answer = hang
    await bench.enqueue("hello")
    await bench.settle()
    await asyncio.gather(*reports)
    await bench.settle_after(11 * SECOND)
    assert (await bench.row("hello"))["state"] == "delivered"
    await bench.settle_after(2 * MINUTE)
    assert bench.gateway.texts == ["hello"]


async def test_a_report_settles_an_unknown_outcome_of_what_a_phone_had_before(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    await pulled(bench, phone)  # which could not send it
    await bench.sql("UPDATE outbox SET state = 'waiting', external_id = 'm1-1'")
    bench.gateway.refuse("timeout")
    await wait_for(bench, 130)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"]) == ("africastalking", "uncertain")
    assert await bench.outbox.record_receipt(replace(receipt(State.DELIVERED, str(row["id"])), ours=True))
    bench.gateway.answer = bench.gateway.accept
    await bench.settle_after(10 * MINUTE)
    assert ((await bench.row("hello"))["state"], bench.gateway.texts) == ("delivered", ["hello"])


async def test_the_office_reads_why_a_message_was_not_delivered(bench: Bench) -> None:
    await bench.enqueue("hello")
    await bench.settle()
    await bench.outbox.record_receipt(receipt(State.FAILED, reason="opted out"))
    assert (await bench.row("hello"))["error"] == "opted out"


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("external_id", ["", "id 999", "\0", "i" * 500])
async def test_a_report_of_another_system_is_unknown(bench: Bench, external_id: str) -> None:
    await bench.enqueue("hello")
    await bench.settle()
    assert not await bench.outbox.record_receipt(receipt(State.DELIVERED, external_id))
    assert (await bench.row("hello"))["state"] == "sent"


async def test_a_report_of_a_message_that_another_process_sends_is_kept_for_it(bench: Bench) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    await bench.outbox.record_receipt(receipt(State.DELIVERED))
    await bench.enqueue("hello")
    await bench.settle(bench.new_outbox())
    await bench.settle_after(SECOND)
    assert (await bench.row("hello"))["state"] == "delivered"


async def test_an_early_report_is_forgotten_after_ten_minutes(bench: Bench) -> None:
    await bench.outbox.record_receipt(receipt(State.DELIVERED))
    bench.clock.now += 10 * MINUTE
    await bench.outbox.record_receipt(receipt(State.DELIVERED, "id of another"))
    await bench.enqueue("hello")
    await bench.settle()
    assert (await bench.row("hello"))["state"] == "sent"


async def test_reports_that_come_together_are_all_written(bench: Bench) -> None:
    await bench.enqueue(*(f"sms {n}" for n in range(200)))
    await bench.settle()
    ids = [row["external_id"] for row in await bench.sql("SELECT external_id FROM outbox")]
    reports = [bench.outbox.record_receipt(receipt(State.DELIVERED, each)) for each in ids + ids]
    assert all(await asyncio.gather(*reports))
    assert set((await bench.states()).values()) == {"delivered"}
    assert bench.counted("delivered") == 200


async def test_a_report_that_could_not_be_written_fails_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.enqueue("hello", "again")
    await bench.settle()
    work, failures = bench.database.work, iter([True])

    def failing() -> object:
        if next(failures, False):
            raise ConnectionError("the database is away")
        return work()

    monkeypatch.setattr(bench.database, "work", failing)
    reports = [bench.outbox.record_receipt(receipt(State.DELIVERED, each)) for each in ("id 1", "id 2")]
    first, second = await asyncio.gather(*reports, return_exceptions=True)
    assert isinstance(first, ConnectionError)
    assert second is True
