"""Words that the office made commands, without a release: people who write them mean one of the printed keywords."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.settings import Setting
from models.sql import connection, execute, now_ms

VERSION = "version of words"  # the setting that every server compares with what it knows
LONGEST = 20  # letters of a word
MOST = 500  # words: all of them are kept in memory
ADD = """INSERT INTO office_word (word, language, command, added_by, added_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (word) DO NOTHING RETURNING id"""
REMOVE = "DELETE FROM office_word WHERE id = $1 RETURNING word, language, command"
RAISE = """INSERT INTO setting (name, value) VALUES ($1, '1') ON CONFLICT (name)
  DO UPDATE SET value = CAST(CAST(setting.value AS BIGINT) + 1 AS TEXT)"""


class OfficeWord(Model):
    """A word, and the printed keyword that it stands for."""

    id = fields.BigIntField(primary_key=True)
    word = fields.CharField(LONGEST, unique=True)  # as keywords are compared: capitals without accents
    language = fields.CharField(2)
    command = fields.CharField(20)  # the English keyword: BUY
    added_by = fields.CharField(100)
    added_at = fields.BigIntField()  # ms

    class Meta:
        table = "office_word"


@dataclass(frozen=True, slots=True)
class Synonym:
    """A word as a server knows it."""

    word: str
    language: str
    command: str


async def add_word(word: str, language: str, command: str, *, actor: str) -> bool:
    """Keep a word that was checked, in the caller's transaction. False: it is there already."""
    if not await execute(connection(), ADD, [word, language, command, actor, now_ms()]):
        return False
    await _raise_version()
    await record(actor, "add word", word, f"means {command}, {language}")
    return True


async def remove_word(word_id: int, *, actor: str) -> str:
    """Forget a word, in the caller's transaction: the word; empty when it is gone already."""
    rows = await execute(connection(), REMOVE, [word_id])
    if not rows:
        return ""
    await _raise_version()
    row = rows[0]
    await record(actor, "remove word", row["word"], f"meant {row['command']}, {row['language']}")
    return str(row["word"])


async def _raise_version() -> None:
    await execute(connection(), RAISE, [VERSION])


async def words_version() -> int:
    """How often the words were changed."""
    kept = await Setting.get_or_none(name=VERSION)
    return int(kept.value) if kept else 0


async def read_words() -> Sequence[Synonym]:
    """All words."""
    rows = await execute(connection(), "SELECT word, language, command FROM office_word ORDER BY id LIMIT $1", [MOST])
    return [Synonym(**row) for row in rows]
