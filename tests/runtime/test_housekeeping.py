"""Chores in portions: as much at once as takes some milliseconds, whatever each of them costs."""

import pytest

from bot.runtime import Database, Housekeeping, housekeeping

TO_DO = 1_000


@pytest.mark.parametrize(
    ("engine", "each_portion_ms", "each_ms", "most_portions"),
    [
        ("sqlite", 0.3, 0.05, 20),  # a name to be looked for by
        ("sqlite", 0.3, 5.0, TO_DO + 5),  # a reminder: as many would take too long
        ("postgres", 4.0, 0.05, 20),  # half a dozen trips, and hardly more for a hundred names
        ("postgres", 4.0, 5.0, TO_DO / 2 + 5),
    ],
)
async def test_a_portion_grows_until_it_takes_long(
    database: Database, monkeypatch: pytest.MonkeyPatch, each_portion_ms: float, each_ms: float, most_portions: float
) -> None:
    now, portions = 0.0, list[int]()

    async def chore(most: int) -> int:
        nonlocal now
        done = min(most, TO_DO - sum(portions))
        portions.append(done)
        now += (each_portion_ms + each_ms * done) / 1000
        return done

    monkeypatch.setattr(housekeeping.time, "perf_counter", lambda: now)
    monkeypatch.setattr(Housekeeping, "_rest", learn_alone)
    assert await Housekeeping(database, 365, [], [chore]).chores() == TO_DO
    assert len(portions) <= most_portions
    longest = each_portion_ms + each_ms * max(portions)
    assert longest <= (8 if database.embedded else 20)


async def learn_alone(_self: Housekeeping, portions: housekeeping._Portions, took_s: float) -> None:
    portions.learn(took_s)
