"""What a sale says: to the agent who took the money, and to the owner of the device."""

from collections.abc import Sequence

from bot.company import Company
from bot.message import Copy
from bot.text import Text, _, verbatim
from handlers.wording import (
    bought,
    fitting,
    grouped,
    kept,
    owing,
    owner,
    paid_for_name,
    shared,
    tail,
    under,
    warning,
    with_credit,
)
from models.devices import Device, Unit
from models.messages import MessageKind
from models.selling.booking import Sold
from models.selling.sales import Code
from models.selling.swaps import DeviceSwap


def for_agent(sold: Sold, company: Company, language: str) -> Text:
    """What the seller reads: what happened to the money, the digits, and as many of his own figures as fit."""
    ref, (figures, short) = sold.sale.reference, _figures(sold, company)
    name = tail(sold.paid_for.name)
    who = f"{owner(sold.customer)} {name}" if sold.device else owner(sold.customer)
    endings = ((who, figures), (who, short), (name, short), (name, _("Ref {ref}.", ref=ref)))
    rest = [*_code(sold), *_left(sold, company), *kept(sold.sale.credit_after, company)]
    said = (
        under(_what(sold, paid, company), verbatim(line), *rest, last)
        for paid in _paid(sold, company)
        for line, last in endings
    )
    return fitting(language, said)


def _figures(sold: Sold, company: Company) -> tuple[Text, Text]:
    """How the seller stands after the sale, in full and short: the cash and its limit, or the wallet."""
    values = {
        "ref": sold.sale.reference,
        "held": company.number(sold.held),
        "due": company.whole(sold.commission_due),
    }
    if sold.limit is None:
        return _("Ref {ref}. Wallet {held}. Commission {due}", **values), _("Ref {ref}. Wallet {held}", **values)
    values |= {"limit": company.number(sold.limit)}
    near = warning(sold.held, sold.limit)
    full = _("Ref {ref}. Cash {held} of {limit}{warning}. Commission {due}", warning=near, **values)
    return full, _("Ref {ref}. Cash {held}{warning}", warning=near, **values)


def _paid(sold: Sold, company: Company) -> list[Text]:
    """What was paid, with the credit that was used; where that does not fit, without."""
    used = max(sold.sale.credit_before - sold.sale.credit_after, 0)
    return [with_credit(sold.sale.amount, credit, company) for credit in dict.fromkeys((used, 0))]


def _what(sold: Sold, amount: Text, company: Company) -> Text:
    """What happened to the money, for the seller."""
    if sold.sale.unit == Unit.UNLOCK:
        return _("PAID OFF with {amount}: unlocks for good", amount=amount)
    if sold.device:
        return _("SOLD {amount}, {bought}", amount=amount, bought=_bought(sold, company))
    if sold.sale.owed:
        return _("PAID {amount}: {item}", amount=amount, item=paid_for_name(sold.paid_for))
    return _("PAID OFF with {amount}: {item}", amount=amount, item=paid_for_name(sold.paid_for))


def _bought(sold: Sold, company: Company) -> Text:
    sale = sold.sale
    units = bought(sale.unit, sale.units, company)
    if not sale.recovered and not sale.access:
        return units
    spent = sale.amount + sale.credit_before - sale.credit_after
    return shared(units, spent - sale.recovered - sale.access, sale.access, sale.recovered, company)


def _code(sold: Sold) -> list[Text]:
    return [_("Code {digits}", digits=grouped(sold.device, sold.digits))] if sold.digits else []


def _left(sold: Sold, company: Company) -> list[Text]:
    """What is left of a contract. Nothing is, where it is paid off or never ends."""
    if sold.contract is None or not sold.sale.owed:
        return []
    return [owing(sold.sale.owed, sold.rest, company)]


def for_owner(sold: Sold, company: Company) -> Text:
    """What the customer reads, in the customer's language."""
    ref = sold.sale.reference
    endings = [_("Ref {ref}.", ref=ref)]
    if sold.digits:
        lost = _("Ref {ref}. Lost it? Send TOKEN", ref=ref)
        endings = [_("Ref {ref}. Lost it? Send TOKEN. Code refused? Send FIX", ref=ref), lost, *endings]
    rest = [*_left(sold, company), *kept(sold.sale.credit_after, company)]
    names = dict.fromkeys((paid_for_name(sold.paid_for), tail(sold.paid_for.name)))
    said = (
        under(verbatim(name), *_code(sold), _did(sold, paid, company), *rest, last)
        for name in names
        for paid in _paid(sold, company)
        for last in endings
    )
    return fitting(sold.customer.language, said)


def for_payer(sold: Sold, company: Company, language: str) -> Text:
    """What somebody else reads who paid with another phone: what it bought and the code, and nothing of debts."""
    names = dict.fromkeys((paid_for_name(sold.paid_for), tail(sold.paid_for.name)))
    paid = _("Paid {amount}", amount=verbatim(company.money(sold.sale.amount)))
    units = [bought(sold.sale.unit, sold.sale.units, company)] if sold.sale.units else []
    last = _("Ref {ref}.", ref=sold.sale.reference)
    return fitting(language, (under(verbatim(name), *_code(sold), *units, paid, last) for name in names))


def _did(sold: Sold, amount: Text, company: Company) -> Text:
    """What the customer's money did."""
    if sold.sale.unit == Unit.UNLOCK:
        return _("PAID OFF: it runs for good. Paid {amount}", amount=amount)
    if sold.device and sold.sale.units:
        return _("{bought}. Paid {amount}", bought=_bought(sold, company), amount=amount)
    if sold.device or sold.sale.owed:
        return _("Paid {amount}", amount=amount)
    return _("PAID OFF: it is yours. Paid {amount}", amount=amount)


def copy_to_owner(sold: Sold, company: Company) -> list[Copy]:
    """The owner's own message; none when the owner has no phone."""
    return copies(sold, company)


def copies(sold: Sold, company: Company, payer: str = "", language: str = "") -> list[Copy]:
    """The owner's own message, unless the owner has no phone, and that of whoever paid with another phone."""
    customer, also = sold.customer, []
    if customer.phone:
        also.append(Copy(customer.phone, for_owner(sold, company), MessageKind.TOKEN, customer.language))
    if payer and payer != customer.phone:
        also.append(Copy(payer, for_payer(sold, company, language), MessageKind.TOKEN, language))
    return also


def swap_notice(swap: DeviceSwap, former: str, device: Device, company: Company, language: str) -> Text:
    """What the owner reads of a device that stands in the place of another one, the code first."""
    code = [_("Code {digits}", digits=grouped(device, swap.digits))] if swap.digits else []
    if swap.unit == Unit.UNLOCK:
        code.append(_("It runs for good."))
    elif swap.units:
        code.append(bought(swap.unit, swap.units, company))
    last = _(
        "In the place of {former}, which is out of use. Call {help}.", former=tail(former), help=company.help_phone
    )
    names = dict.fromkeys((device.serial, tail(device.serial)))
    return fitting(language, (under(verbatim(name), *code, last) for name in names))


def history(device: Device, codes: Sequence[Code], company: Company, language: str) -> Text:
    """As many of the last tokens as fit, the newest first: day, amount, digits. Nothing was paid for what a device came
    with: there stands what it carries."""
    lines = [_line(device, code, company, language) for code in codes]
    fewer = ("\n".join(lines[:count]) for count in range(len(lines), 0, -1))
    return fitting(language, (_("{serial}, newest first\n{lines}", serial=device.serial, lines=each) for each in fewer))


def _line(device: Device, code: Code, company: Company, language: str) -> str:
    what = company.number(code.amount) if code.amount is not None else ""
    if code.amount is None and code.units:
        what = bought(code.unit, code.units, company).to(language)
    line = f"{company.day(code.sold_at)} {what}".rstrip() + f": {grouped(device, code.digits)}"
    if not code.digits:
        return _("{line} void", line=line.rstrip()).to(language)
    return _("{line} unlocks for good", line=line).to(language) if code.unit == Unit.UNLOCK else line
