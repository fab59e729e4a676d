"""How money, time and tokens are written: one SMS part at the longest values, in every language."""

from collections.abc import Sequence

from bot.company import Site
from bot.message import Copy
from bot.text.gsm import fits_sms, plain, shorten
from bot.text.i18n import Text, _, _n, verbatim
from models.devices.tables import Device, Unit
from models.messages.tables import Class
from models.money.catalogue import Contract
from models.money.instalments import Due, total_left
from models.money.payment import Sold
from models.money.sales import Sale
from models.people.tables import Customer
from models.tokens import ISSUERS

LONGEST_NAME = 12  # septets of a masked name
LONGEST_ITEM = 16  # septets of an item of the catalogue


def bought(unit: str, units: int) -> Text:
    """What was paid for: 8 days, 14.3 kWh."""
    if unit == Unit.DAYS:
        return _n("{n} day", "{n} days", units)
    return verbatim(f"{units // 10}.{units % 10} kWh" if units % 10 else f"{units // 10} kWh")


def access_due(device: Device, site: Site) -> list[Text]:
    """What the access rate added up to, where there is any."""
    return [_("Access rate {amount} is due.", amount=site.money(device.access_due))] if device.access_due else []


def least(contract: Contract, site: Site) -> list[Text]:
    """The smallest payment, where the office set one."""
    if contract.minimum <= site.coin:
        return []
    return [_("At least {amount} each time.", amount=site.money(contract.minimum))]


def shared(units: Text, energy: int, access: int, debt: int, site: Site) -> Text:
    """What a meter's payment was shared out to; the three add up to the payment (reference: users 3.5)."""
    values = {"bought": units, "energy": site.number(energy), "access": site.number(access), "debt": site.number(debt)}
    if access and debt:
        return _("{bought} for {energy}, access rate {access}, debt {debt}", **values)
    if access:
        return _("{bought} for {energy}, access rate {access}", **values)
    return _("{bought} for {energy}, debt {debt}", **values)


def owner(customer: Customer | None) -> str:
    """The owner's name, masked and short: AMINA J."""
    return shorten(customer.masked, LONGEST_NAME) if customer else "-"


def item(name: str) -> str:
    """An item of the catalogue, as a sentence shows it."""
    return shorten(name, LONGEST_ITEM)


def tail(serial: str) -> str:
    """A serial as it is known by now: its end, when it is long."""
    return serial if len(serial) <= 8 else f"..{serial[-4:]}"


def grouped(device: Device | None, digits: str) -> str:
    return ISSUERS[device.issuer].group(digits) if device else ""


def owing(owed: int, dues: Sequence[Due], site: Site) -> Text:
    """What is left of a contract, and what of it should have been paid by now or else comes next:
    Left 1,084,000. Next 6,000 by 1 Dec"""
    left = site.number(owed)
    if not dues:
        return _("Left {left}", left=left)
    day = site.date(dues[0].due_on)
    if late := total_left([due for due in dues if due.due_on < site.today()]):
        return _("Left {left}. Overdue {late} since {day}", left=left, late=site.number(late), day=day)
    return _("Left {left}. Next {next} by {day}", left=left, next=site.number(dues[0].left), day=day)


def under(*lines: Text) -> Text:
    """Each on a line of its own."""
    return Text("\n".join(f"{{l{n}}}" for n in range(len(lines))), {f"l{n}": line for n, line in enumerate(lines)})


def for_agent(sold: Sold, site: Site, language: str) -> Text:
    """What the seller reads: what happened to the money, the digits, and his own figures, as many as fit."""
    ref, held = sold.sale.reference, site.number(sold.held)
    near = warning(sold.held, sold.limit)
    figures = _(
        "Ref {ref}. Cash {held} of {limit}{warning}. Commission {due}",
        ref=ref,
        held=held,
        limit=site.number(sold.limit),
        due=site.whole(sold.commission_due),
        warning=near,
    )
    short = _("Ref {ref}. Cash {held}{warning}", ref=ref, held=held, warning=near)
    name = tail(sold.name)
    who = f"{owner(sold.customer)} {name}" if sold.device else owner(sold.customer)
    endings = ((who, figures), (who, short), (name, short), (name, _("Ref {ref}.", ref=ref)))
    what, rest = _what(sold, site), [*_code(sold), *_left(sold, site)]
    return fitting(language, [under(what, verbatim(line), *rest, last) for line, last in endings])


def _what(sold: Sold, site: Site) -> Text:
    """What happened to the money, for the seller."""
    amount = site.money(sold.sale.amount)
    if sold.sale.unit == Unit.UNLOCK:
        return _("PAID OFF with {amount}: unlocks for good", amount=amount)
    if sold.device:
        return _("SOLD {amount}, {bought}", amount=amount, bought=_bought(sold, site))
    if sold.sale.owed:
        return _("PAID {amount}: {item}", amount=amount, item=_goods(sold))
    return _("PAID OFF with {amount}: {item}", amount=amount, item=_goods(sold))


def _bought(sold: Sold, site: Site) -> Text:
    sale = sold.sale
    units = bought(sale.unit, sale.units)
    if not sale.recovered and not sale.access:
        return units
    return shared(units, sale.amount - sale.recovered - sale.access, sale.access, sale.recovered, site)


def _goods(sold: Sold) -> str:
    return f"{sold.name} {item(sold.contract.appliance.name)}" if sold.contract else sold.name


def _code(sold: Sold) -> list[Text]:
    return [_("Code {digits}", digits=grouped(sold.device, sold.digits))] if sold.digits else []


def _left(sold: Sold, site: Site) -> list[Text]:
    """What is left of a contract; what is paid off or never ends leaves nothing."""
    if sold.contract is None or not sold.sale.owed:
        return []
    return [owing(sold.sale.owed, sold.rest, site)]


def warning(held: int, limit: int) -> Text:
    """Near the limit a sale soon fails for want of room: say so at 70 and at 90 % (reference: users 3.1)."""
    share = 100 * held // limit if limit else 100
    if share >= 90:
        return _(", {share}%: HAND IN", share=share)
    return _(", {share}%", share=share) if share >= 70 else verbatim("")


def for_owner(sold: Sold, site: Site) -> Text:
    """What the customer reads, in the customer's language."""
    amount, ref = site.money(sold.sale.amount), sold.sale.reference
    if sold.sale.unit == Unit.UNLOCK:
        did = _("PAID OFF: it runs for good. Paid {amount}", amount=amount)
    elif sold.device:
        did = _("{bought}. Paid {amount}", bought=_bought(sold, site), amount=amount)
    elif sold.sale.owed:
        did = _("Paid {amount}", amount=amount)
    else:
        did = _("PAID OFF: it is yours. Paid {amount}", amount=amount)
    said = [verbatim(sold.name if sold.device else _goods(sold)), *_code(sold), did, *_left(sold, site)]
    short = under(*said, _("Ref {ref}.", ref=ref))
    if not sold.digits:
        return short
    return fitting(sold.customer.language, [under(*said, _("Ref {ref}. Lost it? Send TOKEN", ref=ref)), short])


def fitting(language: str, candidates: Sequence[Text]) -> Text:
    """The first of these that is one SMS, else the last."""
    return next((text for text in candidates if fits_sms(plain(text.to(language)))), candidates[-1])


def copy_to_owner(sold: Sold, site: Site) -> list[Copy]:
    """The owner's own message; none when the owner has no phone."""
    customer = sold.customer
    if customer.phone is None:
        return []
    return [Copy(customer.phone, for_owner(sold, site), Class.TOKEN, customer.language)]


def history(device: Device, tokens: list[tuple[Sale, str]], site: Site, language: str) -> Text:
    """The last tokens, newest first, as many as fit: day, amount, digits."""
    lines = [_token(device, sale, digits, site, language) for sale, digits in tokens]
    fewer = [under(*lines[:count]) for count in range(len(lines), 0, -1)]
    return fitting(language, [_("{serial}, newest first\n{lines}", serial=device.serial, lines=each) for each in fewer])


def _token(device: Device, sale: Sale, digits: str, site: Site, language: str) -> Text:
    line = f"{site.day(sale.created_at, language)} {site.number(sale.amount)}: {grouped(device, digits)}"
    return _("{line} unlocks for good", line=line) if sale.unit == Unit.UNLOCK else verbatim(line)
