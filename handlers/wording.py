"""How money, time and tokens are written: one SMS part at the longest values, in every language."""

from collections.abc import Iterable, Sequence

from bot.company import Company
from bot.text import Text, _, joined, plain, shorten, verbatim
from bot.text.gsm import fits_sms
from bot.text.i18n import _n
from models.devices import Device, Unit
from models.devices.access_rate import access_due
from models.money.ledger import credit_of
from models.people import Customer
from models.people.tables import masked
from models.selling import Contract, Due, Payable, total_left
from models.tokens import ISSUERS

LONGEST_NAME = 12  # septets of a masked name
LONGEST_ITEM = 16  # septets of an item of the catalogue


def bought(unit: str, units: int, company: Company) -> Text:
    """What was paid for: 8 days, 14.3 kWh."""
    if unit == Unit.DAYS:
        return _n("{n} day", "{n} days", units)
    return verbatim(f"{units // 10}{company.decimal}{units % 10} kWh" if units % 10 else f"{units // 10} kWh")


async def access_owed(device: Device, company: Company) -> list[Text]:
    """What the access rate added up to, where there is any."""
    access = await access_due(device, company.today())
    return [_("Access rate {amount} is due.", amount=company.money(access.due))] if access.due else []


async def credit_left(customer: Customer, company: Company) -> list[Text]:
    """What a customer has of it now."""
    credit = await credit_of(customer.id)
    return kept(credit, company)


def kept(credit: int, company: Company) -> list[Text]:
    """A credit, where there is any: what was less than a unit counts with the next payment."""
    return [_("Credit {credit}", credit=company.number(credit))] if credit else []


def with_credit(amount: int, credit: int, company: Company) -> Text:
    """What is paid now, with the credit that counts with it: TZS 8,500 + credit 500."""
    if not credit:
        return verbatim(company.money(amount))
    return _("{amount} + credit {credit}", amount=company.money(amount), credit=company.number(credit))


def least(contract: Contract, company: Company) -> list[Text]:
    """The smallest payment, where the office set one."""
    if contract.minimum <= company.coin:
        return []
    coins = -(-contract.minimum // company.coin)  # they may be larger than when it was signed
    return [_("At least {amount} each time.", amount=company.money(coins * company.coin))]


def shared(units: Text, energy: int, access: int, debt: int, company: Company) -> Text:
    """What a meter's payment was shared out to; the three add up to the payment (reference: users 3.5)."""
    values = {
        "bought": units,
        "energy": company.number(energy),
        "access": company.number(access),
        "debt": company.number(debt),
    }
    if access and debt:
        return _("{bought} for {energy}, access rate {access}, debt {debt}", **values)
    if access:
        return _("{bought} for {energy}, access rate {access}", **values)
    return _("{bought} for {energy}, debt {debt}", **values)


def owner(customer: Customer | None) -> str:
    """The owner's name, masked and short: AMINA J."""
    return owner_named(customer.name, customer.surname) if customer else "-"


def owner_named(name: str, surname: str) -> str:
    """The same of a name alone."""
    return shorten(masked(name, surname), LONGEST_NAME)


def item_name(name: str) -> str:
    """An item of the catalogue, as a sentence shows it."""
    return shorten(name, LONGEST_ITEM)


def paid_for_name(paid_for: Payable) -> str:
    """A device by its serial, goods by number and item: S1042 Radio."""
    return f"{paid_for.name} {item_name(paid_for.item)}" if paid_for.item else paid_for.name


def tail(serial: str) -> str:
    """A serial as it is known by now: its end, when it is long."""
    return serial if len(serial) <= 8 else f"..{serial[-4:]}"


def out_of_use(serial: str, company: Company) -> Text:
    """Nothing can be paid for a device any more."""
    return _("{serial} is out of use. Call {help}.", serial=serial, help=company.help_phone)


def grouped(device: Device | None, digits: str) -> str:
    return ISSUERS[device.issuer].group(digits) if device else ""


def owing(owed: int, dues: Sequence[Due], company: Company) -> Text:
    """What is owed on a contract, and what of it should have been paid by now or else comes next:
    Owed 1,084,000. Pay 6,000 by 1/12"""
    left = company.number(owed)
    if not dues:
        return _("Owed {left}", left=left)
    day = company.date(dues[0].due_on)
    if late := total_left([due for due in dues if due.due_on < company.today()]):
        return _("Owed {left}. Overdue {late} since {day}", left=left, late=company.number(late), day=day)
    return _("Owed {left}. Pay {next} by {day}", left=left, next=company.number(dues[0].left), day=day)


def under(*lines: Text) -> Text:
    """Each on a line of its own."""
    return joined(lines, "\n")


def warning(held: int, limit: int) -> Text:
    """Near the limit a sale soon fails for want of room: say so at 70 and at 90 % (reference: users 3.1)."""
    share = 100 * held // limit if limit else 100
    if share >= 90:
        return _(", {share}%: HAND IN", share=share)
    return _(", {share}%", share=share) if share >= 70 else verbatim("")


def fitting(language: str, candidates: Iterable[Text], behind: Text | None = None) -> Text:
    """The first of these that is one SMS in this language, together with what will stand behind it; else the last. It
    comes as it was said there, for a reader of that language alone, and what would stand in for it is never made."""
    end, said = f" {behind.to(language)}" if behind else "", ""
    for text in candidates:
        said = text.to(language)
        if fits_sms(plain(said + end)):
            break
    return verbatim(said)
