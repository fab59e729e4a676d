"""Reminds customers of what is due, by day: amount, date, and how to pay."""

from bot.i18n import Text, _
from bot.message import Copy
from bot.quiet import until_morning
from bot.site import Site
from handlers.receipt import tail
from handlers.ticket_news import News
from models import reminders
from models.messages import Class
from models.reminders import Kind, Reminder
from models.sql import now_ms
from models.tickets import DUE, Category, open_for


async def remind(site: Site, most: int) -> list[tuple[str, list[Copy]]]:
    """Some of the reminders that are due: what is said, each with a name. None at night."""
    if until_morning(site.zone, now_ms()):
        return []
    told = []
    for reminder in await reminders.take_due(site.today(), most):
        copies = _for_customer(reminder, site)
        if reminder.kind is Kind.AFTER and reminder.appliance.overdue_ticket:
            copies += await _ticket(reminder, site)
        told.append((reminder.origin, copies))
    return told


def _for_customer(reminder: Reminder, site: Site) -> list[Copy]:
    customer = reminder.customer
    if customer.phone is None or reminder.stopped:
        return []
    return [Copy(customer.phone, said(reminder, site), Class.REMINDER, customer.language)]


def said(reminder: Reminder, site: Site) -> Text:
    """What the customer reads."""
    what = tail(reminder.device.serial) if reminder.device else reminder.contract.number
    values = {
        "item": reminder.appliance.name[:20],
        "number": what,
        "amount": site.money(reminder.amount),
        "day": site.date(reminder.dues[0].due_on),
        "help": site.help_phone,
    }
    if reminder.kind is Kind.BEFORE:
        return _(
            "{item} {number}: {amount} is due on {day}. Pay your agent in cash and name {number}. Help {help}", **values
        )
    return _(
        "{item} {number}: {amount} is overdue since {day}. Pay your agent in cash and name {number}. Help {help}",
        **values,
    )


async def _ticket(reminder: Reminder, site: Site) -> list[Copy]:
    """The agent's work: to go and see the customer. Told to the agent alone; the customer has the reminder."""
    text = f"{reminder.contract.number} {reminder.appliance.name}: {site.money(reminder.amount)}"
    due_at = site.end_of(site.today() + DUE)
    opened = await open_for(reminder.customer, Category.PAYMENT, text, reminder.origin, reminder.device, due_at)
    news = News(opened.ticket, site)
    return news.agents(news.given, actor="") if opened.new else []
