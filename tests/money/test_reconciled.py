"""What a provider's statements and the books say of each other: read from sums and from what does not fit, both kept by
the database as it happens. On both engines."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from bot.server import Server
from models.money import reconciling
from models.money.books import find_fault
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, receive
from models.money.reconciling import Reconciliation, Said, add_file, add_line, leave_out, never_came, pay_out, reconcile
from models.money.statements import Direction, StatementLine
from models.sql import connection, execute

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
RECOUNT = """SELECT settled, direction, COUNT(*) AS count, SUM(amount) AS sum FROM statement_line
  WHERE provider = 'daraja' AND at >= $1 AND at < $2 AND settled <> '' GROUP BY settled, direction
  ORDER BY settled, direction"""


async def said(mwanga: Server, reference: str, at: datetime, amount: int = 500_00, **more: Any) -> StatementLine:
    """A statement has this line."""
    line = Said(
        provider=more.pop("provider", "daraja"),
        reference=reference,
        direction=more.pop("direction", Direction.IN),
        amount=amount,
        at=at,
        **more,
    )
    async with mwanga.database.work():
        await add_line(line, actor="grace")
    return await StatementLine.get(provider=line.provider, reference=reference)


async def paid(mwanga: Server, reference: str, at: datetime, amount: int = 500_00, provider: str = "daraja") -> Payment:
    """The provider tells of a payment."""
    incoming = Incoming(source=Source.CALLBACK, provider=provider, reference=reference, amount=amount, paid_at=at)
    async with mwanga.database.work():
        return (await receive(incoming)).payment


async def read_whole(mwanga: Server, *, provider: str = "daraja") -> None:
    """The statements of all these weeks were read."""
    async with mwanga.database.work():
        await add_file(provider, BEGAN - DAY, BEGAN + 60 * DAY, actor="grace")


async def fit(since: datetime = BEGAN - DAY, until: datetime = BEGAN + 60 * DAY) -> Reconciliation:
    return await reconcile("daraja", since, until)


def references(rows: Any) -> list[str]:
    return [row["reference"] if isinstance(row, dict) else row.reference for row in rows]


async def test_any_time_says_what_its_lines_say(mwanga: Server) -> None:
    """From any hour to any hour: whole days are sums, and what is before and behind them is read."""
    for number in range(16):
        at = BEGAN + number * 7 * HOUR
        if number % 4 == 0:
            await said(mwanga, f"OUT{number}", at, direction=Direction.OUT, to_bank=True)
        elif number % 4 == 1:
            await said(mwanga, f"FEE{number}", at, 11_00, direction=Direction.FEE)
        else:
            await paid(mwanga, f"IN{number}", at)
            await said(mwanga, f"IN{number}", at)
    for hours in (0, 4, 9, 28, 47, 76):
        for length in (0, 3, 24, 30, 48, 101):
            since = BEGAN + (hours - 4) * HOUR
            span = [since, since + length * HOUR]
            counted = {(row["settled"], row["direction"]): row for row in await execute(connection(), RECOUNT, span)}
            found = await fit(*span)
            matched = counted.pop(("payment", "in"), {"count": 0, "sum": 0})
            assert (found.matched, found.matched_sum) == (matched["count"], matched["sum"]), span
            settled = {
                (row["settled"], row["direction"]): (int(row["count"]), int(row["sum"])) for row in found.settled
            }
            assert settled == {whose: (row["count"], int(row["sum"])) for whose, row in counted.items()}, span
    assert await find_fault() == ""


async def test_a_line_is_counted_as_what_it_was_found_to_be(mwanga: Server) -> None:
    """It is in the sums as an open one, and moves to another sum when somebody says what it is."""
    rent, out = (
        await said(mwanga, "RENT", BEGAN),
        await said(mwanga, "SENT", BEGAN, direction=Direction.OUT),
    )
    before = await fit()
    assert (references(before.without_sale), references(before.out), before.settled) == (["RENT"], ["SENT"], [])
    async with mwanga.database.work():
        await leave_out(rent, "rent of the shop", actor="grace")
        await pay_out(out, actor="grace")
    after = await fit()
    assert (after.without_sale, after.out, after.matched) == ([], [], 0)
    assert [(row["settled"], int(row["count"]), int(row["sum"])) for row in after.settled] == [
        ("left", 1, 500_00),
        ("payout", 1, 500_00),
    ]
    assert await find_fault() == ""


async def test_a_payment_waits_for_its_line_whichever_comes_first(mwanga: Server) -> None:
    await read_whole(mwanga)
    await paid(mwanga, "EARLY", BEGAN)
    await said(mwanga, "LATE", BEGAN + HOUR)
    waits = await fit()
    assert (references(waits.without_money), references(waits.without_sale)) == (["EARLY"], ["LATE"])
    await said(mwanga, "EARLY", BEGAN)
    await paid(mwanga, "LATE", BEGAN + HOUR)
    assert references((await fit()).without_money) == ["LATE"], "its line does not know yet"
    async with mwanga.database.work():
        assert await reconciling.match(actor="grace") == 1
    fits = await fit()
    assert (fits.without_money, fits.without_sale, fits.matched) == ([], [], 2)
    assert await find_fault() == ""


async def test_what_is_on_no_statement_is_named_where_statements_were_read(mwanga: Server) -> None:
    await paid(mwanga, "GHOST", BEGAN)
    await paid(mwanga, "OTHER", BEGAN, provider="momo")
    assert (await fit()).without_money == [], "nobody read a statement"
    await read_whole(mwanga, provider="momo")
    assert (await fit()).without_money == [], "that is another provider's"
    await read_whole(mwanga)
    assert references((await fit()).without_money) == ["GHOST"]
    assert (await fit(BEGAN + HOUR)).without_money == [] and (await fit(until=BEGAN)).without_money == []
    ghost = await Payment.get(reference="GHOST")
    async with mwanga.database.work():
        await never_came(ghost, "a forged text", actor="grace")
    assert (await fit()).without_money == []
    assert await find_fault() == ""


async def test_statements_that_overlap_name_a_payment_once(mwanga: Server) -> None:
    for number in range(5):
        await paid(mwanga, f"P{number}", BEGAN + number * HOUR)
    async with mwanga.database.work():
        for first, last in ((0, 2), (1, 1), (2, 2), (4, 9)):
            await add_file("daraja", BEGAN + first * HOUR, BEGAN + last * HOUR, actor="grace")
    assert references((await fit()).without_money) == ["P0", "P1", "P2", "P4"], "none covers the fourth"
    assert references((await fit(BEGAN + HOUR, BEGAN + 2 * HOUR)).without_money) == ["P1"]


async def test_a_line_with_another_amount_is_named(mwanga: Server) -> None:
    await read_whole(mwanga)
    payment = await paid(mwanga, "DIFF", BEGAN, 500_00)
    await said(mwanga, "DIFF", BEGAN, 700_00)
    found = await fit()
    assert [(row["reference"], row["amount"], row["booked"]) for row in found.different] == [("DIFF", 700_00, 500_00)]
    assert (found.without_money, found.matched) == ([], 1), "there is a line, of another amount"
    assert (await fit(BEGAN + HOUR)).different == []
    await execute(
        connection(),
        "INSERT INTO proposal (key, what, amount, reason, state, asked_by, asked_at, decided_by, decided_at,"
        " payment_id) VALUES ('right', 'amount', 70000, '', 'done', 'grace', $1, 'zuberi', $1, $2)",
        [BEGAN, payment.id],
    )
    assert (await fit()).different == [], "two people put it right"
    assert await find_fault() == ""


async def test_cash_is_on_no_statement(mwanga: Server) -> None:
    await execute(
        connection(),
        "INSERT INTO payment (provider, reference, amount, currency, paid_at, created_at)"
        " VALUES ('cash', 'C1', 500, 'TZS', $1, $1)",
        [BEGAN],
    )
    assert not await execute(connection(), "SELECT 1 FROM unmatched")


@pytest.mark.parametrize("whole", [False, True])
async def test_what_was_there_before_is_kept_in_the_same_way(mwanga: Server, whole: bool) -> None:
    """The step that makes the sums fills them from all lines and payments."""
    for number in range(4):
        await paid(mwanga, f"P{number}", BEGAN + number * 9 * HOUR)
    if whole:
        for number in range(3):
            await said(mwanga, f"P{number}", BEGAN + number * 9 * HOUR, 500_00 + number)
    questions = (
        "SELECT provider, day, settled, direction, number, amount FROM statement_sum WHERE number > 0"
        " ORDER BY 1, 2, 3, 4",
        "SELECT payment_id, provider, paid_at, line_id FROM unmatched ORDER BY 1",
    )
    kept = [await execute(connection(), question) for question in questions]
    assert bool(kept[0]) == whole and kept[1]
    for table in ("statement_sum", "unmatched"):
        await execute(connection(), f"DELETE FROM {table}")
    await import_module("models.migrations.0015_kept_sums").fill(None, SimpleNamespace(client=connection()))
    assert [await execute(connection(), question) for question in questions] == kept
