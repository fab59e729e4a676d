"""`mwanga init` writes a configuration that works, for its owner alone, and never over another."""

import os
import stat
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.cli.init import _usual
from bot.config import load
from tests.world.prompt import mwanga_command

ANSWERS = ["Umeme Jua", "MZ", "", "", "pt,en", "+258840000000", "https://mwanga.example.org", "", "phones"]


def written(file: str = "mwanga.toml") -> dict[str, Any]:
    return tomllib.loads(Path(file).read_text())


def test_what_is_asked_is_written() -> None:
    result = mwanga_command("init", input="\n".join(ANSWERS) + "\n")
    assert result.exit_code == 0, result.output
    found = written()
    assert len(found.pop("secret_key")) >= 32
    assert found == {
        "company": "Umeme Jua",
        "country": "MZ",
        "currency": "MZN",
        "timezone": "Africa/Maputo",
        "languages": "pt,en",
        "help_phone": "+258840000000",
        "public_url": "https://mwanga.example.org",
        "trusted_proxies": "127.0.0.1",
        "database": "sqlite://mwanga.db",
        "route": "phones",
        "ussd_code": "",
    }
    assert load().problems() == []


@pytest.mark.parametrize(
    ("gateway", "told"),
    [("phones", ""), ("kannel", ""), ("africastalking", "*384*20#"), ("later", "*384*20#")],
)
def test_people_are_told_to_dial_only_where_they_can(gateway: str, told: str) -> None:
    assert mwanga_command("init", "--yes", f"gateway={gateway}").exit_code == 0
    assert load().ussd_code == told
    Path("mwanga.toml").unlink()
    assert mwanga_command("init", "--yes", f"gateway={gateway}", "ussd_code=*150*77#").exit_code == 0
    assert load().ussd_code == "*150*77#"


def test_the_file_is_its_owners_alone_whatever_the_umask() -> None:
    before = os.umask(0)
    try:
        assert mwanga_command("init", "--yes").exit_code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("mwanga.toml").stat().st_mode) == 0o600


def test_each_file_has_a_key_of_its_own(tmp_path: Path) -> None:
    for name in ("one.toml", "two.toml"):
        assert mwanga_command("--config", name, "init", "--yes").exit_code == 0
    assert written("one.toml")["secret_key"] != written("two.toml")["secret_key"]


def test_a_file_that_is_there_stays_as_it_is() -> None:
    Path("mwanga.toml").write_text('secret_key = "the only copy"\n')
    result = mwanga_command("init", "--yes")
    assert result.exit_code == 1 and "is there already, and stays as it is" in result.output
    assert written() == {"secret_key": "the only copy"}


def test_it_is_written_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_CONFIG", "etc/mwanga.toml")
    assert mwanga_command("init", "--yes", "company=Umeme Jua").exit_code == 0
    assert load().company == "Umeme Jua"


def test_a_server_has_its_data_where_servers_have_it() -> None:
    assert _usual("database", {}, Path("/etc/mwanga/mwanga.toml")) == "sqlite:///var/lib/mwanga/mwanga.db"
    assert _usual("database", {}, Path("mwanga.toml")) == "sqlite://mwanga.db"


def test_a_wrong_answer_is_asked_again_with_the_reason() -> None:
    answers = [*ANSWERS]
    answers[1:2] = ["Mozambique", "MZ"]
    answers[-1:] = ["phonse", "phones"]
    result = mwanga_command("init", input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "'Mozambique' is no country: two letters, like TZ" in result.output
    assert "phonse is none of them: did you mean phones?" in result.output


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("countyr=TZ", "countyr is no setting: did you mean country?"),
        ("country", "country: write SETTING=VALUE"),
        ("country=Tanzania", "'Tanzania' is no country"),
        ("gateway=pigeon", "gateway: pigeon is none of"),
        ("port=eighty", "port: Input should be a valid integer"),
        ("rules=none", "rules: Input should be a valid tuple"),
        ("secret_key=x", "secret_key is a secret: it would stay in the shell's history"),
        ("kannel_password=x", "kannel_password is a secret"),
    ],
)
def test_a_wrong_answer_that_was_given_ends_it(word: str, said: str) -> None:
    result = mwanga_command("init", "--yes", word)
    assert result.exit_code == 1 and said in result.output
    assert not Path("mwanga.toml").exists()


def test_answers_that_were_given_are_looked_at_together() -> None:
    """The dinar of Tunisia has three decimals."""
    assert mwanga_command("init", "--yes", "coin=0.050", "currency=TND", "country=TN").exit_code == 0
    assert written()["coin"] == "0.050"


def test_an_account_is_asked_for_and_gets_a_secret_for_its_callbacks() -> None:
    answers = [*ANSWERS[:-1], "africastalking", "umemejua", "the key", "20880"]
    result = mwanga_command("init", input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    found = written()
    assert (found["africastalking_username"], found["africastalking_api_key"]) == ("umemejua", "the key")
    assert found["africastalking_sender"] == "20880" and len(found["africastalking_secret"]) >= 16
    assert "the key" not in result.output
    assert load().problems() == []


def test_a_name_with_quotes_and_other_letters_is_kept() -> None:
    assert mwanga_command("init", "--yes", 'company=Ñ "☀ 𝟙" \\').exit_code == 0
    assert load().company == 'Ñ "☀ 𝟙" \\'


def test_every_setting_that_is_written_says_what_it_is() -> None:
    mwanga_command("init", "--yes", "gateway=kannel", "retention_days=90")
    lines = Path("mwanga.toml").read_text().splitlines()
    assert not [above for above, line in pairwise(lines) if " = " in line and not above.startswith("# ")]
    assert load().retention_days == 90
