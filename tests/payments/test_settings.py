"""What the operator sets for mobile money, and what is said when it cannot be."""

import pytest

from bot.config import load
from bot.configured import company_of

GOOD = {
    "secret_key": "s" * 32,
    "help_phone": "+255700000000",
    "route": "phones",
    "public_url": "https://energy.example.org",
    "daraja_consumer_key": "k",
    "daraja_consumer_secret": "c",
    "daraja_shortcode": "600000",
    "daraja_passkey": "p",
    "daraja_secret": "d" * 16,
}


def test_what_is_set_whole_has_no_problems() -> None:
    assert load(**GOOD).problems() == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"daraja_passkey": ""}, "go together; one is missing"),
        ({"daraja_secret": "short"}, "MWANGA_DARAJA_SECRET needs 16 characters"),
        ({"public_url": "https://mpesa.example.org"}, "Safaricom calls no address with `mpesa` in it"),
        ({"daraja_secret": "x" * 16 + "CMD"}, "Safaricom calls no address with `cmd` in it"),
        ({"momo_url": "https://momo.example.org"}, "MWANGA_MOMO_URL, _SUBSCRIPTION_KEY"),
        ({"payments": {"Pesa": {}}}, "payments.Pesa: a name has small letters"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, object], words: str) -> None:
    assert any(words in problem for problem in load(**GOOD | changed).problems())


def test_the_first_provider_that_can_ask_a_phone_asks_it() -> None:
    momo = dict.fromkeys(("subscription_key", "api_user", "api_key", "environment"), "x") | {
        "url": "https://m.example.org"
    }
    told = GOOD | {f"momo_{name}": value for name, value in momo.items()}
    company = company_of(load(**told, daraja_prefixes="+2547, +2541"))
    asked = {phone: company.mobile_money_of(phone) for phone in ("+254712345678", "+254112345678", "+256772345678")}
    assert [one and one.provider for one in asked.values()] == ["daraja", "daraja", "momo"]
    assert company_of(load(**GOOD, daraja_prefixes="+2547")).mobile_money_of("+256772345678") is None


def test_people_are_told_what_they_can_pay_to_in_their_own_menu() -> None:
    """Of a till the shortcode is the store, to which nobody pays."""
    [bill] = company_of(load(**GOOD)).mobile_money
    assert (bill.pay_bill, bill.till) == ("600000", "")
    [till] = company_of(load(**GOOD, daraja_till="5123456")).mobile_money
    assert (till.pay_bill, till.till) == ("", "5123456")
