"""However long a text is, understanding it takes no time: the loop that does it answers everybody else as well."""

import time
from functools import partial

import pytest

from bot.inbound.inbox import StoredSms
from bot.inbound.sms import Dispatcher
from bot.server import Server
from bot.talks.contacts import contacts
from bot.text import normalise
from bot.text.grammar import split, written
from bot.text.numbers import Sender, SenderKind
from models.people import Role, find_callers
from tests.world.long_texts import BITS, long_text, takes_long
from tests.world.people import GATEWAY, PEOPLE, Phones

pytestmark = pytest.mark.everyday_on_sqlite

WORST = {"stars", "accents"}  # that take longest; the others with the slow tests
ROLES = {Role.AGENT: "Asha", Role.CUSTOMER: "Baraka", Role.STRANGER: "Stranger"}


@pytest.mark.parametrize("engine", ["sqlite"])  # what is timed is ours
@pytest.mark.parametrize("bit", [pytest.param(bit, marks=[] if bit in WORST else pytest.mark.slow) for bit in BITS])
async def test_no_talk_takes_long_over_eight_thousand_characters(mwanga: Server, bit: str) -> None:
    slow, seen = [], set()
    for role, name in ROLES.items():
        for talk in mwanga.commands.for_role(role):
            text = f"{talk.keyword.to('en')} {long_text(BITS[bit])}"
            if talk.name not in seen and await takes_long(partial(_understand, mwanga, name, text)):
                slow.append(f"{name} {talk.name}")
            seen.add(talk.name)
    assert not slow


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("bit", BITS)
async def test_nor_does_what_is_no_command_or_an_answer(mwanga: Server, bit: str) -> None:
    await Phones(mwanga).text("Asha", "FIX SHS0283")  # its question takes words
    for name in ("Asha", "Baraka"):
        assert not await takes_long(partial(_understand, mwanga, name, long_text(BITS[bit]))), name


async def _understand(mwanga: Server, name: str, text: str) -> float:
    """Seconds of work that one text takes."""
    phone = PEOPLE[name]
    message = StoredSms(1, GATEWAY, Sender(SenderKind.NUMBER, phone), text)
    dispatcher: Dispatcher = mwanga.worker._dispatcher
    async with mwanga.database.work():
        state, caller = (await contacts([phone]))[phone], (await find_callers([phone]))[phone]
        started = time.process_time()
        await dispatcher.handle(message, state, caller)
        return time.process_time() - started


@pytest.mark.parametrize("bit", BITS)
async def test_the_rest_of_a_long_line_is_found_in_one_pass(bit: str) -> None:
    line = normalise(f"FIX SHS0283 {long_text(BITS[bit])}")
    pieces = split(line)

    async def find_rest() -> float:
        started = time.process_time()
        written(line, pieces[2:])
        return time.process_time() - started

    assert not await takes_long(find_rest)
