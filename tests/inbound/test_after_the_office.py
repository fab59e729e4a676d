"""What comes after somebody of the office wrote by hand is an answer to that: the machine keeps out of it."""

from typing import Any

import pytest
import time_machine

from bot.outbound import by_hand
from bot.server import Server
from models.messages.written import EXPECTED_MS, standing_of
from models.sql import execute, now_ms
from tests.world.people import NOON, PEOPLE, Phones

NOT_UNDERSTOOD = "Not understood. Send HELP for the words, or call +255700000000."
READS = "The office reads what you wrote. Send HELP for the words, or call +255700000000."


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


async def write(server: Server, name: str, *, left: bool = True) -> None:
    """The office writes to somebody by hand; `left` says whether a gateway took it."""
    phone = PEOPLE[name]
    standing = await standing_of(phone)
    async with server.database.work():
        origin = await by_hand.write_to(
            *(phone, "When are you at home?"),
            key=f"{name} after {standing.last_written}",
            seen=standing.last_written,
            up_to=standing.last_text,
            company=server.company,
            composer=server.composer,
            actor="rukia",
        )
    if left:
        await ask(server, "UPDATE outbox SET state = 'sent', sent_at = $1 WHERE origin = $2", now_ms(), origin)


async def ask(server: Server, statement: str, *values: Any) -> list[dict[str, Any]]:
    return await execute(server.database.client, statement, values)


async def waiting(server: Server) -> list[str]:
    """The texts that wait for the office."""
    unclear = "answered_at = 0 AND outcome IN ('not understood', 'not answered', 'failed')"
    return [row["text"] for row in await ask(server, f"SELECT text FROM inbox WHERE {unclear} ORDER BY id")]


async def say(phones: Phones, name: str, text: str) -> list[str]:
    """What somebody hears of the machine who writes this."""
    await phones.news()
    return [said for who, said in await phones.text(name, text) if who == name]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Baraka", ["maybe around five", "behind the blue shop", "and bring a ladder"]),
        ("Asha", ["maybe around five", "yes", "behind the blue shop"]),
        ("Stranger", ["maybe around five", "behind the blue shop", "and bring a ladder"]),
    ],
)
async def test_an_answer_is_for_the_office_and_the_second_text_hears_so(
    mwanga: Server, name: str, texts: list[str]
) -> None:
    phones = Phones(mwanga)
    await write(mwanga, name)
    assert [await say(phones, name, text) for text in texts] == [[], [READS], []]
    assert await waiting(mwanga) == texts


async def test_of_strangers_who_text_together_the_one_whom_the_office_wrote_to_answers_it(mwanga: Server) -> None:
    """They are asked about in one question."""
    phones = Phones(mwanga)
    await write(mwanga, "Rehema")
    await phones.news()
    names = ("Stranger", "Rehema", "Mariam")
    said = await phones.text_together(*((name, "around five") for name in names))
    assert [name for name, _text in said] == ["Stranger", "Mariam"]
    assert [row["phone"] for row in await ask(mwanga, "SELECT phone FROM inbox WHERE outcome = 'not answered'")] == [
        PEOPLE["Rehema"]
    ]


async def test_a_word_of_many_languages_is_said_in_that_of_the_person(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await write(mwanga, "Amina")
    assert await say(phones, "Amina", "kesho jioni") == []
    assert await say(phones, "Amina", "nyuma ya shule") == [
        "Ofisi inasoma ulichoandika. Tuma MSAADA upate maelekezo, au piga +255700000000."
    ]


async def test_commands_and_slips_in_them_are_answered_all_the_same(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for name in ("Asha", "Baraka"):
        await write(mwanga, name)
    assert "You hold" in (await say(phones, "Asha", "CASH"))[0]
    assert "Did you mean BUY?" in (await say(phones, "Asha", "BYU SHS0283 8000"))[0]
    assert "No token yet" in (await say(phones, "Baraka", "where is my code"))[0]
    assert await say(phones, "Baraka", "maybe around five") == [], "the first that is no command"


async def test_a_bare_yes_belongs_to_what_was_asked_last(mwanga: Server, clock: Any) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", "1 482915")
    clock.shift(60)
    await phones.text("Asha", "CASH")
    assert "Nothing to confirm" in (await say(phones, "Asha", "yes"))[0]
    await write(mwanga, "Asha")
    assert await say(phones, "Asha", "yes") == []
    assert "Nothing to confirm" in (await say(phones, "Asha", "1 482915"))[0], "a PIN is for the machine"


async def test_it_is_over_after_a_day(mwanga: Server, clock: Any) -> None:
    phones = Phones(mwanga)
    await write(mwanga, "Asha")
    clock.shift(EXPECTED_MS / 1000 - 1)
    assert await say(phones, "Asha", "behind the blue shop") == []
    clock.shift(1)
    assert await say(phones, "Asha", "behind the green shop") == [NOT_UNDERSTOOD]


async def test_what_did_not_leave_asks_nothing(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await write(mwanga, "Asha", left=False)
    assert await say(phones, "Asha", "behind the blue shop") == [NOT_UNDERSTOOD]


async def test_a_machine_that_answers_hears_one_sentence_for_each_message(mwanga: Server, clock: Any) -> None:
    phones = Phones(mwanga)
    for _message in range(2):
        clock.shift(60)
        await write(mwanga, "Baraka")
        heard = [await say(phones, "Baraka", f"We are closed until {number}") for number in range(4)]
        assert heard == [[], [READS], [], []]
