"""The parts of README.md that are made from the code. `make docs` writes them, tests/project/test_docs.py compares."""

import re
from pathlib import Path

import typer.main
from pydantic import SecretStr
from typer.core import TyperGroup

from bot.app import build_app
from bot.cli.main import cli
from bot.config import Config, load
from handlers import TALKS
from handlers.exchange import IMPORTS
from models.people.callers import Role
from tests.world.actions import actions

README = Path(__file__).resolve().parent.parent.parent / "README.md"
ROLES = {Role.AGENT: "agents", Role.CUSTOMER: "customers", Role.STRANGER: "everybody else"}
LANGUAGES = {"en": "English", "sw": "Swahili", "fr": "French", "pt": "Portuguese", "ha": "Hausa"}
ABOUT = {
    "/": "the office's page",
    "/login": "signing in to it",
    "/logout": "signing out",
    "/messages": "what leaves, by which gateway, and what became of it",
    "/messages/{number}": "one message",
    "/tickets": "what is broken, and whose work it is",
    "/tickets/K{number}": "one ticket, its history, and what can be done with it",
    "/simulator": "a phone in the browser, in the demo world only",
    "/health": "the process answers",
    "/ready": "the database takes writes and the outbox moves; else 503 and what does not",
    "/metrics": "figures for Prometheus",
    "/smsgate/mobile/v1/device": "a gateway phone links itself, or its SIM cards change",
    "/smsgate/mobile/v1/message": "it gets its messages and says what became of them",
    "/smsgate/mobile/v1/webhooks": "it asks where to tell us what",
    "/smsgate/mobile/v1/settings": "and how to be set",
    "/smsgate/mobile/v1/user/code": "it asks for a code with which it can be linked again",
    "/smsgate/mobile/v1/user/password": "501: passwords are ours",
    "/smsgate/mobile/v1/events": "its event stream",
    "/smsgate/webhooks/{phone}": "what it tells us: SMS, reports, its health",
    "/gateways/{name}/{secret}/{kind}": "callbacks: `sms`, `delivery`, `ussd`, `ussd-end`, `optout`",
}
FILES = {
    "villages": "both are made",
    "tariffs": "`unit` is `days` or `energy`",
    "meter-types": "phases and current, as you name them",
    "connections": "a type with what is usual for it, or one of its sub types, or a group alone",
    "models": "`kind` is `meter`, `shs` or `ebike`; serials begin with `prefix`",
    "appliances": "a row for each plan that agents may offer",
    "agents": "`pin` for new ones",
    "customers": "`number` for namesakes; `phone` may be `none`",
    "stock": "the OpenPAYGO factory's list, with `kind`, `plan` and `model` beside; keys are encrypted",
    "devices": "whose they are; `customer` is the owner's number; the labels are for meters",
}


def imports() -> str:
    rows = ["| file | columns that it has | columns that it may have | |", "|---|---|---|---|"]
    for name, kind in IMPORTS.items():
        needed = ", ".join(column for column in kind.columns if column not in kind.optional)
        rows.append(f"| `{name}` | {needed} | {', '.join((*kind.optional, *kind.unread))} | {FILES[name]} |")
    return "\n".join(rows)


def settings() -> str:
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, info in Config.model_fields.items():
        default = info.get_default()
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "" if default in ("", (), {}) else f"`{default}`"
        rows.append(f"| `MWANGA_{name.upper()}` | {shown} | {info.description} |")
    return "\n".join(rows)


def commands() -> str:
    rows = ["| command | does |", "|---|---|"]
    root = typer.main.get_command(cli)
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        inner = command.commands.items() if isinstance(command, TyperGroup) else [("", command)]
        for sub, leaf in inner:
            words = " ".join(
                [name, *([sub] if sub else [])]
                + [p.opts[0] if p.param_type_name == "option" else str(p.name).upper() for p in leaf.params]
            )
            rows.append(f"| `mwanga {words}` | {(leaf.help or '').splitlines()[0]} |")
    return "\n".join(rows)


def keywords() -> str:
    head = " | ".join(LANGUAGES.values())
    rows = [f"| for | {head} | what follows |", "|---" * (len(LANGUAGES) + 2) + "|"]
    for one in TALKS:
        who = ", ".join(ROLES[role] for role in Role if role in one.roles)
        words = " | ".join(" ".join(f"`{word}`" for word in one.words.get(code, ())) for code in LANGUAGES)
        rows.append(f"| {who} | {words} | {one.usage.to('en')} |")
    return "\n".join(rows)


def routes() -> str:
    app = build_app(load())
    paths = dict.fromkeys(resource.canonical.replace("{slash}", "") for resource in app.router.resources())
    rows = ["| route | for |", "|---|---|"]
    rows += [f"| `{path}` | {ABOUT.get(path, 'part of a page')} |" for path in paths]
    return "\n".join(rows)


MADE = {
    "imports": imports,
    "settings": settings,
    "commands": commands,
    "keywords": keywords,
    "actions": actions,
    "routes": routes,
}


def renewed(text: str) -> str:
    """The README with its made parts made anew."""
    for name, make in MADE.items():
        part = f"<!-- {name} -->\n{make()}\n<!-- end of {name} -->"
        text = re.sub(rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _match, part=part: part, text, flags=re.S)
    return text


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
