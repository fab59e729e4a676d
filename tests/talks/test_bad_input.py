"""Whatever is answered to whatever question of whatever talk: one short helpful answer, and nothing has changed."""

import re

import pytest

from bot.server import Server
from bot.talks import Channel, echo
from bot.text import normalise
from bot.text.grammar import split
from models.sql import connection, execute
from tests.world.first_question import ELSEWHERE, begun
from tests.world.routes import ROUTES, Route, ways
from tests.world.walk import Question, everything_as_text, short

pytestmark = pytest.mark.everyday_on_sqlite

# Bad anywhere: nothing, the wrong kind, far too long, pictures, stars, and what would break a careless program.
BAD = (
    "", "   ", "😀😀", "W" * 300, "*", "' OR 1=1 --", "x'; DROP TABLE audit; --", "a\x00b", "-1", "{0.__class__}", "%s",
    "\\", "99999999999999999999", "null", "\u202e\u200b",
)  # fmt: skip
# Bad to one question: unknown, another's, in use, badly formed.
BAD_HERE = {
    "device": ("SHS9999", "0000", "12", ELSEWHERE, "0777", "SHS0284"),
    "payable": ("SHS9999", "0000", "12", ELSEWHERE, "0777", "S1999", "S", "S99999999999", "SHS0284"),
    "bought": ("SHS9999", "0000", "12", "0777", "S1999", "S", "S99999999999", "SHS0284"),
    "serial": ("04123456784", "04123456793", "SHS0283", ELSEWHERE, "12"),
    "free device": ("SHS0284", "EB100042", "SHS9999", ELSEWHERE, "12"),
    "customer": ("0x", "999", "#", "4"),
    "ticket": ("K999", "K", "00"),
    "phone": ("0712", "12345678901234567890", "abc"),
    "amount": ("00", "8000x", "1,2,3", "10.000.000.000", "9999999999"),
    "pin": ("000000", "12345", "1234567"),
    "new pin": ("123456", "111111", "12345", "abcdef"),
    "same pin": ("730583", "12345"),
    "name": ("Al", "Al B", "12345 67890", "Rehema"),
    "search": ("a", "9", "12", "Salma", ELSEWHERE),
    "confirm": ("3", "yes please", "maybe"),
    "confirm with PIN": ("1 000000", "1 12345", "1 1234567", "3", "maybe"),
}
# Bad behind a keyword that takes more without asking for it.
BAD_BEHIND = {
    "list": ("Kijiji", "0", "2", "99", "Mtwara 0", "99999999999", "Kilwa 1 1"),
    "sales": ("0", "2", "61", "x", "99999999999", "٠"),
    "statement": ("0", "32", "24/13", "x", "24 11 26", "99999999999"),
    "own plan": ("S1999", ELSEWHERE, "99999999999"),
}
# What is passed over there: what says nothing, as in a thank you with a picture; of a customer all but what may name
# a device or a sale.
SAYS_NOTHING = ("😀😀", "*", "\\")
PASSED_OVER = {"own plan": (*BAD, "x", "1")}
# What looks bad and is a good answer: these questions take a person's own words.
OWN_WORDS = {
    "said": (
        *SAYS_NOTHING,
        "\u202e\u200b",
        "' OR 1=1 --",
        "x'; DROP TABLE audit; --",
        "a\x00b",
        "{0.__class__}",
        "null",
    ),
    "reason": ("' OR 1=1 --", "x'; DROP TABLE audit; --", "a\x00b", "{0.__class__}", "null"),
    "words": ("' OR 1=1 --", "x'; DROP TABLE audit; --", "a\x00b", "{0.__class__}", "null"),
}
SAMPLE = {"buy", "fix", "status", "register", "sell"}  # PostgreSQL refuses what SQLite takes, and the other way round


def marks(engine: str, route: Route, channel: Channel) -> list[pytest.MarkDecorator]:
    """What is bad is found by the talk, for all its ways and both channels: every day the plain way of each talk, by
    dialling what no text comes to and a few more."""
    by_sms_too = channel is Channel.USSD and Channel.SMS in route.channels
    everyday = engine == "sqlite" and not route.name and (not by_sms_too or route.talk in SAMPLE)
    return [] if everyday else [pytest.mark.slow]


WALKS = [
    pytest.param(engine, route, channel, id=f"{engine}-{route}-{channel}", marks=marks(engine, route, channel))
    for engine in ("sqlite", "postgres")
    for route, channel in ways()
    if (engine == "sqlite" or route.talk in SAMPLE)
    # What is no answer to what words may have meant is looked through for its own meaning.
    and (route.talk, route.name) != ("own buying", "meant")
]


@pytest.mark.parametrize(("engine", "route", "channel"), WALKS)
async def test_a_bad_answer_is_answered_helpfully_and_changes_nothing(
    route: Route, channel: Channel, mwanga: Server
) -> None:
    walk = await begun(mwanga, route, channel)
    while walk.open:
        question, asked, good = walk.question, walk.answer, walk.good_answer
        place, before = await walk.keep(), await everything_as_text()
        for bad in [] if walk.on_the_way else bad_answers(question, 25 if channel is Channel.USSD else 300):
            if not bad and walk.dialled_only:
                continue  # on the wire it is the first turn once more
            await walk.say(bad)
            assert short(walk.answer), (question, bad, walk.answer)
            assert walk.open, (question, bad, walk.answer)
            assert helpful(walk.answer, asked), (question, bad, asked, walk.answer)
            assert not re.search(r"^ |\S  +\S", walk.answer), (question, bad, "a gap where it is named", walk.answer)
            assert not walk.others, (question, bad, walk.others)
            assert await everything_as_text() == before, (question, bad)
            assert await execute(connection(), "SELECT error FROM inbox WHERE error <> ''") == [], (question, bad)
            await walk.back_to(place)
        await walk.say(good)
        assert walk.answer != asked, (question, good)


@pytest.mark.parametrize(("engine", "route", "channel"), [way for way in WALKS if way.values[2] is Channel.SMS])
async def test_a_bad_piece_of_one_line_rejects_the_whole_command(
    route: Route, channel: Channel, mwanga: Server
) -> None:
    walk = await begun(mwanga, route, channel)
    pieces = [walk.one.words["en"][0]]
    while walk.open and walk.question.verb in ("ask", "choose"):
        question, good = walk.question, walk.good_answer
        place, before = await walk.keep(), await business()
        for bad in [] if walk.on_the_way else filter(str.strip, bad_answers(question)):
            await walk.say(f"{pieces[0]} {(', ' if walk.one.commas else ' ').join([*pieces[1:], bad])}")
            assert short(walk.answer), (question, bad, walk.answer)
            assert not walk.others, (question, bad, walk.others)
            assert await business() == before, (question, bad)
            await walk.back_to(place)
        await walk.say(good)
        pieces.append(good)


@pytest.mark.parametrize("name", BAD_BEHIND)
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_stands_behind_a_keyword_and_is_not_asked_for_is_read_as_strictly(name: str, mwanga: Server) -> None:
    route = next(each for each in ROUTES if each.talk == name)
    walk = await begun(mwanga, route, Channel.SMS)
    keyword, before = walk.one.words["en"][0], await everything_as_text()
    place, alone = await walk.keep(), (walk.answer, walk.open)
    passed_over = PASSED_OVER.get(name, SAYS_NOTHING)
    for bad in dict.fromkeys(bad for bad in (*BAD, *passed_over, *BAD_BEHIND[name]) if split(normalise(bad))):
        await walk.back_to(place)
        await walk.say(f"{keyword} {bad}")
        assert short(walk.answer) and not walk.others, (bad, walk.answer)
        assert await everything_as_text() == before, bad
        if bad in passed_over:
            assert (walk.answer, walk.open) == alone, (bad, walk.answer)
        else:
            assert f"Send {keyword}" in walk.answer and not walk.open, (bad, walk.answer)


async def business() -> list[tuple[str, str]]:
    """Everything but drafts: a line that begins well may go on as a dialogue."""
    return [(table, row) for table, row in await everything_as_text() if table != "draft"]


def bad_answers(question: Question, most: int = 300) -> list[str]:
    """No longer than `most`: a dialled session carries all that was entered in it, up to 1,600 letters."""
    own = OWN_WORDS.get(question.name, ())
    most = 300 if own else most  # less would be an answer
    return [bad[:most] for bad in (*BAD, *BAD_HERE.get(question.name, ())) if bad not in own]


def helpful(answer: str, asked: str) -> bool:
    """It says what is wrong, and what to answer: the question again, or its last words."""
    return answer != asked and bool(_phrases(answer) & _phrases(asked))


def _phrases(text: str) -> set[str]:
    return {phrase.strip() for phrase in re.split(r"[.?!\n]", text) if len(phrase.strip()) > 3} - {"Back"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("482915", "******"),
        ("4829-15", "******"),
        ("48 29 15", "******"),
        ("1482915", "1******"),
        ("YE'S482915", "YE'S******"),
        ("ndiyo 482 915", "ndiyo ******"),
        ("1 482915", "1 ******"),
        ("1 4829-15", "1 ******"),
        ("1 640 918", "1 ******"),
        ("PIN482915111213", "PIN******"),
        ("P'IN482915", "P'IN******"),
        ("S.I.R.I.482 915", "S.I.R.I.*****"),
        ("P\u00cdN482915", "PIN******"),
        ("MYPINIS482915", "MYPINIS******"),
        ("N'Golo Siringa", "N'Golo Siring"),
        ("LOCK0700000002482915", "LOCK******"),
        ("1PLEASE482915", "1PLEASE******"),
        ("1NA482915", "1NA******"),
        ("YESASANTE482915", "YESASANTE****"),
        ("ASANTE482915", "ASANTE******"),
        ("NA482915", "NA482915"),
        ("730 582", "******"),
        ("0712 345 678", "0712 345 678"),
        ("2026-11-28", "2026-11-28"),
        ("SHS0283", "SHS0283"),
    ],
)
def test_what_may_be_a_pin_is_not_said_again(typed: str, said: str) -> None:
    assert echo(typed) == said


@pytest.mark.parametrize(
    ("typed", "said"), [("730 582", "730 582"), ("1 640 918", "1 640 918"), ("730582", "******"), ("7305-82", "******")]
)
def test_an_amount_in_thousands_is_said_again(typed: str, said: str) -> None:
    assert echo(typed, amount=True) == said
