"""The office's list of customers, the newest first: chosen by place, agent, tag, and who is overdue. It walks one index
and stops early; who is overdue is looked for among so many at a time."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from models.customers.tags import tags_of
from models.office.listed import Listed
from models.sql import connection, execute, marks, read_day, read_moment

PAGE = 50
LOOK = 5_000  # customers that are looked at for one page
LAST = 2**62  # above any number

# Where a list walks, the most special first; each is a statement of customer numbers below $1, the newest first.
BY_TAG = """SELECT customer_id AS id FROM customer_tag WHERE tag = {tag} AND customer_id < $1
  ORDER BY customer_id DESC LIMIT {most}"""
BY_AGENT = """SELECT id FROM (
    SELECT id FROM (SELECT customer_id AS id FROM registration WHERE agent_id = {agent} AND customer_id < $1
      ORDER BY customer_id DESC LIMIT {most}) AS r
    UNION SELECT id FROM (SELECT customer_id AS id FROM contract WHERE agent_id = {agent} AND customer_id < $1
      ORDER BY customer_id DESC LIMIT {most}) AS k) AS both_of_them ORDER BY id DESC LIMIT {most}"""
BY_VILLAGE = "SELECT id FROM customer WHERE village_id = {village} AND id < $1 ORDER BY id DESC LIMIT {most}"
BY_GRID = "SELECT id FROM customer WHERE mini_grid_id = {grid} AND id < $1 ORDER BY id DESC LIMIT {most}"
ALL = "SELECT id FROM customer WHERE id < $1 ORDER BY id DESC LIMIT {most}"
# Not EXISTS: PostgreSQL would join all instalments there are.
OVERDUE = """(SELECT i.id FROM contract k JOIN instalment i ON i.contract_id = k.id
  WHERE k.customer_id = c.id AND i.paid < i.amount AND i.due_on < {0} LIMIT 1) IS NOT NULL"""
AGENT = """((SELECT r.id FROM registration r WHERE r.customer_id = c.id AND r.agent_id = {0} LIMIT 1) IS NOT NULL
  OR (SELECT k.id FROM contract k WHERE k.customer_id = c.id AND k.agent_id = {0} LIMIT 1) IS NOT NULL)"""

PEOPLE = """SELECT c.id, c.name, c.surname, c.phone, c.language, c.created_at, v.name AS village, g.name AS mini_grid
  FROM customer c JOIN minigrid g ON g.id = c.mini_grid_id LEFT JOIN village v ON v.id = c.village_id
  WHERE c.id IN ({})"""
DEVICES = "SELECT customer_id, serial FROM device WHERE customer_id IN ({}) ORDER BY id"
LATE = """SELECT k.customer_id, SUM(i.amount - i.paid) AS late, MIN(i.due_on) AS since FROM contract k
  JOIN instalment i ON i.contract_id = k.id WHERE k.customer_id IN ({}) AND i.paid < i.amount AND i.due_on < {}
  GROUP BY k.customer_id"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which customers; what is None or empty leaves nobody out."""

    mini_grid_id: int | None = None
    village_id: int | None = None
    agent_id: int | None = None  # who registered them, or sold them an appliance
    tag: str = ""
    overdue: bool = False
    before: int = LAST  # with numbers below this one


@dataclass(frozen=True, kw_only=True)
class Row:
    """One customer of the list. Money is in minor units."""

    id: int
    name: str
    phone: str | None
    language: str
    village: str
    mini_grid: str
    registered: datetime | None
    serials: list[str]
    late: int  # what should have been paid by now
    since: date | None  # the oldest of it
    tags: list[str]


async def list_people(choice: Choice, today: date, count: int = PAGE) -> Listed[Row]:
    """A page of the customers chosen."""
    statement, values, picky = _statement(choice, today, count)
    found = [int(row["id"]) for row in await execute(connection(), statement, values)]
    rows = await _rows(found[:count], today)
    if len(found) > count:
        return Listed(rows, found[count - 1])
    if picky:
        numbers, values = _walk(choice, LOOK)
        looked = [int(row["id"]) for row in await execute(connection(), numbers, values)]
        if len(looked) == LOOK:
            return Listed(rows, looked[-1], LOOK)
    return Listed(rows, 0)


def _statement(choice: Choice, today: date, count: int) -> tuple[str, list[Any], bool]:
    """The statement with its values, and whether it leaves out some of those that it walks over."""
    walk, values = _walk(choice, LOOK)
    rest = _rest(choice)
    conditions = []
    for condition, value in (
        ("c.mini_grid_id = {0}", rest.mini_grid_id),
        ("c.village_id = {0}", rest.village_id),
        (AGENT, rest.agent_id),
        (OVERDUE, today if rest.overdue else None),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    if not conditions:
        return (*_walk(choice, count + 1), False)
    return (
        f"SELECT c.id FROM ({walk}) AS walked JOIN customer c ON c.id = walked.id WHERE {' AND '.join(conditions)} "
        f"ORDER BY walked.id DESC LIMIT {count + 1}",
        values,
        True,
    )


def _walk(choice: Choice, most: int) -> tuple[str, list[Any]]:
    """The index to walk by: the one that leaves the fewest."""
    values: list[Any] = [choice.before]
    for statement, value in (
        (BY_TAG, choice.tag or None),
        (BY_AGENT, choice.agent_id),
        (BY_VILLAGE, choice.village_id),
        (BY_GRID, choice.mini_grid_id),
    ):
        if value is not None:
            values.append(value)
            return statement.format(tag="$2", agent="$2", village="$2", grid="$2", most=most), values
    return ALL.format(most=most), values


def _rest(choice: Choice) -> Choice:
    """What the walk does not see to. A village is in one mini-grid."""
    if choice.tag:
        return replace(choice, tag="")
    if choice.agent_id is not None:
        return replace(choice, agent_id=None)
    if choice.village_id is not None:
        return replace(choice, village_id=None, mini_grid_id=None)
    return replace(choice, mini_grid_id=None)


async def _rows(numbers: list[int], today: date) -> list[Row]:
    if not numbers:
        return []
    people = await execute(connection(), PEOPLE.format(marks(len(numbers))), numbers)
    serials: dict[int, list[str]] = {number: [] for number in numbers}
    for row in await execute(connection(), DEVICES.format(marks(len(numbers))), numbers):
        serials[int(row["customer_id"])].append(row["serial"])
    statement = LATE.format(marks(len(numbers)), f"${len(numbers) + 1}")
    late = {int(row["customer_id"]): row for row in await execute(connection(), statement, [*numbers, today])}
    tags = await tags_of(numbers)
    listed = {
        int(row["id"]): Row(
            id=int(row["id"]),
            name=f"{row['name']} {row['surname']}",
            phone=row["phone"],
            language=row["language"],
            village=row["village"] or "",
            mini_grid=row["mini_grid"],
            registered=read_moment(row["created_at"]) if row["created_at"] else None,
            serials=serials[int(row["id"])],
            late=int(late[int(row["id"])]["late"]) if int(row["id"]) in late else 0,
            since=read_day(late[int(row["id"])]["since"]) if int(row["id"]) in late else None,
            tags=tags[int(row["id"])],
        )
        for row in people
    }
    return [listed[number] for number in numbers if number in listed]


async def people_of(numbers: list[int], today: date) -> list[Row]:
    """The rows of these customers, in this order."""
    return await _rows(list(dict.fromkeys(numbers)), today)
