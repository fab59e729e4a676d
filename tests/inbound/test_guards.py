"""Machines get no answer, the loud get silence, what was paid for always comes, and texts are not kept for ever."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bot.app import PURGES, assembled
from bot.config import Config, load
from bot.inbound.caps import GlobalCap
from bot.inbound.inbox import StoredSms
from bot.message import Inbound, OptOut
from bot.runtime import Housekeeping
from bot.server import Server
from bot.talks.contacts import PhoneState, note_opt_out
from bot.text.numbers import sender
from models.sql import HOUR_MS, execute, now_ms
from tests.world.people import NOON, PEOPLE, Phones

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.mark.parametrize("raw", ["MPESA", "AirtelMoney", "15054", "100", "", "unknown"])
async def test_machines_are_stored_and_not_answered(raw: str, mwanga: Server) -> None:
    phones = Phones(mwanga)
    await mwanga.inbox.record(Inbound("africastalking", "m1", sender(raw, "TZ"), "BUY SHS0283 8000"))
    await phones.handled()
    assert await phones.news() == []
    rows = await execute(mwanga.database.client, "SELECT state, outcome FROM inbox")
    assert rows == [{"state": "done", "outcome": "machine"}]


async def test_one_number_gets_so_many_replies_in_an_hour(demo_url: str) -> None:
    async with assembled(load(database=demo_url, sender_cap=3), serving=False) as mwanga:
        phones = Phones(mwanga)
        with time_machine.travel(NOON, tick=False) as clock:
            answers = [len(await phones.text("Asha", "CASH")) for _ in range(5)]
            assert answers == [1, 1, 1, 0, 0]
            assert len(await phones.text("Juma", "FEDHA")) == 1
            clock.shift(timedelta(minutes=61))
            assert len(await phones.text("Asha", "CASH")) == 1


@pytest.mark.parametrize("cap", ["sender_cap", "global_cap"])
async def test_a_clock_that_is_set_back_leaves_nobody_silent(demo_url: str, cap: str) -> None:
    """An hour that began in a year to come would never end."""
    async with assembled(load(database=demo_url, **{cap: 2}), serving=False) as mwanga:
        phones = Phones(mwanga)
        with time_machine.travel(NOON, tick=False) as clock:
            clock.shift(timedelta(days=3_000))
            assert [len(await phones.text("Asha", "CASH")) for _ in range(2)] == [1, 1]
            clock.shift(timedelta(days=-3_000))
            assert [len(await phones.text("Asha", "CASH")) for _ in range(3)] == [1, 1, 0]
            clock.shift(timedelta(minutes=61))
            assert len(await phones.text("Asha", "CASH")) == 1


def test_a_clock_that_is_set_back_forgets_who_was_told_and_what_was_not_understood() -> None:
    contact, year, now = PhoneState("+255700000009"), 365 * 24 * HOUR_MS, now_ms()
    contact.note_told(now + year)
    for digest in "abcdef":
        contact.note_no_command(digest * 12, now + year, understood=False)
    assert contact.was_told(now + year) and contact.goes_on_and_on
    assert not contact.was_told(now)
    contact.note_no_command("g" * 12, now, understood=True)
    assert not contact.goes_on_and_on


async def test_everybody_together_gets_so_many_replies(demo_url: str) -> None:
    async with assembled(load(database=demo_url, global_cap=2), serving=False) as mwanga:
        phones = Phones(mwanga)
        with time_machine.travel(NOON, tick=False):
            answers = [len(await phones.text(name, "HELP")) for name in ("Asha", "Juma", "Baraka")]
    assert answers == [1, 1, 0]


async def test_replies_of_a_batch_that_was_undone_are_not_counted(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with assembled(load(database=demo_url, global_cap=4), serving=False) as mwanga:
        phones, handle = Phones(mwanga), mwanga.worker._dispatcher.handle
        failing = iter([True])

        async def handles(message: StoredSms, *about: Any) -> Any:
            if message.text == "FEDHA" and next(failing, False):
                raise ZeroDivisionError
            return await handle(message, *about)

        monkeypatch.setattr(mwanga.worker._dispatcher, "handle", handles)
        said = await phones.text_together(("Asha", "CASH"), ("Baraka", "BAL"), ("Juma", "FEDHA"))
        assert sorted(name for name, _text in said) == ["Asha", "Baraka", "Juma"]
        assert len(await phones.text_together(("Asha", "CASH"), ("Baraka", "BAL"))) == 1


def test_only_replies_that_are_counted_reach_a_cap() -> None:
    phone, everybody, now = PhoneState(PEOPLE["Asha"]), GlobalCap(2), now_ms()
    for _ in range(2):
        assert all(phone.may_get_reply(2, now) and not everybody.is_reached(now) for _asked_again in range(3))
        phone.count_reply(now)
        everybody.count_reply(now)
    assert not phone.may_get_reply(2, now + HOUR_MS) and everybody.is_reached(now + HOUR_MS)
    assert phone.may_get_reply(2, now + HOUR_MS + 1) and not everybody.is_reached(now + HOUR_MS + 1)
    assert phone.may_get_reply(0, now)


@pytest.mark.parametrize("cap", ["sender_cap", "global_cap"])
async def test_nothing_is_sold_unseen_beyond_the_cap(demo_url: str, cap: str) -> None:
    """Over the cap a message is not handled at all: a sale whose receipt nobody gets would be worse."""
    async with assembled(load(database=demo_url, **{cap: 1}), serving=False) as mwanga:
        phones = Phones(mwanga)
        assert len(await phones.text("Asha", "BUY SHS0283 8000")) == 1
        assert await phones.text("Asha", "1 482915") == []
        assert await execute(mwanga.database.client, "SELECT 1 FROM sale") == []


async def test_an_opt_out_is_noted_and_undone(mwanga: Server) -> None:
    async with mwanga.database.work():
        await note_opt_out(OptOut("africastalking", PEOPLE["Baraka"]))
    rows = await execute(mwanga.database.client, "SELECT stopped_at FROM contact")
    assert rows[0]["stopped_at"] > 0
    await Phones(mwanga).text("Baraka", "START")
    assert await execute(mwanga.database.client, "SELECT stopped_at FROM contact") == [{"stopped_at": 0}]


async def test_texts_are_purged_after_their_time(mwanga: Server, config: Config) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Asha", "BUY")
        await phones.dial("Asha", "*384*20#")
        await execute(mwanga.database.client, "UPDATE outbox SET state = 'sent'")
        housekeeping = Housekeeping(mwanga.database, config.retention_days, PURGES)
        assert await housekeeping.purge() == 0
        clock.shift(timedelta(days=2))
        assert await housekeeping.purge() == 2  # the dialled turn and its session
        clock.shift(timedelta(days=config.retention_days))
        assert await housekeeping.purge() == 3  # the two texts, and how the talk stood
        assert await housekeeping.purge() == 0
    rows = await execute(mwanga.database.client, "SELECT text FROM inbox UNION ALL SELECT text FROM outbox")
    assert rows == [{"text": ""}, {"text": ""}]


async def test_what_a_phone_was_in_the_middle_of_is_purged_too(mwanga: Server, config: Config) -> None:
    """Names and numbers of an unfinished talk, and the answer that is kept to be given again."""
    phones = Phones(mwanga)
    housekeeping = Housekeeping(mwanga.database, config.retention_days, PURGES)
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Asha", "BUY SHS0283 8000")
        await phones.text("Asha", "1 482915")
        await phones.text("Juma", "SAJILI Rehema Kito, 0712345678")
        clock.shift(timedelta(minutes=9))
        await housekeeping.purge()
        [(_name, again)] = await phones.text("Asha", "1 482915")
        assert again.startswith("SOLD")
        clock.shift(timedelta(hours=23))
        await housekeeping.purge()
        assert await phones.asked("Juma")
        clock.shift(timedelta(hours=49))
        await phones.text("Baraka", "FIX")
        await housekeeping.purge()
        rows = await execute(mwanga.database.client, "SELECT phone FROM contact WHERE talk <> ''")
        assert rows == [{"phone": PEOPLE["Baraka"]}]
        [(_name, cash)] = await phones.text("Asha", "CASH")
        assert cash.startswith("You hold")


async def test_what_waits_is_never_purged(mwanga: Server, config: Config) -> None:
    await Phones(mwanga).text("Asha", "CASH")
    await execute(mwanga.database.client, "UPDATE outbox SET created_at = $1", [now_ms() - 10**12])
    await Housekeeping(mwanga.database, config.retention_days, PURGES).purge()
    rows = await execute(mwanga.database.client, "SELECT text FROM outbox")
    assert rows[0]["text"].startswith("You hold")


async def answers(phones: Phones, name: str, texts: list[str]) -> int:
    return sum([len(await phones.text(name, text)) for text in texts])


MACHINES = {
    "not understood": ["Do not reply", "This is a machine"],
    "of tokens and thanks": ["Thank you for your message", "Your token request is being looked at"],
    "one of each": ["Do not reply to this", "Thank you for your message"],
    "three in turn": ["Good morning", "Thank you", "Your token is important"],
    "that count": [f"Message {n} of 100. Thank you" for n in range(20)],
    "a command that does not fit": ["STATUS of your request", "Do not reply"],
    "answers to a question": ["My light is off", "press star"],
}


@pytest.mark.parametrize("name", ["Asha", "Baraka", "Stranger"])
@pytest.mark.parametrize("texts", MACHINES.values(), ids=MACHINES.keys())
async def test_machines_that_answer_each_other_fall_silent(name: str, texts: list[str], mwanga: Server) -> None:
    """Within five answers, whatever they say, alone or in turn; and a command is answered all the same."""
    phones = Phones(mwanga)
    assert await answers(phones, name, texts * 10) <= 5
    assert await answers(phones, name, texts) == 0
    assert await answers(phones, name, ["HELP"]) == 1


async def test_people_who_write_sentences_are_answered_as_long_as_they_say_new_things(mwanga: Server) -> None:
    said = ["hello", "my balance please", "i want power", "what is the price", "who is my agent", "send my code"]
    said += ["thanks", "i lost my code", "please help", "next payment", "how many days left", "good night"]
    assert await answers(Phones(mwanga), "Baraka", said) == len(said)


async def test_the_same_sentence_now_and_then_is_answered_for_ever(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        for _time in range(12):
            assert await answers(phones, "Baraka", ["my code please"]) == 1
            clock.shift(timedelta(hours=2))


async def test_what_is_not_understood_once_a_week_is_no_row(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        for _week in range(12):
            assert await answers(phones, "Asha", ["blue"]) == 1
            clock.shift(timedelta(days=7))
