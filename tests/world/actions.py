"""What the three Android apps of MicroPowerManager do (reference: mpm 7.2, all 38 rows), and by which talk we do it.

A row names talks, whose words the table of the documents takes from the register; or says what is done instead.
"""

from typing import NamedTuple

from bot.talks import Talk
from handlers import TALKS


class Action(NamedTuple):
    """One action of an app, with its row of the reference (0: we have it beside). `talks` are names in the register;
    `instead` says what there is beside them or in their place."""

    row: int
    who: str
    what: str
    talks: tuple[str, ...] = ()
    instead: str = ""


REGISTER, MERCHANT, GATEWAY = "Customer Registration App", "Agent/Merchant App", "SMS Gateway App and office"
APPS = {
    REGISTER: (
        Action(1, "agent", "log in", (), "no login: the phone number says who, the PIN is asked where money is"),
        Action(2, "agent", "register a customer of a mini-grid with a meter", ("register",)),
        Action(3, "agent", "register a person without a device", ("register",)),
        Action(4, "agent", "give a customer one more meter", ("register",), "the known phone asks: same person?"),
        Action(5, "agent", "give a customer a solar home system or an e-bike", ("sell", "register")),
        Action(6, "agent", "say where the customer lives", ("register",), "the village; no coordinates"),
        Action(7, "agent", "work without a network, send later", (), "SMS waits by itself; what is unfinished is kept"),
        Action(8, "agent", "list and filter customers", ("list",)),
    ),
    MERCHANT: (
        Action(9, "agent", "search a customer", ("find",)),
        Action(10, "agent", "see one customer", ("customer",)),
        Action(
            11,
            "customer",
            "buy energy or days with mobile money",
            ("own buying",),
            "or the phone's own menu, with the serial as account",
        ),
        Action(0, "stranger", "buy for somebody whose serial is known", ("buying for others",), "by mobile money"),
        Action(12, "agent", "sell a token for cash", ("buy",)),
        Action(13, "customer", "get the last tokens again", ("token",)),
        Action(14, "agent", "see the last tokens of a device", ("tokens",)),
        Action(15, "agent", "sell an appliance", ("sell",)),
        Action(16, "customer", "see what is left and what is owed", ("balance",)),
        Action(17, "agent, customer", "see the instalments", ("plan", "own plan")),
        Action(18, "agent", "list what was sold on a plan", ("sales",)),
        Action(19, "agent", "take an instalment", ("pay",), "`BUY` for a device that has a plan"),
        Action(20, "agent, customer", "report a problem", ("fix", "problem")),
        Action(21, "agent, customer", "ask how a ticket stands", ("status",)),
        Action(22, "agent, customer", "comment on a ticket", ("note",)),
        Action(23, "agent, customer", "close a ticket", ("done", "fixed"), "giving it away: the office, `/tickets`"),
        Action(24, "agent", "see cash, limit and commission", ("cash",)),
        Action(25, "agent", "see the takings of a day", ("statement",), "by the day; no graphs"),
        Action(26, "agent", "list sales, see one", ("statement",)),
        Action(27, "office", "book the cash that an agent hands in", (), "`mwanga agent receipt`, and an SMS"),
        Action(0, "agent", "fill the own wallet", ("wallet",), "by mobile money; or the office, `mwanga agent topup`"),
        Action(0, "agent", "count the cash of another agent, as a cashier", ("cash in",)),
        Action(0, "agent", "have a sale taken back", ("void",), "the office: `mwanga sale void`"),
        Action(0, "agent", "say that a hand-in is not right", ("dispute",), "the office: `mwanga agent settle`"),
        Action(28, "agent", "replace a forgotten PIN", (), "the office: `mwanga agent pin`"),
        Action(0, "agent", "change the PIN", ("pin",)),
        Action(0, "anybody", "lock an agent whose phone is lost", ("lock",)),
        Action(34, "agent", "answer the questions of onboarding", (), "does not exist"),
        Action(35, "agent", "see what is in stock", ("stock",)),
        Action(36, "agent, customer", "change the language", ("language",)),
        Action(0, "customer", "ask an agent to sell; who it is, at what price", ("own buying", "price", "agent")),
        Action(0, "agent", "answer customers who want to buy for cash", ("cash requests",)),
        Action(36, "customer", "change the phone number", (), "the office; both are told"),
        Action(37, "anybody", "get help", ("help", "own help", "join", "menu")),
    ),
    GATEWAY: (
        Action(29, "customer", "be reminded of an instalment, or not", ("stop", "start"), "they go out by themselves"),
        Action(30, "office", "write to one or many", (), "the office, `/messages` and `/write`"),
        Action(31, "phone", "join as a gateway", (), "`mwanga phone add`"),
        Action(32, "phone", "fetch, send, report and bring in messages", (), "as SMS Gateway for Android does"),
        Action(
            33,
            "office",
            "read payments out of an operator's SMS",
            (),
            "by rules: `mwanga receipts add`, or `/settings/receipts`",
        ),
        Action(38, "office", "make a token outside of a sale", (), "does not exist"),
        Action(0, "everybody", "see maps, charts, photos, documents", (), "cannot be had by text"),
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
    forms = [f"`{one.words['en'][0]} {one.usage.to('en')}".strip() + "`" for one in map(talk_of, action.talks)]
    return ", ".join(dict.fromkeys(forms))


def _ussd(action: Action) -> str:
    labels = [one.menu.to("en") for one in map(talk_of, action.talks) if one.menu]
    return ", ".join(dict.fromkeys(labels))


def talk_of(name: str) -> Talk:
    if name not in _BY_NAME:
        raise LookupError(f"tests/world/actions.py names the talk {name!r}, which handlers/__init__.py does not have")
    return _BY_NAME[name]
