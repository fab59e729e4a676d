"""Customers and agents report problems. How a ticket stands is in follow.py, that it is fixed in fixed.py."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.message import Copy, Reply
from bot.talks import Chat, talk
from bot.talks.meanings import SEVERAL
from bot.text import Text, _, joined, shorten, verbatim
from bot.text.grammar import split, written
from handlers.fields.devices import DeviceToFix, device_line, put_device_first
from handlers.tickets.news import FIX, REPORTED, News, category_of
from handlers.tickets.questions import LONGEST, InWords, without_pins
from handlers.wording import grouped, owner
from models.devices import Device, devices_of
from models.people import Caller, Customer, Role
from models.selling.sales import last_tokens
from models.tickets import Category, tickets
from models.tickets.tickets import Opened

DUES = {0: _("Today"), 1: _("Tomorrow"), 3: _("In 3 days"), 7: _("In a week")}
NOT_SAVED = _("Not saved.")
TOLD, TOLD_BESIDE = 60, 22  # septets of words in the question whether to report them, and beside a code


@talk(
    "fix",
    roles={Role.AGENT},
    words=FIX,
    menu=_("Report a problem"),
    usage=_("serial text"),
    example=_("SHS0283 no power"),
    nothing=NOT_SAVED,
    at_once=True,
)
async def fix(chat: Chat) -> Reply:
    await put_device_first(chat)
    device = await chat.ask(DeviceToFix(_("Serial number?")))
    chosen, text = await _problem(chat)
    days = int(await chat.choose("due", _("Fix by when?"), _dues())) if chat.ussd else tickets.DUE.days
    if device.customer is None:
        chat.start_over()
    opened = await tickets.open_ticket(
        device.customer,
        device,
        chosen or category_of(text, chat.language),
        text,
        actor=chat.person.phone,
        key=chat.key,
        reporter=chat.agent,
        due_at=chat.company.end_of(chat.company.today() + timedelta(days=days)),
    )
    news = News(opened.ticket, chat.company)
    if opened.ticket.agent_id != chat.agent.id:  # it was open, and is somebody else's work
        last = await tickets.last_comment(opened.ticket)
        return _saved(chat, news.status(chat.language, last), [], opened)
    also = news.customer(news.saved(), actor=chat.person.phone) if opened.new else []
    return _saved(chat, news.saved_for_agent(), also, opened)


async def words_to_report(_caller: Caller, text: str, before: Sequence[Sequence[Any]]) -> list[str]:
    """A text without a keyword as the words of a problem, behind those that were offered before and not answered."""
    earlier = [str(value) for name, value in before if name == InWords.name]
    text = without_pins(text)
    whole = ". ".join([*earlier, text])
    return [whole if len(whole) <= LONGEST else text[:LONGEST]]


@talk(
    "problem",
    roles={Role.CUSTOMER},
    words=FIX,
    menu=_("Report a problem"),
    usage=_("text"),
    example=_("no power"),
    nothing=NOT_SAVED,
    gives_way=True,
    kinds={"claim", "fault", "call", SEVERAL},
    arguments=words_to_report,
)
async def problem(chat: Chat) -> Reply:
    devices = await devices_of(chat.person.customers)
    chosen, text = await _problem(chat, *(device.serial for device in devices))
    offered = await _offered(chat, devices, text) if chat.meant else None
    customer, device, text = await _of_whom(chat, devices, text, offered)
    if offered and not chat.given("about") and not await chat.confirm(offered):
        return chat.end(NOT_SAVED, outcome="declined")
    category = chosen or category_of(text, chat.language)
    due_at = chat.company.end_of(chat.company.today() + tickets.DUE)
    opened = await tickets.open_ticket(
        customer, device, category, text, actor=chat.person.phone, key=chat.key, due_at=due_at
    )
    news = News(opened.ticket, chat.company)
    also = news.agents(news.given(), actor=chat.person.phone) if opened.new else []
    return _saved(chat, news.saved(), also, opened)


def _saved(chat: Chat, said: Text, also: list[Copy], opened: Opened) -> Reply:
    """The number comes by SMS as well, if it stands on a screen."""
    return chat.end(said, also=[*chat.also_by_sms(said), *also], outcome="opened" if opened.new else "open")


async def _problem(chat: Chat, *serials: str) -> tuple[Category | None, str]:
    """What is wrong: the category that is chosen on a screen (a text may name one), and the words."""
    if not chat.ussd:
        return None, await chat.ask(InWords(_("What is wrong?"), not_just=serials))
    labels = [(one.value, verbatim(label.to(chat.language).capitalize())) for one, label in REPORTED.items()]
    category = Category(await chat.choose("category", _("What is wrong?"), labels))
    if category is Category.OTHER:
        return category, await chat.ask(InWords(_("What is wrong, in a few words?")))
    return category, await chat.ask(InWords(_("Add details, or 1 to skip."), optional=True))


def _dues() -> list[tuple[str, Text]]:
    return [(str(days), label) for days, label in DUES.items()]


async def _offered(chat: Chat, devices: list[Device], text: str) -> Text:
    """The question whether words that came without a keyword are to be reported. Who says that money was paid sees the
    last code in it: mostly it is there, and was not read."""
    question = _("Report '{text}'?", text=shorten(text, TOLD))
    if chat.meant != "claim" or len(devices) != 1 or not (newest := await last_tokens(devices[0], 1)):
        return question
    sale, digits = newest[0]
    return _(
        "Last code {day}, {amount}: {digits}\n{question}",
        day=chat.company.day(sale.created_at),
        amount=chat.company.number(sale.amount),
        digits=grouped(devices[0], digits),
        question=_("Report '{text}'?", text=shorten(text, TOLD_BESIDE)),
    )


async def _of_whom(
    chat: Chat, devices: list[Device], text: str, offered: Text | None
) -> tuple[Customer, Device | None, str]:
    """Whose problem it is, and with which device: the only one, the one that the text begins with, or the one
    that is chosen. A customer without a device may report as well."""
    first, *rest = split(text) or [""]
    for device in devices:
        if device.customer and device.serial == first.upper() and rest:
            return device.customer, device, written(text, rest)
    owners = {device.customer_id for device in devices}
    without = [customer for customer in chat.person.customers if customer.id not in owners]
    found: dict[str, tuple[Customer, Device | None, Text]] = {}
    for device in devices:
        if device.customer:
            found[device.serial] = device.customer, device, device_line(device, chat)
    for customer in without:
        found[str(customer.id)] = customer, None, verbatim(owner(customer))
    only = next(iter(found)) if len(found) == 1 else None
    which = joined([offered, _("Which one?")])
    chosen = only or await chat.choose("about", which, [(key, one[2]) for key, one in found.items()])
    return found[chosen][0], found[chosen][1], text
