"""How a command is given a secret: at a prompt, on standard input or by a file; as an argument only with a warning."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.prompt import asking, fail

Pin = Annotated[str | None, typer.Option(help="six digits; others can see it there, so leave it away to be asked")]
PinFile = Annotated[Path | None, typer.Option(help="a file that holds the PIN alone")]
Password = Annotated[str | None, typer.Option(help="others can see it there, so leave it away to be asked")]
PasswordFile = Annotated[Path | None, typer.Option(help="a file that holds the password alone")]


def read_secret(what: str, given: str | None, file: Path | None = None, *, once: bool = False) -> str:
    """The secret `what`, like "PIN": the argument, what the file holds, what is typed twice at a terminal (`once` where
    it is not a new one), or one line of standard input."""
    if given is not None:
        typer.echo(
            f"The {what} was an argument: it is in the shell's history, and others can see it among the processes."
            " Leave it away to be asked.",
            err=True,
        )
        return given
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            fail(f"{file} cannot be read: {error.strerror}.")
        except ValueError:
            fail(f"{file} is no text.")
    if sys.stdin.isatty():
        with asking():
            return str(typer.prompt(what, hide_input=True, confirmation_prompt=not once))
    return sys.stdin.readline().rstrip("\r\n")
