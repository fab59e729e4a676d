"""STS credit tokens against the public vectors, and the properties that keep sale and meter in agreement."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.tokens import sts

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "sts.json").read_text())
DEMO_METER = "04123456784"
DEMO_KEY = sts.derive_key(sts.TEST_VENDING_KEY, DEMO_METER)
NOW = datetime(2026, 11, 23, 9, 30, 59, tzinfo=UTC)
TODAY = 4709 * 1440  # minutes from 2014-01-01 to 2026-11-23
NOW_TID = TODAY + 570

TENTHS = st.integers(1, sts.MAX_TENTHS)
TIDS = st.integers(0, sts.MAX_TID).filter(lambda tid: tid % 1440 != 1)
RNDS = st.integers(0, 15)


def by_source(row: dict[str, Any]) -> str:
    return str(row["source"])


def published_key(row: dict[str, Any]) -> sts.MeterKey:
    vending_key = replace(sts.TEST_VENDING_KEY, krn=row["krn"])
    return sts.derive_key(vending_key, row["meter_number"], base_year=row["base_year"])


@pytest.mark.parametrize("row", VECTORS["credit"], ids=by_source)
def test_every_step_to_a_published_token_is_reproduced(row: dict[str, Any]) -> None:
    key = published_key(row)
    tid = sts.next_tid(datetime.fromisoformat(row["time"]), None, row["base_year"])

    assert sts.meter_pan(row["meter_number"]) == row["meter_pan"]
    assert key.secret.hex() == row["decoder_key"]
    assert tid == row["tid"]
    assert sts.amount_field(row["tenths"]) == row["field"]
    assert sts.encode(key, tenths=row["tenths"], tid=tid, rnd=row["rnd"]) == row["token"]


@pytest.mark.parametrize("row", VECTORS["credit"], ids=by_source)
def test_every_published_token_reads_back_as_no_less_than_was_paid(row: dict[str, Any]) -> None:
    credit = sts.decode(published_key(row), row["token"])
    assert credit == sts.Credit(sts.field_tenths(row["field"]), row["tid"], row["rnd"])
    assert credit.tenths >= row["tenths"]


@pytest.mark.parametrize("row", VECTORS["not_electricity_credit"], ids=by_source)
def test_other_tokens_of_the_same_meter_are_not_read_as_electricity(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"of (sub)?class \d+, not"):
        sts.decode(published_key(VECTORS["credit"][0]), row["token"])


def test_the_checksum_is_that_of_the_standards_own_example() -> None:
    example = VECTORS["checksum"]
    fields = example["rnd"] << 40 | example["tid"] << 16 | example["amount_field"]
    assert sts.checksum(0, fields) == int(example["crc"], 16)


@given(tenths=TENTHS, tid=TIDS, rnd=RNDS)
def test_a_token_reads_back_as_what_it_was_made_from(tenths: int, tid: int, rnd: int) -> None:
    token = sts.encode(DEMO_KEY, tenths=tenths, tid=tid, rnd=rnd)
    assert re.fullmatch("[0-9]{20}", token)
    assert sts.decode(DEMO_KEY, token) == sts.Credit(sts.carried_tenths(tenths), tid, rnd)


@given(tenths=TENTHS, first=TIDS, second=TIDS)
def test_two_identifiers_never_give_the_same_token(tenths: int, first: int, second: int) -> None:
    assume(first != second)
    made = {sts.encode(DEMO_KEY, tenths=tenths, tid=tid, rnd=5) for tid in (first, second)}
    assert len(made) == 2


def test_a_token_is_shown_in_five_groups_of_four() -> None:
    assert sts.group("59386323472137426967") == "5938 6323 4721 3742 6967"


def test_a_token_of_one_meter_does_not_fit_its_neighbour() -> None:
    token = sts.encode(DEMO_KEY, tenths=229, tid=NOW_TID, rnd=5)
    neighbour = sts.derive_key(sts.TEST_VENDING_KEY, sts.meter_number("04", "12345679"))
    with pytest.raises(ValueError, match=f"does not fit meter {neighbour.meter_number}"):
        sts.decode(neighbour, token)


@pytest.mark.parametrize("change", [{"tariff_index": 2}, {"base_year": 2035}])
def test_a_new_tariff_index_or_base_date_is_a_new_key(change: dict[str, int]) -> None:
    assert sts.derive_key(sts.TEST_VENDING_KEY, DEMO_METER, **change).secret != DEMO_KEY.secret


@pytest.mark.parametrize("place", range(20))
def test_a_single_wrong_digit_is_noticed(place: int) -> None:
    # The checksum would miss one mistake in 65,536; it catches all 180 of this token.
    token = sts.encode(DEMO_KEY, tenths=229, tid=NOW_TID, rnd=5)
    for digit in set("0123456789") - {token[place]}:
        with pytest.raises(ValueError):
            sts.decode(DEMO_KEY, token[:place] + digit + token[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "1" * 19, "1" * 21, "x" * 20, "٣" * 20, "9" * 20, str(2**66), "5938 6323 4721 3742 6967"]
)
def test_what_is_not_twenty_digits_of_66_bits_is_not_a_token(text: str) -> None:
    with pytest.raises(ValueError, match="20 digits"):
        sts.decode(DEMO_KEY, text)


@pytest.mark.parametrize("row", VECTORS["amount"], ids=lambda row: str(row["tenths"]))
def test_amounts_are_coded_as_published(row: dict[str, Any]) -> None:
    assert sts.amount_field(row["tenths"]) == int(row["field"], 16)


@pytest.mark.parametrize(
    ("tenths", "carried"),
    [(16_383, 16_383), (16_385, 16_394), (180_215, 180_224), (180_225, 180_324), (1_818_625, 1_819_624)],
)
def test_what_a_token_cannot_say_is_rounded_up(tenths: int, carried: int) -> None:
    assert sts.carried_tenths(tenths) == carried


@given(tenths=TENTHS)
def test_rounding_favours_the_customer_by_less_than_one_step(tenths: int) -> None:
    amount = sts.amount_field(tenths)
    assert sts.field_tenths(amount - 1) < tenths <= sts.field_tenths(amount)


@given(amount=st.integers(0, 0xFFFF))
def test_every_amount_field_stands_for_one_energy(amount: int) -> None:
    assert sts.amount_field(sts.field_tenths(amount)) == amount


def test_an_amount_field_has_16_bits() -> None:
    with pytest.raises(ValueError, match="16 bits"):
        sts.field_tenths(0x10000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tenths": 0}, "at least 0.1 kWh"),
        ({"tenths": sts.MAX_TENTHS + 1}, "carries 0 to 18201624 tenths"),
        ({"tid": -1}, "24 bits"),
        ({"tid": sts.MAX_TID + 1}, "24 bits"),
        ({"tid": TODAY + 1}, "00:01"),
        ({"rnd": 16}, "0 to 15"),
    ],
)
def test_a_token_out_of_range_is_not_made(change: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        sts.encode(DEMO_KEY, **({"tenths": 229, "tid": NOW_TID, "rnd": 5} | change))


def test_an_expired_key_makes_no_token() -> None:
    # STS 531-1-0-02 CTSA16: the upper 8 bits of this identifier are 90.
    tid = sts.next_tid(datetime(2004, 4, 1, 9, 30, tzinfo=UTC), None, 1993)
    assert sts.encode(replace(DEMO_KEY, expiry=90), tenths=1, tid=tid, rnd=5)
    with pytest.raises(ValueError, match="expired"):
        sts.encode(replace(DEMO_KEY, expiry=85), tenths=1, tid=tid, rnd=5)


@pytest.mark.parametrize("row", VECTORS["tid"], ids=lambda row: f"{row['time']} base {row['base_year']}")
def test_identifiers_are_minutes_since_the_base_date(row: dict[str, Any]) -> None:
    assert sts.next_tid(datetime.fromisoformat(row["time"]), None, row["base_year"]) == row["tid"]


def test_the_identifier_is_the_same_in_every_time_zone() -> None:
    east_africa = NOW.astimezone(timezone(timedelta(hours=3)))
    assert sts.next_tid(NOW, None, 2014) == sts.next_tid(east_africa, None, 2014) == NOW_TID


@pytest.mark.parametrize(
    ("last_tid", "expected"),
    [(NOW_TID - 500, NOW_TID), (NOW_TID - 1, NOW_TID), (NOW_TID, NOW_TID + 1), (NOW_TID + 5, NOW_TID + 6)],
)
def test_an_identifier_is_the_minute_or_one_after_the_last(last_tid: int, expected: int) -> None:
    assert sts.next_tid(NOW, last_tid, 2014) == expected


@pytest.mark.parametrize(("minute", "last_tid"), [(1, None), (0, TODAY), (1, TODAY + 1)])
def test_one_past_midnight_is_left_to_special_tokens(minute: int, last_tid: int | None) -> None:
    now = datetime(2026, 11, 23, 0, minute, tzinfo=UTC)
    assert sts.next_tid(now, last_tid, 2014) == TODAY + 2


@given(waits=st.lists(st.integers(0, 3000), min_size=1, max_size=50), start=st.integers(0, 10**7))
def test_identifiers_of_a_meter_only_rise_and_are_never_reserved(waits: list[int], start: int) -> None:
    now, last = datetime(2014, 1, 1, tzinfo=UTC) + timedelta(minutes=start), None
    for wait in waits:
        now += timedelta(seconds=wait)
        tid = sts.next_tid(now, last, 2014)
        assert last is None or tid > last
        assert tid % 1440 != 1
        last = tid


@pytest.mark.parametrize(
    ("now", "last_tid", "base_year", "sentence"),
    [
        (NOW.replace(tzinfo=None), None, 2014, "time zone"),
        (NOW, NOW_TID + 60, 2014, "behind the meter's last token"),
        (NOW, sts.MAX_TID, 2014, "run out"),
        (NOW, None, 2035, "not begun"),
        (NOW, None, 2000, "1993, 2014 or 2035"),
        (datetime(2045, 11, 24, 20, 16, tzinfo=UTC), None, 2014, "run out"),
    ],
)
def test_no_identifier_from_a_clock_that_cannot_be_right(
    now: datetime, last_tid: int | None, base_year: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        sts.next_tid(now, last_tid, base_year)


@pytest.mark.parametrize(
    ("manufacturer", "serial", "number", "pan"),
    [
        ("04", "12345678", "04123456784", "600727041234567843"),
        ("00", "00000000", "00000000000", "600727000000000009"),
        ("0100", "00000000", "0100000000008", "000001000000000082"),
    ],
)
def test_meter_numbers_are_made_and_checked(manufacturer: str, serial: str, number: str, pan: str) -> None:
    assert sts.meter_number(manufacturer, serial) == number
    assert sts.is_meter_number(number)
    assert sts.meter_pan(number) == pan


@given(serial=st.integers(0, 10**8 - 1), place=st.integers(0, 10), shift=st.integers(1, 9))
def test_one_wrong_digit_of_a_meter_number_is_noticed(serial: int, place: int, shift: int) -> None:
    number = sts.meter_number("04", f"{serial:08d}")
    wrong = (int(number[place]) + shift) % 10
    assert not sts.is_meter_number(f"{number[:place]}{wrong}{number[place + 1 :]}")


@pytest.mark.parametrize("text", ["", "04123456785", "0412345678", "04123456784 ", "٠٤١٢٣٤٥٦٧٨٤", "SHS0283"])
def test_a_wrong_meter_number_gets_no_key(text: str) -> None:
    assert not sts.is_meter_number(text)
    with pytest.raises(ValueError, match="check digit"):
        sts.derive_key(sts.TEST_VENDING_KEY, text)


@pytest.mark.parametrize(("manufacturer", "serial"), [("4", "12345678"), ("041", "12345678"), ("04", "1234567")])
def test_a_meter_number_has_no_other_parts(manufacturer: str, serial: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        sts.meter_number(manufacturer, serial)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tariff_index": -1}, "tariff index"),
        ({"tariff_index": 100}, "tariff index"),
        ({"key_type": 3}, "Key type 3"),
        ({"base_year": 2015}, "base date"),
        ({"expiry": 256}, "expiry"),
    ],
)
def test_a_key_is_not_derived_from_wrong_parts(change: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        sts.derive_key(sts.TEST_VENDING_KEY, DEMO_METER, **change)


@pytest.mark.parametrize(
    ("key", "change", "sentence"),
    [
        (sts.TEST_VENDING_KEY, {"sgc": "12345"}, "6 digits"),
        (sts.TEST_VENDING_KEY, {"krn": 10}, "1 to 9"),
        (sts.TEST_VENDING_KEY, {"secret": bytes(8)}, "20 bytes"),
        (DEMO_KEY, {"secret": bytes(8)}, "16 bytes"),
        (DEMO_KEY, {"meter_number": "04123456785"}, "check digit"),
    ],
)
def test_a_key_of_wrong_parts_is_refused(key: Any, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(key, **change)


def test_keys_do_not_show_their_secret() -> None:
    for key in (sts.TEST_VENDING_KEY, DEMO_KEY):
        shown = f"{key} {key!r}"
        assert "secret" not in shown
        assert repr(key.secret) not in shown
        assert key.secret.hex() not in shown
