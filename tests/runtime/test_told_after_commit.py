"""Who waits for what a unit of work has written hears of it when that is committed, and of nothing else."""

import pytest

from bot.runtime import Database
from models.sql import tell_after_commit, unit_of_work


@pytest.fixture
def told(database: Database) -> list[bool]:
    """Whether a unit of work was under way whenever somebody was told."""
    told: list[bool] = []
    database.on_commit["a push"] = lambda: told.append(unit_of_work() is not None)
    return told


async def test_it_is_told_once_and_after_the_commit(database: Database, told: list[bool]) -> None:
    async with database.work():
        for what in ("a push", "a push", "what nobody waits for"):
            tell_after_commit(what)
        assert not told
    assert told == [False]


async def test_what_was_undone_is_not_told(database: Database, told: list[bool]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.work():
            tell_after_commit("a push")
            raise ZeroDivisionError
    assert not told


@pytest.mark.parametrize("undone", [False, True])
async def test_nor_is_a_part_that_was_undone(database: Database, told: list[bool], undone: bool) -> None:
    async with database.work():
        try:
            async with database.part():
                tell_after_commit("a push")
                if undone:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert not told
    assert told == [False] * (not undone)
