"""The clock is set back between two texts of one phone: what was asked or answered at a time that is still to come is
no answer to what is asked now."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from bot.server import Server
from tests.world.people import NOON, PINS, Phones

YES = f"1 {PINS['Asha']}"
AHEAD = timedelta(minutes=40)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON + AHEAD, tick=False) as traveller:
        yield traveller


async def read(phones: Phones, name: str, text: str) -> str:
    """What this phone reads after this text of its own."""
    return [said for receiver, said in await phones.text(name, text) if receiver == name][-1]


@pytest.mark.parametrize("minutes", [2, 9, 35])
async def test_a_yes_is_for_the_customer_who_asked_after_it(
    clock: time_machine.Traveller, mwanga: Server, minutes: int
) -> None:
    """And not repeated with the code of the one before, whose sale seems to be later."""
    object.__setattr__(mwanga.company, "mobile_money", ())  # who wants to buy asks an agent
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY EB100042 4000")
    assert "EB100042" in await read(phones, "Asha", YES)
    clock.shift(timedelta(minutes=-minutes))
    asked = dict(await phones.text("Baraka", "BUY 8000"))["Asha"]
    assert asked.endswith("wants TZS 8,000 for SHS0283. Cash in hand? Reply 1 and your PIN, or 2.")
    said = await read(phones, "Asha", YES)
    assert said.startswith("SOLD") and "SHS0283" in said


async def test_a_question_that_seems_to_come_later_is_too_old_to_be_confirmed(
    clock: time_machine.Traveller, mwanga: Server
) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY EB100042 4000")
    clock.shift(timedelta(minutes=-35))
    assert await read(phones, "Asha", YES) == "Too late. Not sold. Send it again."


async def test_how_a_question_closed_is_told_all_the_same(clock: time_machine.Traveller, mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY EB100042 4000")
    await phones.text("Asha", YES)
    clock.shift(timedelta(minutes=-35))
    said = await read(phones, "Asha", YES)
    assert said == "Nothing to confirm. Nothing new was sold. The last sale stands: CASH or TOKEN serial shows it."


async def test_two_servers_whose_clocks_differ_a_little_repeat_an_answer(
    clock: time_machine.Traveller, mwanga: Server
) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY EB100042 4000")
    sold = await read(phones, "Asha", YES)
    clock.shift(timedelta(seconds=-30))
    assert await read(phones, "Asha", YES) == sold
