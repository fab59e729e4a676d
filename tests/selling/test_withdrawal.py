"""What waits in the outbox and need not go any more: after STOP, and when it is paid. The rest goes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tortoise.backends.base.client import BaseDBAsyncClient

from bot.message import OptOut
from bot.outbound import NewMessage, enqueue, queue
from bot.outbound.queue import Result
from bot.outbound.retry import Claimed, Verdict
from bot.runtime import Database
from bot.server import Server
from bot.talks.contacts import note_opt_out
from models.messages import MessageKind, State, withdrawal
from models.messages.tables import Outbox
from models.people import Customer, OfficeUser
from models.selling import Appliance, Contract, Sale, ownership, voids
from models.selling.contracts import Instalment
from models.sql import execute, now_ms
from models.tickets import Ticket
from tests.world.outbox_rig import ASHA, HOUR, Bench
from tests.world.ownership import device, swap
from tests.world.people import NOON, PEOPLE, Phones
from tests.world.reminding import AFTER, BEFORE

pytestmark = pytest.mark.everyday_on_sqlite
ROUNDS = 3
GRACE, HENRY = OfficeUser(name="grace"), OfficeUser(name="henry")


@pytest.fixture
async def clock() -> AsyncIterator[time_machine.Traveller]:
    with time_machine.travel(BEFORE, tick=False) as traveller:
        yield traveller


async def rows(kind: MessageKind = MessageKind.REMINDER) -> list[tuple[str, str, str]]:
    """State, reason and text of all messages of a kind to Baraka, oldest first."""
    found = Outbox.filter(kind=kind, phone=PEOPLE["Baraka"]).order_by("id")
    return [(row.state, row.error, row.text.partition(". ")[0]) for row in await found]


async def pay(phones: Phones, amount: int) -> None:
    await phones.text("Asha", f"BUY SHS0283 {amount}")
    await phones.text("Asha", "1 482915")


async def enqueued(mwanga: Server, name: str) -> None:
    """One message of each kind waits for this person."""
    async with mwanga.database.work():
        await enqueue([NewMessage(kind, PEOPLE[name], kind, kind, "africastalking") for kind in MessageKind], now_ms())


async def states(name: str) -> dict[str, tuple[str, str]]:
    """State and reason of what waited for this person."""
    return {
        row.kind: (row.state, row.error) for row in await Outbox.filter(phone=PEOPLE[name], text__in=list(MessageKind))
    }


WITHDRAWN = {
    "token": ("waiting", ""),
    "reply": ("waiting", ""),
    "office": ("waiting", ""),
    "reminder": ("expired", "stopped"),
    "broadcast": ("expired", "stopped"),
}


@pytest.mark.parametrize("word", ["STOP", "acha", "ARRET"])
async def test_stop_ends_what_waits_at_once(mwanga: Server, clock: time_machine.Traveller, word: str) -> None:
    await enqueued(mwanga, "Baraka")
    await Outbox.filter(kind="reminder").update(state="scheduled", due_at=now_ms() + HOUR)
    await Phones(mwanga).text("Baraka", word)
    assert await states("Baraka") == WITHDRAWN


async def test_a_gateways_opt_out_does_the_same(mwanga: Server, clock: time_machine.Traveller) -> None:
    await enqueued(mwanga, "Baraka")
    for number in (PEOPLE["Neema"], PEOPLE["Baraka"]):
        async with mwanga.database.work():
            await note_opt_out(OptOut("africastalking", number))
    assert await states("Baraka") == WITHDRAWN


async def test_an_opt_in_brings_nothing_back(mwanga: Server, clock: time_machine.Traveller) -> None:
    await enqueued(mwanga, "Baraka")
    for stopped in (True, False):
        async with mwanga.database.work():
            await note_opt_out(OptOut("africastalking", PEOPLE["Baraka"], stopped))
    assert await states("Baraka") == WITHDRAWN


@pytest.mark.parametrize(
    ("error", "ended"),
    [("throttled", "expired stopped"), ("bad credentials", "expired stopped"), ("bad number", "failed bad number")],
)
async def test_what_is_being_sent_is_not_tried_again(database: Database, error: str, ended: str) -> None:
    bench = Bench(database, order=["africastalking"])
    with time_machine.travel(bench.clock.now / 1000, tick=False):
        bench.gateway.refuse(error)
        await bench.enqueue("pay soon", kind=MessageKind.REMINDER)
        await bench.outbox.turn()
        async with database.work():
            await withdrawal.withdraw_optional(ASHA)
        await bench.settle()
        bench.gateway.answer = bench.gateway.accept
        await bench.settle_after(HOUR)
    assert len(bench.gateway.requests) == 1
    row = await bench.row("pay soon")
    assert f"{row['state']} {row['error']}" == ended


async def test_what_a_dead_server_may_have_sent_is_not_sent_again_after_stop(database: Database) -> None:
    bench = Bench(database, order=["africastalking"])
    with time_machine.travel(bench.clock.now / 1000, tick=False):
        bench.gateway.answer = lambda _message: None
        await bench.enqueue("pay soon", kind=MessageKind.REMINDER)
        await bench.outbox.turn()
        await bench.outbox.stop(within=0)
        assert (await bench.row("pay soon"))["state"] == "uncertain"
        async with database.work():
            await withdrawal.withdraw_optional(ASHA)
        bench.gateway.answer, bench.outbox = bench.gateway.accept, bench.new_outbox()
        await bench.settle_after(HOUR)
    assert len(bench.gateway.requests) == 1
    row = await bench.row("pay soon")
    assert (row["state"], row["error"]) == ("expired", "stopped")


async def test_stop_and_reminders_at_once_leave_none_waiting(mwanga: Server, clock: time_machine.Traveller) -> None:
    await asyncio.gather(mwanga.housekeeping.chores(), Phones(mwanga).text("Baraka", "STOP"))
    assert {state for state, _why, _text in await rows()} <= {"expired"}


async def test_a_reminder_of_what_is_paid_meanwhile_does_not_go(mwanga: Server, clock: time_machine.Traveller) -> None:
    await mwanga.housekeeping.chores()
    await Outbox.all().update(state="scheduled", due_at=now_ms() + HOUR)
    await pay(Phones(mwanga), 7_000)
    await mwanga.housekeeping.chores()
    assert await rows() == [("expired", "paid", "Solar home SHS0283: TZS 7,000 is due on 1/12")]


async def give_back(mwanga: Server) -> None:
    async with mwanga.database.work():
        await ownership.give_back(await device("SHS0283"), GRACE, "moved away", mwanga.company.today())


async def give_away(mwanga: Server) -> None:
    neema = await Customer.get(phone=PEOPLE["Neema"])
    async with mwanga.database.work():
        today = mwanga.company.today()
        await ownership.transfer(await device("SHS0283"), neema, GRACE, "sold it", today=today, with_debt=True)


async def write_off(mwanga: Server) -> None:
    contract, today = await Contract.get(id=1), mwanga.company.today()
    async with mwanga.database.work():
        await ownership.write_off(contract, GRACE, "house burnt", today)
        await ownership.write_off(contract, HENRY, "", today)


async def swap_it(mwanga: Server) -> None:
    await swap(mwanga, "SHS0283", "SHS0284")


@pytest.mark.parametrize(
    ("happens", "then"),
    [
        (give_back, []),
        (write_off, []),
        (give_away, [(PEOPLE["Neema"], "Solar home SHS0283: TZS 7,000 is due on 1/12")]),
        (swap_it, [(PEOPLE["Baraka"], "Solar home SHS0284: TZS 7,000 is due on 1/12")]),
    ],
)
async def test_a_reminder_of_a_plan_that_changed_does_not_go(
    mwanga: Server,
    clock: time_machine.Traveller,
    happens: Callable[[Server], Awaitable[None]],
    then: list[tuple[str, str]],
) -> None:
    """A new one goes to who has to pay, and names the device that there is."""
    await mwanga.housekeeping.chores()
    await Outbox.all().update(state="scheduled", due_at=now_ms() + HOUR)
    await happens(mwanga)
    await mwanga.housekeeping.chores()
    found = await Outbox.filter(kind=MessageKind.REMINDER).order_by("id")
    assert (found[0].phone, found[0].state, found[0].error) == (PEOPLE["Baraka"], "expired", "paid")
    assert [(row.phone, row.text.partition(". ")[0]) for row in found[1:]] == then


async def test_a_reminder_goes_for_all_when_a_payment_was_taken_back(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    await pay(Phones(mwanga), 2_000)
    await mwanga.housekeeping.chores()
    await Outbox.filter(kind=MessageKind.REMINDER).update(state="scheduled", due_at=now_ms() + HOUR)
    sale = await Sale.all().order_by("-id").first()
    assert sale
    async with mwanga.database.work():
        await voids.approve(sale, GRACE, "wrong device", today=NOON.date())
        await voids.approve(sale, HENRY, today=NOON.date())
    await mwanga.housekeeping.chores()
    assert await rows() == [
        ("expired", "paid", "Solar home SHS0283: TZS 5,000 is due on 1/12"),
        ("waiting", "", "Solar home SHS0283: TZS 7,000 is due on 1/12"),
    ]


async def test_a_code_that_is_void_does_not_go_any_more(mwanga: Server, clock: time_machine.Traveller) -> None:
    """All ways out were down. Who sold it is answered all the same."""
    await pay(Phones(mwanga), 2_000)
    await pay(Phones(mwanga), 3_000)
    sale = await Sale.all().order_by("id").first()
    assert sale
    async with mwanga.database.work():
        await voids.approve(sale, GRACE, "wrong device", today=NOON.date())
        await voids.approve(sale, HENRY, today=NOON.date())
    found = await Outbox.filter(kind=MessageKind.TOKEN).order_by("id").values_list("phone", "state", "error")
    assert found == [
        (PEOPLE["Asha"], "waiting", ""),
        (PEOPLE["Baraka"], "expired", "cancelled"),
        (PEOPLE["Asha"], "waiting", ""),
        (PEOPLE["Baraka"], "waiting", ""),
    ]


async def test_a_reminder_that_may_have_gone_does_not_go_again_when_it_is_paid(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """Nor does one for the rest: the customer may have it."""
    await mwanga.housekeeping.chores()
    await Outbox.all().update(state="uncertain", error="interrupted", due_at=now_ms() + HOUR)
    await pay(Phones(mwanga), 2_000)
    await mwanga.housekeeping.chores()
    assert await rows() == [("expired", "paid", "Solar home SHS0283: TZS 7,000 is due on 1/12")]


@pytest.mark.parametrize("engine", ["sqlite"])  # where the answer to a payment is claimed by its own commit
async def test_a_reminder_of_what_is_paid_does_not_go_with_the_answer(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = list[str]()
    await mwanga.housekeeping.chores()
    await Outbox.all().update(state="scheduled", due_at=now_ms() + HOUR)
    monkeypatch.setattr(mwanga.outbox, "_running", True)
    monkeypatch.setattr(mwanga.outbox, "_start", lambda _lane, message: sent.append(message.text))
    await mwanga.outbox.turn()  # it looks how the gateways stand
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 7000")
    await Outbox.filter(kind="reminder").update(state="waiting")
    await phones.text("Asha", "1 482915")
    assert len(sent) == 3, "the question, and the token for the agent and the customer"
    assert not [text for text in sent if text.startswith("Solar home")]
    assert await rows() == [("expired", "paid", "Solar home SHS0283: TZS 7,000 is due on 1/12")]


async def test_two_payments_and_withdrawals_at_once_wait_for_each_other(mwanga: Server) -> None:
    """Each holds all reminders of one customer, and finds them by another index: none may wait for one that waits for
    it."""
    amina, baraka = PEOPLE["Amina"], PEOPLE["Baraka"]
    await Instalment.filter(contract_id=1).update(reminded_before=datetime.now(UTC))
    instalments = await Instalment.filter(contract_id=1).order_by("-due_on").values_list("id", flat=True)

    async def work(withdraw: Callable[[], Awaitable[object]]) -> None:
        async with mwanga.database.work():
            await withdraw()

    for turn in range(ROUNDS):
        async with mwanga.database.work():
            origins = [f"{withdrawal.reminder(one, 'before')} 1" for one in instalments]  # falling, with rising numbers
            told = [NewMessage(origin, baraka, "pay", MessageKind.REMINDER, "africastalking") for origin in origins]
            others = [
                NewMessage(f"broadcast {turn} {number}", phone, "news", MessageKind.BROADCAST, "africastalking")
                for number, phone in enumerate([amina, baraka] * 50)
            ]
            await enqueue([*told, *others], now_ms())
        await asyncio.gather(
            work(lambda: withdrawal.withdraw_reminders([1])),
            work(lambda: withdrawal.withdraw_reminders([1])),
            work(lambda: withdrawal.withdraw_optional(baraka)),
            work(lambda turn=turn: withdrawal.withdraw_broadcast(turn)),  # type: ignore[misc]
        )
        left = await Outbox.filter(kind__in=["reminder", "broadcast"], state="waiting").count()
        assert left == 0, "nothing goes, whoever was first"
        await Instalment.filter(contract_id=1).update(reminded_before=datetime.now(UTC))


@pytest.mark.parametrize("day", [BEFORE, AFTER])
async def test_after_a_part_of_it_the_rest_is_asked_for(
    mwanga: Server, clock: time_machine.Traveller, day: object
) -> None:
    clock.move_to(day)
    await mwanga.housekeeping.chores()
    for amount in (2_000, 1_000):
        await pay(Phones(mwanga), amount)
        clock.shift(timedelta(hours=1))
        await mwanga.housekeeping.chores()
    how = "is due on" if day is BEFORE else "is overdue since"
    assert await rows() == [
        ("expired", "paid", f"Solar home SHS0283: TZS 7,000 {how} 1/12"),
        ("expired", "paid", f"Solar home SHS0283: TZS 5,000 {how} 1/12"),
        ("waiting", "", f"Solar home SHS0283: TZS 4,000 {how} 1/12"),
    ]


async def test_of_two_that_are_overdue_the_rest_is_asked_for(mwanga: Server, clock: time_machine.Traveller) -> None:
    await Appliance.all().update(remind_before=None)
    clock.move_to(AFTER + timedelta(weeks=1))
    await mwanga.housekeeping.chores()
    await pay(Phones(mwanga), 8_000)
    await mwanga.housekeeping.chores()
    await pay(Phones(mwanga), 6_000)
    await mwanga.housekeeping.chores()
    assert await rows() == [
        ("expired", "paid", "Solar home SHS0283: TZS 14,000 is overdue since 1/12"),
        ("expired", "paid", "Solar home SHS0283: TZS 6,000 is overdue since 8/12"),
    ]


async def test_what_went_before_stays_as_it_is(mwanga: Server, clock: time_machine.Traveller) -> None:
    await mwanga.housekeeping.chores()
    await Outbox.all().update(state="sent")
    await pay(Phones(mwanga), 2_000)
    await mwanga.housekeeping.chores()
    assert await rows() == [("sent", "", "Solar home SHS0283: TZS 7,000 is due on 1/12")]


# A question of which a first copy may have gone, how it ends, and what becomes of its other copy
ENDS = {"1 482915": "answered", "1": "answered", "2": "answered", "BUY EB100042 2000": "answered", "CASH": ""}


@pytest.mark.parametrize("state", ["waiting", "scheduled", "uncertain"])
@pytest.mark.parametrize("text", ENDS)
async def test_another_copy_of_a_question_that_was_answered_does_not_go(mwanga: Server, text: str, state: str) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await Outbox.all().update(state=state, tries=1, due_at=now_ms() + HOUR)
    await phones.text("Asha", text)
    question = await Outbox.filter(phone=PEOPLE["Asha"]).order_by("id").first()
    assert question and question.error == ENDS[text]
    assert question.state == ("expired" if ENDS[text] else state)


async def test_the_first_copy_of_a_question_goes_in_any_case(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for text in ("BUY SHS0283 8000", "BUY SHS0283 8000", "1 482915"):
        await phones.text("Asha", text)
    assert {row.state for row in await Outbox.all()} == {"waiting"}


async def test_a_question_that_is_with_the_gateway_is_not_tried_again_once_it_is_answered(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await Outbox.all().update(state="sending", tries=1, claimed_by="one")
    await phones.text("Asha", "2")
    question = await Outbox.filter(phone=PEOPLE["Asha"]).order_by("id").first()
    assert question and question.state == "sending" and question.expires_at <= now_ms()


def of(outcome: State, error: str) -> list[Result]:
    """What came of the message that was claimed at 1."""
    claimed = Claimed(1, ASHA, "Sell?", MessageKind.REPLY, 1, 0, 0, HOUR, 1, stamp=1)
    return [Result("kannel", claimed, Verdict(outcome, 1, error))]


# Whoever has a message, and how it turns out that it was not taken, or perhaps not
NOT_TAKEN: dict[str, Callable[[BaseDBAsyncClient], Awaitable[object]]] = {
    "nobody knows": lambda db: queue.write_results(db, of(State.UNCERTAIN, "timeout"), 1),
    "not now": lambda db: queue.write_results(db, of(State.SCHEDULED, "throttled"), 1),
    "its server died": lambda db: queue.take_back(db, "another", 1, 1),
    "phone-1 could not": lambda db: queue.write_verdict(db, 1, Verdict(State.SCHEDULED, 1, "throttled")),
    "phone-1 forgot it": lambda db: queue.abandon(db, "phone-1", 1),
    "phone-1 says nothing": lambda db: queue.expire(db, 1),
    "phone-1 gives it back": lambda db: queue.give_back(db, 1),
    "phone-1 was removed": lambda db: queue.release_from_stopped(db, "phone-1", 1),
    "phone-1 is silent": lambda db: queue.move(db, [queue.Move(1, "phone-1", "kannel", "phone-1 ")], 1),
}


@pytest.mark.parametrize("how", NOT_TAKEN)
async def test_a_question_that_was_answered_while_it_was_sent_ends_as_answered(database: Database, how: str) -> None:
    """So the office does not count it as lost, whatever became of this copy."""
    bench, has_it = Bench(database), "phone-1" if how.startswith("phone-1") else "kannel"
    await bench.enqueue("sms 1", gateway=has_it)
    await bench.sql("UPDATE outbox SET state = 'sending', tries = 1, claimed_by = $1, claimed_at = 1", has_it)
    async with database.work() as db:
        await withdrawal.withdraw_questions(["sms 1"])
        await execute(db, "UPDATE outbox SET expires_at = 1")
        await NOT_TAKEN[how](db)
        await queue.expire(db, 1)
    row = await bench.row("sms 1")
    assert (row["state"], row["error"]) == ("expired", "answered")


@pytest.mark.parametrize("answer", ["1", "2", "still dark", "DONE K1 1"])
async def test_what_a_customer_was_asked_about_a_ticket_does_not_go_when_it_is_answered(
    mwanga: Server, answer: str
) -> None:
    phones = Phones(mwanga)
    for text in ("FIX SHS0283 no light", "FIX SHS0283 broken lamp", "DONE K1", "DONE K2"):
        await phones.text("Asha", text)
    await Outbox.all().update(state="uncertain", tries=1, due_at=now_ms() + HOUR)
    if answer in ("1", "2", "still dark"):
        await Ticket.filter(id=2).update(state="open", asked_at=None)
    await phones.text("Baraka", answer)
    asked = Outbox.filter(phone=PEOPLE["Baraka"], origin__contains=" asks ").order_by("id")
    assert [(row.state, row.error) for row in await asked] == [("expired", "answered"), ("uncertain", "")]
