"""An agent's customers: lists and searches inside one mini-grid. Each statement walks an index and stops early, so
that it costs about the same at a thousand customers and at a million."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from models.devices import LONGEST, TAIL, Kind
from models.names import folded
from models.people import Customer, Village
from models.rows import find_rows, read_row
from models.sql import columns_of, connection, ending_of, execute, lower_of, marks

LONG_WORD = 6  # letters
MOST_WORDS, LONGEST_TEXT = 12, 201  # of name and surname together: their columns have 100 letters each
LOOK = 5_000  # customers that a kind of device or the middle of a name is looked for in: few mini-grids have 1,000
MOST_NAMESAKES = 3  # as many as anybody needs to know: there are several
BEHIND_ALL = "\U0010ffff"  # sorts behind every letter, so that a beginning is a range of the index


@dataclass(frozen=True)
class Selection:
    """Customers of one mini-grid; each condition that is not None leaves some out."""

    mini_grid_id: int
    village_id: int | None = None
    kind: Kind | None = None  # who have such a device
    since: datetime | None = None  # registered since then (UTC)


async def list_customers(selection: Selection, start: int, count: int) -> list[Customer]:
    """`count` customers of the selection from `start` on, by name and surname; the newest first where it goes by the
    registration."""
    statement, values = _selected(selection)
    order = _order(selection)
    if selection.kind:
        values.append(selection.kind)
        # Not EXISTS: PostgreSQL would join all devices there are.
        one = f"SELECT d.id FROM device d WHERE d.customer_id = c.id AND d.kind = ${len(values)} LIMIT 1"
        columns = columns_of(Customer, "c")
        statement = f"SELECT {columns} FROM ({statement} LIMIT {LOOK}) c WHERE ({one}) IS NOT NULL ORDER BY {order}"
    return [
        read_row(Customer, row)
        for row in await execute(connection(), f"{statement} LIMIT {count} OFFSET {start}", values)
    ]


async def looks_at_all(selection: Selection) -> bool:
    """Whether nobody was left out because a kind of device is looked for among so many customers only."""
    if selection.kind is None:
        return True
    statement, values = _selected(selection)
    return not await execute(connection(), f"{statement} LIMIT 1 OFFSET {LOOK}", values)


def _selected(selection: Selection) -> tuple[str, list[Any]]:
    """The statement without its end, and its values. The `+` keeps SQLite from walking the wrong index."""
    values: list[Any] = [selection.mini_grid_id]
    conditions = ["mini_grid_id = $1"]
    if selection.village_id is not None:
        values.append(selection.village_id)
        conditions = (
            ["mini_grid_id = $1", "+village_id = $2"] if selection.since else ["+mini_grid_id = $1", "village_id = $2"]
        )
    if selection.since:
        values.append(selection.since)
        conditions.append(f"created_at >= ${len(values)}")
    return (
        f"SELECT {columns_of(Customer)} FROM customer WHERE {' AND '.join(conditions)} ORDER BY {_order(selection)}",
        values,
    )


def _order(selection: Selection) -> str:
    return "created_at DESC, id DESC" if selection.since else f"{lower_of('name')}, {lower_of('surname')}, id"


def _small(text: str) -> str:
    """What lower_of makes of a text: other letters than ASCII ones keep their size."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


async def customers_by_number(mini_grid_id: int, numbers: Sequence[int]) -> list[Customer]:
    """The customers with these numbers, in this order, as far as they are of this mini-grid."""
    if not numbers:
        return []
    rows = await execute(
        connection(),
        f"SELECT {columns_of(Customer)} FROM customer WHERE mini_grid_id = $1 AND id IN ({marks(len(numbers), 2)})",
        [mini_grid_id, *numbers],
    )
    customers = [read_row(Customer, row) for row in rows]
    return sorted(customers, key=lambda customer: numbers.index(customer.id))


async def customers_by_phone(phone: str, mini_grid_id: int) -> list[Customer]:
    """The customers of a mini-grid who share this phone; nobody for an empty one. The plus keeps SQLite from looking at
    all customers of the mini-grid, which it has in this order."""
    those = "phone = $1 AND +mini_grid_id = $2 ORDER BY id"
    return await find_rows(Customer, those, [phone, mini_grid_id]) if phone else []


async def namesakes(
    name: str, surname: str, phone: str | None, mini_grid_id: int | None = None, most: int = MOST_NAMESAKES
) -> list[Customer]:
    """At most so many customers of this name, in small letters or capitals, and of this phone: empty for those without
    one, None for any."""
    values: list[Any] = [_small(name), _small(surname)]
    conditions = [f"{lower_of('name')} = $1", f"{lower_of('surname')} = $2"]
    if mini_grid_id is None:
        conditions.append("mini_grid_id IN (SELECT id FROM minigrid)")  # for the index
    else:
        values.append(mini_grid_id)
        conditions.append("mini_grid_id = $3")
    if phone:
        values.append(phone)
        conditions.append(f"phone = ${len(values)}")
    elif phone is not None:
        conditions.append("phone IS NULL")
    statement = f"SELECT {columns_of(Customer)} FROM customer WHERE {' AND '.join(conditions)} ORDER BY id LIMIT {most}"
    return [read_row(Customer, row) for row in await execute(connection(), statement, values)]


class Namesake(NamedTuple):
    """Whom `namesakes` looks for."""

    name: str
    surname: str
    phone: str  # empty: without one
    mini_grid_id: int


async def namesakes_of_all(wanted: Sequence[Namesake]) -> dict[Namesake, list[Customer]]:
    """The `namesakes` of each of these, in one question to PostgreSQL."""
    statement = f"""SELECT w.place, c.* FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY
        AS w (name, surname, phone, grid, place) CROSS JOIN LATERAL
      (SELECT {columns_of(Customer)} FROM customer WHERE {lower_of("name")} = w.name
       AND {lower_of("surname")} = w.surname AND mini_grid_id = w.grid AND COALESCE(phone, '') = w.phone
       ORDER BY id LIMIT {MOST_NAMESAKES}) AS c ORDER BY w.place, c.id"""
    names, surnames, phones, grids = zip(*wanted, strict=True) if wanted else ((), (), (), ())
    values = [[*map(_small, names)], [*map(_small, surnames)], [*phones], [*grids]]
    found: dict[Namesake, list[Customer]] = {each: [] for each in wanted}
    for row in await execute(connection(), statement, values):
        found[wanted[row["place"] - 1]].append(read_row(Customer, row))
    return found


async def kinds_of(customers: Sequence[Customer]) -> dict[int, set[str]]:
    """The kinds of device that each of these customers has, by customer number."""
    found: dict[int, set[str]] = {customer.id: set() for customer in customers}
    if found:
        rows = await execute(
            connection(),
            f"SELECT customer_id, kind FROM device WHERE customer_id IN ({marks(len(found))})",
            list(found),
        )
        for row in rows:
            found[row["customer_id"]].add(row["kind"])
    return found


async def villages_of(mini_grid_id: int) -> list[Village]:
    return await find_rows(Village, "mini_grid_id = $1 ORDER BY name", [mini_grid_id])


async def find_customers(mini_grid_id: int, text: str, digits: Sequence[str], most: int) -> list[int]:
    """The numbers of at most `most` customers: by the end of a phone or a serial, else by a name."""
    found = await by_phone_or_serial(mini_grid_id, text, digits, most)
    return found or await by_name(mini_grid_id, text, most)


async def by_phone_or_serial(mini_grid_id: int, text: str, digits: Sequence[str], most: int) -> list[int]:
    """The numbers of at most `most` customers by the end of a phone or a serial.

    `digits` are the spellings of the phone number that the text may be. What has more than `MOST_WORDS` is neither.
    """
    if len(text) > LONGEST_TEXT or len(text.split()) > MOST_WORDS:
        return []
    found = await _by_serial(mini_grid_id, "".join(text.upper().split()), most)
    for spelling in digits:
        found += await by_phone(mini_grid_id, spelling, most)
    return list(dict.fromkeys(found))[:most]


async def by_name(mini_grid_id: int, text: str, most: int) -> list[int]:
    """The numbers of at most `most` customers: by the beginning of name, surname or both; then, among the first
    customers, by any part of it, with or without accents. Nobody has a name of more than `MOST_WORDS`."""
    if len(text) > LONGEST_TEXT or len(text.split()) > MOST_WORDS:
        return []
    found = await _by_name(mini_grid_id, _small(text).split(), most)
    if len(found) < most:
        found += await _by_part(mini_grid_id, text)
    return list(dict.fromkeys(found))[:most]


async def near_names(mini_grid_id: int, text: str, most: int) -> list[Customer]:
    """Among the first customers, at most so many of whose names a word is nearly this one: two slips in a long word,
    one in a short one."""
    wanted = folded(text[:LONGEST_TEXT])
    slips = 2 if len(wanted) >= LONG_WORD else 1
    near: list[tuple[int, int]] = []
    for row in await _first_names(mini_grid_id):
        words = folded(f"{row['name']} {row['surname']}").split()
        nearest = min((OSA.distance(wanted, word, score_cutoff=slips) for word in words), default=slips + 1)
        if nearest <= slips < len(wanted) - 1:
            near.append((nearest, row["id"]))
    return await customers_by_number(mini_grid_id, [number for _slips, number in sorted(near)[:most]])


async def by_phone(mini_grid_id: int, digits: str, most: int) -> list[int]:
    """The numbers of at most `most` customers whose phone numbers end in these digits, four or more."""
    if len(digits) < TAIL:
        return []
    condition = f"{ending_of('phone', str(TAIL))} = $2 AND {ending_of('phone', '$3')} = $4"
    values = [mini_grid_id, digits[-TAIL:], len(digits), digits]
    return await _numbers(f"SELECT id FROM customer WHERE mini_grid_id = $1 AND {condition} ORDER BY id", values, most)


async def _by_serial(mini_grid_id: int, serial: str, most: int) -> list[int]:
    if not TAIL <= len(serial) <= LONGEST:
        return []
    statement = f"""SELECT c.id FROM device d JOIN customer c ON c.id = d.customer_id
      WHERE {ending_of("d.serial", str(TAIL))} = $2 AND {ending_of("d.serial", "$3")} = $4 AND c.mini_grid_id = $1
      ORDER BY d.id"""
    return await _numbers(statement, [mini_grid_id, serial[-TAIL:], len(serial), serial], most)


async def _by_name(mini_grid_id: int, words: list[str], most: int) -> list[int]:
    """A name may have several words, so each place may be the one where the surname begins, or the name."""
    whole = " ".join(words)
    spellings = [(whole, ""), ("", whole)]
    for place in range(1, len(words)):
        halves = " ".join(words[:place]), " ".join(words[place:])
        spellings += [halves, halves[::-1]]
    found: dict[int, None] = {}
    for name, surname in spellings:
        found |= dict.fromkeys(await _beginning(mini_grid_id, name, surname, most))
    return list(found)[:most]


async def _beginning(mini_grid_id: int, name: str, surname: str, most: int) -> list[int]:
    """Customers whose name and surname begin so. The surname, if given, leads: it is the rarer one."""
    leading = lower_of("surname" if surname else "name")
    order = f"{leading}, id" if surname else f"{leading}, {lower_of('surname')}, id"
    statement = f"""SELECT id FROM (
        SELECT id, name, surname FROM customer WHERE mini_grid_id = $1 AND {leading} >= $2 AND {leading} < $3
        ORDER BY {order} LIMIT {LOOK}) c
      WHERE {lower_of("name")} >= $4 AND {lower_of("name")} < $5"""
    first = surname or name
    values = [mini_grid_id, first, first + BEHIND_ALL, name, name + BEHIND_ALL]
    return await _numbers(statement, values, most)


async def _by_part(mini_grid_id: int, text: str) -> list[int]:
    """Whose name has all of these words in it, among the first customers, compared as people write on a keypad."""
    words = folded(text).split()
    rows = await _first_names(mini_grid_id)
    return [row["id"] for row in rows if all(word in folded(f"{row['name']} {row['surname']}") for word in words)]


async def _first_names(mini_grid_id: int) -> list[dict[str, Any]]:
    return await execute(
        connection(),
        f"""SELECT id, name, surname FROM customer WHERE mini_grid_id = $1
        ORDER BY {lower_of("name")}, {lower_of("surname")}, id LIMIT {LOOK}""",
        [mini_grid_id],
    )


async def _numbers(statement: str, values: Sequence[Any], most: int) -> list[int]:
    return [row["id"] for row in await execute(connection(), f"{statement} LIMIT {most}", values)]
