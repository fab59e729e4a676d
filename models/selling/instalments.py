"""The arithmetic of paying in parts: schedules, which part a payment settles, and how many days it buys.

Whole minor units throughout; nothing here knows a table.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum


class Period(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


# A month's price is shared out over 30 days, whichever month it is (reference: mpm 8.6, 385 for 30 days).
DAYS = {Period.WEEKLY: 7, Period.MONTHLY: 30}


@dataclass(frozen=True, slots=True)
class Due:
    """An instalment that is not paid in full. Money is in minor units."""

    id: int
    contract_id: int
    number: int  # 1 for the first of the contract
    due_on: date
    amount: int  # as it was agreed
    left: int  # what is still to be paid of it


@dataclass(frozen=True, slots=True)
class Part:
    """What a payment gives to one instalment."""

    due: Due
    amount: int


def amounts(financed: int, count: int, coin: int = 1) -> list[int]:
    """`financed` in `count` instalments: equal ones in multiples of `coin`, what nobody can pay in cash being less;
    the last takes the remainder (reference: mpm 2.9). 1,000 with 100 down in 7: six of 128 and one of 132.
    """
    if count == 0:
        return []
    base = financed // count // coin * coin
    return [base] * (count - 1) + [financed - base * (count - 1)]


def due_dates(sold_on: date, period: Period, count: int) -> list[date]:
    """The first is due one period after the sale. A month that is too short ends on its last day and does not
    shift those after it: 31 January, 28 February, 31 March."""
    if period == Period.WEEKLY:
        return [sold_on + timedelta(weeks=number) for number in range(1, count + 1)]
    return [_months_later(sold_on, number) for number in range(1, count + 1)]


def _months_later(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def oldest_first(owed: Sequence[Due]) -> list[Due]:
    return sorted(owed, key=lambda due: (due.due_on, due.contract_id, due.number))


def allocate(amount: int, owed: Sequence[Due]) -> list[Part]:
    """The oldest first, each in full before the next. What is beyond all of them is in no part."""
    parts = []
    for due in oldest_first(owed):
        if amount <= 0:
            break
        parts.append(Part(due, min(amount, due.left)))
        amount -= due.left
    return parts


def after(parts: Sequence[Part], owed: Sequence[Due]) -> list[Due]:
    """What is owed when these parts are paid, the oldest first."""
    paid = {part.due.id: part.amount for part in parts}
    rest = [replace(due, left=due.left - paid.get(due.id, 0)) for due in oldest_first(owed)]
    return [due for due in rest if due.left]


def total_left(owed: Sequence[Due]) -> int:
    return sum(due.left for due in owed)


def days_for(amount: int, instalment: int, period: Period) -> int:
    """Whole days that an amount buys where `instalment` pays one period. It is the agreed one and not what is left of
    it, which would sell the same days ever cheaper (reference: users 3.5). A part of a day is none."""
    return amount * DAYS[period] // instalment


def price_of_days(days: int, instalment: int, period: Period) -> int:
    """The least that buys so many days, in minor units."""
    return -(-days * instalment // DAYS[period])
