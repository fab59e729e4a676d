"""Names of customers as people look for them: in any order, without accents, and with slips of the finger.

Each name is kept in each order of its words (`amina juma`, `juma amina`), so that one walk of an index finds it however
it is begun. Beside that stands each word that somebody is called by, with the traces that it shares with words
that are nearly the same: what is left without one of its letters, and its consonants alone. A database notes by itself
whose name is new or another one (models/migrations/0007_people.py); `index_names` follows. So no verb can forget it.
"""

from collections.abc import Iterable, Sequence
from itertools import permutations, product
from typing import Any

from rapidfuzz.distance import OSA
from tortoise import fields
from tortoise.models import Model

from models.names import folded
from models.people import Customer
from models.sql import connection, execute, execute_many, listed_rows, marks, on_postgres

LONGEST = 200  # characters of a name as it is kept
MOST_WORDS = 6  # of a name that are looked at
ORDERED = 3  # words that are kept, and looked for, in any order
LATEST = 200  # names that are too new to be kept here, and are looked at one by one
BEHIND_ALL = "\U0010ffff"  # sorts behind every letter, so that a beginning is a range of the index
NEAR = 5  # words that one may have been meant to be
TRACED = 500  # words of the same trace that are looked at
LONG_WORD, LONG_NAME = 5, 8  # letters, from which on two slips are forgiven, and three
FEWEST = 3  # letters of a word that may have slips
VOWELS = "aeiouyw"
SOME = 400  # rows in one statement: SQLite takes 32,766 values

TAKE = """DELETE FROM name_change WHERE id IN (SELECT id FROM name_change ORDER BY id LIMIT $1{held})
  RETURNING customer_id"""
NAMES = "SELECT id, name, surname FROM customer WHERE id IN ({})"
FORGET = "DELETE FROM name_turn WHERE customer_id IN ({})"
KEEP = "INSERT INTO name_turn (words, customer_id) {} ON CONFLICT DO NOTHING"
KNOWN = "SELECT word FROM name_word WHERE word IN ({})"
LEARN = "INSERT INTO name_word (word) {} ON CONFLICT DO NOTHING RETURNING id, word"
TRACE = "INSERT INTO name_trace (trace, word_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
ALIKE = """SELECT DISTINCT w.word FROM name_trace t JOIN name_word w ON w.id = t.word_id
  WHERE t.trace IN ({}) LIMIT {}"""
NEWEST = f"""SELECT c.id, c.name, c.surname FROM
  (SELECT customer_id, id FROM name_change ORDER BY id DESC LIMIT {LATEST}) n
  JOIN customer c ON c.id = n.customer_id ORDER BY n.id DESC"""


class NameTurn(Model):
    """A name in one of its orders."""

    id = fields.BigIntField(primary_key=True)
    words = fields.CharField(LONGEST)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int

    class Meta:
        table = "name_turn"
        indexes = (("customer_id",),)


class NameWord(Model):
    """A word that somebody is called by."""

    id = fields.BigIntField(primary_key=True)
    word = fields.CharField(100, unique=True)

    class Meta:
        table = "name_word"


class NameTrace(Model):
    """What a word shares with words that are nearly the same."""

    id = fields.BigIntField(primary_key=True)
    trace = fields.CharField(100)
    word: fields.ForeignKeyRelation[NameWord] = fields.ForeignKeyField("models.NameWord", on_delete=fields.RESTRICT)
    word_id: int

    class Meta:
        table = "name_trace"
        unique_together = (("trace", "word"),)


class NameChange(Model):
    """Somebody whose name is not kept yet as it is now. A trigger writes it."""

    id = fields.BigIntField(primary_key=True)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int

    class Meta:
        table = "name_change"


async def index_names(most: int) -> int:
    """Keep the names of some customers whose names are new or others, in the caller's transaction: how many."""
    held = " FOR UPDATE SKIP LOCKED" if on_postgres() else ""
    taken = await execute(connection(), TAKE.format(held=held), [most])
    numbers = sorted({int(row["customer_id"]) for row in taken})
    for start in range(0, len(numbers), SOME):
        some = numbers[start : start + SOME]
        rows = await execute(connection(), NAMES.format(marks(len(some))), some)
        await execute(connection(), FORGET.format(marks(len(some))), some)
        await _keep([(int(row["id"]), name_words(row)) for row in rows])
    return len(taken)


def name_words(row: dict[str, Any]) -> list[str]:
    """The words of somebody's name and surname, as they are compared."""
    return folded(f"{row['name']} {row['surname']}".replace("-", " ").replace(".", " ").replace("'", "")).split()


async def _keep(names: Sequence[tuple[int, list[str]]]) -> None:
    kept = [(turned, number) for number, words in names for turned in turns(words)]
    for start in range(0, len(kept), SOME):
        listing, values = listed_rows(kept[start : start + SOME], ("text", "bigint"))
        await execute(connection(), KEEP.format(listing), values)
    await _learn({word for _number, words in names for word in words if word.isalpha()})


def turns(words: Sequence[str]) -> list[str]:
    """A name in all its orders, or, where it is long, from each of its words on: amina hassan juma, hassan juma amina,
    juma amina hassan."""
    places = range(min(len(words), MOST_WORDS))
    orders = permutations(words) if len(words) <= ORDERED else [(*words[place:], *words[:place]) for place in places]
    return list(dict.fromkeys(" ".join(order)[:LONGEST] for order in orders))


async def _learn(words: Iterable[str]) -> None:
    """Keep the traces of words that nobody was called by before. In one order, so that two who do it wait for each
    other and do not end in a deadlock."""
    wanted = sorted(word for word in words if len(word) <= 100)
    for start in range(0, len(wanted), SOME):
        some = wanted[start : start + SOME]
        known = {row["word"] for row in await execute(connection(), KNOWN.format(marks(len(some))), some)}
        if new := [word for word in some if word not in known]:
            listing, values = listed_rows([(word,) for word in new], ("text",))
            rows = await execute(connection(), LEARN.format(listing), values)
            made = [(trace, int(row["id"])) for row in rows for trace in traces(row["word"])]
            await execute_many(connection(), TRACE, sorted(made))


def traces(word: str) -> list[str]:
    """What a word shares with those that have one slip in it, and its consonants, which it shares with those that have
    other vowels: mohamed, muhamad and mohammed are `-mhmd`."""
    without_one = [word[:place] + word[place + 1 :] for place in range(len(word))]
    return list(dict.fromkeys([word, *without_one, f"-{consonants(word)}"]))


def consonants(word: str) -> str:
    """The consonants of a word; l counts as r, z as s, and a double one once."""
    letters = [letter for letter in word.replace("l", "r").replace("z", "s").replace("ph", "f") if letter not in VOWELS]
    return "".join(letter for place, letter in enumerate(letters) if letters[place - 1 : place] != [letter])


def _slips(word: str) -> int:
    """How many slips are forgiven in a word."""
    return 3 if len(word) >= LONG_NAME else 2 if len(word) >= LONG_WORD else 1


async def near_words(word: str) -> list[str]:
    """The words that this one may have been meant to be, the nearest first; itself where somebody is called so."""
    if len(word) < FEWEST:
        return [word]
    asked = traces(word)
    rows = await execute(connection(), ALIKE.format(marks(len(asked)), TRACED), asked)
    far = [(OSA.distance(word, row["word"]), row["word"]) for row in rows]
    return [other for slips, other in sorted(far) if slips <= _slips(word)][:NEAR]


async def find_by_name(text: str, most: int) -> list[int]:
    """At most so many customers whose names have words that begin so, in any order."""
    words = name_words({"name": text, "surname": ""})[:MOST_WORDS]
    if not words:
        return []
    orders = permutations(words) if len(words) <= ORDERED else [words, words[::-1]]
    found = await _beginning([" ".join(order) for order in orders], most)
    found += [number for number, name in await _newest() if _fits(words, name)]
    return list(dict.fromkeys(found))[:most]


async def find_near_name(text: str, most: int) -> list[int]:
    """At most so many customers whose names are nearly so, the nearest first."""
    words = name_words({"name": text, "surname": ""})[:MOST_WORDS]
    if not words or len(words) > ORDERED:
        return []
    choices = [(await near_words(word) or [word]) for word in words]
    if len(words) == ORDERED:
        choices = [each[:2] for each in choices]
    meant = [" ".join(order) for chosen in product(*choices) for order in permutations(chosen)]
    found = await _beginning(list(dict.fromkeys(meant)), most)
    found += [number for number, name in await _newest() if _nearly(words, name)]
    return list(dict.fromkeys(found))[:most]


async def _beginning(beginnings: Sequence[str], most: int) -> list[int]:
    """The customers whose names begin so in one of their orders."""
    column = 'words COLLATE "C"' if on_postgres() else "words"
    ranges = [
        f"SELECT customer_id, place FROM (SELECT customer_id, {2 * n} AS place FROM name_turn "
        f"WHERE {column} >= ${2 * n + 1} AND {column} < ${2 * n + 2} "
        f"ORDER BY {column}, customer_id LIMIT {most}) AS r{n}"
        for n in range(len(beginnings))
    ]
    values = [value for begin in beginnings for value in (begin, begin + BEHIND_ALL)]
    rows = await execute(connection(), " UNION ALL ".join(ranges), values)
    rows.sort(key=lambda row: int(row["place"]))
    return [int(row["customer_id"]) for row in rows]


async def _newest() -> list[tuple[int, list[str]]]:
    """The names that are not kept yet as they are now, the newest of them."""
    return [(int(row["id"]), name_words(row)) for row in await execute(connection(), NEWEST)]


def _fits(wanted: Sequence[str], name: Sequence[str]) -> bool:
    return all(any(word.startswith(begin) for word in name) for begin in wanted)


def _nearly(wanted: Sequence[str], name: Sequence[str]) -> bool:
    return all(
        any(OSA.distance(each, word, score_cutoff=_slips(each)) <= _slips(each) for word in name) for each in wanted
    )
