"""What is said of an appliance that is sold: before it, to the seller and to the customer."""

from collections.abc import Sequence
from datetime import date

from bot.company import Company
from bot.message import Copy
from bot.talks.commands import Keyword
from bot.text import Text, _, joined, shorten, verbatim
from handlers.selling.buy import BUY
from handlers.wording import bought, fitting, grouped, item_name, kept, least, owner, tail, under, warning
from models.devices import Unit
from models.messages import MessageKind
from models.selling import Period, Terms
from models.selling.appliance_sale import ApplianceSold, Proposal

BESIDE_SERIAL = 12  # septets of an item with a serial behind it
Schedule = Sequence[tuple[date, int]]


def question(proposal: Proposal, company: Company) -> Text:
    """What the agent is asked, and the customer with him."""
    item = item_name(proposal.appliance.name)
    if proposal.device:
        item = f"{shorten(item, BESIDE_SERIAL)} {tail(proposal.device.serial)}"
    values = {"item": item, "owner": owner(proposal.customer)}
    down = company.money(proposal.down)
    if proposal.plan.terms == Terms.SERVICE:
        parts = _("{amount} a day", amount=company.number(proposal.plan.day_price))
        return _("Sell {item} to {owner}? {paid} now, {parts}.", paid=down, parts=parts, **values)
    if not proposal.schedule:
        return _("Sell {item} to {owner} for {paid}, paid in full?", paid=down, **values)
    return _(
        "Sell {item} to {owner}? {price}: {paid} now, then {parts}.",
        price=company.money(proposal.appliance.price),
        paid=company.number(proposal.down),
        parts=schedule_text(proposal.schedule, proposal.plan.period, company),
        **values,
    )


def schedule_text(schedule: Schedule, period: str, company: Company) -> Text:
    """6 x 128 weekly from 1/12, last 132."""
    first_day, each = schedule[0]
    last = schedule[-1][1]
    values = {
        "n": len(schedule) - (last != each),
        "each": company.number(each),
        "day": company.date(first_day),
        "last": _(", last {amount}", amount=company.number(last)) if last != each else verbatim(""),
    }
    if period == Period.WEEKLY:
        return _("{n} x {each} weekly from {day}{last}", **values)
    return _("{n} x {each} monthly from {day}{last}", **values)


def for_seller(sold: ApplianceSold, company: Company, language: str) -> Text:
    """What happened to the money first, then the digits and the agent's own figures, as many as fit."""
    what = _(
        "SOLD {item} {number}, paid {paid}\n{owner}{first}",
        item=item_name(sold.appliance.name),
        number=sold.contract.number,
        paid=company.money(sold.contract.down),
        owner=owner(sold.customer),
        first=_(", first due {day}", day=company.date(sold.schedule[0][0])) if sold.schedule else verbatim(""),
    )
    figures, short = _figures(sold, company)
    code = [*_code(sold, company), *_kept(sold, company)]
    return fitting(language, [under(what, *code, figures), under(what, *code, short), under(what, *code)])


def _figures(sold: ApplianceSold, company: Company) -> tuple[Text, Text]:
    """How the seller stands after the sale, in full and short: the cash and its limit, or the wallet."""
    values = {"held": company.number(sold.held), "due": company.whole(sold.commission_due)}
    if sold.limit is None:
        return _("Wallet {held}. Commission {due}", **values), _("Wallet {held}", **values)
    values |= {"limit": company.number(sold.limit)}
    near = warning(sold.held, sold.limit)
    full = _("Cash {held} of {limit}{warning}. Commission {due}", warning=near, **values)
    return full, _("Cash {held}{warning}", warning=near, **values)


def for_buyer(sold: ApplianceSold, company: Company) -> Text:
    """The key facts: what it costs, what was paid, what is to be paid when, and how."""
    contract = sold.contract
    values = {"item": item_name(sold.appliance.name), "paid": company.number(contract.down)}
    ways = _ways_to_pay(sold, company)
    if contract.terms == Terms.SERVICE:
        day = _("{amount} a day", amount=company.money(contract.day_price))
        what = _("{item}: {parts}. Paid {paid}.", parts=day, **values)
    elif not sold.schedule:
        values["paid"] = company.money(contract.down)
        what, ways = _("{item} {number} is yours: {paid}, paid in full.", number=contract.number, **values), [None]
    else:
        parts = schedule_text(sold.schedule, contract.period, company)
        price = company.money(contract.price)
        what = _("{item}, {price}: paid {paid}, {parts}.", price=price, parts=parts, **values)
    code = [*_code(sold, company), *_kept(sold, company)]
    facts = [joined([what, way]) for way in ways]
    said = [under(each, *least(contract, company), *code) for each in facts] + [under(each, *code) for each in facts]
    return fitting(sold.customer.language, said)


def _ways_to_pay(sold: ApplianceSold, company: Company) -> list[Text | None]:
    """What is done with the money for an instalment or a day, in full and short."""
    phone, number = sold.customer.phone, name(sold)
    to_agent = _("Pay your agent and say {number}", number=number)
    if phone and company.mobile_money_of(phone):
        return [_("Send {buy} amount {number}, or pay your agent", buy=Keyword(BUY), number=number), to_agent]
    return [to_agent]


def copy_to_buyer(sold: ApplianceSold, company: Company) -> list[Copy]:
    """None when the customer has no phone."""
    customer = sold.customer
    if customer.phone is None:
        return []
    return [Copy(customer.phone, for_buyer(sold, company), MessageKind.TOKEN, customer.language)]


def name(sold: ApplianceSold) -> str:
    """What an instalment is paid by: the serial of a device, else the number of the sale."""
    return tail(sold.device.serial) if sold.device else sold.contract.number


def _code(sold: ApplianceSold, company: Company) -> list[Text]:
    """The digits that the down payment bought, and what they do."""
    if not sold.paid or not sold.paid.digits:
        return []
    digits, sale = grouped(sold.device, sold.paid.digits), sold.paid.sale
    if sale.unit == Unit.DAYS:
        return [_("Code {digits}: {bought}", digits=digits, bought=bought(sale.unit, sale.units, company))]
    return [_("Code {digits}", digits=digits)]


def _kept(sold: ApplianceSold, company: Company) -> list[Text]:
    """What of a down payment buys no day."""
    return kept(sold.paid.sale.credit_after, company) if sold.paid else []
