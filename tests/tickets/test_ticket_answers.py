"""Is it fixed? How a question that somebody else asked is answered, and taken back."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import time_machine

from bot.server import Server
from bot.text.answers import begins
from models.tickets import tickets
from models.tickets.tickets import Step, TicketEvent, TicketState
from tests.tickets.test_tickets import NOON, said, state
from tests.world.people import Phones


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
    assert "Not understood" in await said(phones, "Baraka", "no thanks")
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
