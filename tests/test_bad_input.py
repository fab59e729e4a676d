"""Whatever is answered to whatever question of whatever talk: one short helpful answer, and nothing has changed."""

import re

import pytest

from bot.chat import Channel
from bot.commands import Talk
from bot.parts import Mwanga
from handlers import TALKS
from models.devices import Device
from models.people import Customer, MiniGrid, Role
from models.sql import connection, execute
from tests.walk import CALLERS, Question, Walk, channels, everything, short
from tests.world import PEOPLE, Phones

ELSEWHERE = "SHS0777"  # a device of another mini-grid
# Bad anywhere: nothing, the wrong kind, far too long, pictures, stars, and what would break a careless program.
BAD = (
    "", "   ", "😀😀", "W" * 300, "*", "' OR 1=1 --", "x'; DROP TABLE agent; --", "a\x00b", "-1", "{0.__class__}", "%s",
    "\\", "99999999999999999999", "null", "\u202e\u200b",
)  # fmt: skip
# Bad to one question: unknown, another's, in use, badly formed.
BAD_HERE = {
    "device": ("SHS9999", "0000", "12", ELSEWHERE, "0777", "SHS0284"),
    "payable": ("SHS9999", "0000", "12", ELSEWHERE, "0777", "S1999", "S", "S99999999999", "SHS0284"),
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
    "search": ("a", "1", "12", "Salma", ELSEWHERE),
    "confirm": ("3", "yes please", "maybe"),
    "confirm with PIN": ("1 000000", "1 12345", "1 1234567", "3", "maybe"),
}
# What looks bad and is a good answer: these questions take a person's own words.
OWN_WORDS = {"words": ("' OR 1=1 --", "x'; DROP TABLE agent; --", "a\x00b", "{0.__class__}", "null")}
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SAMPLE = {"buy", "fix", "status", "register", "sell"}  # PostgreSQL refuses what SQLite takes, and the other way round
WALKS = [
    pytest.param(engine, one, role, channel, id=f"{engine}-{one.name}-{role}-{channel}", marks=marks)
    for engine, marks in (("sqlite", ()), ("postgres", pytest.mark.slow))
    for one in TALKS
    for role in sorted(one.roles)
    for channel in channels(one, role)
    if engine == "sqlite" or one.name in SAMPLE
    if channel is Channel.SMS or not one.menu or role in one.menu_for
]


async def begun(mwanga: Mwanga, one: Talk, role: Role, channel: Channel) -> Walk:
    """The first question of a talk, in a world with a ticket, a shared phone, and somebody in another mini-grid."""
    phones = Phones(mwanga)
    await phones.text("Asha", "FIX SHS0283 no light")  # ticket K1
    await Customer.filter(phone=PEOPLE["Neema"]).update(phone=PEOPLE["Baraka"])
    lindi = await MiniGrid.get(name="Lindi South")
    salma = await Customer.create(name="Salma", surname="Bakari", phone="+255713000777", mini_grid=lindi)
    baraka = await Device.get(serial="SHS0283")
    await Device.create(
        serial=ELSEWHERE, kind="shs", issuer="openpaygo", sealed_key="", customer=salma, plan_id=baraka.plan_id
    )
    if role is Role.CUSTOMER and one.name == "fixed":
        await phones.text("Asha", "DONE K1")
    walk = Walk(phones, one, CALLERS[role], channel)
    await walk.begin()
    return walk


@pytest.mark.parametrize(("engine", "one", "role", "channel"), WALKS)
async def test_a_bad_answer_is_answered_helpfully_and_changes_nothing(
    one: Talk, role: Role, channel: Channel, mwanga: Mwanga
) -> None:
    walk = await begun(mwanga, one, role, channel)
    while walk.open:
        question, asked, good = walk.question, walk.answer, walk.good_answer
        place, before = await walk.keep(), await everything()
        for bad in bad_answers(question):
            if not bad and walk.dialled_only:
                continue  # on the wire it is the first turn once more
            await walk.say(bad)
            assert short(walk.answer), (question, bad, walk.answer)
            assert walk.open, (question, bad, walk.answer)
            assert helpful(walk.answer, asked), (question, bad, asked, walk.answer)
            assert not walk.others, (question, bad, walk.others)
            assert await everything() == before, (question, bad)
            assert await execute(connection(), "SELECT error FROM inbox WHERE error <> ''") == [], (question, bad)
            await walk.back_to(place)
        await walk.say(good)
        assert walk.answer != asked, (question, good)


@pytest.mark.parametrize(("engine", "one", "role", "channel"), WALKS)
async def test_digits_of_other_scripts_are_read(one: Talk, role: Role, channel: Channel, mwanga: Mwanga) -> None:
    """Phones set to Arabic write ٨٠٠٠ for 8000; on both channels that is what it means."""
    walk = await begun(mwanga, one, role, channel)
    while walk.open:
        question, good = walk.question, walk.good_answer
        await walk.say(good.translate(ARABIC))
        assert not walk.open or walk.question != question, (question, walk.answer)


@pytest.mark.parametrize(("engine", "one", "role", "channel"), [one for one in WALKS if one.values[3] is Channel.SMS])
async def test_a_bad_piece_of_one_line_rejects_the_whole_command(
    one: Talk, role: Role, channel: Channel, mwanga: Mwanga
) -> None:
    walk = await begun(mwanga, one, role, channel)
    pieces = [one.words["en"][0]]
    while walk.open and walk.question.verb in ("ask", "choose"):
        question, good = walk.question, walk.good_answer
        place, before = await walk.keep(), await business()
        for bad in filter(str.strip, bad_answers(question)):
            await walk.say(f"{pieces[0]} {(', ' if one.commas else ' ').join([*pieces[1:], bad])}")
            assert short(walk.answer), (question, bad, walk.answer)
            assert not walk.others, (question, bad, walk.others)
            assert await business() == before, (question, bad)
            await walk.back_to(place)
        await walk.say(good)
        pieces.append(good)


async def business() -> dict[str, list[dict[str, object]]]:
    """Everything but drafts: a line that begins well may go on as a dialogue."""
    return {table: rows for table, rows in (await everything()).items() if table != "draft"}


def bad_answers(question: Question) -> list[str]:
    own = OWN_WORDS.get(question.name, ())
    return [bad for bad in (*BAD, *BAD_HERE.get(question.name, ())) if bad not in own]


def helpful(answer: str, asked: str) -> bool:
    """It says what is wrong, and what to answer: the question again, or its last words."""
    return answer != asked and bool(_phrases(answer) & _phrases(asked))


def _phrases(text: str) -> set[str]:
    return {phrase.strip() for phrase in re.split(r"[.?!\n]", text) if len(phrase.strip()) > 3} - {"Back"}
