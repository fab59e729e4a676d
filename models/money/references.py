"""References of sales and hand-ins: five letters and digits that people read to each other."""

import secrets
from collections.abc import Iterator

from models.sql import connection, execute, on_postgres

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which are misread
LENGTH = 5
# Characters, and how often a reference of so many is tried. Five make 33 million; when four in a row are taken, half of
# them or so are, and it goes on with the thousand million of six.
TRIES = ((LENGTH, 4), (LENGTH + 1, 30))
# The office may give two agents one reference at the same instant, on two servers: one is first.
ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7269429))"


class NoReference(Exception):
    """No free reference was found, which a thousand million sales do not explain."""


async def new_reference(table: str) -> str:
    """A reference by chance that no row of this table has yet. Raises NoReference."""
    for reference in references():
        if not await execute(connection(), f"SELECT 1 FROM {table} WHERE reference = $1", [reference]):
            return reference
    raise NoReference(table)


def references() -> Iterator[str]:
    """References by chance, to be tried one after the other until one is free."""
    for length, tries in TRIES:
        for _ in range(tries):
            yield "".join(secrets.choice(ALPHABET) for _ in range(length))


async def hold_reference(table: str, reference: str) -> None:
    """Who books something else in this table under this reference waits until the commit. SQLite has one writer."""
    if on_postgres():
        await execute(connection(), ONE_BY_ONE, [f"{table} {reference}"])


def reference_for(number: int) -> str:
    """The reference that a number is written as, the same each time: for a demo's past sales."""
    letters = ""
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters = ALPHABET[digit] + letters
    return letters
