"""The `mwanga` command: what it says and how it exits."""

import asyncio
import re
import socket
import sqlite3
from pathlib import Path

import pytest
from tortoise.exceptions import OperationalError
from typer.testing import CliRunner, Result

from bot.cli.main import cli
from bot.cli.prompt import perform
from bot.runtime.database import Database, DatabaseAway
from models.people import pins
from models.people.tables import Agent, OfficeUser
from models.sql import execute

KEY = "k" * 32


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    runner = CliRunner()
    return lambda *words, **options: runner.invoke(cli, list(words), **options)


def query(url: str, statement: str) -> list[dict[str, object]]:
    async def ask() -> list[dict[str, object]]:
        async with Database(url) as database:
            return await execute(database.client, statement)

    return asyncio.run(ask())


def said(result: Result) -> str:
    return result.output


def test_an_agent_is_added_and_can_be_found(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    words = ("agent", "add", "--phone", "0712 345 678", "--name", "Rehema Kito", "--mini-grid", "Mtwara North")
    result = run(*words, "--pin", "730582", "--limit", "150000", "--language", "sw")
    assert result.exit_code == 0, said(result)
    assert "Rehema Kito sells as +255712345678, up to 150,000 TZS" in said(result)
    assert "earns 10 % of what is sold, 5 % of appliances" in said(result)
    rows = query(demo_url, "SELECT * FROM agent WHERE phone = '+255712345678'")
    assert rows[0]["cash_limit"] == 150_000_00 and rows[0]["language"] == "sw" and rows[0]["mini_grid_id"] == 1
    again = run(*words, "--pin", "730582")
    assert again.exit_code == 1 and "is an agent already" in said(again)


@pytest.mark.parametrize("pin", ["123456", "12345", "111111", "654321", "12345a"])
def test_a_weak_pin_is_refused(run, pin: str) -> None:  # type: ignore[no-untyped-def]
    result = run("agent", "pin", "+255700000001", "--pin", pin)
    assert result.exit_code == 1 and "six digits" in said(result)


def test_an_agent_gets_a_new_pin_and_is_unlocked(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    async def lock() -> None:
        async with Database(demo_url) as database, database.work():
            await pins.lock(await Agent.get(phone="+255700000001"), "test")

    asyncio.run(lock())
    assert run("agent", "unlock", "0700000001").exit_code == 0
    assert query(demo_url, "SELECT locked_at FROM agent WHERE phone = '+255700000001'") == [{"locked_at": None}]
    assert run("agent", "pin", "+255700000001", "--pin", "730582").exit_code == 0
    audit = query(demo_url, "SELECT actor, action FROM audit ORDER BY id")
    assert [row["action"] for row in audit] == ["lock", "unlock", "pin"]
    unknown = run("agent", "unlock", "+255799999999")
    assert unknown.exit_code == 1 and "is no agent" in said(unknown)


def test_an_office_user_is_added(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    short = run("admin", "add", "rehema", "--password", "short")
    assert short.exit_code == 1 and "10 characters" in said(short)
    assert run("admin", "add", "rehema", "--password", "long enough to keep").exit_code == 0
    assert query(demo_url, "SELECT name FROM officeuser ORDER BY id")[-1] == {"name": "rehema"}
    assert OfficeUser._meta.db_table == "officeuser"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
@pytest.mark.parametrize(
    "words",
    [
        ("admin", "add", "NAME", "--password", "long enough to keep"),
        ("agent", "add", "--phone", "0712345678", "--name", "NAME", "--mini-grid", "Mtwara North", "--pin", "730582"),
        ("agent", "add", "--phone", "0712345678", "--name", "Rehema", "--mini-grid", "NAME", "--pin", "730582"),
        ("agent", "set", "0700000001", "--name", "NAME"),
        ("agent", "set", "0700000001", "--mini-grid", "NAME"),
    ],
)
def test_a_name_that_is_none_is_refused_in_one_sentence(run, demo_url: str, words, name: str) -> None:  # type: ignore[no-untyped-def]
    tables = "SELECT (SELECT COUNT(*) FROM officeuser) + (SELECT COUNT(*) FROM agent) AS n"
    before = query(demo_url, tables)
    result = run(*(name if word == "NAME" else word for word in words))
    assert result.exit_code == 1 and "A name has 1 to 100 characters." in said(result)
    assert query(demo_url, tables) == before


def test_names_are_kept_as_they_are_looked_for(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    """Who signs in types no space around the name, whatever the one did who added it."""
    assert "rehema can sign in." in said(run("admin", "add", " rehema ", "--password", "long enough to keep"))
    assert query(demo_url, "SELECT name FROM officeuser ORDER BY id")[-1] == {"name": "rehema"}
    agent = ("agent", "add", "--phone", "0712345678", "--name", " Rehema  Kito", "--pin", "730582")
    assert run(*agent, "--mini-grid", " Mtwara North ").exit_code == 0
    assert query(demo_url, "SELECT name, mini_grid_id FROM agent ORDER BY id")[-1] == {
        "name": "Rehema Kito",
        "mini_grid_id": 1,
    }


def test_outgoing_messages_are_switched(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    assert run("outgoing", "off").exit_code == 0
    assert query(demo_url, "SELECT value FROM setting WHERE name = 'outgoing'") == [{"value": "off"}]
    assert run("outgoing", "on").exit_code == 0
    assert run("outgoing", "maybe").exit_code == 2


def test_check_is_content_with_the_demo_world(run) -> None:  # type: ignore[no-untyped-def]
    result = run("check")
    assert result.exit_code == 0 and "All is well." in said(result)


def test_check_names_everything(run, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MWANGA_DATABASE", empty_url)
    result = run("check")
    assert result.exit_code == 1
    for words in ("MWANGA_SECRET_KEY", "No gateway", "MWANGA_HELP_PHONE"):
        assert words in said(result)


def test_check_says_that_the_database_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite:///nowhere/at/all.db")
    result = CliRunner().invoke(cli, ["check"])
    assert result.exit_code == 1 and "/nowhere/at/all.db cannot be opened" in said(result)


@pytest.mark.parametrize("words", [("check",), ("serve",), ("agent", "pin", "+255700000001", "--pin", "730582")])
def test_another_secret_key_than_the_databases_own_is_named(run, words, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """With it every PIN would be wrong, and what is sealed now could not be opened later."""
    monkeypatch.setenv("MWANGA_SECRET_KEY", KEY)
    result = run(*words)
    assert result.exit_code == 1 and "MWANGA_SECRET_KEY is another one than this database was begun with" in said(
        result
    )


def test_serve_stops_with_a_sentence_when_it_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite://fresh.db")
    result = CliRunner().invoke(cli, ["serve"])
    assert result.exit_code == 1 and "MWANGA_SECRET_KEY needs 32 characters" in said(result)


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("database is locked"), OperationalError("deadlock"), DatabaseAway("broken")]
)
def test_a_database_that_is_busy_or_goes_away_is_one_sentence(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(SystemExit, match="1"):
        perform(work())
    sentence = f"The database was busy or went away, so this was not finished ({error}). Run it once more.\n"
    assert capsys.readouterr().err == sentence


def test_a_taken_port_is_one_sentence(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("MWANGA_PORT", str(port))
        result = run("serve")
    assert result.exit_code == 1
    assert f"Port {port} is taken. Choose another one: MWANGA_PORT={port + 1}" in said(result)


def test_migrate_makes_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite://fresh.db")
    monkeypatch.setenv("MWANGA_SECRET_KEY", KEY)
    assert CliRunner().invoke(cli, ["migrate"]).exit_code == 0
    with sqlite3.connect("fresh.db") as database:
        assert database.execute("SELECT COUNT(*) FROM outbox").fetchone() == (0,)
    database.close()


def test_a_backup_is_a_whole_database(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    result = run("backup", "copy.db")
    if not demo_url.startswith("sqlite"):
        assert result.exit_code == 1 and "pg_dump" in said(result)
        return
    assert result.exit_code == 0
    copy = sqlite3.connect("copy.db")
    assert copy.execute("SELECT COUNT(*) FROM agent").fetchone() == (3,)
    copy.close()
    assert run("backup", "copy.db").exit_code == 1


@pytest.mark.parametrize("file", ["no folder/copy.db", "full/copy.db"])
def test_a_backup_that_fails_is_one_sentence_and_leaves_nothing(  # type: ignore[no-untyped-def]
    run, demo_url: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not demo_url.startswith("sqlite"):
        return
    Path("full").mkdir()
    if file.startswith("full"):
        Path("broken.db").write_bytes(b"no database " * 100)
        monkeypatch.setenv("MWANGA_DATABASE", "sqlite://broken.db")
    result = run("backup", file)
    assert result.exit_code == 1 and f"{file} is not written: " in said(result)
    assert isinstance(result.exception, SystemExit)
    assert not Path(file).exists()


def test_a_card_that_cannot_be_written_is_one_sentence(run) -> None:  # type: ignore[no-untyped-def]
    result = run("card", "--output", "no folder/card.html")
    assert result.exit_code == 1 and "no folder/card.html is not written: " in said(result)


def test_an_old_python_is_one_sentence() -> None:
    """The Makefile's own check, with the version it would see."""
    makefile = (Path(__file__).resolve().parent.parent.parent / "Makefile").read_text()
    found = re.search(r"\$\(PYTHON\) -c '(import sys; .*)'$", makefile, re.MULTILINE)
    assert found is not None
    with pytest.raises(SystemExit, match=r"Mwanga needs Python 3\.11 or newer, this is 3\.9\."):
        exec(found[1].replace("sys.version_info", "(3, 9, 2)"))
