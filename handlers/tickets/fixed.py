"""An agent says that it is fixed, the customer is asked, and the answer or three days of silence decide."""

from collections.abc import Sequence
from typing import NamedTuple

from bot.company import Company
from bot.message import Copy, Reply
from bot.talks import Chat, Field, Invalid, Turn, talk
from bot.talks.state import Asked, Fits
from bot.text import Text, _, joined
from bot.text.answers import begins
from bot.text.grammar import split, written
from handlers.tickets.news import DONE, News
from handlers.tickets.questions import LONGEST, TicketNumber, ticket_first, which, without_pins
from handlers.tickets.said import only_thanks, says_fixed
from handlers.wording import owner
from models.people import Caller, Role
from models.people.agents import find_agent
from models.sql import now_ms
from models.tickets import Category, Ticket, TicketState, tickets


@talk(
    "done",
    roles={Role.AGENT},
    words=DONE,
    menu=_("Ticket is fixed"),
    usage=_("number"),
    example="K41",
    suggested=False,
    at_once=True,
)
async def done(chat: Chat) -> Reply:
    ticket = await chat.ask(await which(chat))
    chat.no_more()
    news, actor = News(ticket, chat.company), chat.person.phone
    if ticket.state == TicketState.CLOSED:
        return chat.end(_("{number} is closed already.", number=ticket.number))
    if ticket.customer.phone == actor or not await can_be_asked(ticket):
        await tickets.close(ticket, actor)
        return chat.end(news.closed_unasked(), also=news.closed_for_all(actor=actor))
    if not await tickets.ask_fixed(ticket, actor):
        return chat.end(news.asked(), outcome="asked already")
    also = [*news.customer(news.fixed(), actor=actor, asks=ticket.number), *news.agents(news.asked(), actor=actor)]
    return chat.end(news.asked(), also=also, outcome="asked the customer")


async def can_be_asked(ticket: Ticket) -> bool:
    """Whether the customer can be asked if it is fixed. Agents are not: their yes is for what they sell. Nor is anybody
    whose payment is overdue: the ticket was for the agent alone."""
    phone = ticket.customer.phone
    return ticket.category != Category.PAYMENT and phone is not None and await find_agent(phone) is None


async def find_question(caller: Caller, text: str) -> Asked | None:
    """The ticket that a customer was asked about last: a bare 1 or 2 answers it, and words that say it. With none, and
    no question of the phone's own, a 2 takes back the yes that was said last."""
    ticket = await tickets.find_asked(caller.customers)
    if ticket and ticket.asked_at:
        at = int(ticket.asked_at.timestamp() * 1000)
        return Asked([[TicketNumber.name, ticket.id]], at, _fits(text))
    if begins(text) is not None and split(text)[0] == "2":
        ticket = await tickets.find_closed_by(caller.phone, caller.customers)
        return Asked([[TicketNumber.name, ticket.id]], 0) if ticket else None
    return None


def _fits(text: str) -> Fits:
    if begins(text) is not None or says_fixed(text) is not None:
        return Fits.ANSWER
    return Fits.UNCLEAR if only_thanks(text) else Fits.OTHER


def answers(turn: Turn, ticket: Ticket, words: Sequence[str]) -> bool:
    """Whether these words behind a ticket's number are a customer's answer to what was asked about it, or another one
    than before."""
    said = " ".join(words)
    was_asked = turn.person.agent is None and ticket.state != TicketState.OPEN
    return was_asked and (begins(said) is not None or says_fixed(said) is not None)


async def claim_answer(turn: Turn, pieces: Sequence[str], _text: str) -> list[str] | None:
    """The answer to one of several questions names its ticket: K41 2 still dark."""
    ticket, words = await ticket_first(turn, pieces)
    return list(pieces) if ticket and answers(turn, ticket, words) else None


@talk(
    "fixed",
    roles={Role.CUSTOMER},
    words=DONE,
    menu=_("Is it fixed?"),
    usage=_("number"),
    example="K41",
    find_question=find_question,
    suggested=False,
    claims=claim_answer,
)
async def fixed(chat: Chat) -> Reply:
    ticket = await chat.ask(await which(chat))
    news, actor = News(ticket, chat.company), chat.person.phone
    if ticket.state == TicketState.CLOSED and not chat.answers(Fixed.name):
        return chat.end(news.closed_by_you())
    said = await chat.ask(Fixed(_question(ticket.number, chat)))
    if said.fixed is None:
        return await _keep_words(chat, ticket, said.words)
    if said.fixed:
        closed = await tickets.close(ticket, actor, said.words)
        also = news.agents(news.closed_by_customer(), actor=actor) if closed else []
        short = _("{number} is closed.", number=ticket.number)
        return chat.end(await _and_next(chat, news.closed_by_you(), short), also=also)
    if not await tickets.reopen(ticket, actor, said.words):
        return await _still_open(chat, ticket, said.words)
    also = news.agents(news.not_fixed(said.words), actor=actor)
    short = _("{number} is open again.", number=ticket.number)
    return chat.end(await _and_next(chat, news.open_again(), short), also=also)


async def _keep_words(chat: Chat, ticket: Ticket, words: str) -> Reply:
    """They are no yes and no no: whoever does the work reads them, the question is put again, and silence after them
    closes nothing."""
    news, actor = News(ticket, chat.company), chat.person.phone
    new = await tickets.comment(ticket, actor, words)
    if only_thanks(words):
        return chat.end(_question(ticket.number, chat), outcome="unclear")
    also = news.agents(news.comment(owner(ticket.customer), words), actor=actor) if new else []
    return chat.end(news.added(by_customer=True), also=also, outcome="unclear")


async def _still_open(chat: Chat, ticket: Ticket, words: str) -> Reply:
    """It was open anyway; words beside the no are kept."""
    news, also, actor = News(ticket, chat.company), [], chat.person.phone
    if words and await tickets.comment(ticket, actor, words):
        also = news.agents(news.comment(owner(ticket.customer), words), actor=actor)
    return chat.end(news.status(chat.language, words), also=also)


async def _and_next(chat: Chat, answer: Text, short: Text) -> Text:
    """The answer, and the next question where another ticket waits for its own."""
    other = await tickets.find_asked(chat.person.customers)
    return News(other, chat.company).next_after(short) if other else answer


def _question(number: str, chat: Chat) -> Text:
    question = _("Ticket {number}: is it fixed?", number=number)
    if chat.ussd:
        return _("{question}\n1. Yes\n2. No", question=question)
    return joined([question, _("Reply 1 for yes, 2 for no.")])


class Said(NamedTuple):
    fixed: bool | None  # None: the words say neither
    words: str


class Fixed(Field[Said]):
    """Yes or no, in words or with them: 2 still dark. What else comes by SMS is kept for whoever does the work; a
    screen and one line ask for a 1 or a 2."""

    name = "fixed"
    as_written = True

    async def read(self, turn: Turn, answer: str) -> list[object]:
        fixed, words = begins(answer), written(answer, split(answer)[1:])
        if fixed is None:
            fixed, words = says_fixed(answer), answer
        if fixed is None and (turn.ussd or turn.one_line or not answer):
            raise Invalid(_("Choose 1 or 2."))
        return [fixed, without_pins(words[:LONGEST])]

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, turn: Turn, recorded: tuple[bool | None, str]) -> Said:
        return Said(*recorded)


async def close_silent(company: Company, most: int) -> list[tuple[str, list[Copy]]]:
    """End the question of some tickets whose customers were asked three days ago and did not say that it is fixed:
    those who said nothing have it closed, those who wrote anything have it open again. Nothing happens at night.

    Returns the messages to both sides, with a name for those of each ticket."""
    if company.until_morning(now_ms()):
        return []
    told = []
    for ticket, asked_at, words in await tickets.end_silent(most):
        news = News(ticket, company)
        said = (news.open_again(), news.wrote(words)) if words else (news.closed(), news.closed_by_silence())
        copies = [*news.customer(said[0], actor=""), *news.agents(said[1], actor="")]
        told.append((f"{ticket.number} silence {asked_at}", copies))
    return told
