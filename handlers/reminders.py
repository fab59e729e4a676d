"""Reminds customers of what is due, by day: amount, date, and how to pay."""

from collections.abc import Awaitable, Callable, Mapping

from bot.company import Company
from bot.message import Copy
from bot.talks.commands import Keyword
from bot.talks.contacts import hold
from bot.text import Text, _
from handlers.selling.buy import BUY
from handlers.tickets.news import News
from handlers.wording import tail
from models.messages import MessageKind
from models.selling import reminders
from models.selling.payable import payable
from models.selling.quotes import nearest
from models.selling.refusals import NotSold
from models.selling.reminders import Reminder, ReminderKind
from models.sql import now_ms
from models.tickets import Category
from models.tickets.tickets import DUE, Place, end_visits, open_unreported, visit


async def remind(company: Company, most: int) -> list[tuple[str, list[Copy]]]:
    """Some of the reminders that are due: what is said, each with a name. None at night."""
    if company.until_morning(now_ms()):
        return []
    windows = await reminders.find_windows(company.today(), most)
    await hold(await reminders.phones_of(windows))  # who sends STOP now is either heard before, or finds it waiting
    told = []
    for window in windows:
        for reminder in await reminders.take_reminders(window, company.today()):
            told.append((reminder.origin, [*await _for_customer(reminder, company), *await _ticket(reminder, company)]))
    return told


async def _for_customer(reminder: Reminder, company: Company) -> list[Copy]:
    customer = reminder.contract.customer
    if customer.phone is None or reminder.stopped:
        return []
    text = await write_reminder(reminder, company)
    return [Copy(customer.phone, text, MessageKind.REMINDER, customer.language)]


async def write_reminder(reminder: Reminder, company: Company) -> Text:
    """What the customer reads."""
    device = reminder.contract.device
    values = {
        "item": reminder.window.appliance.name[:20],
        "number": tail(device.serial) if device else reminder.contract.number,
        "amount": company.money(reminder.amount),
        "day": company.date(reminder.dues[0].due_on),
        "help": company.help_phone,
    }
    phone = reminder.contract.customer.phone
    if phone and company.mobile_money_of(phone):
        return _by_phone(reminder, await _amount_to_send(reminder, company), values, company)
    if reminder.window.kind is ReminderKind.BEFORE:
        return _(
            "{item} {number}: {amount} is due on {day}. Pay your agent in cash and say {number}. Help {help}", **values
        )
    return _(
        "{item} {number}: {amount} is overdue since {day}. Pay your agent in cash and say {number}. Help {help}",
        **values,
    )


async def _amount_to_send(reminder: Reminder, company: Company) -> int:
    """What pays it, in minor units: what is due may be less than the least payment, or partly there as credit."""
    paid_for, whole_only = payable(reminder.contract.device, reminder.contract), company.whole_only
    try:
        at = await paid_for.standing(company.today(), company.coin, company.vault, whole_only=whole_only)
        return nearest(at, reminder.amount)
    except NotSold:  # not now
        return reminder.amount


def _by_phone(reminder: Reminder, amount: int, values: Mapping[str, object], company: Company) -> Text:
    """For a customer whose phone can be asked to pay: what to send, a long serial by its end."""
    device = reminder.contract.device
    number = tail(device.serial).lstrip(".") if device else reminder.contract.number
    words = {"buy": Keyword(BUY), "amount": company.typed(amount), "number": number}
    said = {**values, "command": Text("{buy} {amount} {number}", words)}
    if reminder.window.kind is ReminderKind.BEFORE:
        return _("{item} {number}: {amount} is due on {day}. Send {command}, or pay your agent. Help {help}", **said)
    return _("{item} {number}: {amount} is overdue since {day}. Send {command}, or pay your agent. Help {help}", **said)


async def _ticket(reminder: Reminder, company: Company) -> list[Copy]:
    """The agent's work, where the office wants it: to go and see the customer, once for the oldest instalment that is
    overdue. Told to the agent alone; the customer has the reminder."""
    contract, appliance = reminder.contract, reminder.window.appliance
    if reminder.window.kind is ReminderKind.BEFORE or not appliance.overdue_ticket:
        return []
    text = f"{contract.number} {appliance.name}: {company.money(reminder.amount)}"
    origin, due_at = visit(reminder.dues[0].id), company.end_of(company.today() + DUE)
    opened = await open_unreported(
        contract.customer, contract.device, Category.PAYMENT, text, origin=origin, due_at=due_at
    )
    news = News(opened.ticket, company)
    return news.agents(news.given(), actor="") if opened.new else []


class PaidVisits:
    """A chore that goes through all open visits, each turn behind those before, and closes those that nobody has
    to make any more, for the customer has paid. Agents are told, and nobody at night."""

    def __init__(self, company: Company, tell: Callable[[str, list[Copy]], Awaitable[None]]) -> None:
        self._company, self._tell, self._after = company, tell, Place()

    async def __call__(self, most: int) -> int:
        """Look at the next ones. Returns how many that is: none when it went through all of them."""
        if self._company.until_morning(now_ms()):
            return 0
        walked = await end_visits(self._company.today(), self._after, most)
        for news in (News(ticket, self._company) for ticket in walked.closed):
            await self._tell(f"{news.ticket.number} paid {now_ms()}", news.closed_for_all(actor=""))
        self._after = walked.last if walked.looked else Place()
        return walked.looked
