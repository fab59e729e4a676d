"""Words that the office makes commands while the server runs: which may become one, and how every server learns them.

Each server compares the version that is kept with the one it knows, every second where others share the database: no
message costs a question more."""

import asyncio
import logging
from contextlib import suppress
from itertools import takewhile

from bot.runtime import Database
from bot.talks.commands import Commands
from bot.talks.courtesies import WORDS
from bot.text import plain_word
from bot.text.answers import AGAIN, BESIDE_PIN, CONSENT, NO
from models.messages import keywords
from models.messages.keywords import LONGEST, MOST
from models.people import Role
from models.sql import connection, execute

log = logging.getLogger(__name__)
LOOK_S, LOOK_EMBEDDED_S = 1.0, 10.0  # of an embedded database there is one server; the command line may write as well
SHORTEST = 3
# Carriers and gateways take these for themselves, whoever writes them.
OF_CARRIERS = frozenset(
    ("STOP", "STOPALL", "OPTOUT", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ARRET", "START", "UNSTOP", "HELP", "INFO")
)
NEVER = frozenset(("void", "dispute", "note", "language"))  # talks that get no words of the office
PREFIXES = "SELECT DISTINCT UPPER(prefix) AS prefix FROM devicemodel WHERE prefix <> ''"


class Unfit(Exception):
    """A word that may not become a command. `why` names the sentence of the page; `means` is what it means already."""

    def __init__(self, why: str, means: str = "") -> None:
        super().__init__(why)
        self.why, self.means = why, means


class Synonyms:
    """Keeps what this server knows of the office's words as new as the database."""

    def __init__(self, database: Database, commands: Commands) -> None:
        self._database, self._commands = database, commands
        self._version = 0
        self._stopping = asyncio.Event()

    async def look(self) -> bool:
        """Learn the words if they have changed: whether they had."""
        version = await keywords.words_version()
        if version == self._version:
            return False
        known = await keywords.read_words()
        self._commands.learn_synonyms([(each.word, each.language, each.command) for each in known])
        self._version = version
        return True

    async def run(self) -> None:
        """Look again and again until stopped."""
        while not self._stopping.is_set():
            try:
                await self.look()
            except Exception as error:
                log.error("the words of the office could not be read: %s", type(error).__name__)
            with suppress(TimeoutError):
                every = LOOK_EMBEDDED_S if self._database.embedded else LOOK_S
                await asyncio.wait_for(self._stopping.wait(), every)

    def stop(self) -> None:
        self._stopping.set()


def keywords_with_synonyms(commands: Commands) -> list[str]:
    """The English keywords that the office may add words for, in the order of the menus: none that ends something, acts
    on money that was taken, or has a PIN behind it, which is starred by the printed words alone."""
    able = [one for one in commands.talks if one.suggested and not one.secret and one.name not in NEVER]
    return list(dict.fromkeys(one.words["en"][0] for one in able))


async def check_word(typed: str, command: str, commands: Commands) -> str:
    """A word as it is kept. Raises Unfit with what is wrong with it."""
    word = plain_word(typed.strip())
    if any(map(str.isdigit, word)):
        raise Unfit("digits")
    if not word.isalpha() or not word.isascii() or not SHORTEST <= len(word) <= LONGEST:
        raise Unfit("form")
    if command not in keywords_with_synonyms(commands):
        raise Unfit("command")
    if word in OF_CARRIERS:
        raise Unfit("carrier")
    if word in CONSENT | NO | AGAIN | BESIDE_PIN:
        raise Unfit("answer")
    if word in WORDS:
        raise Unfit("courtesy")
    if means := _means(word, commands):
        raise Unfit("taken", means)
    if await _begins_serials(word):
        raise Unfit("serial")
    if len(await keywords.read_words()) >= MOST:
        raise Unfit("many")
    return word


async def _begins_serials(word: str) -> bool:
    """Whether the serials of a model begin with this word: SHS, where its prefix is SHS or SHS1."""
    prefixes = [str(row["prefix"]) for row in await execute(connection(), PREFIXES)]
    return word in {"".join(takewhile(str.isalpha, prefix)) for prefix in prefixes}


def _means(word: str, commands: Commands) -> str:
    """The English keyword that this word stands for already, for anybody; empty when it is free."""
    for role in Role:
        if found := commands.find(word, role):
            return found[0].words["en"][0]
    return ""
