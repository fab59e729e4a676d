"""How the company writes money and days, and that an amount is read back as it was printed."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import cast

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bot.config import ConfigError, load
from bot.configured import company_of
from bot.talks import Turn
from bot.talks.fields import Amount
from bot.text import _
from handlers.wording import bought
from models.devices import Unit

COMPANY = company_of(load(coin="1"))
POINTS = replace(COMPANY, thousands=".")


@pytest.mark.parametrize(
    ("minor", "commas", "points"),
    [
        (0, "0", "0"),
        (999_00, "999", "999"),
        (8_000_00, "8,000", "8.000"),
        (8_000_50, "8,000.50", "8.000,50"),
        (-1_084_000_00, "-1,084,000", "-1.084.000"),
    ],
)
def test_money_has_the_companys_marks_in_every_language(minor: int, commas: str, points: str) -> None:
    assert (COMPANY.number(minor), POINTS.number(minor)) == (commas, points)


def test_energy_has_the_same_marks() -> None:
    said = [bought(Unit.ENERGY, 143, company).to("fr") for company in (COMPANY, POINTS)]
    assert said == ["14.3 kWh", "14,3 kWh"]


@given(whole=st.integers(1, 9_999_999), mark=st.sampled_from([",", "."]))
async def test_an_amount_that_we_print_is_read_as_the_same(whole: int, mark: str) -> None:
    company = replace(COMPANY, thousands=mark)
    turn = cast("Turn", SimpleNamespace(company=company))
    for printed in (company.number(whole * 100), company.money(whole * 100)):
        assert await Amount(_("Amount paid?")).read(turn, printed) == whole * 100


@pytest.mark.parametrize(
    ("country", "mark"),
    [("TZ", ","), ("KE", ","), ("NG", ","), ("MZ", "."), ("CI", "."), ("ML", "."), ("NE", "."), ("SN", ".")],
)
def test_the_mark_is_the_countrys_where_nobody_sets_it(country: str, mark: str) -> None:
    assert load(country=country).thousands_mark == mark
    assert load(country=country, thousands=",").thousands_mark == ","


def test_no_other_mark_can_be_set() -> None:
    with pytest.raises(ConfigError, match="MWANGA_THOUSANDS"):
        load(thousands=" ")


@time_machine.travel(datetime(2026, 11, 24, 22, tzinfo=UTC), tick=False)
def test_days_are_numbers_as_people_write_them() -> None:
    assert COMPANY.day(datetime(2026, 12, 1, 22, tzinfo=UTC)) == "2/12"
    assert [COMPANY.date(date(2026, 12, 2)), COMPANY.date(date(2029, 8, 28))] == ["2/12", "28/8/2029"]
    assert COMPANY.day_by_name(datetime(2026, 12, 1, 22, tzinfo=UTC)) == "2 Dec"
    assert COMPANY.day_by_name(datetime(2024, 12, 1, 22, tzinfo=UTC)) == "2 Dec 2024", "nobody takes it for this year's"
    assert COMPANY.day_by_name(datetime(2029, 8, 28, tzinfo=UTC), "fr") == "28 ao\u00fbt 2029"
