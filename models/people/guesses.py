"""Wrong guesses of PINs and passwords, counted in the database by who guesses and by what is guessed at: for all
servers alike, and over restarts. The statement that counts is the one that refuses, so many at once get no further."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.sql import connection, execute, now_ms

# Begins to count again when the time is over; returns nothing when the count is full.
COUNT = """INSERT INTO guess (name, wrong, since) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE SET
    wrong = CASE WHEN guess.since <= $3 THEN 1 ELSE guess.wrong + 1 END,
    since = CASE WHEN guess.since <= $3 THEN $2 ELSE guess.since END
  WHERE guess.since <= $3 OR guess.wrong < $4 RETURNING wrong"""
IS_FULL = "SELECT 1 FROM guess WHERE name = $1 AND since > $2 AND wrong >= $3"
FULL = """SELECT name FROM guess WHERE name >= $1 AND name < $2 AND since > $3 AND wrong >= $4
  ORDER BY since DESC LIMIT $5"""
GIVE_BACK = "UPDATE guess SET wrong = wrong - 1 WHERE name = $1 AND wrong > 0"
# A count that is older than the longest time limits nobody.
PURGE = "DELETE FROM guess WHERE name IN (SELECT name FROM guess WHERE since < $1 LIMIT $2) RETURNING name"


@dataclass(frozen=True)
class Limit:
    """So many wrong guesses of one kind within a time."""

    kind: str
    most: int
    within_ms: int

    def name_of(self, whose: str) -> str:
        return f"{self.kind} {whose}"[:120]


async def is_full(limit: Limit, whose: str) -> bool:
    """Whether no further guess may be looked at for now."""
    return bool(await execute(connection(), IS_FULL, [limit.name_of(whose), now_ms() - limit.within_ms, limit.most]))


async def count(limit: Limit, whose: str) -> int | None:
    """Count a guess as wrong before it is looked at: how many there are now, None when that is one too many and the
    guess must not be looked at."""
    now = now_ms()
    rows = await execute(connection(), COUNT, [limit.name_of(whose), now, now - limit.within_ms, limit.most])
    return int(rows[0]["wrong"]) if rows else None


async def give_back(limits: Iterable[tuple[Limit, str]]) -> None:
    """The guess was right."""
    for limit, whose in limits:
        await execute(connection(), GIVE_BACK, [limit.name_of(whose)])


async def full(limit: Limit, most: int) -> list[str]:
    """Whose count of this kind is full now, at most so many."""
    begins = limit.name_of("")
    rows = await execute(
        connection(),
        FULL,
        [begins, begins + "\U0010ffff", now_ms() - limit.within_ms, limit.most, most],
    )
    return [row["name"].removeprefix(begins) for row in rows]
