"""Whom the office writes to: customers of a mini-grid or village, with a kind of connection, who are late, who have a
tag, who speak a language, or all. Customers are gone through by their numbers, so many at a time: each statement reads
a bounded number of rows, also where few of a million are meant."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from models.sql import connection, execute, marks

WINDOW = 1_000  # customers whose numbers follow each other, looked at by one statement
COUNTED_AT_ONCE = 5_000
SAMPLE = 1_000  # people whose texts are written to count the parts
BUDGET_S = 0.15  # for counting: then the rest is estimated
LOOKED_AT = (
    "SELECT MAX(id) AS last, COUNT(*) AS looked FROM (SELECT id FROM customer WHERE id > $1 ORDER BY id LIMIT $2) w"
)
ALL = "SELECT COUNT(*) AS n FROM customer"
OF_GRID, OF_VILLAGE, OF_LANGUAGE = "c.mini_grid_id = ${n}", "c.village_id = ${n}", "c.language = ${n}"
CONNECTED = """EXISTS (SELECT 1 FROM device d JOIN connection k ON k.device_id = d.id
  WHERE d.customer_id = c.id AND d.retired_at IS NULL AND k.type_id = ${n})"""
LATE = """EXISTS (SELECT 1 FROM contract k JOIN instalment i ON i.contract_id = k.id
  WHERE k.customer_id = c.id AND i.paid < i.amount AND i.due_on < ${n})"""
TAGGED = "EXISTS (SELECT 1 FROM customer_tag t WHERE t.customer_id = c.id AND t.tag = ${n})"
# From one tag to the next by the index: it costs the same however many customers have them.
TAGS = """WITH RECURSIVE known (tag) AS (SELECT MIN(tag) FROM customer_tag UNION ALL
  SELECT (SELECT MIN(t.tag) FROM customer_tag t WHERE t.tag > known.tag) FROM known WHERE known.tag IS NOT NULL)
  SELECT tag FROM known WHERE tag IS NOT NULL LIMIT 200"""
STOPPED = "EXISTS (SELECT 1 FROM contact p WHERE p.phone = c.phone AND p.stopped_at > 0)"
# What should have been paid by today counts as owed.
PEOPLE = """SELECT c.id, c.name, c.phone, c.language,
    (SELECT d.serial FROM device d WHERE d.customer_id = c.id AND d.retired_at IS NULL ORDER BY d.id LIMIT 1) AS serial,
    (SELECT SUM(i.amount - i.paid) FROM contract k JOIN instalment i ON i.contract_id = k.id
      WHERE k.customer_id = c.id AND i.paid < i.amount AND i.due_on <= $1) AS owed
  FROM customer c WHERE c.id IN ({}) ORDER BY c.id"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is chosen; what is empty leaves nobody out."""

    mini_grid: int = 0
    village: int = 0
    connection: int = 0  # a type of connection
    late: bool = False  # with something that should have been paid before today
    tag: str = ""
    language: str = ""

    def dump(self) -> str:
        """As a broadcast keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, sort_keys=True)

    @staticmethod
    def load(text: str) -> "Audience":
        return Audience(**json.loads(text))

    def condition(self, values: list[Any], today: date) -> str:
        """The SQL condition on a customer `c`, its values added to these."""
        asked = (
            (OF_GRID, self.mini_grid),
            (OF_VILLAGE, self.village),
            (CONNECTED, self.connection),
            (TAGGED, self.tag),
            (OF_LANGUAGE, self.language),
            (LATE, today if self.late else None),
        )
        conditions = []
        for condition, value in asked:
            if value:
                values.append(value)
                conditions.append(condition.format(n=len(values)))
        return " AND ".join(conditions) or "1 = 1"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is written to."""

    id: int  # the customer's
    name: str
    phone: str  # empty where there is none
    language: str
    serial: str  # of the oldest device; empty without one
    owed: int  # what should have been paid by today, in minor units


@dataclass(slots=True)
class Overview:
    """How many people that is."""

    people: Counter[str] = field(default_factory=Counter)  # by language
    without_phone: int = 0
    stopped: int = 0
    sample: list[int] = field(default_factory=list)  # numbers of the first of those who have a phone and did not stop
    share: float = 1.0  # of all customers that were looked at, before the time was over

    @property
    def total(self) -> int:
        return sum(self.people.values())

    @property
    def is_exact(self) -> bool:
        return self.share >= 1

    def about(self, counted: int) -> int:
        """A figure of those looked at, as it may be among all."""
        return counted if self.is_exact else round(counted / self.share)


async def next_people(audience: Audience, after: int, most: int, today: date) -> tuple[list[Person], int, bool]:
    """Up to so many of the audience whose numbers follow: they, the number of the last customer who was looked at, and
    whether that was the last there is."""
    last, looked = await _window(after, WINDOW)
    values: list[Any] = [after, last]
    condition = audience.condition(values, today)
    statement = (
        f"SELECT c.id FROM customer c WHERE c.id > $1 AND c.id <= $2 AND {condition} ORDER BY c.id LIMIT {most + 1}"
    )
    ids = [int(row["id"]) for row in await execute(connection(), statement, values)] if looked else []
    people = await people_numbered(ids[:most], today)
    if len(ids) > most:
        return people, ids[most - 1], False
    return people, last, looked < WINDOW


async def people_numbered(ids: Sequence[int], today: date) -> list[Person]:
    """These customers, with what the gaps of a text are filled with."""
    if not ids:
        return []
    rows = await execute(connection(), PEOPLE.format(marks(len(ids), 2)), [today, *ids])
    return [
        Person(row["id"], row["name"], row["phone"] or "", row["language"], row["serial"] or "", int(row["owed"] or 0))
        for row in rows
    ]


async def look_over(audience: Audience, today: date, budget_s: float = BUDGET_S) -> Overview:
    """Count the people, as far as the time reaches; a longer count would hold up others."""
    overview, began, after, seen = Overview(), time.perf_counter(), 0, 0
    while True:
        last, looked = await _window(after, COUNTED_AT_ONCE)
        if looked:
            await _count(overview, audience, after, last, today)
        seen += looked
        if looked < COUNTED_AT_ONCE:
            return overview
        after = last
        if time.perf_counter() - began > budget_s:
            everybody = int((await execute(connection(), ALL))[0]["n"])
            overview.share = min(1.0, seen / max(everybody, 1))
            return overview


async def _window(after: int, length: int) -> tuple[int, int]:
    row = (await execute(connection(), LOOKED_AT, [after, length]))[0]
    return int(row["last"] or after), int(row["looked"])


async def _count(overview: Overview, audience: Audience, after: int, last: int, today: date) -> None:
    values: list[Any] = [after, last]
    condition = audience.condition(values, today)
    chosen = f"FROM customer c WHERE c.id > $1 AND c.id <= $2 AND {condition}"
    counts = f"""SELECT c.language, COUNT(*) AS people, SUM(CASE WHEN c.phone IS NULL THEN 1 ELSE 0 END) AS mute,
      SUM(CASE WHEN {STOPPED} THEN 1 ELSE 0 END) AS stopped {chosen} GROUP BY c.language"""
    for row in await execute(connection(), counts, values):
        overview.people[row["language"]] += int(row["people"])
        overview.without_phone += int(row["mute"])
        overview.stopped += int(row["stopped"])
    if (room := SAMPLE - len(overview.sample)) > 0:
        first = f"SELECT c.id {chosen} AND c.phone IS NOT NULL AND NOT {STOPPED} ORDER BY c.id LIMIT {room}"
        overview.sample += [int(row["id"]) for row in await execute(connection(), first, values)]


async def choices() -> dict[str, list[dict[str, Any]]]:
    """What can be chosen from: mini-grids, villages with their mini-grid, types of connection, tags."""
    asked = {
        "mini_grids": "SELECT id, name FROM minigrid ORDER BY name LIMIT 1000",
        "villages": """SELECT v.id, v.name, g.name AS grid FROM village v JOIN minigrid g ON g.id = v.mini_grid_id
          ORDER BY g.name, v.name LIMIT 1000""",
        "connections": "SELECT id, name FROM connectiontype ORDER BY name LIMIT 1000",
        "tags": TAGS,
    }
    return {name: await execute(connection(), statement) for name, statement in asked.items()}
