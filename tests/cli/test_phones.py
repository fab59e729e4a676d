"""`mwanga phone`: what it says, and what a phone can do afterwards."""

import re

import pytest

from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
def phone(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`mwanga phone` and these words."""
    monkeypatch.setenv("MWANGA_PUBLIC_URL", "https://mwanga.example.org/")
    return lambda *words: run("phone", *words)


def test_a_phone_is_added_with_an_address_a_code_and_a_picture(phone: Run, demo_url: str) -> None:
    shown = phone("add", "Shop phone").output.splitlines()
    assert "https://mwanga.example.org/smsgate/mobile/v1" in shown
    (code,) = [line for line in shown if line.startswith("code: ")]
    assert re.fullmatch(r"code: \d{6}", code)
    assert any("█" in line or "▀" in line for line in shown), "a QR code"
    assert code.removeprefix("code: ") not in str(query(demo_url, "SELECT * FROM phone"))


def test_an_address_that_no_phone_takes_is_said(phone: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MWANGA_PUBLIC_URL" not in phone("add", "Shop phone").output
    monkeypatch.delenv("MWANGA_PUBLIC_URL")
    assert "MWANGA_PUBLIC_URL" in phone("add", "Shop phone").output


def test_adding_a_known_phone_gives_a_new_code_to_the_same(phone: Run, demo_url: str) -> None:
    phone("add", "Shop phone")
    assert phone("add", "Shop phone").exit_code == 0
    assert len(query(demo_url, "SELECT 1 FROM phone")) == 1


def test_a_phone_is_paused_resumed_renamed_listed_and_unlinked(phone: Run, demo_url: str) -> None:
    phone("add", "Shop phone")
    assert phone("pause", "Shop phone").output == "Shop phone gets no more messages.\n"
    assert phone("list").output == "Shop phone, phone-1, paused\n"
    assert phone("resume", "Shop phone").exit_code == 0
    assert phone("rename", "Shop phone", "Market phone").output == "Shop phone is Market phone now.\n"
    assert phone("list").output == "Market phone, phone-1, not linked yet\n"
    assert phone("unlink", "Market phone").exit_code == 0
    assert phone("list").output == ""
    actions = [row["action"] for row in query(demo_url, "SELECT action FROM audit ORDER BY id")]
    assert actions == ["phone code", "phone pause", "phone resume", "phone rename", "phone unlink"]


def test_what_a_phone_calls_itself_steers_no_terminal(phone: Run, demo_url: str) -> None:
    phone("add", "Shop phone")
    query(demo_url, "UPDATE phone SET model = 'A \x1b]0;owned\x07\nB' RETURNING id")
    assert phone("list").output == "Shop phone, phone-1, not linked yet, A ]0;owned B\n"


def test_who_shuts_a_phone_out_is_told_that_the_private_token_lets_it_in(
    phone: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone("add", "one")
    phone("add", "two")
    assert phone("unlink", "one").output == "one is shut out.\n"
    monkeypatch.setenv("MWANGA_SMSGATE_TOKEN", "a private token of the shop")
    assert "change that too" in phone("unlink", "two").output


@pytest.mark.parametrize("command", ["pause", "resume", "unlink"])
def test_a_phone_that_is_not_there_is_named(phone: Run, command: str) -> None:
    result = phone(command, "Nobody")
    assert result.exit_code == 1 and "There is no phone Nobody." in result.output


def test_spaces_around_a_name_are_no_part_of_it(phone: Run) -> None:
    phone("add", " Shop phone ")
    assert phone("pause", "Shop phone ").output == "Shop phone gets no more messages.\n"
    assert phone("rename", "Shop phone", " Shop phone").output == "Shop phone is Shop phone now.\n"
    assert phone("rename", "Shop phone", "x" * 101).exit_code == 1


def test_two_phones_do_not_get_one_name(phone: Run) -> None:
    phone("add", "one")
    phone("add", "two")
    result = phone("rename", "two", "one")
    assert result.exit_code == 1 and "Another phone is called one." in result.output
    result = phone("add", " ")
    assert result.exit_code == 1 and "A name has 1 to 100 characters." in result.output
