"""An agent answers a customer who wants to buy for cash. A yes with the PIN sells; a no ends it, as silence does."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.company import Company
from bot.message import Copy, Reply
from bot.talks import Chat, talk
from bot.talks.commands import Words
from bot.talks.state import Asked
from bot.text import Text, _, shorten, verbatim
from bot.text.answers import consent, declines
from bot.text.grammar import split
from handlers.selling.buy import buy, take_payment
from handlers.wording import LONGEST_NAME, owner, paid_for_name, tail
from models.messages import MessageKind
from models.messages.withdrawal import withdraw_question_about
from models.people import Agent, Caller, Role
from models.selling import Payable, cash_requests
from models.selling.cash_requests import REFERENCE, CashRequest, CashRequestState
from models.selling.payable import load_payable
from models.sql import now_ms

REQUESTS: Words = {
    "en": ("REQUESTS", "REQUEST"),
    "sw": ("MAOMBI", "OMBI"),
    "fr": ("DEMANDES", "DEMANDE"),
    "pt": ("PEDIDOS", "PEDIDO"),
    "ha": ("BUKATU", "BUKATA"),
}


NAME = "cash request"  # of the question for one of them
LONG_AGO = 1  # ms: whatever else this phone was asked comes first
UNSURE = ["quote", ""]  # a bare yes that may be for one that is over: which one is it for, though only one is open?


async def find_request(caller: Caller, text: str) -> Asked | None:
    """What a yes or a no of an agent is for: the request that it names (C12 1), else the only one that is open, where
    the agent was asked for a bare answer. With several it is asked which, also where those that wait asked to be named,
    and a bare one may be for a request that is over."""
    if caller.agent is None:
        return None
    first, *_more = split(text) or [""]
    if named := REFERENCE.fullmatch(first.upper()):
        request = await cash_requests.find_for(caller.agent, int(named[1]))
        rest = text[len(first) :].strip(" .,:;")
        return Asked([[NAME, request.reference]], now_ms(), answer=rest) if request else None
    if consent(text) is None and not declines(text):
        return None
    waiting, over = await cash_requests.asked_lately(caller.agent)
    alone = [one for one in waiting if one.alone]
    if not alone:  # those that wait asked to be named: a bare answer is rather for an older question of the phone's own
        if waiting:
            return Asked([UNSURE], over.created_at if over else LONG_AGO, answer="")
        return Asked([[NAME, over.reference]], over.created_at) if over else None
    return Asked([[NAME, alone[-1].reference]] if len(waiting) == 1 else [], alone[-1].created_at)


@talk(
    "cash requests",
    roles={Role.AGENT},
    words=REQUESTS,
    menu=_("Customers' requests"),
    nothing=_("Not sold."),
    find_question=find_request,
)
async def requests_(chat: Chat) -> Reply:
    waiting = await cash_requests.open_for(chat.agent)
    said = chat.own_answers[0] if chat.own_answers else ["", ""]
    if said[0] == NAME and said[1] not in {one.reference for one in waiting}:
        return await _too_late(chat, said[1])
    if not waiting:
        chat.stop(_("No customer waits for you."))
    request, unsure = waiting[0], said == UNSURE
    if unsure:
        chat.quoted("")
    if said[0] == NAME or unsure or len(waiting) > 1:
        options = [(one.reference, await _label(one, chat)) for one in waiting]
        chosen = await chat.choose(NAME, _("Which one?"), options)
        request = next(one for one in waiting if one.reference == chosen)
    if chat.quoted(request.reference) != request.reference:  # its customer has asked for something else since
        chat.start_over()
    paid_for = await load_payable(request.device_id, request.contract_id)
    try:
        reply = await take_payment(chat, buy, paid_for, request.amount, answered=request)
    except cash_requests.Ended:
        return await _too_late(chat, request.reference)
    except cash_requests.ChangedHands:  # whatever the answer is, it ends as by a no
        reply = chat.end(_("Not sold."), outcome="declined")
    if reply.outcome != "declined":
        return reply
    also = [await _declined(request, chat)] if await cash_requests.decline(request) else []
    await withdraw_question_about(request.reference, chat.agent.phone)
    return replace(reply, text=_("{ref}: not sold. The customer reads it.", ref=request.reference), also=also)


async def _label(request: CashRequest, chat: Chat) -> Text:
    """C12 AMINA J. 5,000 ..6784"""
    paid_for = await load_payable(request.device_id, request.contract_id)
    whose, amount = owner(request.customer), chat.company.number(request.amount)
    return verbatim(f"{request.reference} {whose} {amount} {tail(paid_for.name)}")


async def _too_late(chat: Chat, reference: str) -> Reply:
    """The request had ended before the answer came."""
    request = await cash_requests.find_for(chat.agent, int(reference[1:]))
    if request is None:
        chat.stop(_("No customer waits for you."))
    if request.sale_id:
        sale = await cash_requests.sale_of(request)
        said = _("Nothing new was sold. {ref} was sold before, ref {sale}.", ref=reference, sale=sale)
        return chat.end(said, outcome="again")
    if request.state == CashRequestState.DECLINED:
        return chat.end(_("Not sold. You said no to {ref} before.", ref=reference), outcome="again")
    paid_for = await load_payable(request.device_id, request.contract_id)
    said = _(
        "Not sold: {ref} ended at {time}. Cash in hand? Send {buy} {serial} {amount}",
        ref=reference,
        time=_clock(request.expires_at, chat.company),
        buy=buy.keyword,
        serial=paid_for.name,
        amount=chat.company.typed(request.amount),
    )
    return chat.end(said, outcome="late")


def _clock(at: int, company: Company) -> str:
    return company.clock(datetime.fromtimestamp(at / 1000, UTC))


async def _declined(request: CashRequest, chat: Chat) -> Copy:
    """What the customer reads."""
    paid_for = await load_payable(request.device_id, request.contract_id)
    said = _(
        "Agent {name} {phone} did not take {amount} for {serial}. Nothing was paid. Help {help}",
        help=chat.company.help_phone,
        **_values(request, paid_for, chat.agent, chat.company),
    )
    return Copy(request.phone, said, MessageKind.REPLY, request.language)


def _values(request: CashRequest, paid_for: Payable, agent: Agent, company: Company) -> dict[str, object]:
    return {
        "name": shorten(agent.name, LONGEST_NAME),
        "phone": agent.phone,
        "amount": company.money(request.amount),
        "serial": paid_for.name,
    }


async def withdraw(request: CashRequest, company: Company) -> list[Copy] | None:
    """End a request for the customer who made it. Returns what the agent reads; None when it had ended before."""
    if not await cash_requests.withdraw(request):
        return None
    await cash_requests.dropped(request)
    return [await tell_withdrawn(request, company)]


async def tell_withdrawn(request: CashRequest, company: Company) -> Copy:
    """What the agent reads; a copy of the question that is on its way still does not go any more."""
    agent, paid_for = request.agent, await load_payable(request.device_id, request.contract_id)
    await withdraw_question_about(request.reference, agent.phone)
    said = _(
        "{ref}: the customer ended it, {amount} for {serial}. Nothing was sold.",
        ref=request.reference,
        **_values(request, paid_for, agent, company),
    )
    return Copy(agent.phone, said, MessageKind.REPLY, agent.language)


async def end_unanswered(company: Company, most: int) -> list[tuple[str, list[Copy]]]:
    """End some requests that no agent answered in time. Returns the messages to both sides, with a name for those of
    each request."""
    told = []
    for request in await cash_requests.expire(most):
        agent, paid_for = request.agent, await load_payable(request.device_id, request.contract_id)
        await withdraw_question_about(request.reference, agent.phone)
        values = _values(request, paid_for, agent, company)
        to_agent = _("{ref} is over: {amount} for {serial}. Nothing was sold.", ref=request.reference, **values)
        to_customer = _(
            "Agent {name} {phone} did not answer: {amount} for {serial}. Nothing was paid. Call the agent, or send it "
            "again.",
            **values,
        )
        copies = [
            Copy(request.phone, to_customer, MessageKind.REPLY, request.language),
            Copy(agent.phone, to_agent, MessageKind.REPLY, agent.language),
        ]
        told.append((f"cash request {request.id} over", copies))
    return told


async def how_it_ended(request: CashRequest, chat: Chat) -> Text:
    """What became of a request that was over before the customer ended it."""
    now = await cash_requests.read_again(request)
    paid_for = await load_payable(request.device_id, request.contract_id)
    values = {"amount": chat.company.money(request.amount), "serial": paid_for_name(paid_for)}
    if now.sale_id:
        sale = await cash_requests.sale_of(now)
        return _("{amount} for {serial} is sold already, ref {ref}.", ref=sale, **values)
    return _("{amount}, {serial}: that was over before. Nothing was sold.", **values)
