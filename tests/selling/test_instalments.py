"""The arithmetic of paying in parts: schedules, shares, days. Fixtures from reference mpm 8.6."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.devices import Tariff
from models.selling import Due, Period, total_left
from models.selling.instalments import after, allocate, amounts, days_for, due_dates, price_of_days
from models.selling.quotes import shares, smallest

MONEY = st.integers(1, 10_000_000)


def owed(*left: int, contract: int = 1) -> list[Due]:
    """Instalments of 700 that fall due week by week, of which so much is left."""
    dates = due_dates(date(2026, 1, 1), Period.WEEKLY, len(left))
    return [Due(n, contract, n, day, 700, rest) for n, (day, rest) in enumerate(zip(dates, left, strict=True))]


def test_a_thousand_with_a_hundred_down_in_seven() -> None:
    assert amounts(900, 7) == [128] * 6 + [132]


@given(MONEY, st.integers(1, 120), st.sampled_from([1, 100, 1000]))
def test_instalments_add_up_to_what_is_financed(financed: int, count: int, coin: int) -> None:
    each = amounts(financed, count, coin)
    assert sum(each) == financed
    assert len(each) == count
    assert len(set(each[:-1])) <= 1
    assert all(amount % coin == 0 for amount in each[:-1]), "nobody pays a fraction in cash"
    assert 0 <= each[-1] - each[0] < count * coin


@pytest.mark.parametrize(
    ("start", "dates"),
    [
        (date(2026, 1, 31), [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]),
        (date(2028, 1, 31), [date(2028, 2, 29), date(2028, 3, 31), date(2028, 4, 30)]),
        (date(2026, 11, 15), [date(2026, 12, 15), date(2027, 1, 15), date(2027, 2, 15)]),
    ],
)
def test_a_short_month_ends_on_its_last_day_and_shifts_nothing(start: date, dates: list[date]) -> None:
    assert due_dates(start, Period.MONTHLY, 3) == dates


def test_weeks_are_seven_days() -> None:
    assert due_dates(date(2026, 12, 28), Period.WEEKLY, 2) == [date(2027, 1, 4), date(2027, 1, 11)]


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.sampled_from(Period), st.integers(1, 60))
def test_dates_rise_one_period_apart(start: date, period: Period, count: int) -> None:
    dates = [start, *due_dates(start, period, count)]
    gaps = {(later - earlier).days for earlier, later in pairwise(dates)}
    assert gaps <= ({7} if period is Period.WEEKLY else {28, 29, 30, 31})


@pytest.mark.parametrize(
    ("amount", "instalment", "period", "days"),
    [
        (800, 700, Period.WEEKLY, 8),
        (100, 385, Period.MONTHLY, 7),
        (700, 700, Period.WEEKLY, 7),
        (99, 700, Period.WEEKLY, 0),
        (100, 700, Period.WEEKLY, 1),
        (385, 385, Period.MONTHLY, 30),
    ],
)
def test_days_come_from_the_agreed_instalment(amount: int, instalment: int, period: Period, days: int) -> None:
    assert days_for(amount, instalment, period) == days


@given(st.integers(0, 2_000), st.integers(1, 100_000), st.sampled_from(Period))
def test_the_price_of_days_is_the_least_that_buys_them(days: int, instalment: int, period: Period) -> None:
    price = price_of_days(days, instalment, period)
    assert days_for(price, instalment, period) >= days > days_for(price - 1, instalment, period)


def test_the_oldest_is_paid_first_and_in_full() -> None:
    parts = allocate(800, owed(700, 700, 700))
    assert [(part.due.number, part.amount) for part in parts] == [(0, 700), (1, 100)]


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.integers(1, 6_000))
def test_parts_add_up_respect_the_order_and_are_never_negative(left: list[int], amount: int) -> None:
    debts = owed(*left)
    parts = allocate(amount, list(reversed(debts)))
    assert sum(part.amount for part in parts) == min(amount, sum(left))
    assert all(0 < part.amount <= part.due.left for part in parts)
    assert [part.due for part in parts] == debts[: len(parts)]
    assert all(part.amount == part.due.left for part in parts[:-1])
    rest = after(parts, debts)
    assert total_left(rest) == sum(left) - sum(part.amount for part in parts)
    assert all(due.left > 0 for due in rest)


def tariff(recovery: int, minimum: int = 200) -> Tariff:
    return Tariff(name="t", unit="energy", price=30, components=5, minimum=minimum, recovery=recovery)


def test_the_worked_example_of_minimum_and_shares() -> None:
    assert smallest(tariff(100), 50, 30) == 280
    assert shares(tariff(100), 50, 30, 500) == (50, 30, 420)


@given(
    st.integers(0, 100),
    st.integers(0, 3_000),
    st.integers(0, 3_000),
    st.integers(0, 3_000),
    st.sampled_from([0, 2, 500]),
)
def test_the_smallest_payment_is_the_first_that_leaves_the_minimum(
    recovery: int, minimum: int, overdue: int, access: int, credit: int
) -> None:
    plan, wanted = tariff(recovery, minimum), max(minimum, 4)  # 0.1 kWh at 35
    least = smallest(plan, overdue, access, credit=credit)
    assert shares(plan, overdue, access, least, credit=credit)[2] >= wanted
    assert least == 1 or shares(plan, overdue, access, least - 1, credit=credit)[2] < wanted


@given(
    st.integers(0, 100), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 100_000), st.integers(0, 900)
)
def test_shares_add_up_to_the_amount(recovery: int, overdue: int, access: int, amount: int, credit: int) -> None:
    parts = shares(tariff(recovery), overdue, access, amount, credit=credit)
    assert sum(parts) == amount + credit
    assert min(parts) >= 0
    assert parts[0] <= overdue and parts[0] * 100 <= amount * recovery and parts[1] <= access
