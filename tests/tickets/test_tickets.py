"""Tickets: who may see them, who hears of them, how their question is answered, what silence means, what
is kept."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import time_machine
from tortoise.exceptions import OperationalError

from bot.config import LANGUAGES
from bot.server import Server
from bot.text import SCREEN, septets
from bot.text.answers import begins
from handlers.customers.phone import change_phone
from handlers.tickets.news import REPORTED, News, category_of
from models.people import Agent, Customer, MiniGrid, OfficeUser
from models.sql import connection, execute
from models.tickets import Category, Ticket, TicketEvent, TicketState, tickets
from models.tickets.tickets import Step
from tests.world.people import PEOPLE, Phones

pytestmark = pytest.mark.everyday_on_sqlite

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
async def clock() -> AsyncIterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
async def phones(mwanga: Server, clock: time_machine.Traveller) -> Phones:
    """Ticket K1 of Baraka is open, with Asha."""
    phones = Phones(mwanga)
    await phones.text("Asha", "FIX SHS0283 no power")
    return phones


async def state(number: int = 1) -> str:
    return str((await Ticket.get(id=number)).state)


async def said(phones: Phones, name: str, text: str) -> str:
    """What this person reads after sending this."""
    return next(answer for reader, answer in await phones.text(name, text) if reader == name)


async def test_a_text_that_came_before_the_question_is_no_answer_to_it(mwanga: Server) -> None:
    """What Baraka wrote waits behind the text by which he is asked: he has not read that yet."""
    phones = Phones(mwanga)
    await phones.text("Asha", "FIX SHS0283 no power")
    await phones.text_together(("Asha", "DONE K1"), ("Baraka", "1"))
    assert await state() == TicketState.ASKED
    await phones.text("Baraka", "1")
    assert await state() == TicketState.CLOSED


# Silence


async def test_three_days_of_silence_close_it_and_both_sides_are_told_once(
    phones: Phones, clock: time_machine.Traveller
) -> None:
    await phones.text("Asha", "DONE K1")
    housekeeping = phones.mwanga.housekeeping
    clock.shift(timedelta(days=3) - timedelta(minutes=1))
    assert await housekeeping.chores() == 0
    clock.shift(timedelta(minutes=1))
    assert await housekeeping.chores() == 1
    assert dict(await phones.news()) == {
        "Baraka": "K1 is closed. Not fixed after all? Send T K1 and what is wrong.",
        "Asha": "K1 is closed: BARAKA P. did not answer.",
    }
    assert await housekeeping.chores() == 0
    assert await phones.news() == []
    assert "open again" in await said(phones, "Baraka", "T K1 I was away. It is dark.")


@pytest.mark.parametrize("text", ["call me please", "ok", "T K1 you came too late", "\N{THUMBS UP SIGN}"])
async def test_silence_after_a_text_is_no_yes(phones: Phones, clock: time_machine.Traveller, text: str) -> None:
    await phones.text("Asha", "DONE K1")
    clock.shift(timedelta(hours=1))
    assert "s it fixed? Reply 1 for yes, 2 for no." in await said(phones, "Baraka", text)
    housekeeping = phones.mwanga.housekeeping
    await phones.news()
    clock.shift(timedelta(days=3))
    assert await housekeeping.chores() == 1
    told = dict(await phones.news())
    assert told["Baraka"] == "K1 is open again. Agent Asha Mushi +255700000001 will call."
    assert told["Asha"].startswith("K1 is open again: BARAKA P. +255710000002 did not say that it is fixed: ")
    assert await housekeeping.chores() == 0
    await phones.text("Asha", "DONE K1")  # and what was written before the next question is over
    clock.shift(timedelta(days=3))
    await housekeeping.chores()
    assert dict(await phones.news())["Asha"] == "K1 is closed: BARAKA P. did not answer."


@pytest.mark.parametrize("texts", [("ok", "thanks"), ("I am driving, I call back", "I am not here on {n} days")])
async def test_a_machine_that_answers_the_question_hears_no_more(phones: Phones, texts: tuple[str, ...]) -> None:
    await phones.text("Asha", "DONE K1")
    answered = [await phones.text("Baraka", text.format(n=n)) for n in range(6) for text in texts]
    assert [bool(each) for each in answered[:2]] == [True, True]
    assert not any(answered[6:])


async def test_what_is_read_of_such_a_text_is_one_sms(phones: Phones) -> None:
    ticket = await tickets.find_for_office(1)
    ticket.id, ticket.customer.phone = 9_999_999, "+255710000002123"
    ticket.customer.name = ticket.customer.surname = "W" * 60
    said = News(ticket, phones.mwanga.company).wrote("W" * 250)
    assert max(septets(said.to(language)) for language in LANGUAGES) <= SCREEN


async def test_a_line_of_a_list_is_the_ticket_that_was_shown_there(phones: Phones) -> None:
    """The newest comes first, so that a new one moves the others down."""
    assert "1. K1 " in await said(phones, "Baraka", "STATUS")
    await phones.text("Asha", "FIX SHS0283 broken lamp")
    assert (await said(phones, "Baraka", "1")).startswith("K1 is open")


async def test_silence_wakes_nobody(phones: Phones, clock: time_machine.Traveller) -> None:
    await phones.text("Asha", "DONE K1")
    clock.shift(timedelta(days=3, hours=12))  # it is midnight in Mtwara
    assert await phones.mwanga.housekeeping.chores() == 0
    clock.shift(timedelta(hours=9))
    assert await phones.mwanga.housekeeping.chores() == 1


async def test_a_customer_without_a_phone_is_not_waited_for(phones: Phones) -> None:
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=None)
    [(name, answer)] = await phones.text("Asha", "DONE K1")
    assert (name, answer) == ("Asha", "K1 is closed. BARAKA P. has no phone to ask.")


async def test_another_phone_is_asked_as_well_and_answers(phones: Phones, clock: time_machine.Traveller) -> None:
    mwanga, asked = phones.mwanga, "Ticket K1, SHS0283: no power: is it fixed? Reply 1 for yes, 2 for no."
    await phones.text("Asha", "DONE K1")
    clock.shift(timedelta(days=1))
    async with mwanga.database.work():
        baraka = await Customer.get(phone=PEOPLE["Baraka"])
        await change_phone(baraka, PEOPLE["Rehema"], company=mwanga.company, composer=mwanga.composer, actor="grace")
    told = await phones.news()
    assert [reader for reader, _text in told] == ["Baraka", "Rehema", "Rehema"]
    assert told[-1][1] == f"{asked} Without an answer it closes on 27/11."
    [first, _second] = await execute(connection(), "SELECT phone, state FROM outbox WHERE text LIKE $1", [f"{asked}%"])
    assert (first["phone"], first["state"]) == (PEOPLE["Baraka"], "expired"), "it goes to nobody else's phone"
    assert "K1 is closed" in await said(phones, "Rehema", "1")


async def test_an_agents_phone_is_not_asked_for_it_cannot_answer(phones: Phones) -> None:
    mwanga = phones.mwanga
    await phones.text("Asha", "DONE K1")
    await phones.news()
    async with mwanga.database.work():
        baraka = await Customer.get(phone=PEOPLE["Baraka"])
        await change_phone(baraka, PEOPLE["Juma"], company=mwanga.company, composer=mwanga.composer, actor="grace")
    assert not [text for _reader, text in await phones.news() if "is it fixed?" in text]


# Who sees, who hears


@pytest.mark.parametrize("command", ["STATUS K1", "T K1 let me in", "DONE K1", "DONE K1 1", "STATUS 1", "T 1 hm hm"])
async def test_a_ticket_out_of_reach_sounds_like_one_that_does_not_exist(phones: Phones, command: str) -> None:
    before = await execute(connection(), "SELECT * FROM ticket_event ORDER BY id")
    for name in ("Neema", "Zuhura"):
        [(_name, answer)] = await phones.text(name, command)
        [(_name, other)] = await phones.text(name, command.replace("1", "9", 1))
        assert answer == other.replace("9", "1", 1)
        assert "BARAKA" not in answer and "SHS0283" not in answer
    assert await execute(connection(), "SELECT * FROM ticket_event ORDER BY id") == before


async def test_every_step_is_told_to_both_sides(phones: Phones) -> None:
    """Juma, a colleague of the same mini-grid, does it; Asha reported it."""
    for name, text, readers in [
        ("Baraka", "T K1 please hurry", {"Baraka", "Asha"}),
        ("Juma", "T K1 I am near", {"Juma", "Asha", "Baraka"}),
        ("Juma", "DONE K1", {"Juma", "Asha", "Baraka"}),
        ("Baraka", "2", {"Baraka", "Asha"}),
        ("Asha", "DONE K1", {"Asha", "Baraka"}),
        ("Baraka", "1", {"Baraka", "Asha"}),
    ]:
        assert {reader for reader, _text in await phones.text(name, text)} == readers, text


async def test_who_reports_what_is_a_colleagues_work_reads_whose_it_is(phones: Phones) -> None:
    """It is one ticket as long as it is open: nobody else is told that it is theirs."""
    await phones.text("Juma", "LUGHA English")
    assert await phones.text("Juma", "FIX SHS0283 no power") == [
        ("Juma", "K1 is open, due 27/11. BARAKA P., SHS0283: no power. Agent Asha Mushi +255700000001 will call.")
    ]
    assert "It is yours" in await said(phones, "Asha", "FIX SHS0283 no power")
    await phones.text("Baraka", "T K1 the fuse smells")
    assert (await said(phones, "Juma", "FIX SHS0283 no power")).endswith('will call. "the fuse smells"')


async def test_an_agent_who_is_the_customer_reads_what_is_said_to_both_once(phones: Phones) -> None:
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=PEOPLE["Asha"])
    told = await phones.text("Juma", "T K1 I come at four")
    assert [reader for reader, _text in told] == ["Juma", "Asha"]


async def test_what_is_due_today_is_late_tomorrow(phones: Phones) -> None:
    await phones.choose("Asha", "Report a problem")
    for answer in ("SHS0283", "2", "1", "1"):
        screen = await phones.enter("Asha", answer)
    assert "due 24/11" in screen
    assert (await Ticket.get(id=2)).due_at == datetime(2026, 11, 24, 20, 59, tzinfo=UTC)  # 23:59 in Dar es Salaam


async def test_words_sent_twice_are_added_once(phones: Phones) -> None:
    assert len(await phones.text("Baraka", "T K1 please hurry")) == 2
    assert len(await phones.text("Baraka", "T K1 please hurry")) == 1
    assert await TicketEvent.filter(step=Step.COMMENTED).count() == 1


async def test_the_office_gives_the_work_to_an_agent_or_keeps_it(phones: Phones) -> None:
    juma, clerk = await Agent.get(phone=PEOPLE["Juma"]), await OfficeUser.first()
    ticket = await tickets.assign(
        await tickets.find_for_office(1), "admin", agent=juma, due_at=NOON + timedelta(days=9)
    )
    told = News(ticket, phones.mwanga.company).handed_over(actor="admin")
    assert [(copy.phone, copy.text.to("en")) for copy in told] == [
        (PEOPLE["Baraka"], "Ticket K1: Agent Juma Said +255700000002 will call."),
        (
            PEOPLE["Juma"],
            "Ticket K1 is yours, due 3/12. BARAKA P. +255710000002, SHS0283: no power. Fixed? Send DONE K1",
        ),
        (PEOPLE["Asha"], "Ticket K1: Agent Juma Said +255700000002 will call."),
    ]
    ticket = await tickets.assign(ticket, "admin", staff=clerk)
    told = News(ticket, phones.mwanga.company).handed_over(actor="admin", former=juma)
    assert [copy.phone for copy in told] == [PEOPLE["Baraka"], PEOPLE["Juma"], PEOPLE["Asha"]]
    assert {copy.text.to("en") for copy in told} == {"Ticket K1: The office will call."}
    assert ticket.due_at == NOON + timedelta(days=9)
    steps = TicketEvent.filter(step=Step.ASSIGNED).order_by("id").values_list("actor", "text")
    assert await steps == [("admin", PEOPLE["Juma"]), ("admin", "admin")]


async def test_a_customers_problem_goes_to_who_sold_last_or_has_least_to_do(phones: Phones) -> None:
    baraka = await Customer.get(phone=PEOPLE["Baraka"])

    async def agent_of(text: str) -> str | None:
        answered = await phones.text("Baraka", f"FIX {text}")
        return next((reader for reader, _text in answered if reader != "Baraka"), None)

    assert await agent_of("one") == "Juma"  # Asha has K1
    assert await agent_of("two") == "Asha"
    await phones.text("Juma", "NUNUA SHS0283 1000")
    await phones.text("Juma", "1 739164")
    assert [await agent_of(text) for text in ("three", "four", "five")] == ["Juma"] * 3
    await Agent.filter(phone=PEOPLE["Juma"]).update(locked_at=NOON)
    assert await agent_of("six") == "Asha"
    await Agent.filter(mini_grid_id=baraka.mini_grid_id).update(mini_grid_id=(await MiniGrid.create(name="Far")).id)
    assert await agent_of("seven") is None


# Is it fixed? How a question that somebody else asked is answered, and taken back.


async def test_a_bare_yes_belongs_to_what_was_asked_last(phones: Phones, clock: time_machine.Traveller) -> None:
    assert "1. Last tokens" in await said(phones, "Baraka", "MENU")
    clock.shift(60)
    await phones.text("Asha", "DONE K1")
    clock.shift(60)
    assert "K1 is closed" in await said(phones, "Baraka", "1")


async def test_a_question_of_ones_own_that_came_later_is_answered_first(
    phones: Phones, clock: time_machine.Traveller
) -> None:
    await phones.text("Asha", "DONE K1")
    clock.shift(60)
    await phones.text("Baraka", "MENU")
    assert "No token yet" in await said(phones, "Baraka", "1")
    assert await state() == TicketState.ASKED
    assert "K1 is closed" in await said(phones, "Baraka", "1")


async def test_whatever_is_sent_meanwhile_leaves_the_question_open(
    phones: Phones, clock: time_machine.Traveller
) -> None:
    await phones.text("Asha", "DONE K1")
    for text in ("BAL", "hello", "TOKEN", "SIM card lost", "12", "FIX the cable too", "STATUS K1"):
        clock.shift(60)
        await phones.text("Baraka", text)
        assert await state() == TicketState.ASKED, text
    clock.shift(timedelta(days=2))
    assert "K1 is open again" in await said(phones, "Baraka", "NO still dark")
    assert await state() == TicketState.OPEN


async def test_the_answer_is_given_once_and_said_again(phones: Phones) -> None:
    await phones.text("Asha", "DONE K1")
    first = await phones.text("Baraka", "1")
    assert {reader for reader, _text in first} == {"Baraka", "Asha"}
    assert await phones.text("Baraka", "1") == [first[0]]
    assert await TicketEvent.filter(step=Step.CLOSED).count() == 1


async def test_a_second_thought_opens_it_again_once(phones: Phones, clock: time_machine.Traveller) -> None:
    for number in (1, 2):
        await phones.text("Asha", f"FIX SHS0283 fault number {number}")
        await phones.text("Asha", f"DONE K{number}")
        await phones.text("Baraka", "1")
        clock.shift(60)
    assert "K2 is open again" in await said(phones, "Baraka", "2")
    assert "Nothing was done" in await said(phones, "Baraka", "2")
    assert [await state(number) for number in (1, 2)] == [TicketState.CLOSED, TicketState.OPEN]


async def test_a_second_thought_is_about_ones_own_answer(phones: Phones, clock: time_machine.Traveller) -> None:
    """Neither silence nor the office asked; a no in words may be meant for anything."""
    await phones.text("Asha", "DONE K1")
    await phones.text("Baraka", "1")
    clock.shift(timedelta(hours=1))
    assert "K1" not in await said(phones, "Baraka", "no thanks")
    await phones.text("Baraka", "T K1 dark")
    await phones.text("Asha", "DONE K1")
    clock.shift(tickets.SILENCE)
    await phones.mwanga.housekeeping.chores()
    await phones.news()
    await phones.text("Baraka", "2")
    assert await state() == TicketState.CLOSED


async def test_words_beside_a_no_are_kept_though_it_is_open(phones: Phones) -> None:
    read = dict(await phones.text("Baraka", "DONE K1 2 and it smells"))
    assert '"and it smells"' in read["Baraka"] and "and it smells" in read["Asha"]
    assert await TicketEvent.filter(step=Step.COMMENTED, text="and it smells").count() == 1


async def test_two_questions_are_answered_the_newest_first(phones: Phones, clock: time_machine.Traveller) -> None:
    await phones.text("Asha", "FIX SHS0283 broken lamp")
    for number in (1, 2):
        clock.shift(60)
        await phones.text("Asha", f"DONE K{number}")
    clock.shift(60)
    first = await said(phones, "Baraka", "1")
    assert "K2 is closed. And K1, SHS0283: no power: is it fixed?" in first
    clock.shift(5)
    assert await said(phones, "Baraka", "1") == first, "sent twice: nobody reads so fast"
    clock.shift(30)
    assert "K1 is closed. Not fixed" in await said(phones, "Baraka", "1")


async def test_nobody_else_answers_for_the_customer(phones: Phones) -> None:
    await phones.text("Asha", "DONE K1")
    for name in ("Neema", "Asha", "Zuhura", "Stranger"):
        await phones.text(name, "1")
        assert await state() == TicketState.ASKED, name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *[("1", True), ("Yes", True), ("ndiyo kabisa", True), ("SIM", True), ("1 thanks", True)],
        *[("2", False), ("2, still dark", False), ("NO power", False), ("a'a", False), ("A A", False)],
        *[("SIM card", None), ("12", None), ("maybe", None), ("", None), ("21", None)],
    ],
)
def test_a_text_begins_with_a_yes_a_no_or_neither(text: str, meant: bool | None) -> None:
    assert begins(text) is meant


# What is kept


async def test_what_may_be_a_pin_is_not_kept(phones: Phones) -> None:
    await phones.text("Asha", "FIX SHS0283 no power, my PIN is 482915")
    await phones.text("Baraka", "T K1 482915 they said")
    await phones.text("Baraka", "T K1 he says LOCK 0700000002 4829-15")
    for table in ("ticket", "ticket_event", "outbox", "contact"):
        column = "talk" if table == "contact" else "text"
        assert not await execute(connection(), f"SELECT 1 FROM {table} WHERE {column} LIKE '%4829%15%'")


async def test_history_only_grows(phones: Phones) -> None:
    for statement in ("UPDATE ticket_event SET text = 'x'", "DELETE FROM ticket_event"):
        with pytest.raises((OperationalError, asyncpg.RaiseError), match="append only"):
            await execute(phones.mwanga.database.client, statement)


async def test_the_same_talk_opens_one_ticket(phones: Phones) -> None:
    customer = await Customer.get(phone=PEOPLE["Neema"])
    opened = [
        await tickets.open_ticket(customer, None, Category.OTHER, text, actor="x", key="sms 77")
        for text in ("the first words", "other words")
    ]
    assert [one.new for one in opened] == [True, False]
    assert opened[0].ticket.id == opened[1].ticket.id


async def test_a_ticket_that_nobody_reported_is_opened_once_for_its_origin(phones: Phones) -> None:
    """A reminder's: whatever became of the ticket, the same instalment opens no second one."""
    customer = await Customer.get(phone=PEOPLE["Baraka"])
    text, origin = "S1042 is overdue", "overdue 7 2026-11-20"
    first = await tickets.open_unreported(customer, None, Category.PAYMENT, text, origin=origin, due_at=NOON)
    assert first.new and first.ticket.agent is not None and first.ticket.reporter is None
    assert {copy.phone for copy in News(first.ticket, phones.mwanga.company).handed_over(actor="")} == {
        PEOPLE["Baraka"],
        first.ticket.agent.phone,
    }
    for _again in range(2):
        again = await tickets.open_unreported(customer, None, Category.PAYMENT, text, origin=origin, due_at=NOON)
        assert (again.new, again.ticket.id) == (False, first.ticket.id)
        await tickets.close(first.ticket, "admin", "paid")
    other = await tickets.open_unreported(customer, None, Category.PAYMENT, text, origin="overdue 8", due_at=NOON)
    assert other.new


@pytest.mark.parametrize("seed", range(5))
async def test_the_history_explains_the_state_whatever_is_done(phones: Phones, seed: int) -> None:
    """Verbs in any order, each with a copy of the ticket that may be old: a step is noted when it changed something."""
    choose = random.Random(seed)
    verbs = [tickets.ask_fixed, tickets.close, tickets.reopen]
    leads_to = {Step.ASKED: "asked", Step.CLOSED: "closed", Step.REOPENED: "open", Step.OPENED: "open"}
    old = await tickets.find_for_office(1)
    for _turn in range(15):
        before, verb = await state(), choose.choice(verbs)
        steps = await TicketEvent.all().count()
        changed = await verb(old, "somebody")
        assert changed == (await state() != before) == (await TicketEvent.all().count() == steps + 1)
        last = await TicketEvent.filter(step__in=list(leads_to)).order_by("-id").first()
        assert last and await state() == leads_to[Step(last.step)]
        if choose.random() < 0.5:
            old = await tickets.find_for_office(1)


# Categories


@pytest.mark.parametrize("language", ["en", "sw", "fr", "pt", "ha"])
def test_every_category_is_named_by_its_own_label_in_ones_own_language_and_in_english(language: str) -> None:
    for category, label in REPORTED.items():
        for named in (label.to(language), label.to("en")):
            assert category_of(f"{named} since yesterday", language) is category
            assert category_of(f"{named.upper()}: since yesterday", language) is category


@pytest.mark.parametrize(
    "text",
    [
        *["the power is gone", "powerful smell", "power cable hot", "no powerbank", "no power-bank", "nothing works"],
        *["technically it works", "installations", "payment box is broken", "token no work", "umeme", "1"],
        *["hakuna umeme", "a device broken", "code refuse", "paid no codes", "the device is broken", "payment"],
    ],
)
def test_what_is_not_named_is_never_guessed(text: str) -> None:
    assert category_of(text, "en") is Category.OTHER
