"""Wrong values stop the start with a sentence; everything wrong is named at once."""

from pathlib import Path

import pytest

from bot.config import ConfigError, checked, demo_world, load

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
        ("languages", "en,xx", "codes out of"),
        ("database", "mysql://x", "sqlite://"),
        ("port", "99999", "less than or equal to 65535"),
        ("port", "eighty", "valid integer"),
        ("log_level", "LOUD", "pattern"),
        ("sender_cap", "-1", "greater than or equal to 0"),
        ("company", "W" * 21, "at most 20"),
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


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mwanga.toml").write_text('company = "Umeme Jua"\nport = 9000\n')
    assert (load().company, load().port) == ("Umeme Jua", 9000)
    monkeypatch.setenv("MWANGA_PORT", "9001")
    assert (load().company, load().port) == ("Umeme Jua", 9001)


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
