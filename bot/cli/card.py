"""The command card: a sheet of paper to cut in two, for agents and for customers, made from the register of talks."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bot.cli.prompt import fail, load_config, read_office
from bot.config import LANGUAGES, Config
from bot.talks import Commands, Talk
from bot.text import Text, _
from handlers import TALKS
from models.people import Role

BLANK = "_" * 12  # to be filled in by hand
# What a customer needs; the rest is in the menu. Not LOCK: it would invite to type agents' PINs.
FOR_CUSTOMERS = ("own buying", "token", "balance", "problem", "status", "stop", "own help")
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Line:
    """One command, in the card's language."""

    keyword: str
    usage: str  # what follows it
    label: str  # what it is for
    example: str  # what follows it in a real one


@dataclass(frozen=True)
class Half:
    title: str
    lines: list[Line]
    notes: list[str]


def card(
    language: Annotated[str, typer.Option(help=f"one of {', '.join(LANGUAGES)}")] = "en",
    output: Annotated[Path | None, typer.Option(help="a file to write instead of standard output")] = None,
) -> None:
    """Make the one-page card of all commands, as HTML to print."""
    if language not in LANGUAGES:
        fail(f"{language} is none of {', '.join(LANGUAGES)}.")
    page = make_card(Commands(TALKS), asyncio.run(read_office(load_config())), language)
    if output is None:
        typer.echo(page)
        return
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        fail(f"{output} is not written: {error.strerror}.")
    typer.echo(f"Written to {output}. Print it on A4 and cut it in the middle.")


def make_card(commands: Commands, config: Config, language: str) -> str:
    """The sheet as one page of HTML (A4 lying, for two A5 cards) that needs nothing from elsewhere."""
    senders = (settings.sender for settings in config.of_gateways.values())
    number = next((sender for sender in senders if sender.isdecimal()), BLANK)
    code = config.ussd_code
    how = [
        _("Dial {code} for the menu, or send an SMS to {number}.", code=code, number=number)
        if code
        else _("Send an SMS to {number}.", number=number),
        _("A keyword alone shows how to write it."),
    ]
    help_line = _("Help {help}", help=config.help_phone or BLANK)
    token = commands.by_name["token"].keyword.to(language)
    notes = {
        Role.AGENT: [_("Reply 1 and your PIN, 2 for no."), _("Never tell anybody your PIN, not even us.")],
        Role.CUSTOMER: [
            _("Reply 1 for yes, 2 for no."),
            _("Pay, and wait for the SMS with your code. Lost it? Send {keyword}", keyword=token),
        ],
    }
    titles = {Role.AGENT: _("For agents"), Role.CUSTOMER: _("For customers")}
    halves = [
        Half(
            title.to(language),
            [_line(one, language) for one in _shown(commands, role)],
            [note.to(language) for note in (*notes[role], help_line)],
        )
        for role, title in titles.items()
    ]
    page = _TEMPLATES.get_template("card.html")
    return page.render(company=config.company, language=language, how=[one.to(language) for one in how], halves=halves)


def _shown(commands: Commands, role: Role) -> list[Talk]:
    if role == Role.CUSTOMER:
        return [commands.by_name[name] for name in FOR_CUSTOMERS]
    return commands.for_role(role)


def _line(one: Talk, language: str) -> Line:
    label: Text = one.menu or _("All by menu")
    return Line(
        one.keyword.to(language),
        one.usage.to(language),
        label.to(language),
        one.example.to(language) if one.example else "",
    )
