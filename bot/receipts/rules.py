"""The rules that are used: those that everybody gets, and the office's own, which are written here."""

from bot.company import Company
from bot.receipts.reading import same_name
from bot.receipts.shipped import OPERATORS, RULES, Rule, provider_of
from bot.receipts.template import Template
from bot.text.i18n import N_, Reason
from models.audit import record
from models.money.receipt_texts import ReceiptRule
from models.rows import find_rows

_NAMES = {rule.name for rule in RULES}


class BadRule(Reason):
    """A rule that nobody can use."""


async def list_rules(company: Company) -> list[Rule]:
    """All rules that are used here: those in the company's currency, and the office's own, which come first."""
    rows = await find_rows(ReceiptRule, "TRUE ORDER BY id")
    off = {row.name for row in rows if not row.active}
    own = [_own(row) for row in rows if row.template and row.active]
    return [*own, *(rule for rule in shipped_rules(company) if rule.name not in off)]


def shipped_rules(company: Company) -> list[Rule]:
    """The rules that come with Mwanga and are of the company's currency."""
    return [rule for rule in RULES if OPERATORS[rule.operator].currency == company.currency]


async def list_operators(company: Company) -> set[str]:
    """The operators to whom a SIM card may be bound: those that have a rule."""
    return {rule.operator for rule in [*await list_rules(company), *shipped_rules(company)]}


async def list_providers(company: Company) -> set[str]:
    """The same as the books name them, as who has the money."""
    return {provider_of(operator) for operator in await list_operators(company)}


def _own(row: ReceiptRule) -> Rule:
    return Rule(row.name, row.provider, (row.sender,), row.template, own=True)


async def add_rule(name: str, operator: str, sender: str, template: str, *, company: Company, actor: str) -> Rule:
    """Add a rule of the office's own, or change it. Call in a transaction. Raises BadRule."""
    name, operator, sender = (" ".join(each.split()) for each in (name, operator, sender))
    if name in _NAMES:
        raise BadRule(N_("{name} is a rule that comes with Mwanga: choose another name."), name=name)
    if not 0 < len(name) <= 60 or not 0 < len(operator) <= 20:
        raise BadRule(N_("A name has 1 to 60 characters, a provider 1 to 20."))
    known = OPERATORS.get(operator)
    if known and known.currency != company.currency:
        other = N_("{operator} pays in {currency}, and this database is kept in {ours}.")
        raise BadRule(other, operator=operator, currency=known.currency, ours=company.currency)
    if not 0 < len(sender) <= 20 or not sender.isascii() or sender.lstrip("+").replace(" ", "").isdigit():
        raise BadRule(N_("A sender is the name that such texts come from, like MPESA. A phone number is none."))
    writes_for = {rule.operator for rule in shipped_rules(company) if same_name(sender, rule.senders)}
    if writes_for and provider_of(operator) not in map(provider_of, writes_for):
        taken = N_("{sender} writes for {operators}. Give the rule that provider: under two names it counts twice.")
        raise BadRule(taken, sender=sender, operators=", ".join(sorted(writes_for)))
    try:
        read = Template(template)
    except Reason as why:
        raise BadRule("{why}", why=why) from why
    if read.is_payers:
        raise BadRule(N_("This is the text of who pays. Such texts are never credited: anybody can forward one."))
    values = {"provider": operator, "sender": sender, "template": read.text, "active": True}
    row, _new = await ReceiptRule.update_or_create(name=name, defaults=values)
    await record(actor, "receipt rule", name, f"{operator}, {sender}: {read.text}")
    return _own(row)


async def remove_rule(name: str, *, actor: str) -> None:
    """Remove a rule of the office's own. Call in a transaction. Raises BadRule."""
    if name in _NAMES:
        raise BadRule(N_("{name} comes with Mwanga: `mwanga receipts off` leaves it out."), name=name)
    if not await ReceiptRule.filter(name=name).delete():
        raise BadRule(N_("There is no rule {name}."), name=name)
    await record(actor, "receipt rule removed", name)


async def switch_rule(name: str, *, on: bool, actor: str) -> None:
    """Use a rule, or leave it out. Call in a transaction. Raises BadRule."""
    if name in _NAMES:
        rule = next(each for each in RULES if each.name == name)
        values = {"provider": rule.operator, "sender": rule.senders[0], "template": "", "active": on}
        await ReceiptRule.update_or_create(name=name, defaults=values)
    elif not await ReceiptRule.filter(name=name).update(active=on):
        raise BadRule(N_("There is no rule {name}."), name=name)
    await record(actor, "receipt rule on" if on else "receipt rule off", name)
