"""Booking: what an entry says of itself, the opposite of one, and sums whatever is booked."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tortoise.exceptions import IntegrityError

from bot.server import Server
from models.money.books import find_fault
from models.money.ledger import AccountKind, Entry, Line, Posting, balance, post, reverse
from models.sql import execute

CASH, BANK, OFFICE = AccountKind.CASH, AccountKind.BANK, AccountKind.OFFICE
YESTERDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


async def test_an_entry_says_who_why_and_when(mwanga: Server) -> None:
    lines = [Posting(CASH, 1, 7), Posting(BANK, 0, -3), Posting(OFFICE, 0, -4)]
    async with mwanga.database.work():
        assert await post("why", lines, actor="rehema", reason="found", effective_at=YESTERDAY) == {CASH: 7}
        assert await balance(OFFICE, 0) == -4, "also before the commit"
    entry = await Entry.get(key="why")
    assert (entry.actor, entry.reason, entry.effective_at, entry.line_count) == ("rehema", "found", YESTERDAY, 3)
    assert entry.created_at > YESTERDAY and entry.reverses_id is None
    assert await Line.filter(entry=entry).count() == 3
    with pytest.raises(IntegrityError):  # its key is booked once
        async with mwanga.database.work():
            await post("why", lines, actor="rehema")
    assert await balance(CASH, 1) == 7


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [Posting(CASH, 1, 0)],
        [Posting(CASH, 1, 5), Posting(CASH, 1, -5)],
        [Posting(CASH, 1, 5), Posting(BANK, 0, -4)],
    ],
)
async def test_what_moves_nothing_or_does_not_balance_is_no_entry(lines: list[Posting], mwanga: Server) -> None:
    with pytest.raises(ValueError, match="does not balance"):
        async with mwanga.database.work():
            await post("none", lines, actor="test")


async def test_postings_on_one_account_are_one_line(mwanga: Server) -> None:
    async with mwanga.database.work():
        await post("one", [Posting(CASH, 1, 5), Posting(CASH, 1, 2), Posting(BANK, 0, -7)], actor="test")
    assert (await Entry.get(key="one")).line_count == 2 and await balance(CASH, 1) == 7


@pytest.mark.parametrize("together", [True, False])
async def test_an_entry_is_reversed_once(together: bool, mwanga: Server) -> None:
    """Also in the unit of work that booked it, whose lines on the company's accounts are not written yet."""
    before = await balance(BANK, 0), await balance(CASH, 1)
    async with mwanga.database.work():
        await post("wrong", [Posting(CASH, 1, 5), Posting(BANK, 0, -5)], actor="test")
        wrong = await Entry.get(key="wrong")
        if together:
            await reverse(wrong.id, key="right", actor="rehema", reason="counted again")
    if not together:
        async with mwanga.database.work():
            await reverse(wrong.id, key="right", actor="rehema", reason="counted again")
    assert (await balance(BANK, 0), await balance(CASH, 1)) == before
    assert (await Entry.get(key="right")).reverses_id == wrong.id
    with pytest.raises(IntegrityError):
        async with mwanga.database.work():
            await reverse(wrong.id, key="again", actor="rehema", reason="twice")
    with pytest.raises(LookupError):
        async with mwanga.database.work():
            await reverse(999_999, key="none", actor="rehema", reason="none")
    assert await find_fault() == ""


entries = st.lists(
    st.tuples(st.sampled_from([(CASH, 1), (CASH, 2), (BANK, 0), (OFFICE, 0)]), st.integers(-1_000, 1_000)),
    min_size=1,
    max_size=6,
)


async def test_balances_are_the_sums_of_whatever_is_booked(mwanga: Server) -> None:
    written: list[list[tuple[tuple[AccountKind, int], int]]] = []

    @settings(max_examples=30)
    @given(entries)
    def collect(lines: list[tuple[tuple[AccountKind, int], int]]) -> None:
        written.append(lines)

    collect()
    sums: Counter[tuple[AccountKind, int]] = Counter()
    for number, lines in enumerate(written):
        moved: Counter[tuple[AccountKind, int]] = Counter()
        for place, amount in lines:
            moved[place] += amount
        moved[AccountKind.ADJUSTMENT, 0] -= sum(moved.values())
        if not any(moved.values()):
            continue
        async with mwanga.database.work():
            await post(f"e{number}", [Posting(*place, amount) for place, amount in moved.items()], actor="test")
        sums.update(moved)
    for place, amount in sums.items():
        assert await balance(*place) == amount
    assert await find_fault() == ""
    rows = await execute(mwanga.database.client, "SELECT SUM(balance) AS sum FROM account")
    assert int(rows[0]["sum"]) == 0
