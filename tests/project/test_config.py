"""Wrong values stop the start with a sentence; everything wrong is named at once."""

from pathlib import Path

import pytest

from bot.config import ConfigError, checked, demo_world, load
from models.messages import MessageKind

GOOD = {
    "secret_key": "s" * 32,
    "help_phone": "+255700000000",
    "africastalking_username": "umemejua",
    "africastalking_api_key": "key",
    "africastalking_secret": "c" * 16,
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("country", "Tanzania", "two letters"),
        ("currency", "XXQ", "three letters"),
        ("timezone", "Dar", "a time zone like"),
        ("timezone", "Africa", "a time zone like"),
        ("timezone", "../Africa/Nairobi", "a time zone like"),
        ("languages", "en,xx", "codes out of"),
        ("database", "mysql://x", "sqlite://"),
        ("port", "99999", "less than or equal to 65535"),
        ("port", "eighty", "valid integer"),
        ("log_level", "LOUD", "pattern"),
        ("sender_cap", "-1", "greater than or equal to 0"),
        ("company", "W" * 21, "at most 20"),
        ("company", "", "at least 1"),
        ("help_phone", "+255 700 000 000 or the office", "at most 14"),
        ("help_phone", "the office", "pattern"),
        ("help_phone", "+255 700 000 000 000", "at most 14"),
        ("languages", "en,sw,en", "each once"),
        ("database", "sqlite://", "sqlite://FILE"),
        ("retention_days", "9" * 20, "less than or equal to 36500"),
        ("public_url", "mwanga.example.org", "a whole address"),
        ("africastalking_url", "localhost:9000", "a whole address"),
    ],
)
def test_a_wrong_value_is_named_with_its_setting(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MWANGA_{name.upper()}", value)
    with pytest.raises(ConfigError) as error:
        load()
    assert f"MWANGA_{name.upper()}: " in str(error.value)
    assert words in str(error.value)


def test_everything_that_is_missing_is_named_at_once() -> None:
    problems = "\n".join(load().problems())
    for word in ("MWANGA_SECRET_KEY", "No gateway can send", "MWANGA_HELP_PHONE"):
        assert word in problems


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("secret_key", "32 characters"),
        ("africastalking_api_key", "go together"),
        ("africastalking_secret", "16 characters"),
        ("help_phone", "MWANGA_HELP_PHONE"),
    ],
)
def test_each_missing_setting_has_its_sentence(setting: str, words: str) -> None:
    assert checked(load(**GOOD)).africastalking_username == "umemejua"
    with pytest.raises(ConfigError, match=words):
        checked(load(**{**GOOD, setting: ""}))


def test_the_help_number_is_kept_as_it_is_dialled() -> None:
    assert load(**GOOD | {"help_phone": "+255 700 000 000"}).help_phone == "+255700000000"


def test_gateway_phones_alone_are_enough_when_the_route_says_so() -> None:
    people = {"secret_key": "s" * 32, "help_phone": "+255700000000"}
    assert load(**people, route="phones").problems() == []
    (problem,) = load(**people, route="phones", smsgate_token="short").problems()
    assert problem.startswith("MWANGA_SMSGATE_TOKEN needs 16 characters")


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mwanga.toml").write_text('company = "Umeme Jua"\nport = 9000\n')
    assert (load().company, load().port) == ("Umeme Jua", 9000)
    monkeypatch.setenv("MWANGA_PORT", "9001")
    assert (load().company, load().port) == ("Umeme Jua", 9001)


ROUTING = """
route = "phones, kannel"
airtime_pattern = "balance is ([0-9]+)"
[[rules]]
network = "64004"
prefix = "+255"
class = "broadcast"
gateways = ["africastalking", "phone-2"]
[canaries]
africastalking = "0700 000 055"
"""


def test_rules_and_routes_are_read_from_the_file() -> None:
    Path("mwanga.toml").write_text(ROUTING)
    rule = load().rules[0]
    assert (rule.network, rule.prefix, rule.kind, rule.gateways) == (
        "64004",
        "+255",
        MessageKind.BROADCAST,
        ("africastalking", "phone-2"),
    )
    assert load(**GOOD).problems() == ["MWANGA_ROUTE names kannel, which is not configured."]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[[rules]]\ngateways = []", "MWANGA_RULES: "),
        ("[[rules]]\ngateway = ['kannel']", "MWANGA_RULES: "),
        ("[[rules]]\nclass = 'letter'\ngateways = ['kannel']", "MWANGA_RULES: "),
        ("[[rules]]\nnetwork = 'Vodacom'\ngateways = ['kannel']", "MWANGA_RULES: "),
        ("[[rules]]\nprefix = '0712'\ngateways = ['kannel']", "MWANGA_RULES: "),
        ("[[rules]]\ngateways = ['nokia']", "A rule names nokia, which is not configured."),
        ("[canaries]\nnokia = '+255700000055'", "MWANGA_CANARIES names nokia, which is not configured."),
        ("[canaries]\nafricastalking = '12'", "africastalking: 12 is not a phone number."),
        ("alert_phone = 'me'", "MWANGA_ALERT_PHONE: me is not a phone number."),
        ("alert_url = 'example.org'", "MWANGA_ALERT_URL is a whole address"),
        ("alert_url = 'https://'", "MWANGA_ALERT_URL is a whole address"),
        ("public_url = 'https://'", "MWANGA_PUBLIC_URL: a whole address"),
        ("public_url = 'http://[::1'", "MWANGA_PUBLIC_URL: a whole address"),
        ("airtime_pattern = '('", "MWANGA_AIRTIME_PATTERN: "),
        ("failover_seconds = 0", "MWANGA_FAILOVER_SECONDS: "),
        ("kannel_per_second = -1", "MWANGA_KANNEL_PER_SECOND: "),
    ],
)
def test_what_is_wrong_with_the_routing_is_named(line: str, words: str) -> None:
    Path("mwanga.toml").write_text(f"{line}\n")
    with pytest.raises(ConfigError) as error:
        checked(load(**GOOD))
    assert words in str(error.value)


def test_a_broken_file_is_named() -> None:
    Path("mwanga.toml").write_text("company = \n")
    with pytest.raises(ConfigError, match=r"mwanga\.toml cannot be read"):
        load()


def test_secrets_are_not_shown() -> None:
    config = load(**GOOD)
    assert "ssss" not in repr(config) and "cccc" not in repr(config)


def test_the_demo_world_fills_in_only_what_was_not_said() -> None:
    demo = demo_world(load(company="Umeme Jua", secret_key="k" * 40))
    assert demo.company == "Umeme Jua"
    assert demo.secret_key.get_secret_value() == "k" * 40
    assert demo.africastalking_secret.get_secret_value() == "demo"
    assert demo.help_phone == "+255700000000"


@pytest.mark.parametrize(("currency", "decimals"), [("TZS", 2), ("ugx", 0), ("MGA", 2), ("TND", 3), ("XOF", 0)])
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, decimals: int) -> None:
    """Some of them have none in the shops, and none in CLDR."""
    assert load(currency=currency).exponent == decimals
