"""LOCK from any phone: it helps whoever has the PIN, and is no weapon for whoever has not."""

from datetime import timedelta

import pytest
import time_machine

from bot.server import Server
from models.people import Agent
from models.people.pins import GUESSES_AT, GUESSES_BY
from models.sql import execute
from tests.world.people import NOON, PEOPLE, PINS, Phones

WRONG = "Not locked. Number or PIN is wrong. Send LOCK phone PIN, like LOCK 0700000000 123456"
SHUT = "Not locked. Too many wrong tries today. Call +255700000000."
SHUT_IN_SWAHILI = "END Haikufungwa. Leo umekosea mara nyingi mno. Piga +255700000000."
NOBODY = "0700000009"
WARNED = "Many wrong PINs were sent to LOCK you, the last by +255799000010. You can go on selling. Call +255700000000."


async def send(phones: Phones, who: str, number: str, pin: str) -> str:
    """What the sender of a LOCK reads."""
    answered = await phones.text(who, f"LOCK {number} {pin}")
    return next(text for name, text in answered if name == who)


async def told(mwanga: Server) -> list[str]:
    return [row["sentence"] for row in await execute(mwanga.database.client, "SELECT sentence FROM alert ORDER BY id")]


async def audit(mwanga: Server) -> list[tuple[str, str, str]]:
    rows = await execute(mwanga.database.client, "SELECT actor, action, subject FROM audit ORDER BY id")
    return [(row["actor"], row["action"], row["subject"]) for row in rows if "lock" in row["action"]]


@pytest.mark.parametrize("number", [PEOPLE["Asha"], NOBODY, PEOPLE["Baraka"]])
async def test_wrong_guesses_shut_lock_for_the_guesser_with_the_same_words_for_every_number(
    mwanga: Server, number: str
) -> None:
    phones = Phones(mwanga)
    assert [await send(phones, "Stranger", number, "111213") for _ in range(5)] == [WRONG] * 3 + [SHUT] * 2
    assert await send(phones, "Stranger", PEOPLE["Asha"], PINS["Asha"]) == SHUT, "a shut LOCK tells nothing"
    assert (await Agent.get(phone=PEOPLE["Asha"])).locked_at is None
    assert (await Agent.get(phone=PEOPLE["Asha"])).wrong_pins == 0
    assert (await send(phones, "Baraka", PEOPLE["Asha"], PINS["Asha"])).startswith("LOCKED"), "others can still lock"


@pytest.mark.parametrize("number", [PEOPLE["Asha"], "+255700000009"])
async def test_many_guessers_shut_lock_for_the_number_and_lock_nobody(mwanga: Server, number: str) -> None:
    phones = Phones(mwanga)
    said = [await send(phones, f"+2557990000{n:02d}", number, "111213") for n in range(1, GUESSES_AT.most + 2)]
    assert said == [WRONG] * GUESSES_AT.most + [SHUT]
    agent = await Agent.get(phone=PEOPLE["Asha"])
    assert (agent.locked_at, agent.wrong_pins) == (None, 0)
    assert len(await told(mwanga)) == (number == PEOPLE["Asha"])


async def test_agent_and_office_are_told_of_many_guesses(mwanga: Server) -> None:
    phones, heard = Phones(mwanga), []
    for n in range(1, GUESSES_AT.most + 1):
        heard += await phones.text(f"+2557990000{n:02d}", f"LOCK {PEOPLE['Asha']} 111213")
    assert [text for name, text in heard if name == "Asha"] == [WARNED]
    assert await told(mwanga) == [
        "10 wrong PINs to LOCK agent Asha Mushi (+255700000001), the last by +255799000010. Call the agent."
    ]
    assert (await audit(mwanga))[-1] == ("+255799000010", "wrong lock", PEOPLE["Asha"])


async def test_agent_and_office_are_told_of_a_lock_and_the_audit_names_who_sent_it(mwanga: Server) -> None:
    answered = await Phones(mwanga).text("Baraka", f"LOCK {PEOPLE['Asha']} {PINS['Asha']}")
    assert ("Asha", "You are locked: +255710000002 sent LOCK with your PIN. Call +255700000000.") in answered
    assert await told(mwanga) == ["Agent Asha Mushi (+255700000001) is locked: LOCK by +255710000002."]
    assert await audit(mwanga) == [(PEOPLE["Baraka"], "lock", PEOPLE["Asha"])]


async def test_a_locked_agent_sounds_like_any_other(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await send(phones, "Baraka", PEOPLE["Asha"], PINS["Asha"])
    assert await send(phones, "Stranger", PEOPLE["Asha"], "111213") == WRONG
    assert (await send(phones, "Neema", PEOPLE["Asha"], PINS["Asha"])).startswith("LOCKED")
    assert len(await told(mwanga)) == 1, "it is locked once"


async def test_the_office_is_told_of_five_wrong_pins(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    for _ in range(3):
        await phones.text("Asha", "1 111213")
    await phones.text("Asha", "BUY SHS0283 8000")
    for _ in range(2):
        await phones.text("Asha", "1 111213")
    assert await told(mwanga) == ["Agent Asha Mushi (+255700000001) is locked: 5 wrong PINs."]
    assert await audit(mwanga) == [(PEOPLE["Asha"], "lock", PEOPLE["Asha"])]


async def test_tries_by_the_own_phone_count_to_the_five_and_lock_nobody(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for n in range(GUESSES_BY.most):
        assert await send(phones, "Asha", PEOPLE["Asha"], f"11121{n}") == WRONG
    assert (await Agent.get(phone=PEOPLE["Asha"])).wrong_pins == GUESSES_BY.most
    await Agent.filter(phone=PEOPLE["Asha"]).update(wrong_pins=4)
    await execute(mwanga.database.client, "DELETE FROM guess")
    assert await send(phones, "Asha", PEOPLE["Asha"], "111219") == WRONG
    assert (await Agent.get(phone=PEOPLE["Asha"])).locked_at is None


async def test_right_ones_are_not_counted_and_a_day_later_all_is_forgotten(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(5):
            assert (await send(phones, "Baraka", PEOPLE["Asha"], PINS["Asha"])).startswith("LOCKED")
        for _ in range(4):
            last = await send(phones, "Baraka", PEOPLE["Asha"], "111213")
        assert last == SHUT
        clock.shift(timedelta(hours=25))
        assert (await send(phones, "Baraka", PEOPLE["Asha"], PINS["Asha"])).startswith("LOCKED")


async def test_what_can_be_nobodys_pin_is_no_guess(mwanga: Server) -> None:
    phones = Phones(mwanga)
    assert {await send(phones, "Stranger", PEOPLE["Asha"], f"1234{n}") for n in range(4)} == {WRONG}
    assert (await send(phones, "Stranger", PEOPLE["Asha"], PINS["Asha"])).startswith("LOCKED")


async def test_a_dialled_session_has_the_same_limits(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.choose("Juma", "Funga wakala")
    await phones.enter("Juma", PEOPLE["Asha"])
    said = [await phones.enter("Juma", "111213") for _ in range(GUESSES_BY.most)]
    assert all(screen.startswith("CON Namba au PIN si sahihi.") for screen in said)
    assert await phones.enter("Juma", PINS["Asha"]) == SHUT_IN_SWAHILI
