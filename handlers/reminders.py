"""Reminds customers of what is due, by day: amount, date, and how to pay."""

from bot.company import Site
from bot.inbound.guards import hold
from bot.message import Copy
from bot.quiet import until_morning
from bot.text.i18n import Text, _
from handlers.tickets.news import News
from handlers.wording import tail
from models.messages.tables import Class
from models.money import reminders
from models.money.reminders import Kind, Reminder
from models.sql import now_ms
from models.tickets.tickets import DUE, Category, open_for


async def remind(site: Site, most: int) -> list[tuple[str, list[Copy]]]:
    """Some of the reminders that are due: what is said, each with a name. None at night."""
    if until_morning(site.zone, now_ms()):
        return []
    windows = await reminders.find(site.today(), most)
    await hold(await reminders.phones_of(windows))  # who sends STOP now is either heard before, or finds it waiting
    told = []
    for window in windows:
        for reminder in await reminders.take(window, site.today()):
            told.append((reminder.origin, [*_for_customer(reminder, site), *await _ticket(reminder, site)]))
    return told


def _for_customer(reminder: Reminder, site: Site) -> list[Copy]:
    customer = reminder.contract.customer
    if customer.phone is None or reminder.stopped:
        return []
    return [Copy(customer.phone, said(reminder, site), Class.REMINDER, customer.language)]


def said(reminder: Reminder, site: Site) -> Text:
    """What the customer reads."""
    device = reminder.contract.device
    values = {
        "item": reminder.window.appliance.name[:20],
        "number": tail(device.serial) if device else reminder.contract.number,
        "amount": site.money(reminder.amount),
        "day": site.date(reminder.dues[0].due_on),
        "help": site.help_phone,
    }
    if reminder.window.kind is Kind.BEFORE:
        return _(
            "{item} {number}: {amount} is due on {day}. Pay your agent in cash and name {number}. Help {help}", **values
        )
    return _(
        "{item} {number}: {amount} is overdue since {day}. Pay your agent in cash and name {number}. Help {help}",
        **values,
    )


async def _ticket(reminder: Reminder, site: Site) -> list[Copy]:
    """The agent's work, where the office wants it: to go and see the customer, once for the oldest instalment that is
    overdue. Told to the agent alone; the customer has the reminder."""
    contract, appliance = reminder.contract, reminder.window.appliance
    if reminder.window.kind is Kind.BEFORE or not appliance.overdue_ticket:
        return []
    text = f"{contract.number} {appliance.name}: {site.money(reminder.amount)}"
    origin, due_at = f"overdue {reminder.dues[0].id}", site.end_of(site.today() + DUE)
    opened = await open_for(contract.customer, Category.PAYMENT, text, origin, contract.device, due_at)
    news = News(opened.ticket, site)
    return news.agents(news.given, actor="") if opened.new else []
