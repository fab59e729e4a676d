"""The numbers of customers, as files name them."""

from collections.abc import Sequence

from models.sql import connection, execute, marks, on_postgres

PAGE = 1000  # values of one statement


async def keep_numbers(highest: int) -> None:
    """Numbers up to this one are for customers who bring theirs from elsewhere: others get higher ones from the commit
    on. Who is being registered at this moment is waited for."""
    if on_postgres():
        await execute(connection(), "LOCK TABLE customer IN SHARE ROW EXCLUSIVE MODE")
        sequence = "pg_get_serial_sequence('customer', 'id')"
        behind = f"SELECT setval({sequence}, GREATEST($1::bigint, nextval({sequence}) - 1))"
        await execute(connection(), f"{behind} WHERE $1 > (SELECT COALESCE(MAX(id), 0) FROM customer)", [highest])
        return
    rows = await execute(
        connection(),
        "UPDATE sqlite_sequence SET seq = MAX(seq, $1) WHERE name = 'customer' RETURNING seq",
        [highest],
    )
    if not rows:  # nobody was registered ever
        await execute(connection(), "INSERT INTO sqlite_sequence (name, seq) VALUES ('customer', $1)", [highest])


async def numbers_given(numbers: Sequence[int]) -> set[int]:
    """Which of these numbers somebody has."""
    given: set[int] = set()
    for first in range(0, len(numbers), PAGE):
        some = numbers[first : first + PAGE]
        rows = await execute(connection(), f"SELECT id FROM customer WHERE id IN ({marks(len(some))})", some)
        given |= {row["id"] for row in rows}
    return given
