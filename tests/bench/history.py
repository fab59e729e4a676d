"""A year of a large company, written in bulk: customers, messages, and all that the office's pages look through."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.config import demo_world, load
from models.customers.name_index import name_words, traces, turns
from models.demo.world import PAYGO_KEYS
from models.money.references import reference_for
from models.sql import DAY_MS, HOUR_MS
from models.vault import Vault

PORTION = 50_000  # rows that are written at once where Python makes them
YEAR_MS = 365 * DAY_MS
GRIDS, VILLAGES = 100, 10  # mini-grids beside the demo's, which has half of all customers; villages in each
WEEKS = 51  # in which each agent handed cash in; that of the last week is still held
FIRST_NAMES = (
    *("Amina", "Baraka", "Neema", "Juma", "Asha", "Salome", "Hamisi", "Fatuma", "Zawadi", "Rashidi", "Tatu", "Elia"),
    *("Pendo", "Musa", "Rehema", "Bakari", "Furaha", "Daudi", "Mwajuma", "Peter", "Halima", "Omari", "Grace", "Yusuf"),
)
SYLLABLES = ("ka", "mu", "ngo", "lwa", "ti", "sha", "ra", "me", "zi", "ndo", "pa", "we", "chi", "ya", "fu", "ba", "lo")
STATEMENTS = Path(__file__).with_suffix(".sql").read_text().split(";\n")
FIRSTS = {
    "grid": "minigrid",
    "village": "village",
    "agent": "agent",
    "customer": "customer",
    "device": "device",
    "payment": "payment",
    "sale": "sale",
    "handin": "hand_in",
    "contract": "contract",
    "entry": "entry",
    "ticket": "ticket",
}


COUNT = """INSERT INTO n WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i + 1 < ?)
  SELECT i FROM r"""
CUSTOMER = """INSERT INTO customer (id, phone, name, surname, mini_grid_id, village_id, language, created_at)
  VALUES (?, ?, ?, ?, ?, ?, 'en', '2025-06-01 08:00:00+00:00')"""
DEVICE = """INSERT INTO device (id, serial, sealed_key, customer_id, tariff_id, kind, issuer, count)
  VALUES (?, ?, ?, ?, ?, 'shs', 'openpaygo', 2)"""
AS_IT_IS = {
    "amount": "(500000 * (1 + i % 4))",
    "whose": "(i * 7919 % :c)",
    "padded": "substr('00000000' || i, -8)",
}


Numbers = dict[str, int]  # by what a statement calls them


class _Words(dict[str, str]):
    """What stands in a statement for a word of ours."""

    def __missing__(self, name: str) -> "_Expression":
        return _Expression(name)


class _Expression:
    def __init__(self, name: str) -> None:
        self._name = name

    def __format__(self, of: str) -> str:
        ms = f"(:now - :year + i * :year / :{of})"
        match self._name:
            case "ms":
                return ms
            case "at":
                return _moment(ms)
            case "moment":
                return _moment(f":{of}")
            case "account":
                return f"(SELECT MIN(id) FROM one WHERE kind = '{of}')"
        return AS_IT_IS[self._name]


def _moment(ms: str) -> str:
    """A time as tortoise writes it."""
    return f"(strftime('%Y-%m-%d %H:%M:%f', ({ms}) / 1000.0, 'unixepoch') || '000+00:00')"


def grow(connection: sqlite3.Connection, customers: int, messages: int) -> Iterator[None]:
    """Write the history, a part at a time; between two of them a Ctrl-C is heard. So many messages came in, and as many
    went out."""
    vault = Vault(demo_world(load()).secret_key.get_secret_value())
    connection.create_function("reference_for", 1, reference_for, deterministic=True)
    connection.create_function("sealed", 2, lambda text, inbox_id: vault.seal(text, f"receipt text {inbox_id}"))
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    numbers = _numbers(connection, customers, messages)
    with _bare(connection):
        most = max(messages, numbers["s"], customers, numbers["handins"])
        connection.execute("CREATE TEMP TABLE n (i INTEGER PRIMARY KEY)")
        connection.execute(COUNT, [most])
        yield from _customers(connection, vault, numbers)
        for statement in STATEMENTS:
            connection.execute(statement.format_map(_Words()), {**numbers, "zone": _offset()})
            yield
        yield from _names(connection)
        connection.commit()
    connection.execute("PRAGMA journal_mode = WAL")


def _numbers(connection: sqlite3.Connection, customers: int, messages: int) -> Numbers:
    """How many there are of each, and the number of the first row of each."""
    now = time.time_ns() // 1_000_000
    (have,) = connection.execute("SELECT COUNT(*) FROM customer WHERE phone LIKE '+25572%'").fetchone()
    new = customers - have
    agents = max(new // 500, 2)
    firsts = {
        f"{name}0": connection.execute(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}").fetchone()[0]
        for name, table in FIRSTS.items()
    }
    return {
        **firsts,
        "now": now,
        "hour": now // HOUR_MS * HOUR_MS,
        "year": YEAR_MS,
        "crowd": have,
        "people": customers,
        "grids": GRIDS,
        "villages": VILLAGES,
        "c": new,
        "a": agents,
        "s": 2 * new,
        "m": messages,
        "days": 365,
        "lost": new // 100 + 1,
        "handins": WEEKS * agents,
        "weeks": WEEKS,
        "proposals": min(500, agents),
        "contracts": new // 10,
        "tickets": new // 5,
        "dialled": new // 20,  # in a day
        "broadcasts": 20,
        "receipts": new // 20,
        "written": messages // 50,
    }


def _offset() -> str:
    """What SQLite adds to a moment to have the demo's day."""
    offset = datetime.now(ZoneInfo(demo_world(load()).timezone)).utcoffset()
    assert offset
    return f"{int(offset.total_seconds())} seconds"


@contextmanager
def _bare(connection: sqlite3.Connection) -> Iterator[None]:
    """Without triggers and indexes, which come back in the end: to make an index once takes less than to keep it, and
    what the triggers would refuse or note is right already."""
    made = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY type"
    ).fetchall()
    for kind, name, _statement in made:
        connection.execute(f'DROP {kind} "{name}"')
    yield
    for _kind, _name, statement in made:
        connection.execute(statement)


def _customers(connection: sqlite3.Connection, vault: Vault, numbers: Numbers) -> Iterator[None]:
    """Customers after those of the demo, each with a solar home system."""
    key = {"secret": PAYGO_KEYS[0], "starting_code": 123456789, "divider": 1}
    (tariff,) = connection.execute("SELECT id FROM tariff WHERE unit = 'days' ORDER BY id LIMIT 1").fetchone()
    crowd, customer, device = numbers["crowd"], numbers["customer0"], numbers["device0"]
    for start in range(0, numbers["c"], PORTION):
        some = range(start, min(start + PORTION, numbers["c"]))
        serials = [f"SHD{crowd + n:06d}" for n in some]
        connection.executemany(
            CUSTOMER, [(customer + n, f"+25572{crowd + n:07d}", *name_of(n), *_place(n, numbers)) for n in some]
        )
        connection.executemany(
            DEVICE,
            [
                (device + n, serial, vault.seal_json(key, f"device {serial}"), customer + n, tariff)
                for n, serial in zip(some, serials, strict=True)
            ],
        )
        yield


def name_of(number: int) -> tuple[str, str]:
    """An invented name: 24 first names, and some five thousand surnames."""
    syllables, surname = number // 7, ""
    for _ in range(3):
        syllables, place = divmod(syllables, len(SYLLABLES))
        surname += SYLLABLES[place]
    return FIRST_NAMES[number % len(FIRST_NAMES)], surname.capitalize()


def _place(number: int, numbers: Numbers) -> tuple[int, int]:
    """Mini-grid and village: every other one in those of the demo, the others village by village, as agents are."""
    if number % 2:
        return 1, 1 + number // 2 % 2
    place = number * GRIDS * VILLAGES // numbers["c"]
    return numbers["grid0"] + place // VILLAGES, numbers["village0"] + place


def _names(connection: sqlite3.Connection) -> Iterator[None]:
    """What housekeeping makes of names (models/customers/name_index.py), and nothing left for it to do."""
    connection.execute("DELETE FROM name_change")
    connection.execute("DELETE FROM name_turn")
    words: dict[str, None] = {}
    rows = connection.execute("SELECT id, name, surname FROM customer").fetchall()
    for start in range(0, len(rows), PORTION):
        kept = []
        for number, name, surname in rows[start : start + PORTION]:
            called = name_words({"name": name, "surname": surname})
            words |= dict.fromkeys(word for word in called if word.isalpha())
            kept += [(turned, number) for turned in turns(called)]
        connection.executemany("INSERT INTO name_turn (words, customer_id) VALUES (?, ?)", kept)
        yield
    connection.executemany("INSERT OR IGNORE INTO name_word (word) VALUES (?)", [(word,) for word in words])
    numbers = connection.execute("SELECT id, word FROM name_word").fetchall()
    connection.executemany(
        "INSERT OR IGNORE INTO name_trace (trace, word_id) VALUES (?, ?)",
        [(trace, number) for number, word in numbers for trace in traces(word)],
    )
