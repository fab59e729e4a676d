"""The connection breaks at the commit: "Nothing was sold" is said only when it is known."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from bot.inbound import worker
from bot.runtime import DatabaseAway, OutcomeUnknown
from bot.server import Server
from models.settings import Setting
from models.sql import connection, execute
from tests.world.people import PEOPLE, PINS, Phones

NOT_SURE = "END Not sure. Send TOKEN serial before you sell again. Help +255700000000"
SMS_FOLLOWS = "END This takes longer. If it went through, an SMS follows. Else dial again. Help +255700000000"
UNSURE = "END Not sure if it was done. Dial again. Help +255700000000"
SORRY = "END Sorry, that did not work. Nothing was sold. The office knows. Call +255700000000."


@dataclass
class Line:
    """The connections to the database, which break as told."""

    breaks: str = ""  # at the next commit with a row in `table`: after it, or before it
    then: str = ""  # and at the one after that
    table: str = "sale"
    stays_away: bool = False  # from then on
    away: bool = False
    handles: "asyncio.Task[Any] | None" = None  # the task with the turn: sending and chores commit meanwhile
    only_there: bool = False  # whether it breaks for that one alone

    async def at_commit(self, db: Any) -> str:
        if self.only_there and asyncio.current_task() is not self.handles:
            return ""
        if not self.breaks or not (await db.execute_query(f"SELECT 1 FROM {self.table}"))[0]:
            return ""
        how, self.breaks, self.then = self.breaks, self.then, ""
        self.away = self.stays_away and not self.breaks
        return how


@pytest.fixture
async def line(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()
    async with mwanga.database.work() as db:
        kind = type(db)
    begin, commit, rollback = kind.begin, kind.commit, kind.rollback

    async def begins(self: Any) -> None:
        if line.away:
            raise ConnectionResetError
        await begin(self)

    async def commits(self: Any) -> None:
        how = await line.at_commit(self)
        await (rollback if how == "before" else commit)(self)
        if how:
            raise ConnectionResetError

    fill = worker.Worker._fill

    async def fills(*given: Any) -> None:
        if given[2]:  # dialled turns
            line.handles = asyncio.current_task()
        await fill(*given)

    monkeypatch.setattr(worker.Worker, "_fill", fills)
    monkeypatch.setattr(kind, "begin", begins)
    monkeypatch.setattr(kind, "commit", commits)
    monkeypatch.setattr(worker, "PAUSES_S", (0, 0))
    return line


@pytest.fixture
async def phones(mwanga: Server) -> Phones:
    """Asha is asked for her PIN on a screen."""
    phones = Phones(mwanga)
    await phones.choose("Asha", "Sell power")
    for answer in ("SHS0283", "8000", "1"):
        await phones.enter("Asha", answer)
    return phones


async def sales() -> int:
    return len(await execute(connection(), "SELECT 1 FROM sale"))


# How it breaks, what the screen says, and how many sales there are
CASES = {
    "committed, and away": ({"breaks": "after", "stays_away": True}, NOT_SURE, 1),
    "undone, and away": ({"breaks": "before", "stays_away": True}, NOT_SURE, 0),
    "committed, broken again, and away": (
        {"breaks": "after", "then": "after", "only_there": True, "stays_away": True},
        NOT_SURE,
        1,
    ),
    "undone, broken again, and away": (
        {"breaks": "before", "then": "before", "only_there": True, "stays_away": True},
        NOT_SURE,
        0,
    ),
    "committed, broken again, and back": (
        {"breaks": "after", "then": "after", "only_there": True},
        "END SOLD TZS 8,000",
        1,
    ),
    "away from the beginning": ({"away": True}, SORRY, 0),
    "committed, and back": ({"breaks": "after"}, "END SOLD TZS 8,000", 1),
    "undone, and back": ({"breaks": "before"}, "END SOLD TZS 8,000", 1),
}


@pytest.mark.parametrize("case", CASES)
async def test_the_screen_claims_only_what_is_known(case: str, phones: Phones, line: Line) -> None:
    how, said, sold = CASES[case]
    vars(line).update(how)
    assert (await phones.enter("Asha", PINS["Asha"])).startswith(said)
    line.away = False
    assert await sales() == sold
    again = await phones.sessions["Asha"].repeat()
    assert again.startswith("END SOLD TZS 8,000") and await sales() == 1
    receivers = [name for name, _text in await phones.news()]
    assert receivers == ["Asha", "Baraka"]


async def test_a_screen_said_again_may_have_sold(phones: Phones, line: Line) -> None:
    assert (await phones.enter("Asha", PINS["Asha"])).startswith("END SOLD TZS 8,000")
    line.breaks, line.stays_away, line.only_there = "after", True, True
    assert await phones.sessions["Asha"].repeat() == NOT_SURE
    line.away = False
    assert await sales() == 1


async def test_what_sold_nothing_is_no_reason_for_doubt(phones: Phones, line: Line) -> None:
    turns = len(await execute(connection(), "SELECT 1 FROM ussdturn"))
    line.breaks, line.table, line.stays_away = "after", f"ussdturn WHERE id > {turns}", True
    assert await phones.enter("Asha", "0") == SORRY
    line.away = False
    assert await sales() == 0


@pytest.mark.parametrize(
    ("who", "chosen", "answers", "unsure", "said"),
    [
        ("Asha", "Void a sale", ["1", "wrong meter", PINS["Asha"]], SMS_FOLLOWS, "END ASKED: take back TZS 8,000"),
        (
            "Baraka",
            "Buy",
            ["5000"],
            SMS_FOLLOWS,
            "END 5 days for TZS 5,000, SHS0283. Now your phone asks",
        ),
        ("Asha", "Lock an agent", ["0700000002", PINS["Juma"]], UNSURE, "END LOCKED. +255700000002 sells nothing"),
        ("Asha", "Language", ["3"], UNSURE, "END C'est fait."),
    ],
)
@pytest.mark.parametrize("breaks", ["after", "before"])
async def test_what_may_be_done_is_not_said_to_have_failed(
    phones: Phones, line: Line, breaks: str, who: str, chosen: str, answers: list[str], unsure: str, said: str
) -> None:
    """Whoever dials again is told how it stands; an SMS is promised to whom one goes."""
    await phones.enter("Asha", PINS["Asha"])
    await phones.choose(who, chosen)
    for answer in answers[:-1]:
        await phones.enter(who, answer)
    turns = len(await execute(connection(), "SELECT 1 FROM ussdturn"))
    line.breaks, line.table, line.stays_away = breaks, f"ussdturn WHERE id > {turns}", True
    assert await phones.enter(who, answers[-1]) == unsure
    line.away = False
    assert (await phones.sessions[who].repeat()).startswith(said)


async def test_an_sms_waits_and_is_answered_as_it_is(mwanga: Server, line: Line) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    line.breaks = "after"
    answers = dict(await phones.text("Asha", f"1 {PINS['Asha']}"))
    assert answers["Asha"].startswith("SOLD TZS 8,000")
    assert await sales() == 1
    rows = await execute(connection(), "SELECT text FROM outbox WHERE phone = $1", [PEOPLE["Asha"]])
    assert not [row for row in rows if "did not work" in row["text"]]


async def test_a_break_at_the_commit_is_told_from_one_before(mwanga: Server, line: Line) -> None:
    line.breaks, line.table = "after", "setting WHERE name = 'this one'"
    with pytest.raises(OutcomeUnknown):
        async with mwanga.database.work():
            await Setting.create(name="this one", value="")
    with pytest.raises(DatabaseAway) as caught:
        async with mwanga.database.work():
            raise ConnectionResetError
    assert not isinstance(caught.value, OutcomeUnknown)
