"""The pace of a SIM: never more parts in any window than allowed, never closer than allowed, and never stuck."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.pacing import Bucket

HALF_HOUR = 1_800_000


def sim() -> Bucket:
    return Bucket(28, HALF_HOUR, 2_000)


def test_an_unused_bucket_is_full() -> None:
    assert sim().room(0) == 28
    assert sim().ready_at(5, 28) == 5


def test_two_seconds_pass_between_messages() -> None:
    bucket = sim()
    bucket.spend(1_000, 1)
    assert [bucket.room(now) for now in (1_000, 2_999, 3_000)] == [0, 0, 27]
    assert bucket.ready_at(1_000) == 3_000


def test_after_28_parts_it_waits_until_the_first_is_half_an_hour_old() -> None:
    bucket = sim()
    for n in range(14):
        bucket.spend(n * 2_000, 2)
    assert bucket.room(30_000) == 0
    assert bucket.ready_at(30_000, 2) == HALF_HOUR
    assert bucket.ready_at(30_000, 3) == HALF_HOUR + 2_000
    assert bucket.room(HALF_HOUR - 1) == 0
    assert bucket.room(HALF_HOUR) == 2


def test_a_message_longer_than_the_bucket_goes_when_nothing_else_did() -> None:
    bucket = sim()
    bucket.spend(0, 1)
    assert bucket.ready_at(2_000, 99) == HALF_HOUR
    assert bucket.room(HALF_HOUR) == 28


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 10**9))
def test_when_the_clock_is_set_back_it_is_full_again_after_one_window(waits: list[int], back: int) -> None:
    bucket, now = Bucket(5, 1_000, 100), 10**9
    for wait in waits:
        now = bucket.ready_at(now + wait)
        bucket.spend(now, 1)
    now -= back
    assert bucket.ready_at(now, 5) <= now + 1_000
    assert bucket.room(now + 1_000) == 5


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), max_size=60))
def test_no_window_ever_holds_too_much_and_ready_at_tells_the_truth(steps: list[tuple[int, int]]) -> None:
    bucket, now, gone = Bucket(10, 1_000, 50), 0, []
    for wait, parts in steps:
        now += wait
        ready = bucket.ready_at(now, parts)
        assert (bucket.room(now) >= parts) == (ready == now)
        now = ready
        assert bucket.room(now) >= parts
        bucket.spend(now, parts)
        gone.append((now, parts))
    for at, _ in gone:
        assert sum(parts for then, parts in gone if at <= then < at + 1_000) <= 10
    times = [at for at, _ in gone]
    assert all(later - earlier >= 50 for earlier, later in pairwise(times))
