"""`mwanga phone`: what it says, and what a phone can do afterwards."""

import asyncio
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.main import cli
from bot.runtime.database import Database
from models.sql import execute

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    monkeypatch.setenv("MWANGA_PUBLIC_URL", "https://mwanga.example.org/")
    runner = CliRunner()
    return lambda *words: runner.invoke(cli, ["phone", *words])


def query(url: str, statement: str) -> list[dict[str, Any]]:
    async def ask() -> list[dict[str, Any]]:
        async with Database(url) as database:
            return await execute(database.client, statement)

    return asyncio.run(ask())


def test_a_phone_is_added_with_an_address_a_code_and_a_picture(run: Any, demo_url: str) -> None:
    shown = run("add", "Shop phone").output.splitlines()
    assert "https://mwanga.example.org/smsgate/mobile/v1" in shown
    (code,) = [line for line in shown if line.startswith("code: ")]
    assert re.fullmatch(r"code: \d{6}", code)
    assert any("█" in line or "▀" in line for line in shown), "a QR code"
    assert code.removeprefix("code: ") not in str(query(demo_url, "SELECT * FROM phone"))


def test_an_address_that_no_phone_takes_is_said(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MWANGA_PUBLIC_URL" not in run("add", "Shop phone").output
    monkeypatch.delenv("MWANGA_PUBLIC_URL")
    assert "MWANGA_PUBLIC_URL" in run("add", "Shop phone").output


def test_adding_a_known_phone_gives_a_new_code_to_the_same(run: Any, demo_url: str) -> None:
    run("add", "Shop phone")
    assert run("add", "Shop phone").exit_code == 0
    assert len(query(demo_url, "SELECT 1 FROM phone")) == 1


def test_a_phone_is_paused_resumed_renamed_listed_and_unlinked(run: Any, demo_url: str) -> None:
    run("add", "Shop phone")
    assert run("pause", "Shop phone").output == "Shop phone gets no more messages.\n"
    assert run("list").output == "Shop phone, phone-1, paused\n"
    assert run("resume", "Shop phone").exit_code == 0
    assert run("rename", "Shop phone", "Market phone").output == "Shop phone is Market phone now.\n"
    assert run("list").output == "Market phone, phone-1, not linked yet\n"
    assert run("unlink", "Market phone").exit_code == 0
    assert run("list").output == ""
    actions = [row["action"] for row in query(demo_url, "SELECT action FROM audit ORDER BY id")]
    assert actions == ["phone code", "phone pause", "phone resume", "phone rename", "phone unlink"]


def test_who_shuts_a_phone_out_is_told_that_the_private_token_lets_it_in(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "one")
    run("add", "two")
    assert run("unlink", "one").output == "one is shut out.\n"
    monkeypatch.setenv("MWANGA_SMSGATE_TOKEN", "a private token of the shop")
    assert "change that too" in run("unlink", "two").output


@pytest.mark.parametrize("command", ["pause", "resume", "unlink"])
def test_a_phone_that_is_not_there_is_named(run: Any, command: str) -> None:
    result = run(command, "Nobody")
    assert result.exit_code == 1 and "There is no phone Nobody." in result.output


def test_spaces_around_a_name_are_no_part_of_it(run: Any) -> None:
    run("add", " Shop phone ")
    assert run("pause", "Shop phone ").output == "Shop phone gets no more messages.\n"
    assert run("rename", "Shop phone", " Shop phone").output == "Shop phone is Shop phone now.\n"
    assert run("rename", "Shop phone", "x" * 101).exit_code == 1


def test_two_phones_do_not_get_one_name(run: Any) -> None:
    run("add", "one")
    run("add", "two")
    result = run("rename", "two", "one")
    assert result.exit_code == 1 and "Another phone is called one." in result.output
    result = run("add", " ")
    assert result.exit_code == 1 and "A name has 1 to 100 characters." in result.output
