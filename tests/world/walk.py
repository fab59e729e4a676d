"""Walks any talk from question to question by short good answers, on the ways of tests/world/routes.py.

What is asked is read from the talk itself, so a new talk made of known questions joins by itself; a new question
fails until its good answer stands in GOOD.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from tortoise import Tortoise

from bot.talks import Channel, Chat, Talk
from bot.text import SCREEN, septets
from bot.text.gsm import is_gsm
from models.people import Agent, Role
from models.sql import connection, execute, on_postgres
from tests.world.people import MENU, PEOPLE, PINS, Phones
from tests.world.routes import Route

CALLERS = {Role.AGENT: "Asha", Role.CUSTOMER: "Baraka", Role.STRANGER: "Stranger"}
# A good answer by the question's name, or by "talk question" where one talk needs its own. Choices take the first.
GOOD = {
    "device": "SHS0283",
    "amount": "8000",
    "customer": "2",
    "find search": "Baraka",
    "payable": "SHS0283",
    "bought": "SHS0283",
    "name": "Rehema Ali",
    "phone": "0713000111",
    "serial": "04123456792",
    "free device": "EB100043",
    "ticket": "K1",
    "words": "still dark",
    "fixed": "1",
    "new pin": "730582",
    "same pin": "730582",
    "lock phone": "0700000002",
    "lock pin": "739164",
    "agent": "0700000002",
    "said": "I gave 60000",
    "reason": "wrong meter",
    "cash in amount": "500",
}
MACHINERY = {"inbox", "outbox", "ussdsession", "ussdturn", "gatewaystate", "refused", "guess"}
COUNTED = {
    "wrong_pins",
    "updated_at",
    "talk",
    "replies",
    "replies_since",
    "bad_text",
    "bad_count",
    "bad_repeats",
    "bad_since",
}


class Question(NamedTuple):
    """What is asked: its name, which verb of the chat asks it, and in which module that is called."""

    name: str
    verb: str
    asker: str = ""


class World(NamedTuple):
    """Who walks, who sells there, what there is to name, and good answers in place of those of GOOD."""

    callers: Mapping[Role, str]
    things: Mapping[str, str]
    good: Mapping[str, str]

    async def prepare(self, phones: Phones, route: Route) -> None:
        """What there is and what is done before, so that the route leads where it shall."""
        agent = self.callers[Role.AGENT]
        if route.talk == "wallet":
            await Agent.filter(phone=PEOPLE[agent]).update(prepaid=True)
        if route.begun:
            object.__setattr__(phones.mwanga.company, "mobile_money", ())
            assert await phones.text(self.callers[route.role], route.begun.format(**self.things))
        for text in route.before:
            assert await phones.text(agent, text.format(**self.things, pin=PINS[agent]))


@dataclass
class Walk:
    """One person on one route on one channel; the language is the person's."""

    phones: Phones
    route: Route
    channel: Channel
    world: World
    language: str = "en"
    questions: list[Question] = field(default_factory=list)
    answer: str = ""
    others: list[tuple[str, str]] = field(default_factory=list)
    open: bool = False

    @property
    def one(self) -> Talk:
        return self.route.one

    @property
    def who(self) -> str:
        return self.world.callers[self.route.role]

    async def prepare(self) -> None:
        """What comes before the talk."""
        await self.world.prepare(self.phones, self.route)

    async def begin(self) -> None:
        if self.channel is Channel.SMS:
            await self.say(self.route.says or self.one.keyword.to(self.language))
            return
        await self._took(await self.phones.dial(self.who, MENU))
        if self.one.menu and self.open:  # a menu of one line leads to it by itself
            await self.say((await self.phones.way(self.who, self.one.menu.to(self.language)))[-1])

    async def say(self, text: str) -> None:
        self.questions.clear()
        with asked(self.questions):
            if self.channel is Channel.USSD:
                await self._took(await self.phones.enter(self.who, text))
                return
            said = await self.phones.text(self.who, text)
        own = [message for name, message in said if name == self.who]
        assert len(own) == 1, (text, said)
        self.answer, self.others = own[0], [each for each in said if each[0] != self.who]
        self.open = await self.phones.asked(self.who)

    async def _took(self, screen: str) -> None:
        self.answer, self.open = screen[4:], screen.startswith("CON")
        self.others = await self.phones.news()

    @property
    def question(self) -> Question:
        return self.questions[-1] if self.questions else Question("menu", "choose")

    @property
    def on_the_way(self) -> bool:
        """Whether this question is asked on other routes as well."""
        return bool(self.route.asks) and self.question.name not in self.route.asks

    @property
    def dialled_only(self) -> bool:
        """A session with the first screen and no answer yet."""
        return self.channel is Channel.USSD and not self.phones.sessions[self.who].transcript

    @property
    def good_answer(self) -> str:
        name, verb, _asker = self.question
        for key in (f"{self.one.name} {name}", name):
            for answers in (self.route.good, self.world.good, GOOD):
                if key in answers and (verb != "choose" or key != name):
                    return answers[key].format(**self.world.things)
        if verb == "choose":
            return "1"
        pin = PINS.get(self.who, "")
        if verb == "confirm":
            return f"1 {pin}" if name == "confirm with PIN" and self.channel is Channel.SMS else "1"
        if verb == "pin":
            return pin
        pytest.fail(f'add a good answer to "{name}", which "{self.one.name}" asks, to GOOD in tests/world/walk.py')

    async def keep(self) -> tuple[str, str]:
        """The place in the talk, to come back to."""
        sms = await execute(connection(), "SELECT talk FROM contact WHERE phone = $1", [self._phone])
        ussd = await execute(connection(), LAST_SESSION, [self._phone])
        return sms[0]["talk"] if sms else "", ussd[0]["talk"] if ussd else ""

    async def back_to(self, place: tuple[str, str]) -> None:
        """Stand there again, with no wrong answer or PIN counted: a test writes more of them in a row than a person."""
        await execute(connection(), SET_THREAD, [self._phone, place[0]])
        await execute(connection(), "UPDATE agent SET wrong_pins = 0")
        await execute(connection(), "DELETE FROM guess")
        if self.channel is Channel.USSD:
            await execute(connection(), SET_SESSION, [self._phone, place[1]])

    @property
    def _phone(self) -> str:
        return PEOPLE[self.who]


SET_THREAD = """UPDATE contact SET talk = $2, replies = 0, bad_text = '', bad_count = 0, bad_repeats = 0, bad_since = 0
  WHERE phone = $1"""
LAST_SESSION = "SELECT talk FROM ussdsession WHERE phone = $1 ORDER BY id DESC LIMIT 1"
SET_SESSION = "UPDATE ussdsession SET talk = $2 WHERE id = (SELECT MAX(id) FROM ussdsession WHERE phone = $1)"


@contextmanager
def asked(questions: list[Question]) -> Iterator[None]:
    """Note every question that a talk puts, in order: the last one is the open one."""
    ask, choose, confirm, pin = Chat.ask, Chat.choose, Chat.confirm, Chat.pin

    def asker() -> str:
        """The module of what awaits the question."""
        return str(sys._getframe(2).f_globals["__name__"])

    async def noted_ask(self: Chat, question: Any) -> Any:
        questions.append(Question(question.name, "ask", asker()))
        return await ask(self, question)

    async def noted_choose(self: Chat, name: str, *rest: Any, **named: Any) -> str:
        questions.append(Question(name, "choose", asker()))
        return await choose(self, name, *rest, **named)

    async def noted_confirm(self: Chat, question: Any, *, pin: bool = False, **named: Any) -> bool:
        questions.append(Question("confirm with PIN" if pin else "confirm", "confirm", asker()))
        return await confirm(self, question, pin=pin, **named)

    async def noted_pin(self: Chat, **named: Any) -> None:
        questions.append(Question("pin", "pin", asker()))
        await pin(self, **named)

    with patch.multiple(Chat, ask=noted_ask, choose=noted_choose, confirm=noted_confirm, pin=noted_pin):
        yield


async def everything() -> dict[str, list[dict[str, object]]]:
    """Every row of every table that a talk may change, without what counts and records messages and wrong PINs."""
    return {
        table: await execute(connection(), f"SELECT {', '.join(columns)} FROM {table}{wanted} ORDER BY 1")
        for table, (columns, wanted) in _changed_by_talks().items()
    }


async def everything_as_text() -> list[tuple[str, str]]:
    """The same, to be compared after each of hundreds of answers: all in one statement, of each row its table and one
    text."""
    rows = await execute(connection(), _all_as_text(postgres=on_postgres()))
    return sorted((row["what"], row["said"]) for row in rows)


@cache
def _all_as_text(*, postgres: bool) -> str:
    """The statement for it."""
    pieces = []
    for table, (columns, wanted) in _changed_by_talks().items():
        quoted = " || ', ' || ".join(map("quote({})".format, columns))
        text = f"CAST(ROW({', '.join(columns)}) AS TEXT)" if postgres else quoted
        pieces.append(f"SELECT '{table}' AS what, {text} AS said FROM {table}{wanted}")
    return " UNION ALL ".join(pieces)


def _changed_by_talks() -> dict[str, tuple[list[str], str]]:
    """These tables, with their columns, the key first, and which of their rows."""
    tables = {model._meta.db_table: model._meta for model in Tortoise.apps["models"].values()}
    return {
        table: (
            [meta.db_pk_column, *sorted(meta.db_fields - COUNTED - {meta.db_pk_column})],
            " WHERE action <> 'wrong lock'" if table == "audit" else "",
        )
        for table, meta in tables.items()
        if table not in MACHINERY
    }


def short(message: str) -> bool:
    """One SMS, one screen."""
    return is_gsm(message) and septets(message) <= SCREEN
