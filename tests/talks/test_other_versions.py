"""What another version of the program has stored of a talk: nobody is left without an answer because of it."""

import pytest

from bot.server import Server
from models.sql import execute
from tests.world.people import Phones

MENU = "*384*20#"


async def stored(mwanga: Server, table: str, was: str, now: str) -> None:
    """Put what that version would have stored in place of what we did."""
    statement = f"UPDATE {table} SET talk = REPLACE(talk, $1, $2)"
    await execute(mwanga.database.client, statement, [was, now])


@pytest.mark.parametrize("was", ['"open":', '"answers":'])
async def test_a_text_is_understood_beside_what_a_newer_version_keeps(mwanga: Server, was: str) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await stored(mwanga, "contact", was, f'"mood":"good",{was}')
    [(_name, sold), *_copies] = await phones.text("Asha", "1 482915")
    assert sold.startswith("SOLD")


async def test_a_dialled_session_goes_on_beside_what_a_newer_version_keeps(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.choose("Asha", "Register")
    await phones.enter("Asha", "Rehema Kito")
    await stored(mwanga, "ussdsession", '"answers":', '"mood":"good","answers":')
    assert "Which device?" in await phones.enter("Asha", "0712345678")


async def test_a_session_in_a_talk_that_is_no_more_is_not_offered_again(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.choose("Asha", "Register")
    await phones.enter("Asha", "Rehema Kito")
    await stored(mwanga, "ussdsession", '"register"', '"enrol"')
    assert "1. Sell" in await phones.dial("Asha", MENU)
