"""A customer's request to an agent, seen from the customer: how it stands, and how it is changed or ended."""

from bot.message import Reply
from bot.talks import Chat
from bot.talks.state import Asked
from bot.text import _, plain_word, shorten
from bot.text.answers import declines, yes
from handlers.selling.cash_requests import how_it_ended, withdraw
from handlers.selling.own_payment import still_asked
from handlers.wording import LONGEST_NAME, paid_for_name
from models.people import Caller
from models.selling import cash_requests, requests
from models.selling.cash_requests import CashRequest
from models.selling.payable import load_payable

SHOWN, WHAT_NOW = "quote", "what now"  # recorded before all that is bought: the request that was shown, the choice
END = "2"  # the line that ends it
# What a no is called as well. Carriers take some of these for themselves, so no sentence of ours names them.
ENDS = frozenset(("CANCEL", "GHAIRI", "FUTA", "ANNULER", "ANNULE", "CANCELAR", "CANCELA", "ANULAR", "SOKE"))


async def find_own_request(caller: Caller, text: str) -> Asked | None:
    """What a bare no of a customer ends: the request that is open. One to a request that is over is told so, where
    nothing else was asked of this phone. Where the phone itself asks to pay, a yes or a no is told to be said there."""
    ends = declines(text) or plain_word(text) in ENDS
    if (ends or yes(text) == "") and (rings := await requests.ringing(caller.phone)):
        return Asked([], rings.created_at - 1, answer="")
    request = await cash_requests.last_of(caller.phone) if ends else None
    if request is None:
        return None
    before = request.created_at - 1  # a question of the phone's own in the same moment comes first
    return Asked([[SHOWN, request.reference]], before if request.is_open else 0, answer=END)


async def request_shown(chat: Chat) -> CashRequest | None:
    """The open request of this phone, where BUY says nothing else; later on the one that was shown first."""
    if chat.own_answers:
        name, reference = chat.own_answers[0]
        request = await cash_requests.find_of(chat.person.phone, reference) if name == SHOWN else None
    else:
        request = None if chat.answers(SHOWN) else await cash_requests.open_of(chat.person.phone)
    if request:
        chat.quoted(request.reference)
    return request


async def is_to_end(request: CashRequest, chat: Chat) -> bool:
    """Whether the customer ends it; otherwise something else is asked for in its place."""
    options = [("other", _("Another amount")), ("end", _("End it"))]
    return await chat.choose(WHAT_NOW, await still_asked(request, chat), options) == "end"


async def end_request(request: CashRequest, chat: Chat) -> Reply:
    """End it, and tell the agent. What was answered before, or in the same moment, stands."""
    chat.no_more()
    told = await withdraw(request, chat.company)
    if told is None:
        return chat.end(await how_it_ended(request, chat), outcome="late")
    agent, paid_for = request.agent, await load_payable(request.device_id, request.contract_id)
    said = _(
        "Ended: {amount}, {serial}. Nothing was sold; agent {name} {phone} is told.",
        amount=chat.company.money(request.amount),
        serial=paid_for_name(paid_for),
        name=shorten(agent.name, LONGEST_NAME),
        phone=agent.phone,
    )
    return chat.end(said, also=[*told, *chat.also_by_sms(said)], outcome="ended")
