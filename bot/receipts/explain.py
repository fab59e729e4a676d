"""Says of a text what would become of it, and why: for the office, which writes rules and looks at what waits."""

from collections.abc import Sequence
from dataclasses import replace

from bot.company import Company
from bot.receipts.desk import Heard, doubt_of, doubts_of, judge
from bot.receipts.reading import Found, nearest, same_name, understand
from bot.receipts.shipped import OPERATORS, Rule, Way
from bot.receipts.template import Field
from bot.text.numbers import Sender, SenderKind
from models.money.receipt_texts import ReceiptWallet, TextState
from models.money.receiving import find_payment, normal_reference

WIDTH = 13  # of a field's name in brackets


async def explain(
    heard: Heard, wallet: ReceiptWallet | None, rules: Sequence[Rule], company: Company, *, sender_known: bool
) -> list[str]:
    """Lines: which rule fits, what it reads, and whether it would be a payment. Without `sender_known` the sender is
    taken for the right one."""
    found = understand(heard.text, rules, company, heard.arrived)
    if found is None:
        return _explain_unread(heard, wallet, rules, sender_known=sender_known)
    return [*describe(found, company), *await _explain_fate(heard, wallet, found, company, sender_known=sender_known)]


def describe(found: Found, company: Company) -> list[str]:
    """The rule and each field as the text has it, and what it is worth where that is written otherwise."""
    known = OPERATORS.get(found.rule.operator)
    lines = [f"Rule: {found.rule.name}, of {known.title if known else found.rule.operator}"]
    worth = {
        Field.REFERENCE: found.reference,
        Field.AMOUNT: company.money(found.amount),
        Field.BALANCE: "" if found.balance is None else company.money(found.balance),
        Field.FEE: company.money(found.fee),
        Field.PHONE: found.phone,
        Field.NAME: found.name,
        Field.SERIAL: found.account,
    }
    for field, text in found.fields.items():
        means = worth.get(field, "")
        lines.append(f"  {f'[{field}]':<{WIDTH}}{text}{f' = {means}' if means and means != text else ''}")
    return lines


async def _explain_fate(
    heard: Heard, wallet: ReceiptWallet | None, found: Found, company: Company, *, sender_known: bool
) -> list[str]:
    if found.rule.way is Way.OUT:
        return ["No payment: it is about money that went out. Such texts are never credited."]
    if not sender_known:
        heard = replace(heard, sender=Sender(SenderKind.ALPHA, found.rule.senders[0]))
    doubts = doubts_of(heard, heard.sim, wallet, found)
    lines = [] if sender_known else [f"The sender has to be {' or '.join(found.rule.senders)}, and no phone number."]
    known = await find_payment(found.provider, normal_reference(found.reference))
    if known is not None:
        return [*lines, f"Nothing new: {found.reference} is a payment of {company.money(known.amount)} already."]
    if wallet and (doubt := await doubt_of(company, wallet, found)):
        doubts.append(doubt)
    if doubts:
        return [*lines, "It would wait for a person:", *(f"  {doubt}" for doubt in doubts)]
    of = f" for {found.account}" if found.account else ""
    return [*lines, f"It would be a payment of {company.money(found.amount)}{of}, with {found.provider}."]


def _explain_unread(
    heard: Heard, wallet: ReceiptWallet | None, rules: Sequence[Rule], *, sender_known: bool
) -> list[str]:
    of_sender = [rule for rule in rules if same_name(heard.sender.value, rule.senders)] if sender_known else [*rules]
    lines = ["No rule fits it."]
    if near := nearest(heard.text, of_sender or rules):
        rule, how = near
        there = f'there stands "{how.found}"' if how.found else "the text ends"
        lines.append(f'Nearest is {rule.name}: {how.pieces} of its {how.of} pieces fit. It wants "{how.wanted}" next,')
        lines.append(f"  and {there}:")
        lines.append(f"  {rule.template.text}")
    if sender_known and not of_sender:
        lines.append(f"No rule is for texts from {heard.sender.value}.")
    verdict = judge(heard, heard.sim, wallet, rules, None) if sender_known else None
    if verdict is None:
        return lines
    waits = verdict.state is TextState.WAITING
    return [*lines, f"It would {'wait for a person' if waits else 'be passed over'}: {verdict.why}"]
