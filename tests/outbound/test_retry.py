"""How long a message and a gateway wait after a failure."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from bot.gateways.errors import ERRORS
from bot.gateways.simulator import Simulator
from bot.outbound.lanes import BATCH, Lane
from bot.outbound.retry import COPIES, DOUBT_WAITS, TRIES, UNKNOWN_MS, Claimed, Verdict, delay, interrupted, judge
from handlers import welcome
from models.messages import LIFE, MessageKind, State
from models.sql import HOUR_MS

SEEDS = integers(0, 2**32)
NOW = 1_760_000_000_000
LATER = NOW + 6 * 3_600_000


def waits(seed: int, count: int) -> list[int]:
    random = Random(seed)
    return [delay(failures, random) for failures in range(1, count + 1)]


def claimed(
    tries: int = 1,
    unknowns: int = 0,
    kind: MessageKind = MessageKind.REPLY,
    expires_at: int = LATER,
    interrupted: int = 0,
) -> Claimed:
    return Claimed(1, "+255700000001", "hello", kind, tries, unknowns, interrupted, expires_at, NOW)


@given(SEEDS)
def test_the_first_wait_is_1_to_5_seconds_and_none_is_longer_than_5_minutes(seed: int) -> None:
    found = waits(seed, 50)
    assert 1_000 <= found[0] <= 5_000
    assert max(found) <= 300_000


@given(SEEDS)
def test_no_wait_is_shorter_than_the_one_before_until_the_cap(seed: int) -> None:
    growing = waits(seed, 7)
    assert growing == sorted(growing)


@given(SEEDS)
def test_a_message_comes_to_at_most_six_requests_in_its_first_30_seconds(seed: int) -> None:
    requests = [0]
    for wait in waits(seed, 10):
        requests.append(requests[-1] + wait)
    assert sum(at <= 30_000 for at in requests) <= 6


def test_waits_differ_so_that_messages_do_not_come_back_together() -> None:
    assert len({delay(9, Random(seed)) for seed in range(100)}) > 90


@pytest.mark.parametrize("life", [*(hours * HOUR_MS for hours in LIFE.values()), welcome.LIFE_MS])
def test_the_life_of_a_message_ends_before_its_tries_do(life: int) -> None:
    shortest = [1_500 * 2**n for n in range(7)] + [150_000] * TRIES
    assert sum(shortest[: TRIES - 1]) > life


RETRY = ("unreachable", "gateway fault", "throttled", "risk hold")
UNKNOWN = ("timeout", "strange answer")
GATEWAYS_FAULT = ("unknown sender", "bad credentials", "no balance")
PERMANENT = set(ERRORS) - {*RETRY, *UNKNOWN, *GATEWAYS_FAULT}

VERDICTS = [
    *((name, claimed(), Verdict(State.SCHEDULED, NOW + 2_000, name)) for name in RETRY),
    *((name, claimed(), Verdict(State.SCHEDULED, NOW + 2_000, name, tries=-1)) for name in GATEWAYS_FAULT),
    *((name, claimed(), Verdict(State.FAILED, NOW, name)) for name in sorted(PERMANENT)),
    *((name, claimed(), Verdict(State.UNCERTAIN, NOW + UNKNOWN_MS, name, unknowns=1)) for name in UNKNOWN),
    *((name, claimed(2, 1), Verdict(State.UNCERTAIN, NOW + 5 * UNKNOWN_MS, name, unknowns=1)) for name in UNKNOWN),
    *(
        (name, claimed(2, 1, interrupted=1), Verdict(State.UNCERTAIN, NOW + UNKNOWN_MS, name, unknowns=1))
        for name in UNKNOWN
    ),
    *((name, claimed(9, 8), Verdict(State.UNCERTAIN, LATER, name, unknowns=1)) for name in UNKNOWN),
    *((name, claimed(kind=MessageKind.REMINDER), Verdict(State.FAILED, NOW, name, unknowns=1)) for name in UNKNOWN),
    *((name, claimed(kind=MessageKind.BROADCAST), Verdict(State.FAILED, NOW, name, unknowns=1)) for name in UNKNOWN),
    ("unreachable", claimed(TRIES), Verdict(State.FAILED, NOW, "too many tries")),
    ("unreachable", claimed(expires_at=NOW + 500), Verdict(State.SCHEDULED, NOW + 500, "unreachable")),
]


def test_after_a_pause_each_message_that_is_taken_makes_room_for_one_more() -> None:
    lane = Lane(Simulator("TZ"), Random(7))
    assert lane.room(NOW) == BATCH
    lane.pause(NOW + 1_000)
    assert (lane.room(NOW + 999), lane.room(NOW + 1_000)) == (0, 1)
    probe = replace(claimed(), claimed_at=NOW + 1_000)
    for taken in range(1, BATCH + 1):
        lane.note_sent(probe, NOW + 1_000)
        assert lane.room(NOW + 1_000) == min(1 + taken, BATCH)


def test_a_gateway_has_no_more_under_way_than_it_takes_at_once() -> None:
    gateway = Simulator("TZ")
    gateway.at_once = 3
    lane = Lane(gateway, Random(7))
    assert lane.room(NOW) == 3
    lane.under_way = 2
    lane.note_sent(claimed(), NOW)
    assert lane.room(NOW) == 1
    lane.under_way = 3
    assert lane.room(NOW) == 0


@pytest.mark.parametrize(("name", "message", "expected"), VERDICTS)
def test_each_error_has_its_verdict(name: str, message: Claimed, expected: Verdict) -> None:
    assert judge(message, ERRORS[name], NOW, wait=2_000) == expected


def test_all_copies_of_a_token_go_out_within_its_life() -> None:
    assert len(DOUBT_WAITS) == COPIES[MessageKind.TOKEN] - 1
    assert sum(DOUBT_WAITS) + DOUBT_WAITS[-1] < LIFE[MessageKind.TOKEN] * HOUR_MS


def test_what_cuts_us_off_again_and_again_waits_ever_longer() -> None:
    waits = [interrupted(claimed(unknowns=n, interrupted=n, expires_at=NOW * 2), NOW).due_at - NOW for n in range(12)]
    assert waits[:4] == [10_000, 20_000, 40_000, 80_000]
    assert waits[9:] == [85 * 60_000 + 20_000] * 3
