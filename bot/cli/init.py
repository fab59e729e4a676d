"""`mwanga init`: asks what a company needs to begin, and writes it into mwanga.toml."""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from babel.core import get_global
from babel.numbers import get_territory_currencies
from pydantic import SecretStr, ValidationError

from bot.cli.places import new_config_file
from bot.cli.prompt import fail
from bot.config import SECRETS, Config
from bot.gateways import BaseGateway
from bot.gateways.registered import KINDS
from bot.text.close import did_you_mean

DATA = "sqlite:///var/lib/mwanga/mwanga.db"  # of a server whose configuration is in /etc
PHONES, LATER = "phones", "later"
PROXIES = "trusted_proxies"
GATEWAYS = {kind.name: kind for kind in KINDS}
TITLE = "# Mwanga's configuration. All settings: docs/reference.md. Is it right? `mwanga check`\n"


@dataclass(frozen=True)
class Line:
    """A setting, its value, and what the file says of it."""

    name: str
    value: str
    why: str


@dataclass(frozen=True)
class Question:
    """What to ask for a setting, and why."""

    name: str
    asked: str
    why: str


COMPANY = (
    Question("company", "Company", "The company's name as customers read it, 20 letters at most."),
    Question("country", "Country", "Two letters, like TZ: how numbers without a country code are read."),
    Question("currency", "Currency", "Three letters: the one currency of all prices."),
    Question("timezone", "Time zone", "The zone in which times are shown."),
    Question("languages", "Languages", "Out of en,sw,fr,pt,ha with commas between; the first one is the usual one."),
    Question("help_phone", "Help number", "The number that people are told to call. Somebody should answer it."),
    Question("public_url", "Public address", "How gateways, phones and the office reach us: https:// and a name."),
    Question("database", "Database", "Where the data is: sqlite://FILE, or postgres://USER@HOST/NAME."),
)


def init(
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", help="answers that need not be asked for")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: take what is usual")] = False,
) -> None:
    """Write mwanga.toml with a fresh secret key, for its owner alone; never over one that is there."""
    file = new_config_file()
    if file.exists():
        fail(f"{file.absolute()} is there already, and stays as it is.")
    answers = _read_given(given or [])
    lines = list(_ask_all(answers, file, ask=not yes))
    _write(file, "".join((TITLE, *map(_show, lines))))
    typer.echo(f"Written to {file.absolute()}, for your eyes only.")
    typer.echo("Keep a copy of its secret_key apart from the backups: without it the database sells nothing.")
    typer.echo("Next: `mwanga check` names what is missing, and `mwanga admin add NAME` makes the office's owner.")


def _read_given(words: list[str]) -> dict[str, str]:
    answers = {}
    names = [*Config.model_fields, "gateway"]
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            fail(f"{word}: write SETTING=VALUE, like country=TZ.")
        if name not in names:
            fail(f"{name} is no setting{did_you_mean(name, names)}")
        if name in SECRETS and name != "database":
            fail(f"{name} is a secret: it would stay in the shell's history. It is asked for, or made.")
        answers[name] = value
    if problem := _problem({name: value for name, value in answers.items() if name != "gateway"}):
        fail(problem)
    return answers


def _ask_all(answers: dict[str, str], file: Path, *, ask: bool) -> Iterator[Line]:
    yield Line("secret_key", secrets.token_urlsafe(32), "Encrypts device keys; PINs are hashed with it.")
    known: dict[str, str] = {}
    for question in COMPANY:
        usual = _usual(question.name, known, file)
        known[question.name] = value = _settle(question, answers, usual, ask=ask)
        yield Line(question.name, value, question.why)
    if known["public_url"].startswith("https://") and PROXIES not in answers:
        yield Line(PROXIES, "127.0.0.1", "The web server with TLS is on this machine: who calls is who it says.")
    yield from _ask_gateway(answers, ask=ask)
    for name in answers.keys() - known.keys() - {"gateway"}:
        yield Line(name, answers[name], str(Config.model_fields[name].description))


def _usual(name: str, known: dict[str, str], file: Path) -> str:
    """What most would answer: the country tells its currency and its time zone."""
    country = known.get("country", "").upper()
    if name == "currency":
        return next(iter(get_territory_currencies(country)), "")
    if name == "timezone":
        return next((zone for zone, of in sorted(get_global("zone_territories").items()) if of == country), "UTC")
    if name == "database" and file.absolute().parent == Path("/etc/mwanga"):
        return DATA
    return str(Config.model_fields[name].default)


def _settle(question: Question, answers: dict[str, str], usual: str, *, ask: bool) -> str:
    """The answer that was given, or is given now, and can be."""
    while True:
        value = answers.get(question.name)
        if value is None and ask:
            typer.echo(f"\n{question.why}")
            value = typer.prompt(question.asked, default=usual, show_default=bool(usual))
        value = (usual if value is None else value).strip()
        problem = _problem({question.name: value})
        if not problem:
            return value
        if question.name in answers or not ask:
            fail(problem)
        typer.echo(problem)


def _problem(answers: dict[str, str]) -> str:
    """What is wrong with the first of these answers that cannot be; they may depend on one another."""
    try:
        Config(**answers)  # type: ignore[arg-type]  # texts, as the environment has them
    except ValidationError as error:
        first = error.errors()[0]
        return f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"
    return ""


def _ask_gateway(answers: dict[str, str], *, ask: bool) -> Iterator[Line]:
    choices = (*GATEWAYS, PHONES, LATER)
    choice = answers.get("gateway", LATER)
    while ask and "gateway" not in answers:
        typer.echo("\nHow SMS travel: by an account of yours, by Android phones with SIM cards, or say it later.")
        choice = typer.prompt(f"Gateway ({', '.join(choices)})", default=PHONES)
        if choice in choices:
            break
        typer.echo(f"{choice} is none of them{did_you_mean(choice, choices)}")
    if choice not in choices:
        fail(f"gateway: {choice} is none of {', '.join(choices)}{did_you_mean(choice, choices)}")
    if choice == PHONES:
        yield Line("route", PHONES, "Messages go by Android phones: `mwanga phone add NAME` links one.")
    elif choice in GATEWAYS:
        yield from _ask_account(GATEWAYS[choice], answers, ask=ask)
    if "ussd_code" not in answers and choice != LATER and not _takes_calls(choice):
        yield Line("ussd_code", "", "Nobody can dial: this way of SMS has no USSD, so agents are told to send HELP.")


def _takes_calls(choice: str) -> bool:
    return choice in GATEWAYS and GATEWAYS[choice].parse_ussd is not BaseGateway.parse_ussd


def _ask_account(kind: type[BaseGateway], answers: dict[str, str], *, ask: bool) -> Iterator[Line]:
    """What this kind of gateway needs, and a fresh secret for its callbacks."""
    for field in (*kind.Settings.needed, "sender"):
        info, name = kind.Settings.model_fields[field], f"{kind.name}_{field}"
        why, hidden = f"{kind.title}: {info.description}", info.annotation is SecretStr
        if name in answers:
            continue  # it is written with the others that were given
        value = typer.prompt(why, default="", show_default=False, hide_input=hidden) if ask else ""
        yield Line(name, value.strip(), why)
    yield Line(f"{kind.name}_secret", secrets.token_hex(16), "The secret part of its callback addresses.")


def _show(line: Line) -> str:
    """As TOML. What JSON writes of a text, TOML reads, letters beyond 16 bits as they are."""
    value: Any = json.dumps(line.value, ensure_ascii=False)
    return f"\n# {line.why}\n{line.name} = {value}\n"


def _write(file: Path, text: str) -> None:
    """Into a new file that nobody else can read, at any moment."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{file.absolute()} is there already, and stays as it is.")
    except OSError as error:
        fail(f"{file.absolute()} is not written: {error.strerror}.")
    with os.fdopen(opened, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
