"""How many screens it takes by dialling: each costs a tired agent time, and the networks end a session after three
minutes. The screen behind the last answer counts too."""

import re

import pytest

from bot.server import Server
from tests.world.people import MENU, PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite


async def dialled(phones: Phones, name: str, code: str, *answers: str) -> list[str]:
    """All screens of a session; an answer in brackets is the line of a list."""
    screens = [await phones.dial(name, code)]
    for answer in answers:
        screens.append(await phones.enter(name, key_of(answer, screens[-1])))
    assert [screen[:3] for screen in screens] == ["CON"] * len(answers) + ["END"], screens
    return screens


def key_of(answer: str, screen: str) -> str:
    if not answer.startswith("("):
        return answer
    found = re.search(rf"^(\d)\. {re.escape(answer.strip('()'))}", screen, re.MULTILINE)
    assert found, (answer, screen)
    return found[1]


async def test_a_sale_by_menu_takes_five_screens(mwanga: Server) -> None:
    """The PIN is the yes."""
    screens = await dialled(Phones(mwanga), "Asha", MENU, "1", "0283", "8000", PINS["Asha"])
    assert len(screens) == 5
    assert screens[-1].startswith("END SOLD TZS 8,000")


async def test_a_sale_by_deep_dial_takes_two(mwanga: Server) -> None:
    screens = await dialled(Phones(mwanga), "Asha", "*384*20*1*0283*8000#", PINS["Asha"])
    assert len(screens) == 2
    assert screens[-1].startswith("END SOLD TZS 8,000")


@pytest.mark.parametrize("yes", [("1", PINS["Asha"]), (f"1 {PINS['Asha']}",), (f"1{PINS['Asha']}",)])
async def test_a_yes_before_the_pin_sells_too(mwanga: Server, yes: tuple[str, ...]) -> None:
    screens = await dialled(Phones(mwanga), "Asha", MENU, "1", "0283", "8000", *yes)
    assert screens[-1].startswith("END SOLD TZS 8,000")


async def test_what_is_no_pin_sells_nothing_and_is_no_try(mwanga: Server) -> None:
    """A slip of the thumb, a six-digit number that is none of ours, and the no."""
    phones = Phones(mwanga)
    question = (await phones.dial("Asha", "*384*20*1*0283*8000#"))[4:]
    for slip in ("3", "48291", "4829155", "48 29", "yes please", " "):
        assert (await phones.enter("Asha", slip))[4:] == f"A PIN has six digits.\n{question}"
    assert (await phones.enter("Asha", "000000"))[4:] == f"Wrong PIN, 4 tries left.\n{question}"
    assert await phones.enter("Asha", "2") == "END Not sold."
    assert not await phones.news()

