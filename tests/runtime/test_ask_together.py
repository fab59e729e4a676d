"""What is asked of one is asked at once of all whom a unit of work is about, and counts until something may change."""

from collections.abc import Sequence

import pytest

from bot.runtime import Database
from models.sql import ask_together, expect, forget_ahead

pytestmark = pytest.mark.everyday_on_sqlite


class Question:
    """Knows of whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []

    async def ask(self, numbers: Sequence[int]) -> dict[int, list[int]]:
        self.asked.append(numbers)
        return {number: [10 * number] for number in numbers}

    async def of(self, *own: int) -> dict[int, list[int]]:
        return await ask_together("tens", own, self.ask, of="customer")


async def test_the_first_who_asks_asks_for_all(database: Database) -> None:
    tens = Question()
    async with database.work():
        expect("customer", [1, 2, 3])
        assert await tens.of(2) == {2: [20]} and await tens.of(3, 1) == {3: [30], 1: [10]}
    assert tens.asked == [[1, 2, 3]]


async def test_whoever_was_not_expected_is_asked_as_well(database: Database) -> None:
    tens = Question()
    async with database.work():
        expect("customer", [1])
        assert await tens.of(4) == {4: [40]} and await tens.of(1, 5) == {1: [10], 5: [50]}
    assert tens.asked == [[1, 4], [5]]


async def test_each_answer_is_given_once(database: Database) -> None:
    tens = Question()
    async with database.work():
        expect("customer", [1, 2])
        first, again = (await tens.of(1))[1], (await tens.of(1))[1]
        assert first == again and first is not again
    assert tens.asked == [[1, 2], [1]]


async def test_when_something_may_have_changed_each_asks_for_itself(database: Database) -> None:
    tens = Question()
    async with database.work():
        expect("customer", [1, 2, 3])
        await tens.of(1)
        forget_ahead()
        await tens.of(2)
        await tens.of(3)
    assert tens.asked == [[1, 2, 3], [2], [3]]


async def test_outside_of_a_unit_of_work_nothing_is_asked_ahead(database: Database) -> None:
    tens = Question()
    expect("customer", [1, 2])
    assert await tens.of(2) == {2: [20]} and tens.asked == [[2]]
    async with database.work():
        await tens.of(2)
    assert tens.asked == [[2], [2]]
