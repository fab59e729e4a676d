"""References of sales and hand-ins: five letters and digits that people read to each other."""

import secrets

from models.sql import connection, execute

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which are misread
LENGTH = 5


async def new_reference(table: str) -> str:
    """A reference by chance that no row of this table has yet."""
    while True:
        reference = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if not await execute(connection(), f"SELECT 1 FROM {table} WHERE reference = $1", [reference]):
            return reference


def reference_for(number: int) -> str:
    """The reference that a number is written as, the same each time: for a demo's past sales."""
    letters = ""
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters = ALPHABET[digit] + letters
    return letters
