"""What the three Android apps of MicroPowerManager do (reference: mpm 7.2, all 38 rows), and by which talk we do it.

A row names talks, whose words the README's table takes from the register; or says in words what is done instead.
"""

from typing import NamedTuple

from bot.commands import Talk
from handlers import TALKS


class Action(NamedTuple):
    """One action of an app. `talks` are names in the register; `instead` says what there is beside them or in
    their place."""

    who: str
    what: str
    talks: tuple[str, ...] = ()
    instead: str = ""


REGISTER, MERCHANT, GATEWAY = "Customer Registration App", "Agent/Merchant App", "SMS Gateway App and office"
APPS = {
    REGISTER: (
        Action("agent", "log in", (), "no login: the phone number says who, the PIN is asked where money is"),
        Action("agent", "register a customer of a mini-grid with a meter", ("register",)),
        Action("agent", "register a person without a device", ("register",)),
        Action("agent", "give a customer one more meter", ("register",), "the known phone asks: same person?"),
        Action("agent", "give a customer a solar home system or an e-bike", ("sell", "register")),
        Action("agent", "say where the customer lives", ("register",), "the village; no coordinates"),
        Action("agent", "work without a network, send later", (), "SMS waits by itself; what is unfinished is kept"),
        Action("agent", "list and filter customers", ("list",)),
    ),
    MERCHANT: (
        Action("agent", "search a customer", ("find",)),
        Action("agent", "see one customer", ("customer",)),
        Action("customer", "buy energy or days with mobile money", (), "not yet: customers pay an agent"),
        Action("agent", "sell a token for cash", ("buy",)),
        Action("customer", "get the last token again", ("token",)),
        Action("agent", "see the last tokens of a device", ("tokens",)),
        Action("agent", "sell an appliance", ("sell",)),
        Action("customer", "see what is left and what is owed", ("balance",)),
        Action("agent, customer", "see the instalments", ("plan", "own plan")),
        Action("agent", "list what was sold on a plan", ("sales",)),
        Action("agent", "take an instalment", ("pay",), "`BUY` for a device that has a plan"),
        Action("agent, customer", "report a problem", ("fix", "problem")),
        Action("agent, customer", "ask how a ticket stands", ("status",)),
        Action("agent, customer", "comment on a ticket", ("note",)),
        Action("agent, customer", "close a ticket", ("done", "fixed"), "giving it to others: the office, `/tickets`"),
        Action("agent", "see cash, limit and commission", ("cash",)),
        Action("agent", "see the takings of a day", ("statement",), "no graphs"),
        Action("agent", "list sales, see one", ("statement",)),
        Action("office", "book the cash that an agent hands in", (), "`mwanga agent receipt`; the agent gets an SMS"),
        Action("agent", "replace a forgotten PIN", (), "the office: `mwanga agent pin`"),
        Action("agent", "change the PIN", ("pin",)),
        Action("anybody", "lock an agent whose phone is lost", ("lock",)),
        Action("agent", "answer the questions of onboarding", (), "does not exist"),
        Action("agent", "see what is in stock", ("stock",)),
        Action("agent, customer", "change the language", ("language",)),
        Action("customer", "change the phone number", (), "the office: `mwanga customer phone`; both numbers are told"),
        Action("agent, customer", "get help", ("help", "menu")),
    ),
    GATEWAY: (
        Action("customer", "be reminded of an instalment, or not", ("stop", "start"), "reminders go out by themselves"),
        Action("office", "write to one or many", (), "does not exist yet"),
        Action("phone", "join as a gateway", (), "`mwanga phone add`"),
        Action("phone", "fetch, send, report and bring in messages", (), "by itself, as in SMS Gateway for Android"),
        Action("office", "read payments out of an operator's SMS", (), "does not exist yet"),
        Action("office", "make a token outside of a sale", (), "does not exist"),
        Action("everybody", "see maps, charts, photos, documents", (), "cannot be had by text"),
    ),
}
_BY_NAME = {one.name: one for one in TALKS}


def actions() -> str:
    """The table, by app. Raises LookupError for a talk that is not registered."""
    rows = ["| who | does | by SMS | by USSD, in the menu | or else |", "|---|---|---|---|---|"]
    for app, listed in APPS.items():
        rows.append(f"| **{app}** | | | | |")
        rows += [f"| {one.who} | {one.what} | {_sms(one)} | {_ussd(one)} | {one.instead} |" for one in listed]
    return "\n".join(rows)


def _sms(action: Action) -> str:
    forms = [f"`{one.words['en'][0]} {one.usage.to('en')}".strip() + "`" for one in map(_talk, action.talks)]
    return ", ".join(dict.fromkeys(forms))


def _ussd(action: Action) -> str:
    labels = [one.menu.to("en") for one in map(_talk, action.talks) if one.menu]
    return ", ".join(dict.fromkeys(labels))


def _talk(name: str) -> Talk:
    if name not in _BY_NAME:
        raise LookupError(f"tests/actions.py names the talk {name!r}, which handlers/__init__.py does not have")
    return _BY_NAME[name]
