"""Rules that hold for every talk, whoever wrote it (design 2)."""

import json
from collections.abc import Callable

import pytest

from bot.server import Server
from bot.talks import Talk
from bot.talks.state import TalkState
from handlers import TALKS
from models.people import Role
from models.sql import connection, execute
from tests.world.business import business
from tests.world.people import Phones

pytestmark = pytest.mark.everyday_on_sqlite

CALLERS = {Role.AGENT: "Asha", Role.CUSTOMER: "Baraka", Role.STRANGER: "Stranger"}
# A whole command for each talk, so that one word more is one too many.
ARGUMENTS = {
    "buy": "SHS0283 8000",
    "own buying": "5000 SHS0283",
    "buying for others": "5000 SHS0283",
    "tokens": "SHS0283",
    "pin": "482915 730582",
    "language": "sw",
    "lock": "0700000002 739164",
    "fix": "SHS0283 no power",
    "problem": "no power",
    "status": "K1",
    "note": "K1 still dark",
    "done": "K1",
    "fixed": "K1",
    "register": "Rehema Ali, 0713000111, shs, SHS0284, Mtwara",
    "list": "Mtwara SHS 1",
    "find": "SHS0283",
    "customer": "2",
    "pay": "SHS0283 8000",
    "plan": "SHS0283",
    "own plan": "SHS0283",
    "sales": "1",
    "sell": "2, Radio, cash",
    "stock": "Solar home",
    "stop": "12",
    "statement": "24/11",
    "cash in": "0700000002 500",
    "dispute": "PAGE",
    "void": "RRRRR wrong",
}
PROSE = {"fix", "problem", "note", "dispute", "void"}  # all that is left of the line is the caller's own words


def starts(wanted: Callable[[Talk, Role], bool]) -> pytest.MarkDecorator:
    """Each talk with each role that may start it, of those that are wanted."""
    found = [(one, role) for one in TALKS for role in sorted(one.roles) if wanted(one, role)]
    return pytest.mark.parametrize(("one", "role"), found, ids=[f"{one.name}-{role}" for one, role in found])


@starts(lambda one, role: one.name not in PROSE and (one.name, role) != ("own buying", Role.CUSTOMER))  # who is asked
async def test_one_word_too_many_rejects_the_whole_command(one: Talk, role: Role, mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "FIX SHS0283 no light")  # ticket K1
    before = await business()
    words = f"{one.words['en'][0]} {ARGUMENTS.get(one.name, '')} SURPLUS"
    answered = await phones.text(CALLERS[role], words)
    assert len(answered) == 1
    assert await business() == before
    assert not await phones.asked(CALLERS[role])
    assert await execute(connection(), "SELECT 1 FROM contact WHERE stopped_at > 0") == []


@starts(lambda one, role: one.menu is not None and role in one.menu_for)
async def test_an_answer_that_no_longer_fits_restarts_politely(one: Talk, role: Role, mwanga: Server) -> None:
    phones = Phones(mwanga)
    name = CALLERS[role]
    await phones.dial(name, "*384*20#")
    state = TalkState("menu", "test", answers=[["menu", one.name], ["long ago", 1], ["older still", 2]])
    await execute(connection(), "UPDATE ussdsession SET talk = $1", [json.dumps(vars(state))])
    screen = await phones.enter(name, "1")
    assert "Something changed" in screen or screen.startswith("END"), screen


@starts(lambda one, _role: one.name != "problem")  # which begins with the caller's own words
async def test_nonsense_at_the_first_question_changes_nothing(one: Talk, role: Role, mwanga: Server) -> None:
    phones, name = Phones(mwanga), CALLERS[role]
    for nonsense in ("W" * 300, "😀", "٩", "-1", "' OR 1=1 --", "{0.__class__}", "%s", "\\", "*", "#"):
        await phones.text(name, one.words["en"][0])
        if not await phones.asked(name):
            continue
        before = await business()
        answered = await phones.text(name, nonsense)
        assert len(answered) <= 1
        assert await business() == before


@starts(lambda one, _role: one.reads)
async def test_a_talk_that_only_reads_changes_nothing_and_leaves_a_question_open(
    one: Talk, role: Role, mwanga: Server
) -> None:
    phones, name = Phones(mwanga), CALLERS[role]
    await phones.text("Asha", "FIX SHS0283 no light")  # ticket K1
    for opening in ("LOCK",) if role is Role.STRANGER else ("BUY SHS0283 8000", "FIX"):
        await phones.text(name, opening)
    conversation = await phones.conversation(name)
    before = await business()
    for words in ("", ARGUMENTS.get(one.name, "")):
        await phones.text(name, f"{one.words['en'][0]} {words}")
        assert await business() == before
        left = await phones.conversation(name)
        assert conversation.open and conversation.open in (left.open, left.aside)


async def test_nobody_can_start_what_is_not_for_him(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for one in TALKS:
        for role in set(Role) - one.roles:
            if mwanga.commands.find(one.words["en"][0], role):
                continue  # the same word starts another talk for this role
            before = await business()
            await phones.text(CALLERS[role], f"{one.words['en'][0]} {ARGUMENTS.get(one.name, '')}")
            assert await business() == before


async def test_another_mini_grid_is_out_of_reach(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for one in TALKS:
        if Role.AGENT in one.roles and "SHS0283" in ARGUMENTS.get(one.name, ""):
            [(_name, answer)] = await phones.text("Zuhura", f"{one.words['en'][0]} {ARGUMENTS[one.name]}")
            assert "not found" in answer and "BARAKA" not in answer


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Asha", "Dial *384*20# like a phone number, do not send it as SMS. Or send HELP."),
        ("Baraka", "Dial *384*20# like a phone number, do not send it as SMS. Or send HELP."),
        ("Juma", "Piga *384*20# kama namba ya simu, usiitume kwa SMS. Au tuma MSAADA."),
    ],
)
async def test_who_sends_the_code_that_is_dialled_is_told_to_dial_it(mwanga: Server, name: str, answer: str) -> None:
    """A customer was asked what is wrong. With answers behind it nothing is sold either."""
    phones = Phones(mwanga)
    for code in ("*384*20#", " *384*20", "dial *384*20#", "*384*20*1*SHS0283*8000#"):
        assert await phones.text(name, code) == [(name, answer)]
    assert not (await phones.conversation(name)).open
    assert await phones.text(name, "*384*200#") != [(name, answer)], "that is another code"
