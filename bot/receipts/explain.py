"""Says of a text what would become of it, and why: for the office, which writes rules and looks at what waits."""

from collections.abc import Sequence
from dataclasses import replace

from bot.company import Company
from bot.receipts.desk import Heard, doubt_of, doubts_of, judge
from bot.receipts.reading import Found, nearest, same_name, understand
from bot.receipts.shipped import OPERATORS, Rule, Way
from bot.receipts.template import Field
from bot.text.i18n import N_, Say, in_english
from bot.text.numbers import Sender, SenderKind
from models.money.receipt_texts import ReceiptWallet, TextState
from models.money.receiving import find_payment, normal_reference

WIDTH = 13  # of a field's name in brackets


async def explain(
    heard: Heard,
    wallet: ReceiptWallet | None,
    rules: Sequence[Rule],
    company: Company,
    *,
    sender_known: bool,
    say: Say = in_english,
) -> list[str]:
    """Lines: which rule fits, what it reads, and whether it would be a payment. Without `sender_known` the sender is
    taken for the right one."""
    found = understand(heard.text, rules, company, heard.arrived)
    if found is None:
        return _explain_unread(heard, wallet, rules, say, sender_known=sender_known)
    fate = await _explain_fate(heard, wallet, found, company, say, sender_known=sender_known)
    return [*describe(found, company, say), *fate]


def describe(found: Found, company: Company, say: Say = in_english) -> list[str]:
    """The rule and each field as the text has it, and what it is worth where that is written otherwise."""
    known = OPERATORS.get(found.rule.operator)
    operator = known.title if known else found.rule.operator
    lines = [say(N_("Rule: {rule}, of {operator}"), rule=found.rule.name, operator=operator)]
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
    heard: Heard, wallet: ReceiptWallet | None, found: Found, company: Company, say: Say, *, sender_known: bool
) -> list[str]:
    if found.rule.way is Way.OUT:
        return [say(N_("No payment: it is about money that went out. Such texts are never credited."))]
    if not sender_known:
        heard = replace(heard, sender=Sender(SenderKind.ALPHA, found.rule.senders[0]))
    doubts = doubts_of(heard, heard.sim, wallet, found)
    either = say(N_("or"))
    senders = f" {either} ".join(found.rule.senders)
    only = N_("The sender has to be {senders}, and no phone number.")
    lines = [] if sender_known else [say(only, senders=senders)]
    known = await find_payment(found.provider, normal_reference(found.reference))
    if known is not None:
        old = N_("Nothing new: {reference} is a payment of {money} already.")
        return [*lines, say(old, reference=found.reference, money=company.money(known.amount))]
    if wallet and (doubt := await doubt_of(company, wallet, found)):
        doubts.append(doubt)
    if doubts:
        return [*lines, say(N_("It would wait for a person:")), *(f"  {doubt.to(say)}" for doubt in doubts)]
    paid = N_("It would be a payment of {money}, with {provider}.")
    if found.account:
        paid = N_("It would be a payment of {money} for {account}, with {provider}.")
    money = company.money(found.amount)
    return [*lines, say(paid, money=money, account=found.account, provider=found.provider)]


def _explain_unread(
    heard: Heard, wallet: ReceiptWallet | None, rules: Sequence[Rule], say: Say, *, sender_known: bool
) -> list[str]:
    of_sender = [rule for rule in rules if same_name(heard.sender.value, rule.senders)] if sender_known else [*rules]
    lines = [say(N_("No rule fits it."))]
    if near := nearest(heard.text, of_sender or rules):
        rule, how = near
        first = N_('Nearest is {rule}: {pieces} of its {all} pieces fit. It wants "{wanted}" next,')
        lines.append(say(first, rule=rule.name, pieces=how.pieces, all=how.of, wanted=how.wanted))
        there = N_('and there stands "{found}":') if how.found else N_("and the text ends:")
        lines += [f"  {say(there, found=how.found)}", f"  {rule.template.text}"]
    if sender_known and not of_sender:
        lines.append(say(N_("No rule is for texts from {sender}."), sender=heard.sender.value))
    verdict = judge(heard, heard.sim, wallet, rules, None) if sender_known else None
    if verdict is None or verdict.why is None:
        return lines
    waits = verdict.state is TextState.WAITING
    fate = N_("It would wait for a person: {why}") if waits else N_("It would be passed over: {why}")
    return [*lines, say(fate, why=verdict.why.to(say))]
