"""What is let in: cut where it is longer than any text, without what steers terminals, and set aside when the database
goes away under it."""

import pytest

from bot.inbound.worker import MOST_AWAYS
from bot.message import Inbound, UssdTurn
from bot.runtime import DatabaseAway
from bot.server import Server
from bot.text.entry import LONGEST, shown
from bot.text.numbers import sender
from models.sql import execute
from tests.world.people import GATEWAY, MENU, PEOPLE, Phones


async def row(mwanga: Server) -> dict[str, object]:
    return (await execute(mwanga.database.client, "SELECT * FROM inbox ORDER BY id DESC LIMIT 1"))[0]


async def test_a_long_text_is_cut_and_marked(mwanga: Server) -> None:
    phones = Phones(mwanga)
    assert await phones.text("Asha", "hello " + "x" * 5_000)
    kept = await row(mwanga)
    assert (len(str(kept["text"])), kept["cut_from"]) == (LONGEST, 5_006)
    await phones.text("Asha", "CASH")
    assert (await row(mwanga))["cut_from"] == 0


@pytest.mark.parametrize("behind", ["", " and more"])
async def test_a_pin_that_the_cut_would_halve_is_starred(mwanga: Server, behind: str) -> None:
    await Phones(mwanga).text("Asha", "x" * (LONGEST - 4) + " 482915" + behind)
    assert str((await row(mwanga))["text"]).endswith("x ***")


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("FIX \x1b]0;owned\x07 dark", "FIX ]0;owned dark"),
        ("two\nlines\tand\r\na tab", "two\nlines\tand\r\na tab"),
        ("1\x0b482915", "1 482915"),
        ("a\x00b\x9fc\x7fd", "abcd"),
        ("Habari, é ş ₦", "Habari, é ş ₦"),
    ],
)
def test_control_characters_are_left_out(came: str, kept: str) -> None:
    assert shown(came) == kept


async def test_a_text_is_stored_as_a_phone_shows_it(mwanga: Server) -> None:
    await Phones(mwanga).text("Asha", "a\x00b\x1b]0;owned\x07 " + "x" * LONGEST)
    kept = await row(mwanga)
    assert str(kept["text"]).startswith("ab]0;owned x")
    assert kept["cut_from"] == len("ab]0;owned ") + LONGEST


async def test_a_dialled_text_that_no_network_sends_ends_the_session(mwanga: Server) -> None:
    turn = UssdTurn(GATEWAY, MENU, "long", PEOPLE["Asha"], "1*" * LONGEST)
    assert await mwanga.worker.answer(turn) == "END This session is over. Dial again."


async def test_who_knows_the_id_of_a_session_is_not_answered_in_it(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.dial("Asha", MENU)
    session = phones.sessions["Asha"]
    menu = await session.repeat()
    other = UssdTurn(GATEWAY, session.code, session.session_id, PEOPLE["Stranger"], "")
    assert await mwanga.worker.answer(other) == "END This session is over. Dial again."
    assert await session.repeat() == menu
    assert (await session.enter("1")).startswith("CON"), "the session is still its owner's"


async def test_a_message_under_which_the_database_goes_away_is_set_aside(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a text did that held up the loop for longer than PostgreSQL waits for a silent connection."""
    handle, tries = mwanga.worker._dispatcher.handle, []

    async def loses_the_database(message, *others):  # type: ignore[no-untyped-def]
        if message.text == "poison":
            tries.append(message.id)
            raise DatabaseAway("IdleInTransactionSessionTimeoutError")
        return await handle(message, *others)

    monkeypatch.setattr(mwanga.worker._dispatcher, "handle", loses_the_database)
    phones = Phones(mwanga)
    assert [text[:11] for _name, text in await phones.text("Asha", "poison")] == ["Sorry, that"]
    assert MOST_AWAYS < len(tries) < 20, "in batches, then alone"
    kept = await row(mwanga)
    # on PostgreSQL four at once take what waits, and each may count the last one
    most = MOST_AWAYS if mwanga.database.embedded else MOST_AWAYS + 3
    assert kept["state"] == "failed" and MOST_AWAYS <= kept["aways"] <= most
    assert await phones.text("Asha", "CASH"), "and the next one is handled"


async def test_a_message_whose_sender_cannot_even_be_told_holds_up_nobody(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a number too long for the column of the outbox stopped every loop: neither reply nor apology was stored."""
    handle, phones = mwanga.worker._dispatcher.handle, Phones(mwanga)

    async def poisoned(message, *others):  # type: ignore[no-untyped-def]
        if message.text == "poison":
            raise ValueError("This is too long.")
        return await handle(message, *others)

    def no_apology(*_about: object) -> object:
        raise ValueError("This is too long as well.")

    monkeypatch.setattr(mwanga.worker._dispatcher, "handle", poisoned)
    monkeypatch.setattr(mwanga.worker._dispatcher, "apology", no_apology)
    assert await phones.text("Asha", "poison") == []
    assert (await row(mwanga))["state"] == "failed"
    assert await phones.text("Asha", "CASH"), "and the next one is handled"


@pytest.mark.parametrize("number", ["+6281234567890123", "+23422901234567891"])
async def test_a_number_longer_than_any_phones_is_a_machine(mwanga: Server, number: str) -> None:
    """Some countries number their machines so; E.164 ends at 15 digits, and so does the column of the outbox."""
    await mwanga.inbox.record(Inbound(GATEWAY, "a machine", sender(number, "TZ"), "hello"))
    phones = Phones(mwanga)
    assert [name for name, _text in await phones.text("Asha", "CASH")] == ["Asha"]
    rows = await execute(mwanga.database.client, "SELECT phone, state FROM inbox ORDER BY id")
    assert [(row["phone"], row["state"]) for row in rows] == [(number, "done"), (PEOPLE["Asha"], "done")]


async def test_no_message_is_blamed_while_the_database_is_away(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    handle, work = mwanga.worker._dispatcher.handle, mwanga.database.work
    away = [True] * 5

    async def loses_the_database(*about):  # type: ignore[no-untyped-def]
        if away:
            raise DatabaseAway("ConnectionDoesNotExistError")
        return await handle(*about)

    async def stays_away(*_about: object) -> int:
        away.pop()
        raise DatabaseAway("ConnectionRefusedError")

    monkeypatch.setattr("bot.inbound.worker.PAUSE_S", 0.01)
    monkeypatch.setattr(mwanga.worker._dispatcher, "handle", loses_the_database)
    monkeypatch.setattr(mwanga.inbox, "count_away", stays_away)
    assert [text[:8] for _name, text in await Phones(mwanga).text("Asha", "CASH")] == ["You hold"]
    assert ((await row(mwanga))["state"], work) == ("done", mwanga.database.work)
