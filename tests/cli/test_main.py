"""The `mwanga` command: what it says and how it exits."""

import gc
import os
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tortoise.exceptions import OperationalError
from typer.testing import CliRunner

from bot import __main__
from bot.cli import card, main, serving
from bot.cli.main import cli
from bot.cli.prompt import perform
from bot.runtime import DatabaseAway
from tests.world.prompt import Run, query
from tests.world.server import ROOT

pytestmark = pytest.mark.everyday_on_sqlite

KEY = "k" * 32


def test_the_garbage_collector_leaves_alone_what_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what a command makes is for its user alone."""
    seen: list[tuple[int, bool]] = []
    masks: list[int] = []
    monkeypatch.setattr(main, "cli", lambda **_name: seen.append((gc.get_freeze_count(), gc.isenabled())))
    monkeypatch.setattr("os.umask", masks.append)  # that of the tests stays
    before = gc.get_freeze_count()
    made_since = [[] for _ in range(1_000)]
    __main__.main()
    [(frozen, at_work)] = seen
    gc.unfreeze()  # what other tests have under way may go
    assert frozen >= before + len(made_since) and at_work
    assert masks == [0o077]


@pytest.mark.parametrize("name", main.PLACES)
def test_each_command_is_where_it_is_looked_for(name: str) -> None:
    command = main.WhenAsked()[name]
    assert command.name == name and command.help


def test_a_command_that_is_nearly_one_is_guessed(run: Run) -> None:
    result = run("serv")
    assert result.exit_code == 2 and "Did you mean 'serve'" in result.output


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
def test_a_name_that_is_none_is_refused_in_one_sentence(run: Run, demo_url: str, words, name: str) -> None:
    tables = "SELECT (SELECT COUNT(*) FROM officeuser) + (SELECT COUNT(*) FROM agent) AS n"
    before = query(demo_url, tables)
    result = run(*(name if word == "NAME" else word for word in words))
    assert result.exit_code == 1 and "A name has 1 to 100 characters." in result.output
    assert query(demo_url, tables) == before


def test_names_are_kept_as_they_are_looked_for(run: Run, demo_url: str) -> None:
    """Who signs in types no space around the name, whatever the one did who added it."""
    added = run("admin", "add", " rehema ", "--password", "long enough to keep")
    assert "rehema can sign in, as support." in added.output
    assert query(demo_url, "SELECT name FROM officeuser ORDER BY id")[-1] == {"name": "rehema"}
    agent = ("agent", "add", "--phone", "0712345678", "--name", " Rehema  Kito", "--pin", "730582")
    assert run(*agent, "--mini-grid", " Mtwara North ").exit_code == 0
    assert query(demo_url, "SELECT name, mini_grid_id FROM agent ORDER BY id")[-1] == {
        "name": "Rehema Kito",
        "mini_grid_id": 1,
    }


def test_outgoing_messages_are_switched(run: Run, demo_url: str) -> None:
    assert run("outgoing", "off").exit_code == 0
    assert query(demo_url, "SELECT value FROM setting WHERE name = 'outgoing'") == [{"value": "off"}]
    assert run("outgoing", "on").exit_code == 0
    assert run("outgoing", "maybe").exit_code == 2


def test_check_names_everything(run: Run, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", empty_url)
    result = run("check")
    assert result.exit_code == 1
    for words in ("MWANGA_SECRET_KEY", "No gateway", "MWANGA_HELP_PHONE"):
        assert words in result.output


def test_a_database_that_cannot_be_opened_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite:///nowhere/at/all.db")
    monkeypatch.setenv("MWANGA_SECRET_KEY", KEY)
    result = CliRunner().invoke(cli, ["migrate"])
    assert result.exit_code == 1 and "/nowhere/at/all.db cannot be opened: there is no folder" in result.output


@pytest.mark.parametrize("words", [("check",), ("serve",), ("agent", "pin", "+255700000001", "--pin", "730582")])
def test_another_secret_key_than_the_databases_own_is_named(run: Run, words, monkeypatch: pytest.MonkeyPatch) -> None:
    """With it every PIN would be wrong, and what is sealed now could not be opened later."""
    monkeypatch.setenv("MWANGA_SECRET_KEY", KEY)
    result = run(*words)
    assert (
        result.exit_code == 1 and "MWANGA_SECRET_KEY is another one than this database was begun with" in result.output
    )


@pytest.mark.parametrize("words", [("check",), ("serve",), ("demo",), ("migrate",), ("export", "sales")])
def test_another_currency_than_the_databases_own_stops_every_command(
    run: Run, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shilling of Uganda has no cents: 9,000 would be read as 900,000."""
    monkeypatch.setenv("MWANGA_CURRENCY", "UGX")
    result = run(*words)
    assert result.exit_code == 1
    assert "This database was begun in TZS with 2 decimals, and MWANGA_CURRENCY is UGX with 0" in result.output
    assert result.output.strip().endswith("Set MWANGA_CURRENCY=TZS.")


def test_serve_stops_with_a_sentence_when_it_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite://fresh.db")
    result = CliRunner().invoke(cli, ["serve"])
    assert result.exit_code == 1 and "MWANGA_SECRET_KEY needs 32 characters" in result.output


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


def test_a_damaged_database_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with pytest.raises(SystemExit, match="1"):
        perform(work())
    said = "The database is damaged (database disk image is malformed): go back to a backup.\n"
    assert capsys.readouterr().err == said


def test_a_database_that_is_busy_when_a_server_starts_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **_more: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(serving.web, "run_app", busy)
    result = run("serve")
    assert result.exit_code == 1 and "The database was busy or went away" in result.output


@pytest.mark.parametrize(
    ("words", "ending", "said"),
    [
        (("serve",), ".lock", "{file} cannot be written: Is a directory."),
        (("backup", "copy.db"), ".backup-lock", "copy.db is not written. There is no copy: {file} cannot be written: "),
    ],
)
def test_a_file_that_cannot_be_written_is_named(run: Run, demo_url: str, words, ending: str, said: str) -> None:
    if not demo_url.startswith("sqlite"):
        pytest.skip("only an embedded database has such a file")
    file = Path(demo_url.removeprefix("sqlite://") + ending)
    file.mkdir()
    result = run(*words)
    file.rmdir()
    assert result.exit_code == 1 and result.output.startswith(said.format(file=file))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            PermissionError(13, "Permission denied", "/var/lib/mwanga/mwanga.db"),
            "/var/lib/mwanga/mwanga.db: Permission",
        ),
        (OSError(28, "No space left on device"), "It broke off: No space left on device. Look whether it was done"),
        (TimeoutError(), "It broke off: TimeoutError. Look whether it was done"),
    ],
)
def test_a_disk_that_is_in_the_way_is_one_sentence(
    run: Run, error: OSError, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another user's folder is, or where the standard output goes is full."""

    def refused(_config: object) -> None:
        raise error

    monkeypatch.setattr(card, "read_office", refused)
    result = run("card")
    assert result.exit_code == 1 and result.output.startswith(said)


def test_a_name_that_the_terminal_cannot_write_breaks_nothing_off() -> None:
    """The command has done its work by then, and would seem to have failed."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    said = (
        "from bot.cli import main; main.cli = lambda **_: print('\u0181an'); from bot import __main__; __main__.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", said], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout) == (0, "?an\n"), done.stderr


def test_nobody_dials_where_there_is_no_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with gateway phones alone."""
    monkeypatch.setenv("MWANGA_USSD_CODE", "")
    result = run("chat", "--phone", "0700000001", "--ussd")
    assert result.exit_code == 1 and result.output.startswith("Nobody can dial here: MWANGA_USSD_CODE is empty.")


@pytest.mark.parametrize("command", ["accept", "refuse"])
def test_a_number_that_no_row_can_have_is_refused(run: Run, command: str) -> None:
    result = run("receipts", command, 10**20)
    assert result.exit_code == 2 and "Invalid value" in result.output


def test_a_taken_port_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("MWANGA_PORT", str(port))
        result = run("serve")
    assert result.exit_code == 1
    assert f"Port {port} is taken. Choose another one: MWANGA_PORT={port + 1}" in result.output


def test_migrate_makes_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite://fresh.db")
    monkeypatch.setenv("MWANGA_SECRET_KEY", KEY)
    assert CliRunner().invoke(cli, ["migrate"]).exit_code == 0
    with sqlite3.connect("fresh.db") as database:
        assert database.execute("SELECT COUNT(*) FROM outbox").fetchone() == (0,)
    database.close()


def test_a_backup_is_a_whole_database(run: Run, demo_url: str) -> None:
    if not demo_url.startswith("sqlite"):
        pytest.skip("pg_dump copies PostgreSQL")
    assert run("backup", "copy.db").exit_code == 0
    copy = sqlite3.connect("copy.db")
    assert copy.execute("SELECT COUNT(*) FROM agent").fetchone() == (3,)
    copy.close()
    assert run("backup", "copy.db").exit_code == 1


def test_a_backup_of_another_engine_is_left_to_its_own_tool(run: Run, demo_url: str) -> None:
    if demo_url.startswith("sqlite"):
        pytest.skip("an embedded database is copied")
    result = run("backup", "copy.db")
    assert result.exit_code == 1 and "pg_dump" in result.output
    assert not Path("copy.db").exists()


@pytest.mark.parametrize("file", ["no folder/copy.db", "full/copy.db"])
def test_a_backup_that_fails_is_one_sentence_and_leaves_nothing(
    run: Run, demo_url: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not demo_url.startswith("sqlite"):
        pytest.skip("pg_dump copies PostgreSQL")
    Path("full").mkdir()
    if file.startswith("full"):
        Path("broken.db").write_bytes(b"no database " * 100)
        monkeypatch.setenv("MWANGA_DATABASE", "sqlite://broken.db")
    result = run("backup", file)
    assert result.exit_code == 1 and f"{file} is not written. There is no copy: " in result.output
    assert isinstance(result.exception, SystemExit)
    assert not Path(file).exists()


def test_a_card_that_cannot_be_written_is_one_sentence(run: Run) -> None:
    result = run("card", "--output", "no folder/card.html")
    assert result.exit_code == 1 and "no folder/card.html is not written: " in result.output


def test_an_old_python_is_one_sentence() -> None:
    """The Makefile's own check, with the version it would see."""
    makefile = (Path(__file__).resolve().parent.parent.parent / "Makefile").read_text()
    found = re.search(r"\$\(PYTHON\) -c '(import sys; .*)'$", makefile, re.MULTILINE)
    assert found is not None
    with pytest.raises(SystemExit, match=r"Mwanga needs Python 3\.11 or newer, this is 3\.9\."):
        exec(found[1].replace("sys.version_info", "(3, 9, 2)"))
