"""An agent says that it is fixed, the customer is asked, and the answer or three days of silence decide."""

from collections.abc import Sequence
from typing import NamedTuple

from bot.answers import begins
from bot.chat import Chat
from bot.commands import talk
from bot.fields import Field, Invalid
from bot.grammar import split
from bot.i18n import Text, _
from bot.message import Copy, Reply
from bot.site import Site
from bot.state import Asked
from handlers.ticket_news import DONE, News
from handlers.tickets import LONGEST, SECRETS, TicketNumber, which
from models import tickets
from models.people import Caller, Role
from models.tickets import TicketState


@talk("done", roles={Role.AGENT}, words=DONE, menu=_("Ticket is fixed"), usage=_("number"))
async def done(chat: Chat) -> Reply:
    ticket = await chat.ask(TicketNumber(await which(chat)))
    chat.no_more()
    news, actor = News(ticket, chat.site), chat.person.phone
    if ticket.state == TicketState.CLOSED:
        return chat.end(_("{number} is closed already.", number=ticket.number))
    if ticket.customer.phone in (None, actor):
        await tickets.close(ticket, actor)
        return chat.end(news.closed_unasked(chat.language), also=news.agents(news.closed_unasked, actor=actor))
    if not await tickets.ask_fixed(ticket, actor):
        return chat.end(news.asked(chat.language), outcome="asked already")
    also = [*news.customer(news.fixed, actor=actor), *news.agents(news.asked, actor=actor)]
    return chat.end(news.asked(chat.language), also=also, outcome="asked the customer")


async def waiting(caller: Caller) -> Asked | None:
    """The ticket that a customer was asked about: a bare 1 or 2 answers it."""
    ticket = await tickets.asked_of(caller.customers)
    if ticket is None or ticket.asked_at is None:
        return None
    return Asked([[TicketNumber.name, ticket.id]], int(ticket.asked_at.timestamp() * 1000))


@talk(
    "fixed",
    roles={Role.CUSTOMER},
    words=DONE,
    menu=_("Is it fixed?"),
    usage=_("number"),
    waiting=waiting,
)
async def fixed(chat: Chat) -> Reply:
    ticket = await chat.ask(TicketNumber(await which(chat)))
    news, actor = News(ticket, chat.site), chat.person.phone
    if ticket.state == TicketState.CLOSED:
        return chat.end(news.closed(chat.language))
    said = await chat.ask(Fixed(_question(ticket.number, chat)))
    if said.fixed:
        await tickets.close(ticket, actor, said.words)
        return chat.end(news.closed(chat.language), also=news.agents(news.closed_by_customer, actor=actor))
    if not await tickets.reopen(ticket, actor, said.words):
        return chat.end(news.status(chat.language, ""))
    also = news.agents(lambda _language: news.not_fixed(said.words), actor=actor)
    return chat.end(news.open_again(chat.language), also=also)


def _question(number: str, chat: Chat) -> Text:
    question = _("Ticket {number}: is it fixed?", number=number)
    if chat.ussd:
        return _("{question}\n1. Yes\n2. No", question=question)
    return Text("{question} {wanted}", {"question": question, "wanted": _("Reply 1 for yes, 2 for no.")})


class Said(NamedTuple):
    fixed: bool
    words: str


class Fixed(Field[Said]):
    """Yes or no, and perhaps why: 2 still dark."""

    name = "fixed"

    async def read(self, chat: Chat, answer: str) -> list[object]:
        fixed = begins(answer)
        if fixed is None:
            raise Invalid(_("Choose 1 or 2."))
        return [fixed, SECRETS.clean(" ".join(split(answer)[1:])[:LONGEST])]

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, chat: Chat, recorded: tuple[bool, str]) -> Said:
        return Said(*recorded)


async def close_silent(site: Site, most: int) -> list[tuple[str, list[Copy]]]:
    """Close some of what customers were asked about three days ago; what both sides are told, each with a name."""
    told = []
    for ticket in await tickets.close_silent(most):
        news = News(ticket, site)
        copies = [*news.customer(news.closed, actor=""), *news.agents(news.closed_by_silence, actor="")]
        told.append((f"{ticket.number} silence {ticket.asked_at}", copies))
    return told
