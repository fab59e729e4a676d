"""Runs the table of receipt texts, tests/payments/receipt_texts.txt: each text with what becomes of it, and why."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.company import Company, Figures, Live
from bot.receipts.desk import Heard, judge, weigh_balance
from bot.receipts.reading import Found, read_money, understand
from bot.receipts.rules import shipped_rules
from bot.receipts.shipped import OPERATORS
from bot.text.numbers import SenderKind
from bot.text.numbers import sender as read_sender
from models.currencies import EXPONENTS
from models.money.receipt_texts import ReceiptWallet, TextState
from models.sql import ms_of
from models.vault import Vault

TABLE = Path(__file__).parent.parent / "payments/receipt_texts.txt"
ARRIVED = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
ZONES = {
    "KE": "Africa/Nairobi",
    "TZ": "Africa/Dar_es_Salaam",
    "UG": "Africa/Kampala",
    "RW": "Africa/Kigali",
    "GH": "Africa/Accra",
    "MZ": "Africa/Maputo",
    "MG": "Indian/Antananarivo",
    "ML": "Africa/Bamako",
}


@dataclass(frozen=True)
class Case:
    """One text of the table: who it is from, to which SIM card, and what the wallet had before."""

    title: str  # what it is, or why it is not believed
    sender: str
    operator: str  # to which SIM 1 is bound
    before: str  # the wallet's balance; `-`: not known, `trusted`: texts without one are taken
    sim: int
    text: str
    expected: str


def company_of(operator: str) -> Company:
    """A company of the operator's country."""
    country = operator.rpartition("-")[2].upper()
    currency = OPERATORS[operator].currency
    return Company(
        live=Live(Figures(name="Test", help_phone="", languages=["en"], coin=50 * 10 ** EXPONENTS[currency])),
        country=country,
        currency=currency,
        exponent=EXPONENTS[currency],
        thousands=",",
        zone=ZoneInfo(ZONES[country]),
        ussd_code="",
        accents=False,
        vault=Vault("a plainly fake key of a test, 0001"),
    )


def read_table() -> Iterator[Case]:
    """The blocks of the table. `\\n` within a text is a line end."""
    for block in TABLE.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        title, came, text, expected = lines
        sender, operator, before, sim = (each.strip() for each in came.split("|"))
        yield Case(
            title,
            sender,
            operator,
            before,
            int(sim.removeprefix("SIM ")),
            text.removeprefix("> ").encode().decode("unicode_escape").encode("latin-1").decode()
            if "\\" in text
            else text.removeprefix("> "),
            expected.removeprefix("= "),
        )


def outcome(case: Case) -> str:
    """What becomes of a text, in the words of the table."""
    company = company_of(case.operator)
    who = read_sender(case.sender, company.country)
    if who.kind is not SenderKind.ALPHA:
        return "no operator: it is answered like any text of a person"
    rules = shipped_rules(company)
    wallet = ReceiptWallet(phone_id=1, sim=1, operator=case.operator, trusted=case.before == "trusted", balances="{}")
    if case.before not in ("-", "trusted"):
        minor = read_money(case.before, company)
        wallet.balances = json.dumps(dict.fromkeys({rule.purse for rule in rules}, minor))
    heard = Heard(inbox_id=1, gateway="phone-1", sim=case.sim, sender=who, text=case.text, reached_at=ms_of(ARRIVED))
    found = understand(case.text, rules, company, heard.arrived)
    verdict = judge(heard, case.sim, wallet if case.sim == 1 else None, rules, found)
    if verdict is None:
        return "passed over: it is no text of an operator"
    if verdict.state is TextState.PAID and found:
        if doubt := weigh_balance(company, wallet, found):
            return f"waiting: {doubt}"
        return f"paid: {_worth(found, company)}"
    return f"{verdict.state}: {verdict.why}"


def _worth(found: Found, company: Company) -> str:
    """A payment in one line."""
    facts = [f"{company.money(found.amount)} {found.reference}"]
    facts += [f"from {found.name}"] if found.name else []
    facts += [found.phone] if found.phone else []
    facts += [f"account {found.account}"] if found.account else []
    if found.balance is not None:
        facts.append(f"then {company.number(found.balance)}")
    if found.moment:
        facts.append(f"at {company.clock(found.moment)}")
    return ", ".join(facts)
