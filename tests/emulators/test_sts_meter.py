"""The strict meter against published tokens: so it is the standard's meter and not our own idea of one."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.demo.world import STS_KEY
from models.tokens import sts
from tests.emulators.sts_meter import MEMORY, Accepted, Meter, Refused, decoder_key, tenths

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "sts.json").read_text())
SECRET = bytes.fromhex(str(STS_KEY["secret"]))
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = sts.derive_key(sts.TEST_VENDING_KEY, "04123456784")


def factory_key(row: dict[str, Any]) -> bytes:
    return decoder_key(SECRET, "123457", row["krn"], row["meter_pan"], row["base_year"])


def sold(minute: int, energy: int = 229) -> str:
    tid = sts.next_tid(NOW, None, 2014) - 10_000 + minute
    return sts.encode(KEY, tenths=energy, tid=tid, rnd=5)


@pytest.mark.parametrize("row", VECTORS["credit"], ids=lambda row: str(row["source"]))
def test_a_published_token_is_accepted_once_with_its_energy(row: dict[str, Any]) -> None:
    key = factory_key(row)
    assert key.hex() == row["decoder_key"]
    meter, field = Meter(key, row["base_year"]), int(row["field"])
    energy = Fraction(tenths(*divmod(field, 1 << 14)), 10)
    at = datetime.fromisoformat(row["time"])
    assert meter.enter(row["token"], at - timedelta(days=1)) == Refused("not yet")
    assert meter.enter(row["token"], at) == Accepted(energy)
    assert meter.enter(row["token"], at) == Refused("used")
    assert meter.credit == energy


@pytest.mark.parametrize("row", VECTORS["not_electricity_credit"], ids=lambda row: str(row["source"]))
def test_other_tokens_give_no_credit(row: dict[str, Any]) -> None:
    assert Meter(factory_key(VECTORS["credit"][0]), 1993).enter(row["token"], NOW) == Refused("no credit")


def test_what_is_wrong_is_refused_and_changes_nothing() -> None:
    meter, token = Meter(KEY.secret), sold(0)
    wrong = token[:-1] + str((int(token[-1]) + 1) % 10)
    assert meter.enter(wrong, NOW) == Refused("wrong")
    assert Meter(bytes(16)).enter(token, NOW) == Refused("wrong"), "of another meter"
    assert meter.enter(token[:19], NOW) == meter.enter("9" * 20, NOW) == Refused("malformed")
    assert meter.enter(token, NOW - timedelta(days=30)) == Refused("not yet")
    assert (meter.credit, meter.enter(token, NOW)) == (0, Accepted(Fraction(229, 10)))


def test_tokens_may_be_typed_in_another_order_until_the_memory_is_full() -> None:
    meter = Meter(KEY.secret)
    assert isinstance(meter.enter(sold(5), NOW), Accepted)
    assert isinstance(meter.enter(sold(2), NOW), Accepted)
    for minute in range(10, 10 + MEMORY):
        assert isinstance(meter.enter(sold(minute), NOW), Accepted)
    assert meter.enter(sold(2), NOW) == meter.enter(sold(7), NOW) == Refused("old")
