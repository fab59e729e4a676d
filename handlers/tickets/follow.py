"""People ask how a ticket stands, and add to it."""

from collections.abc import Sequence

from bot.message import Reply
from bot.talks import Chat, Turn, talk
from bot.talks.courtesies import says_nothing
from bot.text import _
from handlers.tickets.fixed import answers
from handlers.tickets.news import STATUS, News
from handlers.tickets.questions import InWords, ticket_first, which
from handlers.tickets.report import NOT_SAVED
from handlers.tickets.said import only_thanks
from handlers.wording import owner
from models.people import Role
from models.tickets import TicketState, tickets


async def claim_number(turn: Turn, pieces: Sequence[str], _text: str) -> list[str] | None:
    """The number of a ticket and nothing else asks how it stands."""
    ticket, words = await ticket_first(turn, pieces)
    return list(pieces) if ticket and not words else None


@talk(
    "status",
    roles={Role.AGENT, Role.CUSTOMER},
    words=STATUS,
    menu=_("Ticket status"),
    reads=True,
    usage=_("number"),
    example="K41",
    claims=claim_number,
)
async def status(chat: Chat) -> Reply:
    ticket = await chat.ask(await which(chat))
    last = await tickets.last_comment(ticket)
    return chat.end(News(ticket, chat.company).status(chat.language, last))


async def claim_words(turn: Turn, pieces: Sequence[str], _text: str) -> list[str] | None:
    """Whoever answers what was written on a ticket forgets the T: K41 I come at four. Thanks alone say nothing."""
    ticket, words = await ticket_first(turn, pieces)
    if ticket is None or only_thanks(" ".join(words)) or answers(turn, ticket, words):
        return None
    said = [word for word in words if not says_nothing(word)]
    return list(pieces) if sum(map(str.isalpha, "".join(said))) > 1 else None


@talk(
    "note",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("T", "NOTE"), "sw": ("T",), "fr": ("T",), "pt": ("T", "NOTA"), "ha": ("T",)},
    menu=_("Add to a ticket"),
    usage=_("number text"),
    example=_("K41 still dark"),
    nothing=NOT_SAVED,
    at_once=True,
    claims=claim_words,
)
async def note(chat: Chat) -> Reply:
    ticket = await chat.ask(await which(chat))
    text = await chat.ask(InWords(_("Your message?"), may_be_no=True))
    news, actor = News(ticket, chat.company), chat.person.phone
    is_own = chat.person.agent is None or ticket.customer.phone == actor
    if is_own and ticket.state == TicketState.CLOSED:
        await tickets.reopen(ticket, actor, text)
        also = news.agents(news.not_fixed(text), actor=actor)
        return chat.end(news.open_again(), also=also)
    name = chat.person.agent.name if chat.person.agent else owner(ticket.customer)
    also = []
    if await tickets.comment(ticket, actor, text):
        also = news.both(news.comment(name, text), actor=actor)
    return chat.end(news.added(by_customer=chat.person.agent is None), also=also)
