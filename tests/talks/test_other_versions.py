"""What another version of the program has stored of a talk: nobody is left without an answer because of it."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bot.server import Server
from bot.talks.state import TalkState
from models.selling import Sale
from models.sql import execute
from models.tickets import Ticket
from tests.world.people import Phones

MENU = "*384*20#"
TABLES = "contact agent customer device tariff sale contract ussdsession phone ticket"


async def stored(mwanga: Server, table: str, was: str, now: str) -> None:
    """Put what that version would have stored in place of what we did."""
    statement = f"UPDATE {table} SET talk = REPLACE(talk, $1, $2)"
    await execute(mwanga.database.client, statement, [was, now])


async def test_what_a_newer_version_adds_to_the_tables_is_not_read(mwanga: Server) -> None:
    """While two versions run beside each other, the newer one has brought the tables up to date."""
    client = mwanga.database.client
    for table in TABLES.split():
        await execute(client, f"ALTER TABLE {table} ADD COLUMN c_mood VARCHAR(10) NOT NULL DEFAULT 'good'")
    phones = Phones(mwanga)
    assert "CON" in await phones.dial("Asha", MENU)
    for text in ("BUY SHS0283 8000", "1 482915", "TOKEN SHS0283", "PLAN SHS0283", "LIST", "FIX SHS0283 no light"):
        assert "did not work" not in dict(await phones.text("Asha", text))["Asha"]
    assert await Sale.all().count() == await Ticket.all().count() == 1


def test_every_statement_names_its_columns() -> None:
    """`SELECT *` reads what a newer version has added, and a row that does not fit its class stops everything."""
    root = Path(__file__).resolve().parent.parent.parent
    files = [path for room in ("bot", "handlers", "models") for path in sorted((root / room).rglob("*.py"))]
    everything = re.compile(r"SELECT\s+(DISTINCT\s+)?(\w+\.)?\*", re.IGNORECASE)
    assert [str(path) for path in files if everything.search(path.read_text())] == []


@pytest.mark.parametrize("was", ['"open":', '"answers":'])
async def test_a_text_is_understood_beside_what_a_newer_version_keeps(mwanga: Server, was: str) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await stored(mwanga, "contact", was, f'"mood":"good",{was}')
    [(_name, sold), *_copies] = await phones.text("Asha", "1 482915")
    assert sold.startswith("SOLD")


@pytest.mark.parametrize("changed", [{}, {each.name: each.name for each in fields(TalkState)}], ids=["new", "full"])
def test_a_talk_is_loaded_as_it_was_kept(changed: dict[str, Any]) -> None:
    state = replace(TalkState("menu", "ussd 1"), **changed)
    assert TalkState.load(state.dump()) == state


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
