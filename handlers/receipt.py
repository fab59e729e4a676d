"""How money, time and tokens are written: one SMS part at the longest values, in every language."""

from bot.gsm import shorten
from bot.i18n import Text, _, _n, verbatim
from bot.message import Copy
from bot.site import Site
from models.devices import Device, Unit
from models.messages import Class
from models.people import Customer
from models.sales import Sale
from models.tokens import ISSUERS
from models.vending import Sold

LONGEST_NAME = 12  # septets of a masked name


def bought(unit: str, units: int) -> Text:
    """What was paid for: 8 days, 14.3 kWh."""
    if unit == Unit.DAYS:
        return _n("{n} day", "{n} days", units)
    return verbatim(f"{units // 10}.{units % 10} kWh" if units % 10 else f"{units // 10} kWh")


def owner(customer: Customer | None) -> str:
    """The owner's name, masked and short: AMINA J."""
    return shorten(customer.masked, LONGEST_NAME) if customer else "-"


def tail(serial: str) -> str:
    """A serial as it is known by now: its end, when it is long."""
    return serial if len(serial) <= 8 else f"..{serial[-4:]}"


def grouped(device: Device, digits: str) -> str:
    return ISSUERS[device.issuer].group(digits)


def for_agent(sold: Sold, site: Site) -> Text:
    """What the seller reads: what happened to the money, the digits, and his own figures."""
    return _(
        "SOLD {amount}, {bought}\n{owner} {serial}\nCode {code}\n"
        "Ref {ref}. Cash {held} of {limit}{warning}. Commission {due}",
        amount=site.money(sold.sale.amount),
        bought=bought(sold.sale.unit, sold.sale.units),
        owner=owner(sold.device.customer),
        serial=tail(sold.device.serial),
        code=grouped(sold.device, sold.digits),
        ref=sold.sale.reference,
        held=site.number(sold.held),
        limit=site.number(sold.limit),
        due=site.whole(sold.commission_due),
        warning=_warning(sold),
    )


def _warning(sold: Sold) -> Text:
    """Near the limit a sale soon fails for want of room: say so at 70 and at 90 % (reference: users 3.1)."""
    share = 100 * sold.held // sold.limit if sold.limit else 100
    if share >= 90:
        return _(", {share}%: HAND IN", share=share)
    return _(", {share}%", share=share) if share >= 70 else verbatim("")


def for_owner(sold: Sold, site: Site) -> Text:
    """What the customer reads, in the customer's language."""
    return _(
        "{serial}\nCode {code}\n{bought}. Paid {amount}\nRef {ref}. Lost it? Send TOKEN",
        serial=sold.device.serial,
        code=grouped(sold.device, sold.digits),
        bought=bought(sold.sale.unit, sold.sale.units),
        amount=site.money(sold.sale.amount),
        ref=sold.sale.reference,
    )


def copy_to_owner(sold: Sold, site: Site) -> list[Copy]:
    """The owner's own message; none when the owner has no phone."""
    customer = sold.device.customer
    if customer is None or customer.phone is None:
        return []
    return [Copy(customer.phone, for_owner(sold, site), Class.TOKEN, customer.language)]


def history(device: Device, tokens: list[tuple[Sale, str]], site: Site, language: str) -> Text:
    """The last tokens, newest first: day, amount, digits."""
    lines = [f"{_day(sale, site, language)}: {grouped(device, digits)}" for sale, digits in tokens]
    return _("{serial}, newest first\n{lines}", serial=device.serial, lines="\n".join(lines))


def _day(sale: Sale, site: Site, language: str) -> str:
    return f"{site.day(sale.created_at, language)} {site.number(sale.amount)}"
