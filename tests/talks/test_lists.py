"""Menus and lists: a number stands for the same line in every language, every page has its way back, and a wrong key
is told what to press."""

import re

import pytest

from bot.config import LANGUAGES
from bot.server import Server
from bot.talks.listing import BACK, LINES, MORE
from bot.text import SCREEN, septets
from models.people import Agent, Customer, Role
from tests.world.people import MENU, Phones

pytestmark = pytest.mark.everyday_on_sqlite

CALLERS = {Role.AGENT: "Asha", Role.CUSTOMER: "Baraka"}
CHOICE = re.compile(r"^([1-8])\. (.*)$", re.MULTILINE)


async def speaks(language: str) -> None:
    """Everybody reads this language from now on."""
    await Agent.all().update(language=language)
    await Customer.all().update(language=language)


async def pages(phones: Phones, name: str) -> list[str]:
    """All pages of the menu of a caller, from the first one on."""
    screens = [await phones.dial(name, MENU)]
    while f"\n{MORE}. " in screens[-1]:
        screens.append(await phones.enter(name, MORE))
    return screens


@pytest.mark.parametrize("role", CALLERS)
async def test_a_number_stands_for_the_same_line_in_every_language(mwanga: Server, role: Role) -> None:
    phones, shown = Phones(mwanga), {}
    for language in LANGUAGES:
        await speaks(language)
        names = {text.to(language): name for name, text in mwanga.commands.menu(role)}
        shown[language] = [
            [names[label] for _number, label in CHOICE.findall(screen)] for screen in await pages(phones, CALLERS[role])
        ]
        assert all(len(page) <= LINES for page in shown[language])
    assert [language for language in LANGUAGES if shown[language] != shown["en"]] == []


async def test_what_agents_need_most_stands_on_the_first_page(mwanga: Server) -> None:
    """Six lines of it, which is as many as small phones show."""
    first = (await Phones(mwanga).dial("Asha", MENU))[4:]
    by_label = {text.to("en"): name for name, text in mwanga.commands.menu(Role.AGENT)}
    assert [by_label[label] for _number, label in CHOICE.findall(first)] == [
        "buy", "cash", "find", "tokens", "register", "fix",
    ]  # fmt: skip


@pytest.mark.parametrize("role", CALLERS)
async def test_every_further_page_says_how_to_go_back_and_does(mwanga: Server, role: Role) -> None:
    phones, name = Phones(mwanga), CALLERS[role]
    screens = await pages(phones, name)
    assert len(screens) > 1
    assert [f"\n{BACK}. " in screen for screen in screens] == [False] + [True] * (len(screens) - 1)
    for before in reversed(screens[:-1]):
        assert await phones.enter(name, BACK) == before


async def test_back_out_of_a_talk_shows_the_page_on_which_it_was_chosen(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.dial("Asha", MENU)
    await phones.enter("Asha", MORE)
    page = await phones.enter("Asha", MORE)
    number = next(number for number, label in CHOICE.findall(page) if label == "Add to a ticket")
    await phones.enter("Asha", number)
    assert await phones.enter("Asha", BACK) == page


async def test_a_page_by_sms_says_how_to_go_back_too(mwanga: Server) -> None:
    phones = Phones(mwanga)
    [(_name, first)] = await phones.text("Asha", "MENU")
    [(_name, second)] = await phones.text("Asha", MORE)
    assert f"\n{BACK}. Back" in second and f"\n{BACK}. " not in first
    assert await phones.text("Asha", BACK) == [("Asha", first)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_wrong_key_is_told_what_to_press_and_sees_the_screen_again(mwanga: Server, language: str) -> None:
    phones = Phones(mwanga)
    await speaks(language)
    shown = (await phones.dial("Asha", MENU))[4:]
    for key in ("7", "8", "hello", "", "0000"):
        said = await phones.enter("Asha", key) if key else await phones.enter("Asha", " ")
        assert said.startswith("CON ") and said.endswith(f"\n{shown}")
        assert re.search("1.*6", said[4:].split("\n")[0]), said
        assert septets(said[4:]) <= SCREEN


async def test_a_dialled_session_that_ends_over_wrong_keys_says_that_nothing_was_done(mwanga: Server) -> None:
    phones = Phones(mwanga)
    screen = await phones.dial("Asha", MENU)
    while screen.startswith("CON"):
        screen = await phones.enter("Asha", "8")
    assert screen == "END Choose a number 1 to 6. Nothing was done. Call +255700000000."


@pytest.mark.parametrize("talk", ["find", "list", "tokens", "cash", "plan", "status", "statement", "sales", "stock"])
async def test_what_was_only_looked_at_is_not_offered_again(mwanga: Server, talk: str) -> None:
    phones = Phones(mwanga)
    menu = await phones.dial("Asha", MENU)
    await phones.choose("Asha", next(text.to("en") for name, text in mwanga.commands.menu(Role.AGENT) if name == talk))
    await phones.enter("Asha", "SHS0283" if talk != "list" else "1")
    assert await phones.dial("Asha", MENU) == menu


async def test_a_wrong_key_at_continue_or_new_says_so(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.choose("Asha", next(text.to("en") for name, text in mwanga.commands.menu(Role.AGENT) if name == "buy"))
    await phones.enter("Asha", "SHS0283")
    offer = (await phones.dial("Asha", MENU))[4:]
    assert offer.count("\n") == 2
    for key in ("8", "9", "hello", "0"):
        assert await phones.enter("Asha", key) == f"CON Choose 1 or 2.\n{offer}"
    assert "Amount paid?" in await phones.enter("Asha", "1")


async def test_nobody_but_an_agent_sees_how_to_lock_one(mwanga: Server) -> None:
    """The word LOCK stays for everybody: tests/dialogs/lock-sms.txt."""
    phones = Phones(mwanga)
    assert "Lock an agent" in "".join(await pages(phones, "Asha"))
    assert "Lock an agent" not in "".join(await pages(phones, "Baraka"))
    stranger = await phones.dial("Stranger", MENU)
    assert stranger.startswith("END ") and not CHOICE.search(stranger)


async def test_a_problem_has_the_kinds_that_customers_know(mwanga: Server) -> None:
    screen = await Phones(mwanga).choose("Baraka", "Report a problem")
    kinds = "No power", "Code refused", "Paid no code", "Device broken", "Other"
    assert tuple(label for _number, label in CHOICE.findall(screen)) == kinds
