"""Transcripts: what people send and what they read. A field officer can read them and say what is wrong.

    as Asha                      who holds the phone
    > BUY SHS0283 8000           she sends a text; with *384*20# she dials, and then each line is an answer
    > (Register)                 she chooses the line Register of the menu, paging on until it shows; she dials first
                                 when no menu is open
    > *384*20*(Register)*1#      she dials the way to it
    < Sell 8 days …              what she reads; further lines of a message begin with two spaces
    Baraka < SHS0283             what somebody else reads
    ... 11 minutes               time passes
    ... 61 minutes, chores       time passes, and the server does what it does by the clock
    ! unlock Asha                the office does something, or the world is otherwise (meanwhile.py has what there is);
                                 who is told of it reads it below
    $ Baraka pays                he enters his PIN when the phone asks; other ends are ENDS in mobile_money.py
    $ Baraka pays 5000 to SHS0283 (ref RKL51ZDR4F)
                                 he pays in the menu of his phone, without a text to us
    $ the office assigns RKL51ZDR4F to SHS0283
                                 or to Baraka, as his credit

What stands in tests/dialogs/en is played in each language: everybody reads it, and each word in capitals that is a
command is sent as that language says it, as are the lines of menus, and the `en` of LANG en.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

import time_machine

from bot.config import LANGUAGES
from bot.server import Server
from bot.text import SCREEN, septets
from bot.text.gsm import is_gsm
from bot.text.i18n import catalogued
from handlers import TALKS
from models.people import Agent, Customer
from models.sql import connection, execute
from tests.world.business import business
from tests.world.meanwhile import Meanwhile
from tests.world.mobile_money import by_phone
from tests.world.people import MENU, PEOPLE, PINS, Phones

LABEL = re.compile(r"\(([^)]+)\)")
DIALS = re.compile(r"\*384|\([^)]+\)$")
CAPITALS = re.compile(r"(?<![\w(])[A-Z]+(?![\w)])")
COMMANDS = {word: one.keyword for one in TALKS for word in one.words["en"]}


def in_language(line: str, language: str) -> str:
    """A line of an English transcript as somebody of this language sends it; what nobody sends stays."""
    if not line.startswith("> "):
        return line
    line = re.sub(r"(?<=LANG )en$", language, line)
    line = LABEL.sub(lambda label: f"({catalogued(language, label[1])})", line)
    return CAPITALS.sub(lambda word: _command(word[0], language), line)


def _command(word: str, language: str) -> str:
    if word in COMMANDS:
        return COMMANDS[word].to(language)
    return catalogued(language, word)  # AGAIN


@dataclass
class Play:
    """Runs the lines that people and the office do, and writes the whole transcript anew."""

    mwanga: Server
    clock: time_machine.Traveller
    who: str = ""
    dialled: bool = False

    async def run(self, written: str, language: str = "") -> str:
        """The transcript as it goes; with a `language` everybody has that one, also whoever we do not know."""
        if language:
            await self._everybody_reads(language)
            written = "\n".join(in_language(line, language) for line in written.splitlines())
        phones = Phones(self.mwanga)
        lines: list[str] = []
        object.__setattr__(self.mwanga.company, "mobile_money", ())
        for line in written.splitlines():
            if line.startswith("$ "):
                lines.append(line)
                lines += await self._paid(phones, line[2:])
            elif line.startswith("> "):
                lines.append(line)
                lines += await self._said(phones, line[2:])
            elif not line.startswith("  ") and not is_answer(line):
                lines.append(line)
                await self._done(line)
                lines += self._others(await phones.news())
        for pin in PINS.values():
            assert not await stored(pin), "a PIN was stored"
        return "\n".join(lines) + "\n"

    async def _everybody_reads(self, language: str) -> None:
        await Agent.all().update(language=language)
        await Customer.all().update(language=language)
        live = self.mwanga.company.live
        others = [code for code in LANGUAGES if code != language]
        live.take(replace(live.figures, languages=[language, *others]))

    async def _said(self, phones: Phones, text: str) -> list[str]:
        before = await business()
        if self.dialled or DIALS.match(text):
            screen = await self._screen(phones, text)
            self.dialled = screen.startswith("CON")
            check(screen[4:], secret=PINS.get(self.who))
            if self.dialled:
                assert await business() == before, "a question had an effect"
            after = await business()
            assert await phones.sessions[self.who].repeat() == screen
            assert await business() == after, "a repeated turn had an effect"
            return [*shown("<", screen[4:]), *([] if self.dialled else ["< (end)"]), *self._others(await phones.news())]
        answered = await phones.text(self.who, text)
        if await phones.asked(self.who):
            assert await business() == before, "a question had an effect"
        after = await business()
        assert await phones.repeat() == [], "a repeated message was answered"
        assert await business() == after, "a repeated message had an effect"
        own = [text for name, text in answered if name == self.who]
        assert len(own) <= 1, "a message gets at most one reply"
        for name, message in answered:
            check(message, secret=PINS.get(name))
        others = [(name, message) for name, message in answered if name != self.who]
        return [*(shown("<", own[0]) if own else ["< (nothing)"]), *self._others(others)]

    async def _paid(self, phones: Phones, line: str) -> list[str]:
        """What everybody reads when money comes, or does not. Told once more it is no news."""
        told = []
        for _twice in range(2):
            async with self.mwanga.database.work():
                await by_phone(line, self.mwanga)
            told.append(await phones.news())
        assert told[1] == [], "the same news was told twice"
        for name, message in told[0]:
            check(message, secret=PINS.get(name))
        return self._others(told[0])

    async def _screen(self, phones: Phones, text: str) -> str:
        """What the phone shows after an answer, or after dialling; a label stands for the way to it."""
        if label := LABEL.search(text):
            if not self.dialled or text.startswith("*"):
                await phones.dial(self.who, MENU)
            way = await phones.way(self.who, label[1])
            text = text.replace(label[0], "*".join(way)) if text.startswith("*") else way[-1]
        return await (phones.dial if text.startswith("*384") else phones.enter)(self.who, text)

    def _others(self, messages: list[tuple[str, str]]) -> list[str]:
        return [line for name, message in messages for line in shown(f"{name} <", message)]

    async def _done(self, line: str) -> None:
        if line.startswith("as "):
            self.who, self.dialled = line[3:].strip(), False
        elif line.startswith("... "):
            time, _comma, chores = line[4:].partition(", ")
            number, unit = time.split()[:2]
            self.clock.shift(timedelta(**{unit if unit.endswith("s") else f"{unit}s": int(number)}))
            if chores:
                await self.mwanga.watch.chores()
                await self.mwanga.housekeeping.chores()
        elif line.startswith("! "):
            verb, *words = line[2:].split()
            async with self.mwanga.database.work():
                await getattr(Meanwhile(self.mwanga), verb.replace("-", "_"))(*words)
        elif line == "hang up":
            self.dialled = False


WRITTEN = {
    "inbox": "text",
    "contact": "talk",
    "ussdsession": "talk",
    "outbox": "text",
    "audit": "detail",
    "ticket": "text",
}


async def stored(pin: str) -> bool:
    """Whether these digits stand anywhere in what is kept of what people wrote."""
    for table, column in WRITTEN.items():
        if await execute(connection(), f"SELECT 1 FROM {table} WHERE {column} LIKE $1", [f"%{pin}%"]):
            return True
    return False


def is_answer(line: str) -> bool:
    return line.startswith("<") or any(line.startswith(f"{name} <") for name in PEOPLE)


def shown(mark: str, message: str) -> list[str]:
    first, *rest = message.split("\n")
    return [f"{mark} {first}", *(f"  {line}" for line in rest)]


def check(message: str, secret: str | None) -> None:
    """What holds for every line that we send."""
    assert is_gsm(message), message
    assert septets(message) <= SCREEN, message
    assert secret is None or secret not in message, "a PIN was said"
    assert "{" not in message, message
