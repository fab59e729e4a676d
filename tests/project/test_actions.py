"""The table of what the apps do (docs/texts.md) tells the truth: no action is missing, each form works as it stands."""

import re

import pytest

from bot.server import Server
from handlers import TALKS
from models.people import Role
from tests.project.pages import commands
from tests.world.actions import APPS, Action, talk_of
from tests.world.people import Phones
from tests.world.walk import CALLERS

ROLES = {"agent": {Role.AGENT}, "customer": {Role.CUSTOMER}, "stranger": {Role.STRANGER}, "anybody": set(Role)}
ACTIONS = [action for listed in APPS.values() for action in listed]
BY_TEXT = [pytest.param(action, id=action.what) for action in ACTIONS if action.talks]
# Nobody shall come to it by a wrong key: the menu of an agent alone shows it, the word works for everybody.
BY_WORD_ONLY = {
    ("lock", Role.CUSTOMER),
    ("lock", Role.STRANGER),
    ("buying for others", Role.STRANGER),
    ("cash in", Role.AGENT),
}
STARTS = [(one, role) for one in TALKS for role in sorted(one.roles)]


def test_every_row_of_the_reference_is_there() -> None:
    assert {action.row for action in ACTIONS} - {0} == set(range(1, 39))


def test_every_talk_is_named_by_an_action() -> None:
    assert {one.name for one in TALKS} == {name for action in ACTIONS for name in action.talks}


@pytest.mark.parametrize("action", BY_TEXT)
def test_the_talks_of_an_action_are_for_those_who_do_it(action: Action) -> None:
    doing = set().union(*(ROLES[who] for who in action.who.split(", ")))
    talks = [talk_of(name) for name in action.talks]
    assert doing <= set().union(*(one.roles for one in talks))
    assert all(one.roles & doing for one in talks)
    for role in doing:
        in_menu = [one for one in talks if one.menu and role in one.menu_for]
        by_word_only = [one for one in talks if (one.name, role) in BY_WORD_ONLY]
        assert bool(in_menu) is not bool(by_word_only), f"the menu of {role} does not show it"


def test_every_sms_form_is_understood(mwanga: Server) -> None:
    for one, role in STARTS:
        form = f"{one.words['en'][0]} {one.usage.to('en')}".strip()
        assert mwanga.commands.find(form.split()[0], role) == (one, "en"), form


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_every_example_is_understood(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for one, role in STARTS:
        form = f"{one.words['en'][0]} {one.example.to('en') if one.example else ''}".strip()
        [reply] = [text for name, text in await phones.text(CALLERS[role], form) if name == CALLERS[role]]
        assert not re.search("Not understood|Did you mean|Only agents send|Only customers send|Leave out", reply), (
            form,
            reply,
        )


def test_every_command_that_does_it_instead_exists() -> None:
    named = [line for action in ACTIONS for line in re.findall(r"`(mwanga [a-z ]+)`", action.instead)]
    assert len(named) > 3
    assert [line for line in named if f"| `{line}" not in commands()] == []
