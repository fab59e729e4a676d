"""Coins and rests: what cash is taken, what is refused with the amounts next to it, and how both are set."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import ConfigError, load
from bot.configured import company_of
from bot.talks import Invalid, Turn
from bot.talks.fields import Amount
from bot.text import _, plain
from bot.text.amounts import read_minor
from handlers.selling.buy import why_not
from models.devices import Device, Tariff
from models.people import Customer
from models.selling import quotes, refusals
from models.selling.payable import PayableDevice, Standing

COMPANY = company_of(load(coin="1"))
GHS = company_of(load(country="GH", currency="GHS", coin="0.50"))
TND = company_of(load(country="TN", currency="TND", coin="0.100"))
GNF = company_of(load(country="GN", currency="GNF", coin="500"))


def at_tariff(price: int, coin: int, *, minimum: int = 1, credit: int = 0, whole_only: bool = True) -> Standing:
    plan = Tariff(name="t", unit="days", price=price, minimum=minimum)
    facts = {"serial": "SHS0283", "issuer": "openpaygo", "tariff": plan, "retired_at": None}
    return Standing(
        paid_for=PayableDevice(cast(Device, SimpleNamespace(**facts))),
        customer=Customer(id=1),
        contract=None,
        owed=(),
        today=date(2026, 11, 24),
        coin=coin,
        credit=credit,
        whole_only=whole_only,
    )


@pytest.mark.parametrize(
    ("minimum", "paid", "less", "more"),
    [
        (1, 8_500_00, 8_000_00, 9_000_00),
        (1_500_00, 1_500_00, None, 2_000_00),
        (1, 995_000_00, None, None),
        (1, 8_000_00, None, None),
    ],
)
def test_an_office_that_wants_no_rest_is_given_whole_days(
    minimum: int, paid: int, less: int | None, more: int | None
) -> None:
    at = at_tariff(1_000_00, 1_00, minimum=minimum)
    if less is more is None:
        assert quotes.quote(at, paid).credit == 0
        return
    with pytest.raises(refusals.NotWhole) as refused:
        quotes.quote(at, paid)
    assert (refused.value.less, refused.value.more) == (less, more)
    assert quotes.quote(replace(at, whole_only=False), paid).credit > 0


@given(
    st.integers(1, 5_000), st.sampled_from([1, 50, 100]), st.integers(1, 50_000), st.integers(0, 99),
    st.integers(1, 3_000),
)  # fmt: skip
def test_the_amounts_that_are_named_are_next_to_it_and_are_taken(
    price: int, coin: int, paid: int, credit: int, minimum: int
) -> None:
    at = at_tariff(price, coin, minimum=minimum, credit=credit)
    try:
        assert quotes.quote(at, paid * coin).credit < coin
    except refusals.NotWhole as refusal:
        assert refusal.less or refusal.more
        for named in (refusal.less, refusal.more):
            assert named is None or quotes.quote(at, named).credit < coin
        assert (refusal.less or 0) < paid * coin < (refusal.more or paid * coin + 1)
    except (refusals.AmountTooSmall, refusals.AmountTooLarge):
        pass


def test_money_that_is_there_is_not_refused_for_its_rest() -> None:
    offer = quotes.quote_all(at_tariff(1_000_00, 1_00), 8_500_37)
    assert (offer.units, offer.credit, offer.unmet) == (8, 500_37, None)


def test_money_that_is_there_comes_in_any_amount() -> None:
    """Of 1,000 a day 937 came by phone, and the payer read that 63 are missing."""
    at = at_tariff(1_000_00, 50_00, credit=937_00, whole_only=False)
    offer = quotes.quote_all(at, 63_00)
    assert (offer.units, offer.credit, offer.unmet) == (1, 0, None)
    with pytest.raises(refusals.AmountTooSmall) as refused:
        quotes.quote(at, 50_00)
    assert refused.value.minimum == 100_00


def test_cash_comes_in_coins() -> None:
    with pytest.raises(refusals.NoCoins) as refused:
        quotes.quote(at_tariff(1_000_00, 50_00, whole_only=False), 8_020_00)
    assert (refused.value.less, refused.value.more) == (8_000_00, 8_050_00)


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (refusals.NotWhole(8_000_00, 9_000_00), "Say 8000 or 9000."),
        (refusals.NotWhole(None, 2_000_00), "Say 2000."),
        (refusals.NoCoins(0, 1_00), "The smallest coin is TZS 1: say 1."),
        (refusals.Retired("X"), "SHS0283 is out of use. Call ."),
    ],
)
def test_what_the_agent_hears(refusal: refusals.NotSold, said: str) -> None:
    assert why_not(refusal, "SHS0283", COMPANY).to("en") == said


async def read(company: Any, answer: str) -> int:
    turn = cast("Turn", SimpleNamespace(company=company))
    return await Amount(_("Amount paid?")).read(turn, answer)


@pytest.mark.parametrize(
    ("company", "typed", "minor"),
    [
        (GHS, "2.50", 2_50),
        (GHS, "2.5", 2_50),
        (GHS, "0.50", 50),
        (GHS, "1,250.50", 1_250_50),
        (GHS, "GHS 20", 20_00),
        (GHS, "2,500", 2_500_00),
        (TND, "8.500", 8_500),
        (TND, "8.5", 8_500),
        (GNF, "15000000", 15_000_000),
        (GNF, "15.000.000", 15_000_000),
        (COMPANY, "9,999,999", 9_999_999_00),
    ],
)
async def test_amounts_are_read_down_to_the_smallest_coin(company: Any, typed: str, minor: int) -> None:
    assert await read(company, typed) == minor
    assert await read(company, company.typed(minor)) == minor
    assert await read(company, company.money(minor)) == minor


@pytest.mark.parametrize(
    ("company", "typed", "said"),
    [
        (GHS, "2.20", "The smallest coin is GHS 0.50: say 2 or 2.50."),
        (GHS, "0.20", "The smallest coin is GHS 0.50: say 0.50."),
        (GHS, "20000000", "20000000 is too much."),
        (GNF, "15000100", "The smallest coin is GNF 500: say 15000000 or 15000500."),
        (GNF, "100000000", "100000000 is too much."),
        (COMPANY, "2.50", "2.50 is not clear: write TZS in digits, like 5000."),
        (COMPANY, "10000000", "10000000 is too much."),
    ],
)
async def test_what_is_no_multiple_is_refused_with_both_neighbours(company: Any, typed: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        await read(company, typed)
    assert plain(refused.value.text.to("en")) == said


@given(st.integers(1, 199_998), st.sampled_from([",", "."]))
async def test_an_amount_in_coins_is_read_as_it_is_printed(coins: int, mark: str) -> None:
    company = replace(GHS, thousands=mark)
    assert await read(company, company.number(coins * 50)) == coins * 50


@given(st.text("0123456789.,' ", max_size=9))
def test_no_decimals_are_read_where_coins_are_whole(typed: str) -> None:
    amount = read_minor(typed, "TZS", 2, 100)
    assert amount is None or amount % 100 == 0


@pytest.mark.parametrize(
    ("coin", "currency"), [("x", "TZS"), ("0", "TZS"), ("0.5", "UGX"), ("0.001", "GHS"), ("-1", "TZS")]
)
def test_a_coin_is_an_amount_of_the_currency(coin: str, currency: str) -> None:
    with pytest.raises(ConfigError, match="MWANGA_COIN"):
        load(coin=coin, currency=currency)


@pytest.mark.parametrize(
    ("currency", "coin"),
    [("TZS", 50_00), ("UGX", 50), ("GHS", 50), ("XOF", 5), ("XAF", 5), ("KES", 1_00), ("NGN", 1_00), ("TND", 1_000)],
)
def test_the_usual_coin_is_the_smallest_in_use_and_a_whole_unit_where_none_is_known(
    monkeypatch: pytest.MonkeyPatch, currency: str, coin: int
) -> None:
    monkeypatch.delenv("MWANGA_COIN")
    assert company_of(load(currency=currency)).coin == coin
    assert company_of(load(currency=currency, coin="2")).coin == 2 * company_of(load(currency=currency)).unit


async def test_where_nothing_is_set_shillings_are_taken_in_fifties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MWANGA_COIN")
    company = company_of(load())
    with pytest.raises(Invalid) as refused:
        await read(company, "8020")
    assert plain(refused.value.text.to("en")) == "The smallest coin is TZS 50: say 8000 or 8050."
    # What came by phone is no coins: all of it counts.
    offer = quotes.quote_all(at_tariff(1_000_00, company.coin), 8_020_00)
    assert (offer.units, offer.credit) == (8, 20_00)


def test_what_is_set_and_what_is_usual() -> None:
    assert (COMPANY.coin, COMPANY.whole_only, COMPANY.commission_at_signing) == (1_00, False, False)
    other = company_of(load(coin="50", rounding="refuse", commission_at="signing"))
    assert (other.coin, other.whole_only, other.commission_at_signing) == (50_00, True, True)
    assert (GHS.coin, GHS.whole(2_80), TND.coin) == (50, "2.50", 100)
