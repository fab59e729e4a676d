"""The documents, and their parts that are made from the code: `make docs` writes them, tests/project/test_docs.py
compares."""

import ast
import re
from pathlib import Path

import typer.main
from aiohttp import web
from pydantic import SecretStr
from typer.core import TyperArgument, TyperGroup, TyperOption

from bot.app import build_app
from bot.changeable import CHANGEABLE
from bot.cli.main import cli
from bot.config import Config, load
from handlers import TALKS
from handlers.exchange import EXPORTS, IMPORTS
from handlers.office.frame.routes import ALL, OFFICE
from models.money.ledger import CHART
from models.people import OfficeRole, Role
from tests.world.actions import actions

ROOT = Path(__file__).resolve().parent.parent.parent
README, DOCS = ROOT / "README.md", ROOT / "docs"
DATA, GATEWAYS, REFERENCE = DOCS / "data.md", DOCS / "gateways.md", DOCS / "reference.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]

ROLES = {Role.AGENT: "agents", Role.CUSTOMER: "customers", Role.STRANGER: "everybody else"}
LANGUAGES = {"en": "English", "sw": "Swahili", "fr": "French", "pt": "Portuguese", "ha": "Hausa"}
# Who may use a route, and what for.
WATCHER, DEMO = "who has `MWANGA_METRICS_TOKEN`, else this machine alone", "anybody, in the demo world only"
SECRET, PHONE = "whoever knows the secret in it", "a linked phone"
ROUTES = {
    "/gateways/{name}/{secret}/{kind}": (SECRET, "callbacks: `sms`, `delivery`, `ussd`, `ussd-end`, `optout`"),
    "/payments/{provider}/{secret}/{kind}": (
        SECRET,
        "callbacks of mobile money; of Daraja `validation`, `confirmation`, `stk`, `timeout`",
    ),
    "/health": ("anybody", "says that the process answers"),
    "/ready": (WATCHER, "200 when the database takes writes and the outbox moves; else 503, and what does not"),
    "/metrics": (WATCHER, "figures for Prometheus"),
    "/smsgate/mobile/v1/device": ("a phone with a code", "links a gateway phone, or tells of its SIM cards"),
    "/smsgate/mobile/v1/message": (PHONE, "fetches messages, and reports what became of them"),
    "/smsgate/mobile/v1/webhooks": (PHONE, "asks where to report what"),
    "/smsgate/mobile/v1/settings": (PHONE, "asks for its settings"),
    "/smsgate/mobile/v1/user/code": (PHONE, "asks for a code with which it can be linked again"),
    "/smsgate/mobile/v1/user/password": (PHONE, "always 501: the server makes the phones' passwords"),
    "/smsgate/mobile/v1/events": (PHONE, "its event stream, open all the time"),
    "/smsgate/webhooks/{phone}": ("a phone that signs", "tells of SMS that came in, of reports and of its health"),
    "/simulator": (DEMO, "a phone in the browser"),
    "/simulator/messages": (DEMO, "its newest messages"),
    "/simulator/{file}": (DEMO, "its script and style"),
}
FILES = {
    "villages": "Makes mini-grids and villages.",
    "tariffs": "`unit` is `days` or `energy` (kWh).",
    "meter-types": "Phases and current, in your own words.",
    "connections": "A type with what is usual for it, or a sub type, or a group alone; agents see them in this order.",
    "models": "`kind` is `meter`, `shs` or `ebike`; serial numbers of the model begin with `prefix`.",
    "appliances": "The catalogue: a row for each plan that agents may offer.",
    "agents": "A new agent needs a `pin`.",
    "customers": "Namesakes need a `number`; `phone` may be `none`. "
    "`gender` is female, male or other; `latitude` and `longitude` are degrees, like -6.79235.",
    "stock": "The OpenPAYGO factory's list with `kind`, `plan` and `model` beside it. Keys are encrypted.",
    "devices": "Who owns which device. `customer` is the owner's number; the labels are for meters.",
}


def imports() -> str:
    rows = ["| file | columns that it needs | columns that it may have | notes |", "|---|---|---|---|"]
    for name, kind in IMPORTS.items():
        needed = ", ".join(column for column in kind.columns if column not in kind.optional)
        rows.append(f"| `{name}` | {needed} | {', '.join((*kind.optional, *kind.unread))} | {FILES[name]} |")
    return "\n".join(rows)


def exports() -> str:
    """What can be exported and not imported."""
    rows = ["| export | columns |", "|---|---|"]
    rows += [f"| `{name}` | {', '.join(kind.columns)} |" for name, kind in EXPORTS.items() if name not in IMPORTS]
    return "\n".join(rows)


def settings() -> str:
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, info in Config.model_fields.items():
        default = info.get_default()
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = "" if default in ("", (), {}) else f"`{default}`"
        office = " (the office may change it)" if name in CHANGEABLE else ""
        rows.append(f"| `MWANGA_{name.upper()}` | {shown} | {info.description}{office} |")
    return "\n".join(rows)


def commands() -> str:
    rows = ["| command | what it does | arguments and options |", "|---|---|---|"]
    root = typer.main.get_command(cli)
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        inner = command.commands.items() if isinstance(command, TyperGroup) else [("", command)]
        for sub, leaf in inner:
            words = [name, sub, *(_word(each) for each in leaf.params if isinstance(each, TyperArgument))]
            about = ", ".join(filter(None, map(_about, leaf.params)))
            does = " ".join((leaf.help or "").partition("\n\n")[0].split())
            rows.append(f"| `mwanga {' '.join(filter(None, words))}` | {does} | {about} |")
    return "\n".join(rows)


def _word(parameter: TyperArgument | TyperOption) -> str:
    return parameter.opts[0] if isinstance(parameter, TyperOption) else str(parameter.name).upper()


def _about(parameter: TyperArgument | TyperOption) -> str:
    """What the command line itself says of an argument or an option, with what it is when nobody says it."""
    if isinstance(parameter, TyperArgument) and not parameter.help:
        return ""
    usual = "" if parameter.required or parameter.default in (None, "", False) else f"; else {parameter.default}"
    return f"`{_word(parameter)}`" + (f" ({parameter.help}{usual})" if parameter.help else "")


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
    rows = ["| route | who may use it | what for |", "|---|---|---|"]
    ours = _office_pages(app)
    for path in paths:
        if path not in ROUTES | ours:
            raise LookupError(f"say in tests/project/pages.py who may use {path}, and what for")
        rows.append(f"| `{path}` | {' | '.join((ROUTES | ours)[path])} |")
    return "\n".join(rows)


def _office_pages(app: web.Application) -> dict[str, tuple[str, str]]:
    """The pages of the office, as they say themselves: who may see each, and what it shows."""
    pages: dict[str, tuple[str, str]] = {}
    for route, page in app[OFFICE].items():
        if route.resource is None or (route.resource.canonical in pages and page.method != "GET"):
            continue
        roles = [role.value for role in OfficeRole if role in page.roles]
        who = "anybody" if page.anybody else "the office" if page.roles == ALL else ", ".join(roles)
        about = (page.handler.__doc__ or "").split(". ")[0].split(";")[0].replace("\n", " ").strip(" .:")
        pages[route.resource.canonical] = (who, " ".join(about.split()))
    return pages


def chart() -> str:
    """The chart of accounts."""
    rows = ["| account | one for each | stands in | what is on it |", "|---|---|---|---|"]
    rows += [f"| {kind} | {one.owner} | {one.side} | {one.what} |" for kind, one in CHART.items()]
    return "\n".join(rows)


def rooms() -> str:
    """Each package with its first sentence, the machine first; those that only hold files for a room are part of it."""
    rows = ["| room | what it is for |", "|---|---|"]
    for top in ("bot", "handlers", "models"):
        for path in sorted((ROOT / top).rglob("__init__.py")):
            said = ast.get_docstring(ast.parse(path.read_text()))
            if said:
                rows.append(f"| `{path.parent.relative_to(ROOT)}/` | {said.partition(chr(10))[0]} |")
    return "\n".join(rows)


MADE = {
    "rooms": rooms,
    "chart": chart,
    "imports": imports,
    "exports": exports,
    "settings": settings,
    "commands": commands,
    "keywords": keywords,
    "actions": actions,
    "routes": routes,
}


def renewed(text: str) -> str:
    """A page with its made parts made anew."""
    for name, make in MADE.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if begin in text:
            part = f"{begin}\n{make()}\n{end}"
            text = re.sub(f"{begin}.*?{end}", lambda _match, part=part: part, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page.read_text()))
