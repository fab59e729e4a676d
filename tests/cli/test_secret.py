"""PINs and passwords come by a prompt, a file or standard input; as an argument they are taken with a warning."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.cli import secret
from bot.cli.secret import read_secret
from tests.world.prompt import Run, query

ADD = ("agent", "add", "--phone", "0712345678", "--name", "Rehema Kito", "--mini-grid", "Mtwara North")
WARNING = "it is in the shell's history, and others can see it among the processes"
pytestmark = pytest.mark.everyday_on_sqlite


@pytest.mark.parametrize("how", ["argument", "file", "standard input"])
def test_a_pin_comes_in_three_ways(run: Run, demo_url: str, how: str) -> None:
    Path("pin").write_text("730582\n")
    words = {"argument": ("--pin", "730582"), "file": ("--pin-file", "pin"), "standard input": ()}[how]
    result = run(*ADD, *words, input="730582\n")
    assert result.exit_code == 0, result.output
    assert (WARNING in result.stderr) is (how == "argument")
    assert "730582" not in result.output
    result = run("agent", "pin", "0712345678", *words, input="730582\n")
    assert result.exit_code == 0 and (WARNING in result.stderr) is (how == "argument")
    assert query(demo_url, "SELECT name FROM agent ORDER BY id")[-1] == {"name": "Rehema Kito"}


@pytest.mark.parametrize("words", [("--password-file", "word"), ()])
def test_a_password_comes_by_a_file_or_by_standard_input(run: Run, words: tuple[str, ...]) -> None:
    Path("word").write_text("long enough to keep\n")
    result = run("admin", "add", "rehema", *words, input="long enough to keep\n")
    assert (result.exit_code, result.stderr) == (0, "")


def test_no_password_is_no_password(run: Run) -> None:
    result = run("admin", "add", "rehema", input="")
    assert result.exit_code == 1 and "10 characters or more" in result.output


def test_a_file_that_cannot_be_read_is_one_sentence(run: Run) -> None:
    result = run("admin", "add", "rehema", "--password-file", "nowhere")
    assert result.exit_code == 1 and result.output == "nowhere cannot be read: No such file or directory.\n"


def test_ctrl_c_ends_a_question_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the command is at work already: it would seem not to hear."""

    def interrupted(*_: object, **_more: object) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "the answer that it waited for"

    async def ask() -> None:
        read_secret("Password of grace", None, once=True)
        pytest.fail("it went on")

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(secret.typer, "prompt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(ask())
