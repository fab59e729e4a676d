"""People ask how a ticket stands, and add to it."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _
from handlers.tickets.news import STATUS, News
from handlers.tickets.questions import InWords, which
from handlers.tickets.report import NOT_SAVED
from handlers.wording import owner
from models.people import Role
from models.tickets import TicketState, tickets


@talk(
    "status",
    roles={Role.AGENT, Role.CUSTOMER},
    words=STATUS,
    menu=_("Ticket status"),
    reads=True,
    usage=_("number"),
    example="K41",
)
async def status(chat: Chat) -> Reply:
    ticket = await chat.ask(await which(chat))
    last = await tickets.last_comment(ticket)
    return chat.end(News(ticket, chat.company).status(chat.language, last))


@talk(
    "note",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("T", "NOTE"), "sw": ("T",), "fr": ("T",), "pt": ("T", "NOTA"), "ha": ("T",)},
    menu=_("Add to a ticket"),
    usage=_("number text"),
    example=_("K41 still dark"),
    nothing=NOT_SAVED,
    at_once=True,
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
