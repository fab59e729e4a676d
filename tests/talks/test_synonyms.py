"""Words that the office makes commands: which may, and that every server learns them at once."""

from collections.abc import AsyncIterator

import pytest

from bot.app import assembled
from bot.config import Config
from bot.server import Server
from bot.talks import Commands
from bot.talks.synonyms import Unfit, check_word, keywords_with_synonyms
from handlers import TALKS
from models.devices import DeviceModel
from models.messages.keywords import add_word, read_words, remove_word
from models.people import Role
from models.sql import execute
from tests.world.people import Phones


async def add(server: Server, typed: str, command: str = "BUY", language: str = "sw") -> bool:
    async with server.database.work():
        word = await check_word(typed, command, server.commands)
        return await add_word(word, language, command, actor="admin")


async def test_a_word_starts_the_talk_of_each_role_and_is_forgotten_again(mwanga: Server) -> None:
    phones = Phones(mwanga)
    assert "Sell: BUY" in str(await phones.text("Asha", "Jaza SHS0283 8000")), "a lesson, and no question"
    assert await add(mwanga, "jazá")
    await mwanga.synonyms.look()
    assert "PIN" in str(await phones.text("Asha", "jaza SHS0283 8000")), "in any spelling"
    assert mwanga.commands.find("JAZA", Role.CUSTOMER) == (mwanga.commands.by_name["own buying"], "sw")
    [word] = await read_words()
    assert (word.word, word.language, word.command) == ("JAZA", "sw", "BUY")
    async with mwanga.database.work():
        [row] = await execute(mwanga.database.client, "SELECT id FROM office_word")
        assert await remove_word(row["id"], actor="admin") == "JAZA"
        assert await remove_word(row["id"], actor="admin") == ""
    await mwanga.synonyms.look()
    assert mwanga.commands.find("JAZA", Role.CUSTOMER) is None
    notes = await execute(mwanga.database.client, "SELECT action, subject, detail FROM audit ORDER BY id DESC LIMIT 2")
    assert [(note["action"], note["subject"], note["detail"]) for note in notes] == [
        ("remove word", "JAZA", "meant BUY, sw"),
        ("add word", "JAZA", "means BUY, sw"),
    ]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("stop", "carrier"),
        ("Start", "carrier"),
        ("CANCEL", "carrier"),
        ("done", "taken"),
        ("imekwisha", None),
        ("LOCK", "taken"),
        ("funga", "taken"),
        ("nunua", "taken"),
        ("482915", "digits"),
        ("buy4", "digits"),
        ("ndiyo", "answer"),
        ("AGAIN", "answer"),
        ("please", "answer"),
        ("habari", "courtesy"),
        ("top up", "form"),
        ("ab", "form"),
        ("x" * 21, "form"),
        ("купить", "form"),
        ("", "form"),
    ],
)
@pytest.mark.everyday_on_sqlite
async def test_what_means_something_else_becomes_no_command(mwanga: Server, typed: str, why: str | None) -> None:
    if why is None:
        assert await check_word(typed, "BUY", mwanga.commands) == typed.upper()
        return
    with pytest.raises(Unfit) as unfit:
        await check_word(typed, "BUY", mwanga.commands)
    assert unfit.value.why == why


async def test_what_begins_serials_becomes_no_command(mwanga: Server) -> None:
    async with mwanga.database.work():
        await DeviceModel.create(name="Sunny 50", manufacturer="Jua", kind="shs", prefix="JUA1")
    with pytest.raises(Unfit, match="serial"):
        await check_word("jua", "BUY", mwanga.commands)
    assert await check_word("juaa", "BUY", mwanga.commands) == "JUAA"


@pytest.mark.parametrize("command", ["STOP", "START", "DONE", "LOCK", "PIN", "CASHIN", "VOID", "", "buy"])
@pytest.mark.everyday_on_sqlite
async def test_no_word_is_made_for_what_ends_something_or_has_a_pin(mwanga: Server, command: str) -> None:
    with pytest.raises(Unfit) as unfit:
        await check_word("jaza", command, mwanga.commands)
    assert unfit.value.why == "command"


async def test_a_word_that_is_taken_says_by_what(mwanga: Server) -> None:
    assert await add(mwanga, "jaza")
    assert not await add(mwanga, "jaza", "TOKEN"), "nobody has heard of it yet, and the database knows"
    await mwanga.synonyms.look()
    with pytest.raises(Unfit) as unfit:
        await add(mwanga, "jaza", "TOKEN")
    assert unfit.value.means == "BUY"


def test_a_printed_word_wins_and_a_word_for_nothing_is_passed_over() -> None:
    commands = Commands(TALKS)
    commands.learn_synonyms([("CASH", "en", "BUY"), ("HEWA", "sw", "GONE"), ("JAZA", "sw", "TOKEN")])
    found = commands.find("cash", Role.AGENT)
    assert found and found[0].name == "cash" and commands.find("hewa", Role.AGENT) is None
    assert [commands.find("jaza", role) for role in (Role.AGENT, Role.CUSTOMER)] == [
        (commands.by_name["tokens"], "sw"),
        (commands.by_name["token"], "sw"),
    ]
    commands.learn_synonyms([])
    assert commands.find("jaza", Role.AGENT) is None
    assert {"BUY", "TOKEN", "FIX"} < set(keywords_with_synonyms(commands))


@pytest.fixture
async def two(config: Config, mwanga: Server) -> AsyncIterator[Server]:
    """A second server on the same database."""
    async with assembled(config, serving=False, handling=False) as other:
        yield other


async def test_another_server_learns_it_too(mwanga: Server, two: Server) -> None:
    await add(mwanga, "jaza")
    for server in (mwanga, two):
        assert await server.synonyms.look()
        assert not await server.synonyms.look(), "nothing is new"
        assert server.commands.find("jaza", Role.AGENT)


async def test_one_that_starts_knows_them(mwanga: Server, config: Config) -> None:
    await add(mwanga, "jaza")
    async with assembled(config, serving=False, handling=False) as other:
        assert other.commands.find("jaza", Role.AGENT)
