"""Problems are reported, asked about and talked about; that they are fixed is in handlers/tickets/fixed.py."""

import re
from collections.abc import Sequence
from datetime import timedelta

from bot.message import Copy, Reply
from bot.talks.chat import Chat
from bot.talks.commands import talk
from bot.talks.fields import Field, Invalid, echo
from bot.talks.state import Changed, Suspended
from bot.text.grammar import split, written
from bot.text.i18n import Text, _, verbatim
from bot.text.redact import Redactor
from handlers.fields.devices import DeviceSerial, labelled
from handlers.tickets.news import FIX, LABELS, STATUS, TINY, News, category_of
from handlers.wording import owner
from models.devices.tables import Device, of_customers
from models.messages.tables import Class
from models.people.tables import Customer, Role
from models.tickets import tickets
from models.tickets.tickets import Category, Opened, Ticket, TicketNotFound, TicketState

LONGEST = 250  # letters of a problem or a comment
LISTED = 3  # tickets that the question for a number shows
DUES = {0: _("Today"), 1: _("Tomorrow"), 3: _("In 3 days"), 7: _("In a week")}
SECRETS = Redactor((), ())  # six digits alone may be a PIN, whatever they were meant to say
NOT_SAVED = _("Not saved.")


@talk(
    "fix",
    roles={Role.AGENT},
    words=FIX,
    menu=_("Report a problem"),
    usage=_("serial text"),
    example=_("SHS0283 no power"),
    nothing=NOT_SAVED,
)
async def fix(chat: Chat) -> Reply:
    device = await chat.ask(DeviceSerial(_("Serial number?")))
    chosen, text = await _problem(chat)
    days = int(await chat.choose("due", _("Until when?"), _dues())) if chat.ussd else tickets.DUE.days
    if device.customer is None:
        raise Changed
    opened = await tickets.open_ticket(
        device.customer,
        device,
        chosen or category_of(text, chat.language),
        text,
        actor=chat.person.phone,
        key=chat.key,
        reporter=chat.agent,
        due_at=chat.site.end_of(chat.site.today() + timedelta(days=days)),
    )
    news = News(opened.ticket, chat.site)
    also = news.customer(news.saved, actor=chat.person.phone) if opened.new else []
    return _saved(chat, news.saved_for_agent(chat.language), also, opened)


@talk(
    "problem",
    roles={Role.CUSTOMER},
    words=FIX,
    menu=_("Report a problem"),
    usage=_("text"),
    example=_("no power"),
    nothing=NOT_SAVED,
)
async def problem(chat: Chat) -> Reply:
    devices = await of_customers(chat.person.customers)
    chosen, text = await _problem(chat, *(device.serial for device in devices))
    customer, device, text = await _of_whom(chat, devices, text)
    category = chosen or category_of(text, chat.language)
    due_at = chat.site.end_of(chat.site.today() + tickets.DUE)
    opened = await tickets.open_ticket(
        customer, device, category, text, actor=chat.person.phone, key=chat.key, due_at=due_at
    )
    news = News(opened.ticket, chat.site)
    also = news.agents(news.given, actor=chat.person.phone) if opened.new else []
    return _saved(chat, news.saved(chat.language), also, opened)


def _saved(chat: Chat, said: Text, also: list[Copy], opened: Opened) -> Reply:
    """A screen is gone with its session: the number comes by SMS as well."""
    own = [Copy(chat.person.phone, said, Class.REPLY, chat.language)] if chat.ussd else []
    return chat.end(said, also=[*own, *also], outcome="opened" if opened.new else "open")


@talk(
    "status",
    roles={Role.AGENT, Role.CUSTOMER},
    words=STATUS,
    menu=_("Ticket status"),
    usage=_("number"),
    example="K41",
)
async def status(chat: Chat) -> Reply:
    ticket = await chat.ask(TicketNumber(await which(chat)))
    last = await tickets.last_comment(ticket)
    return chat.end(News(ticket, chat.site).status(chat.language, last))


@talk(
    "note",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("T", "NOTE"), "sw": ("T",), "fr": ("T",), "pt": ("T", "NOTA"), "ha": ("T",)},
    menu=_("Add to a ticket"),
    usage=_("number text"),
    example=_("K41 still dark"),
    nothing=NOT_SAVED,
)
async def note(chat: Chat) -> Reply:
    ticket = await chat.ask(TicketNumber(await which(chat)))
    text = await chat.ask(InWords(_("Your words?")))
    news, actor = News(ticket, chat.site), chat.person.phone
    if chat.person.agent is None and ticket.state == TicketState.CLOSED:
        await tickets.reopen(ticket, actor, text)
        also = news.agents(lambda _language: news.not_fixed(text), actor=actor)
        return chat.end(news.open_again(chat.language), also=also)
    name = chat.person.agent.name if chat.person.agent else owner(ticket.customer)
    also = []
    if await tickets.comment(ticket, actor, text):
        words = news.comment(name, text)
        also = [*news.customer(lambda _: words, actor=actor), *news.agents(lambda _: words, actor=actor)]
    return chat.end(news.added(chat.language, by_customer=chat.person.agent is None), also=also)


async def which(chat: Chat) -> Text:
    """The question for a ticket's number, with the tickets that are probably meant."""
    question = _("Ticket number?")
    if chat.one_line and chat.answers(TicketNumber.name):
        return question
    if chat.person.agent:
        listed = await tickets.work_of(chat.person.agent, LISTED)
    else:
        listed = await tickets.tickets_of(chat.person.customers, LISTED)
    lines = [
        Text("{number} {subject}", {"number": t.number, "subject": News(t, chat.site).subject(TINY)}) for t in listed
    ]
    gaps = "\n".join(f"{{p{n}}}" for n in range(len(lines) + 1))
    return Text(gaps, {f"p{n}": line for n, line in enumerate([question, *lines])})


class TicketNumber(Field[Ticket]):
    """A ticket within the caller's reach: of the agent's mini-grid, or the customer's own. Recorded is its id."""

    name = "ticket"

    async def read(self, chat: Chat, answer: str) -> int:
        number = re.fullmatch(r"#?\s*(?:K[\s-]*)?(\d{1,9})", answer.upper())
        try:
            return (await _in_reach(chat, int(number[1]) if number else 0)).id
        except TicketNotFound as error:
            raise Invalid(_("No ticket {answer} here.", answer=echo(answer))) from error

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return 2 if pieces[0].upper() == "K" and len(pieces) > 1 else 1

    async def find(self, chat: Chat, recorded: int) -> Ticket:
        try:
            return await _in_reach(chat, recorded)
        except TicketNotFound as error:
            raise Changed from error


async def _in_reach(chat: Chat, number: int) -> Ticket:
    if chat.person.agent:
        return await tickets.find_for_agent(number, chat.person.agent.mini_grid_id)
    return await tickets.find_for_customers(number, chat.person.customers)


class InWords(Field[str]):
    """A few words of one's own: all that is left of a line. With `optional` a 1 stands for none; what is in
    `not_just` says nothing yet, and alone behind the keyword it is passed over."""

    name = "words"
    as_written = True

    def __init__(self, prompt: Text, *, optional: bool = False, not_just: Sequence[str] = ()) -> None:
        super().__init__(prompt)
        self._optional, self._not_just = optional, not_just

    async def read(self, chat: Chat, answer: str) -> str:
        text = " ".join(answer.split())
        if self._optional and text == "1":
            return ""
        if chat.one_line and text.upper() in self._not_just:
            raise Suspended(self.prompt)
        if sum(map(str.isalpha, text)) < 2 or text.upper() in self._not_just:
            raise Invalid(_("Say it in a few words."))
        if len(text) > LONGEST:
            raise Invalid(_("Too long: {n} letters at most.", n=LONGEST))
        return SECRETS.clean(text)

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return len(pieces)


async def _problem(chat: Chat, *serials: str) -> tuple[Category | None, str]:
    """What is wrong: the category that is chosen on a screen (a text may name one), and the words."""
    if not chat.ussd:
        return None, await chat.ask(InWords(_("What is wrong?"), not_just=serials))
    labels = [(one.value, verbatim(label.to(chat.language).capitalize())) for one, label in LABELS.items()]
    category = Category(await chat.choose("category", _("What is wrong?"), labels))
    if category is Category.OTHER:
        return category, await chat.ask(InWords(_("What is wrong, in a few words?")))
    return category, await chat.ask(InWords(_("More, in a few words? Or 1 for no more."), optional=True))


def _dues() -> list[tuple[str, Text]]:
    return [(str(days), label) for days, label in DUES.items()]


async def _of_whom(chat: Chat, devices: list[Device], text: str) -> tuple[Customer, Device | None, str]:
    """Whose problem it is, and with which device: the only one, the one that the text begins with, or the one
    that is chosen. A customer without a device may report as well."""
    first, *rest = split(text)
    for device in devices:
        if device.customer and device.serial == first.upper() and rest:
            return device.customer, device, written(text, rest)
    owners = {device.customer_id for device in devices}
    without = [customer for customer in chat.person.customers if customer.id not in owners]
    found: dict[str, tuple[Customer, Device | None, Text]] = {}
    for device in devices:
        if device.customer:
            found[device.serial] = device.customer, device, labelled(device, chat)
    for customer in without:
        found[str(customer.id)] = customer, None, verbatim(owner(customer))
    only = next(iter(found)) if len(found) == 1 else None
    chosen = only or await chat.choose("about", _("Which one?"), [(key, one[2]) for key, one in found.items()])
    return found[chosen][0], found[chosen][1], text
