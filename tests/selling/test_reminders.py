"""Reminders: once before and once after, by day, in the customer's language, never after STOP; and the access rate."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.runtime import Housekeeping
from bot.server import Server
from bot.text.gsm import parts
from handlers.customers.phone import change_phone
from handlers.reminders import PaidVisits
from handlers.tickets import desk
from models.devices import Device
from models.devices.keys import open_key, seal_key
from models.messages.tables import Outbox
from models.people import Agent, Customer, OfficeUser
from models.selling import Appliance, Contract, PaymentPlan
from models.selling.contracts import Instalment
from models.selling.payable import PayableDevice
from models.selling.quotes import nearest
from models.sql import connection, execute
from models.tickets import Ticket, TicketEvent
from models.tickets.tickets import find_for_office, reopen
from tests.world.people import PEOPLE, Phones
from tests.world.reminding import AFTER, BEFORE, SOLD
from tests.world.selling import Shop


@pytest.fixture
async def clock() -> AsyncIterator[time_machine.Traveller]:
    with time_machine.travel(SOLD, tick=False) as traveller:
        yield traveller


async def reminded(mwanga: Server) -> list[tuple[str, str]]:
    """Do the chores; all reminders so far, with whom they go to."""
    await mwanga.housekeeping.chores()
    return [(row.phone, row.text) for row in await Outbox.filter(kind="reminder").order_by("id")]


async def test_each_is_said_once_before_and_once_after(mwanga: Server, clock: time_machine.Traveller) -> None:
    assert await reminded(mwanga) == []
    clock.move_to(BEFORE - timedelta(days=1))
    assert await reminded(mwanga) == []
    clock.move_to(BEFORE)
    first = (
        PEOPLE["Baraka"],
        "Solar home SHS0283: TZS 7,000 is due on 1/12. Send BUY 7000 SHS0283, or pay your agent. Help +255700000000",
    )
    assert await reminded(mwanga) == [first]
    clock.shift(timedelta(days=2))
    assert await reminded(mwanga) == [first], "on the day itself nothing more is said"
    clock.move_to(AFTER)
    second = (
        PEOPLE["Baraka"],
        "Solar home SHS0283: TZS 7,000 is overdue since 1/12. Send BUY 7000 SHS0283, or pay your agent. "
        "Help +255700000000",
    )
    assert await reminded(mwanga) == [first, second]
    clock.shift(timedelta(days=1))
    assert await reminded(mwanga) == [first, second]


async def test_where_no_phone_is_asked_to_pay_the_agent_takes_it(mwanga: Server, clock: time_machine.Traveller) -> None:
    object.__setattr__(mwanga.company, "mobile_money", ())
    told = []
    for when in (BEFORE, AFTER):
        clock.move_to(when)
        told = [text for _phone, text in await reminded(mwanga)]
    assert told == [
        "Solar home SHS0283: TZS 7,000 is due on 1/12. Pay your agent in cash and say SHS0283. Help +255700000000",
        "Solar home SHS0283: TZS 7,000 is overdue since 1/12. Pay your agent in cash and say SHS0283. "
        "Help +255700000000",
    ]


async def test_what_a_reminder_says_to_send_pays_it(mwanga: Server, clock: time_machine.Traveller) -> None:
    """Of a long serial it says the end alone."""
    device = await Device.get(serial="SHS0283")
    key = seal_key("SHS00000283", open_key(device, mwanga.company.vault), mwanga.company.vault)
    await Device.filter(id=device.id).update(serial="SHS00000283", sealed_key=key)
    clock.move_to(BEFORE)
    [(_phone, text)] = await reminded(mwanga)
    sent = text.partition("Send ")[2].partition(",")[0]
    assert sent == "BUY 7000 0283"
    answered = dict(await Phones(mwanga).text("Baraka", sent))
    assert answered["Baraka"].startswith("7 days for TZS 7,000, SHS00000283. Sent to your phone")


@pytest.mark.parametrize(
    ("paid", "command"),
    [
        ("PAY S1002 3000", "BUY 2500 S1002"),  # 1,000 are left of the first one; 3,000 are the least, with the credit
        ("PAY S1002 10500", "BUY 1000 S1002"),  # 1,500 are left in all
    ],
)
async def test_so_does_it_where_what_is_due_cannot_be_paid_alone(
    mwanga: Server, clock: time_machine.Traveller, paid: str, command: str
) -> None:
    """500 are there as credit."""
    phones = Phones(mwanga)
    await PaymentPlan.all().update(minimum=3_000_00)
    await Shop(mwanga).sells("Radio", "Baraka", plan="3 monthly")
    for text in (paid, "BUY SHS0283 7500"):
        await phones.text("Asha", text)
        await phones.text("Asha", "1 482915")
    await Appliance.filter(name="Radio").update(remind_before=100)
    await Appliance.exclude(name="Radio").update(remind_before=None, remind_after=None)
    _phone, text = (await reminded(mwanga))[0]
    assert f"is due on {'24/12' if '3000' in paid else '24/2'}. Send {command}, or pay your agent" in text
    assert "Sent to your phone" in dict(await phones.text("Baraka", command))["Baraka"]


async def test_what_is_overdue_may_be_more_than_one_code_carries(mwanga: Server, clock: time_machine.Traveller) -> None:
    """Ten days, where each count of the device is a quarter of an hour."""
    device = await Device.get(serial="SHS0283")
    key = open_key(device, mwanga.company.vault) | {"divider": 96}
    await Device.filter(id=device.id).update(sealed_key=seal_key("SHS0283", key, mwanga.company.vault))
    clock.move_to(AFTER + timedelta(weeks=2))
    _phone, text = (await reminded(mwanga))[0]
    assert "TZS 21,000 is overdue" in text and "Send BUY 10000 SHS0283," in text
    assert "Sent to your phone" in dict(await Phones(mwanga).text("Baraka", "BUY 10000 SHS0283"))["Baraka"]


async def test_a_credit_counts_where_what_is_no_whole_day_is_refused(mwanga: Server) -> None:
    device = await Device.get(serial="SHS0283").prefetch_related("customer", "tariff")
    company = mwanga.company
    at = await PayableDevice(device).standing(company.today(), company.coin, company.vault, whole_only=True)
    assert nearest(replace(at, credit=500_00), 7_000_00) == 6_500_00
    assert nearest(at, 7_000_00) == 7_000_00


async def test_a_second_one_that_is_overdue_opens_no_second_ticket(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """It is the same visit, until the oldest one is paid."""
    await Appliance.all().update(overdue_ticket=True)
    for week in (0, 1):
        clock.move_to(AFTER + timedelta(weeks=week))
        await reminded(mwanga)
    assert await Ticket.all().count() == 1
    await Phones(mwanga).text("Asha", "BUY SHS0283 14000")
    await Phones(mwanga).text("Asha", "1 482915")
    clock.move_to(AFTER + timedelta(weeks=2))
    await reminded(mwanga)
    assert await Ticket.all().count() == 2


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("hour", [0, 4, 16, 20, 23])
async def test_nobody_is_reminded_at_night(mwanga: Server, clock: time_machine.Traveller, hour: int) -> None:
    """Hours in UTC; it is three hours later in Mtwara."""
    clock.move_to(BEFORE.replace(hour=hour))
    assert await reminded(mwanga) == []
    clock.move_to(BEFORE.replace(hour=8) + timedelta(days=1))
    assert len(await reminded(mwanga)) == 1


async def test_a_reminder_that_waits_goes_to_the_new_phone_and_not_to_the_old_one(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    clock.move_to(BEFORE)
    [(phone, text)] = await reminded(mwanga)
    async with mwanga.database.work():
        baraka = await Customer.get(phone=phone)
        await change_phone(baraka, PEOPLE["Rehema"], company=mwanga.company, composer=mwanga.composer, actor="grace")
    assert await reminded(mwanga) == [(phone, text), (PEOPLE["Rehema"], text)]
    states = [row.state for row in await Outbox.filter(kind="reminder").order_by("id")]
    assert states == ["expired", "waiting"]


async def test_what_is_paid_is_not_asked_for(mwanga: Server, clock: time_machine.Traveller) -> None:
    await Phones(mwanga).text("Asha", "BUY SHS0283 7000")
    await Phones(mwanga).text("Asha", "1 482915")
    clock.move_to(BEFORE)
    assert await reminded(mwanga) == []


async def test_a_part_of_it_paid_leaves_the_rest_to_ask_for(mwanga: Server, clock: time_machine.Traveller) -> None:
    await Phones(mwanga).text("Asha", "BUY SHS0283 3000")
    await Phones(mwanga).text("Asha", "1 482915")
    clock.move_to(BEFORE)
    ((_phone, text),) = await reminded(mwanga)
    assert "TZS 4,000 is due on 1/12" in text


async def test_after_stop_receipts_come_and_reminders_do_not(mwanga: Server, clock: time_machine.Traveller) -> None:
    phones = Phones(mwanga)
    await phones.text("Baraka", "STOP")
    clock.move_to(BEFORE)
    assert await reminded(mwanga) == []
    await phones.text("Asha", "BUY SHS0283 1000")
    read = await phones.text("Asha", "1 482915")
    assert any(name == "Baraka" and "Code" in text for name, text in read)


async def test_several_overdue_ones_make_one_message(mwanga: Server, clock: time_machine.Traveller) -> None:
    clock.move_to(AFTER + timedelta(weeks=2))
    after = [text for _phone, text in await reminded(mwanga) if "overdue" in text]
    assert len(after) == 1
    assert "TZS 21,000 is overdue since 1/12" in after[0]


async def test_two_that_fall_due_soon_are_named_one_by_one(mwanga: Server, clock: time_machine.Traveller) -> None:
    await Appliance.all().update(remind_before=10)
    clock.move_to(BEFORE)
    texts = [text for _phone, text in await reminded(mwanga)]
    assert len(texts) == 2
    assert "TZS 7,000 is due on 1/12" in texts[0]
    assert "TZS 7,000 is due on 8/12" in texts[1]


async def test_who_is_two_behind_is_told_the_sum(mwanga: Server, clock: time_machine.Traveller) -> None:
    """After each instalment that falls overdue once: all that is overdue by then, of what is left of it."""
    clock.move_to(AFTER)
    await reminded(mwanga)
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 3000")
    await phones.text("Asha", "1 482915")
    clock.shift(timedelta(weeks=1))
    texts = [text for _phone, text in await reminded(mwanga)]
    assert ["overdue" in text for text in texts] == [True, True], "the one before was not due at any of these times"
    assert "TZS 11,000 is overdue since 1/12" in texts[1]
    clock.shift(timedelta(hours=4))
    assert len(await reminded(mwanga)) == 2


async def test_a_server_that_was_down_for_days_asks_once_for_what_is_overdue(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    clock.move_to(BEFORE - timedelta(days=1))
    await reminded(mwanga)
    clock.shift(timedelta(days=5))
    (only,) = [text for _phone, text in await reminded(mwanga)]
    assert "TZS 7,000 is overdue since 1/12" in only


@pytest.mark.parametrize("most", [1, 2])
async def test_small_portions_ask_as_large_ones(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Instalments of one contract that are overdue together make one message, wherever a portion ends."""
    monkeypatch.setattr("bot.runtime.housekeeping.FEW", most)
    clock.move_to(AFTER + timedelta(weeks=2))
    after = [text for _phone, text in await reminded(mwanga) if "overdue" in text]
    assert len(after) == 1


async def test_an_item_without_reminders_has_none(mwanga: Server, clock: time_machine.Traveller) -> None:
    await Appliance.all().update(remind_before=None, remind_after=None)
    clock.move_to(AFTER)
    assert await reminded(mwanga) == []


async def test_an_overdue_instalment_opens_one_ticket_where_the_office_wants_it(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    await Appliance.all().update(overdue_ticket=True)
    clock.move_to(AFTER)
    await reminded(mwanga)
    await reminded(mwanga)
    (ticket,) = await Ticket.all()
    assert ticket.category == "payment"
    assert "Solar home: TZS 7,000" in ticket.text
    assert ticket.due_at == datetime(2026, 12, 5, 20, 59, tzinfo=UTC)
    assert await Outbox.filter(text__contains=f"Ticket K{ticket.id} is yours").count() == 1


async def test_nobody_is_sent_to_who_has_paid(mwanga: Server, clock: time_machine.Traveller) -> None:
    """The visit is over once nothing is overdue any more, however it came about; and not before."""
    await Appliance.all().update(overdue_ticket=True)
    clock.move_to(AFTER + timedelta(weeks=1))
    await reminded(mwanga)
    phones = Phones(mwanga)
    for amount, state in ((7000, "open"), (7000, "closed")):
        await phones.text("Asha", f"BUY SHS0283 {amount} AGAIN")
        await phones.text("Asha", "1 482915")
        await phones.news()
        await mwanga.housekeeping.chores()
        assert (await Ticket.get(id=1)).state == state
    assert ("Asha", "K1 is closed.") in await phones.news()
    assert {*await TicketEvent.filter(step="closed").values_list("actor", flat=True)} == {"paid"}
    assert not await Ticket.exclude(state="closed"), "nor for what was reminded of between"


async def test_a_visit_for_what_is_paid_is_over_whatever_else_is_overdue(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """It names the plan and the amount that the agent would ask for once more."""
    await Appliance.all().update(overdue_ticket=True, remind_after=1)
    shop = Shop(mwanga)
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    await shop.overdue(radio)
    clock.move_to(AFTER)
    await reminded(mwanga)
    assert sorted(ticket.text[:5] for ticket in await Ticket.filter(state="open")) == ["S1001", "S1002"]
    await shop.takes(await shop.quoted(radio, 12_000), "Asha", "all")
    await mwanga.housekeeping.chores()
    assert [ticket.text[:5] for ticket in await Ticket.filter(state="open")] == ["S1001"]


@pytest.mark.parametrize("phone", [None, PEOPLE["Asha"]])
async def test_an_agent_reads_of_the_end_of_a_visit_whatever_phone_the_customer_has(
    mwanga: Server, clock: time_machine.Traveller, phone: str | None
) -> None:
    """Nobody had to be asked: that there is no phone is no reason. An agent may be the customer."""
    await Appliance.all().update(overdue_ticket=True)
    clock.move_to(AFTER)
    await reminded(mwanga)
    await Ticket.all().update(agent_id=(await Agent.get(phone=PEOPLE["Asha"])).id)
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=phone)
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 7000")
    await phones.text("Asha", "1 482915")
    await phones.news()
    await mwanga.housekeeping.chores()
    assert [each for each in await phones.news() if "is closed" in each[1]] == [("Asha", "K1 is closed.")]


async def test_the_visits_are_gone_through_a_few_at_a_time(mwanga: Server, clock: time_machine.Traveller) -> None:
    """One that has to be made hides none behind it."""
    await Appliance.all().update(overdue_ticket=True)
    clock.move_to(AFTER)
    await reminded(mwanga)
    amina = await Customer.get(name="Amina")
    later = datetime.now(UTC) + timedelta(days=30)
    given = {"customer": amina, "category": "payment", "text": "", "opened_at": later, "due_at": later}
    await Ticket.create(key="visit to Amina", **given)
    visits = PaidVisits(mwanga.company, mwanga.composer.tell)
    for looked, open_ in ((1, [1, 2]), (1, [1]), (0, [1]), (1, [1])):
        async with mwanga.database.work():
            assert await visits(1) == looked
        assert await Ticket.filter(state="open").order_by("id").values_list("id", flat=True) == open_


async def test_no_customer_is_asked_whether_what_is_overdue_is_fixed(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """The ticket was for the agent, to go and see the customer, who does not hear of its end either."""
    await Appliance.all().update(overdue_ticket=True)
    clock.move_to(AFTER)
    await reminded(mwanga)
    phones = Phones(mwanga)
    await phones.news()
    assert await phones.text("Asha", "DONE K1") == [("Asha", "K1 is closed.")]
    user = await OfficeUser.get(name="admin")
    await reopen(await find_for_office(1), user, "not paid")
    told = await desk.close(await find_for_office(1), mwanga.company, user, "paid at the bank")
    assert [copy.phone for copy in told] == [PEOPLE["Asha"]]


async def test_a_crash_between_marking_and_enqueueing_reminds_later(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are one unit of work."""
    clock.move_to(BEFORE)
    with monkeypatch.context() as broken:
        broken.setattr("bot.outbound.compose.enqueue", None)
        with pytest.raises(TypeError):
            await mwanga.housekeeping.chores()
    assert len(await reminded(mwanga)) == 1


@pytest.mark.parametrize("language", ["en", "sw", "fr", "pt", "ha"])
@pytest.mark.everyday_on_sqlite
async def test_a_reminder_fits_one_part_at_the_longest_values(
    language: str, mwanga: Server, clock: time_machine.Traveller
) -> None:
    await Customer.all().update(language=language)
    await Appliance.filter(name="Solar home").update(name="Refrigerator 120 litres")
    await execute(
        connection(),
        "UPDATE instalment SET amount = 9999999900, due_on = $1 WHERE number = 1",
        [date(2026, 12, 28)],
    )
    for when in (datetime(2026, 12, 27, 9, tzinfo=UTC), datetime(2026, 12, 30, 9, tzinfo=UTC)):
        clock.move_to(when)
        texts = [text for _phone, text in await reminded(mwanga)]
    assert len(texts) >= 2
    assert all(parts(text) == 1 for text in texts), texts


async def test_chores_end_when_nothing_is_due(mwanga: Server, clock: time_machine.Traveller) -> None:
    assert isinstance(mwanga.housekeeping, Housekeeping)
    assert await mwanga.housekeeping.chores() == 0
    assert await Contract.all().count() == 1


# Whoever does the day's work, how often and at once: each reminder is said once, by the operator's own day.

# Another process that does its chores once, at this moment.
CHORES = """
import asyncio, sys, time_machine
from bot.app import assembled
from bot.config import load

async def main():
    async with assembled(load(database=sys.argv[1]), serving=False) as mwanga:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await mwanga.housekeeping.chores()

with time_machine.travel(float(sys.argv[2])):
    asyncio.run(main())
"""
CONTRACTS = 40


async def texts() -> list[str]:
    return [row.text for row in await Outbox.filter(kind="reminder").order_by("id")]


async def sell_many() -> None:
    """The first contract again and again: each has two instalments that are overdue."""
    first = await Contract.get(id=1)
    terms = {name: getattr(first, name) for name in ("terms", "price", "down", "period", "day_price", "minimum")}
    who = {"appliance_id": first.appliance_id, "customer_id": first.customer_id, "agent_id": first.agent_id}
    for number in range(CONTRACTS):
        contract = await Contract.create(
            **terms,
            **who,
            key=f"many {number}",
            commission=0,
            sold_on=first.sold_on,
            created_at=first.created_at,
        )
        for week in (1, 2):
            due = first.sold_on + timedelta(weeks=week)
            await Instalment.create(
                contract=contract, appliance_id=first.appliance_id, number=week, due_on=due, amount=100
            )


async def test_the_work_is_done_twice_at_once(mwanga: Server) -> None:
    with time_machine.travel(BEFORE, tick=False):
        await asyncio.gather(*(mwanga.housekeeping.chores() for _several in range(3)))
        await mwanga.housekeeping.chores()
        assert len(await texts()) == 1


@pytest.mark.parametrize("engine", ["postgres"])  # SQLite's file is served by one process
async def test_two_processes_remind_once(mwanga: Server, demo_url: str) -> None:
    await sell_many()
    when = AFTER + timedelta(weeks=1)
    others = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CHORES, demo_url, str(when.timestamp())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _each in range(2)
    ]
    for other in others:
        assert other.stdout and await other.stdout.readline() == b"ready\n"
    await asyncio.gather(*(other.communicate(b"go\n") for other in others))
    said = Counter(text for text in await texts() if "is overdue since" in text)
    assert len(said) == CONTRACTS + 1
    assert set(said.values()) == {1}


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Africa/Dar_es_Salaam", 8), ("Pacific/Kiritimati", 8), ("Pacific/Kiritimati", 18), ("Pacific/Honolulu", 18)],
)
async def test_the_day_is_the_operators_own(zone: str, hour: int, demo_url: str) -> None:
    """Also where UTC has another date by then; what is due on 1 December is spoken of from 29 November."""
    here = datetime(2026, 11, 28, hour, tzinfo=ZoneInfo(zone))
    async with assembled(load(database=demo_url, timezone=zone), serving=False) as mwanga:
        with time_machine.travel(here, tick=False) as clock:
            await mwanga.housekeeping.chores()
            assert await texts() == []
            clock.move_to(here + timedelta(days=1))
            await mwanga.housekeeping.chores()
            (only,) = await texts()
            assert "is due on 1/12" in only


async def test_around_midnight_nothing_is_said_and_nothing_is_left_out(mwanga: Server) -> None:
    midnight = datetime(2026, 11, 28, 21, tzinfo=UTC)  # in Mtwara the 29th begins
    with time_machine.travel(midnight, tick=False) as clock:
        for minutes in (-1, 0, 1, 60):
            clock.move_to(midnight + timedelta(minutes=minutes))
            await mwanga.housekeeping.chores()
            assert await texts() == []
        for hours in range(2, 30):
            clock.move_to(midnight + timedelta(hours=hours))
            await mwanga.housekeeping.chores()
        assert len(await texts()) == 1
