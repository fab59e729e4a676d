"""A customer pays: the phone is asked by its provider of mobile money, or else an agent is asked to take the cash."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.company import MobileMoney
from bot.message import Copy, Reply
from bot.talks import Chat
from bot.talks.contacts import asked_room, contacts, hold_too
from bot.text import Text, _, joined, shorten
from bot.text.i18n import _n
from handlers.selling.buy import why_not
from handlers.selling.cash_requests import how_it_ended, tell_withdrawn
from handlers.wording import LONGEST_NAME, bought, fitting, paid_for_name, shared, tail, with_credit
from models.messages import MessageKind
from models.people import Agent
from models.selling import Payable, cash_requests, quotes, refusals, requests
from models.selling.cash_limit import read_room
from models.selling.cash_requests import CashRequest, Wish
from models.selling.payable import load_payable
from models.selling.prices import sellers_for
from models.selling.requests import PaymentRequest
from models.sql import lock_rows, marks

LONGEST_ASKER = 20  # septets of the name of who wants to buy
NOTHING_PAID = _("Nothing was paid.")


async def what_rings(chat: Chat) -> Text | None:
    """What this phone is asked to pay; None when it is asked for nothing."""
    rings = await requests.ringing(chat.person.phone)
    return _rings(rings, chat) if rings else None


async def buy_own(chat: Chat, paid_for: Payable, amount: int) -> Reply:
    """Refuse what cannot be bought before anybody is asked; then ask for the money."""
    company = chat.company
    try:
        at = await paid_for.standing(company.today(), company.coin, company.vault, whole_only=company.whole_only)
        quote = quotes.quote(at, amount)
    except refusals.NotSold as refusal:
        why = why_not(refusal, paid_for.name, company)
        return chat.end(joined([NOTHING_PAID, why]), outcome="refused")
    if chat.meant and not await chat.confirm(_sure(quote, chat)):
        return chat.end(NOTHING_PAID, outcome="declined")
    chat.no_more()
    by = company.mobile_money_of(chat.person.phone)
    earlier = await cash_requests.open_of(chat.person.phone)
    if earlier and (by or (earlier.is_for(paid_for) and earlier.amount == amount)):
        return chat.end(await _asked_agent(earlier, chat), outcome="asked already")
    return await (_ask_phone(chat, quote, by) if by else _ask_agent(chat, quote, earlier))


def what_it_buys(quote: quotes.Quote, chat: Chat) -> list[Text]:
    """5 days for TZS 5,000, SHS0283. Of the longest values the later ones say less."""
    company, used = chat.company, max(quote.standing.credit - quote.credit, 0)
    names = dict.fromkeys((paid_for_name(quote.standing.paid_for), tail(quote.standing.paid_for.name)))
    units = bought(quote.unit or "", quote.units, company)
    if quote.recovered + quote.access:
        units = shared(units, quote.bought, quote.access, quote.recovered, company)
    said = []
    for name in names:
        values = {"amount": with_credit(quote.amount, used, company), "serial": name}
        if quote.unlocks or quote.unit is None:
            what = Text("{amount}, {serial}", values)
        elif quote.recovered + quote.access:
            what = Text("{amount}, {serial}: {bought}", {**values, "bought": units})
        else:
            what = _("{bought} for {amount}, {serial}", bought=units, **values)
        credit = _("{question} {credit} stays as credit.", question=_dot(what), credit=company.number(quote.credit))
        said += [credit, _dot(what)] if quote.credit else [_dot(what)]
    shortest = {"amount": company.money(quote.amount), "serial": tail(quote.standing.paid_for.name)}
    return [*said, Text("{amount}, {serial}.", shortest)]


def _sure(quote: quotes.Quote, chat: Chat) -> Text:
    """The question after a text without a keyword: it may have been meant otherwise."""
    return fitting(
        chat.language,
        [_("Buy? {what}", what=what) for what in what_it_buys(quote, chat)],
        behind=_("Reply 1 for yes, 2 for no."),
    )


def _dot(what: Text) -> Text:
    return Text("{what}.", {"what": what})


async def _ask_phone(chat: Chat, quote: quotes.Quote, by: MobileMoney) -> Reply:
    """The phone is asked to pay, right after the commit: the PIN that is entered there is the yes."""
    at = quote.standing
    wanted = requests.Wanted(
        provider=by.provider,
        phone=chat.person.phone,
        language=chat.language,
        amount=quote.amount,
        account=at.paid_for.name,
        customer_id=at.customer.id,
        device_id=at.device.id if at.device else None,
        contract_id=at.contract.id if at.contract else None,
    )
    try:
        return await ring(chat, wanted, by, what_it_buys(quote, chat))
    except refusals.NotSold as refusal:
        return chat.end(joined([NOTHING_PAID, _why_not_asked(refusal, at.paid_for, chat)]), outcome="refused")


async def ring(chat: Chat, wanted: requests.Wanted, by: MobileMoney, what: Sequence[Text]) -> Reply:
    """Have the phone asked after the commit, unless it was asked a moment ago; `what` it pays for, the longest first.
    Raises what `requests.ask_to_pay` does of a debt."""
    try:
        await requests.ask_to_pay(wanted, key=chat.key)
    except requests.AskedAlready as earlier:
        if earlier.rings:
            return chat.end(_rings(earlier.request, chat), outcome="asked already")
        wait = _n("Send it again in {n} minute.", "Send it again in {n} minutes.", -(-earlier.seconds // 60))
        return chat.end(joined([NOTHING_PAID, wait]), outcome="too soon")
    then = _("Sent to your phone: enter your {wallet} PIN.", wallet=by.title)
    if chat.ussd:
        then = _("Now your phone asks for your {wallet} PIN.", wallet=by.title)
    said = fitting(chat.language, [joined([one, then]) for one in what])
    return chat.end(said, outcome="asked the phone")


def _why_not_asked(refusal: refusals.NotSold, paid_for: Payable, chat: Chat) -> Text:
    """The same debt is not asked for twice: what can be paid beside the pushes that have not ended."""
    company, serial = chat.company, paid_for_name(paid_for)
    if not isinstance(refusal, refusals.BeingPaid):
        return why_not(refusal, paid_for.name, company)
    left = refusal.left // company.coin * company.coin
    values = {"pending": company.money(refusal.pending), "serial": serial, "left": company.money(left)}
    if not left:
        return _("{pending} for {serial} is asked for already, and no more is owed. Wait for its SMS.", **values)
    return _("{pending} for {serial} is asked for already. Only {left} more can be paid now.", **values)


def _rings(request: PaymentRequest, chat: Chat) -> Text:
    """The answer to a second wish while the phone asks for the first."""
    by = chat.company.mobile_money_of(request.phone)
    return _(
        "Your phone asks you already for {amount}, {serial}: enter your {wallet} PIN there.",
        amount=chat.company.money(request.amount),
        serial=request.account,
        wallet=by.title if by else request.provider,
    )


async def _ask_agent(chat: Chat, quote: quotes.Quote, earlier: CashRequest | None) -> Reply:
    """An agent of the mini-grid who has room for so much cash is asked to take it, in place of an earlier request that
    was not answered yet."""
    company, at = chat.company, quote.standing
    sellers = await sellers_for(at.customer)
    await _hold([earlier.agent, *sellers] if earlier else sellers)
    if earlier and not await cash_requests.withdraw(earlier):
        return chat.end(await how_it_ended(earlier, chat), outcome="late")
    agent = await _first_with_room(sellers, quote.amount)
    if agent is None:
        none = _("No agent near you can take {amount} now.", amount=company.money(quote.amount))
        call = _("Call {help}.", help=company.help_phone)
        if earlier:
            await cash_requests.put_back(earlier)
            call = await _asked_agent(earlier, chat)
        return chat.end(joined([NOTHING_PAID, none, call]), outcome="nobody")
    told = []
    if earlier:
        await cash_requests.dropped(earlier)
        told = [await tell_withdrawn(earlier, company)]
    wish = Wish(at.paid_for, at.customer, quote.amount, chat.person.phone, chat.language)
    alone = not (await contacts([agent.phone]))[agent.phone].wants_pin
    minutes = company.cash_request_minutes
    request = await cash_requests.ask_agent(wish, agent, key=chat.key, minutes=minutes, alone=alone)
    asked = Copy(
        agent.phone,
        question(request, at.paid_for, _asker(chat), chat, agent.language),
        MessageKind.REPLY,
        agent.language,
        request.reference,
    )
    said = _says_who(agent, what_it_buys(quote, chat), request, chat)
    return chat.end(said, also=[*told, asked, *chat.also_by_sms(said)], outcome="asked an agent")


async def _hold(agents: Sequence[Agent]) -> None:
    """Hold these agents until the commit: first their phones, as what they say themselves does, and all in one order,
    whoever is the likeliest."""
    if agents:
        await hold_too([agent.phone for agent in agents])
        await lock_rows("agent", f"id IN ({marks(len(agents))})", [agent.id for agent in agents])


async def _first_with_room(sellers: Sequence[Agent], amount: int) -> Agent | None:
    """The likeliest agent who has room for this amount."""
    for agent in sellers:
        asked = await asked_room(agent.phone)
        room = await read_room(agent)
        try:
            room.check(amount + asked)
        except (refusals.OverLimit, refusals.WalletTooSmall):
            continue
        return agent
    return None


def _asker(chat: Chat) -> str:
    """Who wants to buy, as an agent knows people."""
    customers = chat.person.customers
    return shorten(f"{customers[0].name} {customers[0].surname}", LONGEST_ASKER) if customers else ""


def question(request: CashRequest, paid_for: Payable, asker: str, chat: Chat, language: str) -> Text:
    """What the agent reads. A bare yes is for a request that was alone; others are told apart by their reference."""
    values = {
        "ref": request.reference,
        "name": asker,
        "phone": request.phone,
        "amount": chat.company.money(request.amount),
        "serial": paid_for_name(paid_for),
    }
    wants = _("{ref}: {name} {phone} wants {amount} for {serial}.", **values)
    short = _("{ref}: {name} wants {amount} for {serial}.", **values | {"serial": tail(paid_for.name)})
    if request.alone:
        answer = _("Cash in hand? Reply 1 and your PIN, or 2.")
    else:
        answer = _("Cash in hand? Reply {ref} 1 and your PIN, or {ref} 2.", ref=request.reference)
    return fitting(language, [joined([said, answer]) for said in (wants, short)])


def _says_who(agent: Agent, ways: Sequence[Text], request: CashRequest, chat: Chat) -> Text:
    """Whom the customer gives the cash, and until when the agent may say yes."""
    values = {
        "name": shorten(agent.name, LONGEST_NAME),
        "phone": agent.phone,
        "time": chat.company.clock(datetime.fromtimestamp(request.expires_at / 1000, UTC)),
    }
    full = _("Agent {name} {phone} is asked until {time}: give the cash, then the code comes by SMS.", **values)
    short = _("Agent {name} {phone} is asked until {time}: give the cash.", **values)
    says = (full, short) if request.device_id else (short,)  # goods have no code
    return fitting(chat.language, [joined([what, then]) for what in ways for then in says])


async def still_asked(request: CashRequest, chat: Chat) -> Text:
    """Who is asked for what, before it is said what can be done about it."""
    agent, paid_for = request.agent, await load_payable(request.device_id, request.contract_id)
    return _(
        "{amount}, {serial}: agent {name} {phone} is asked until {time}.",
        amount=chat.company.money(request.amount),
        serial=tail(paid_for.name),
        name=shorten(agent.name, LONGEST_NAME),
        phone=agent.phone,
        time=chat.company.clock(datetime.fromtimestamp(request.expires_at / 1000, UTC)),
    )


async def _asked_agent(request: CashRequest, chat: Chat) -> Text:
    """The answer to a second wish while the first one is open."""
    paid_for = await load_payable(request.device_id, request.contract_id)
    values = {"amount": chat.company.money(request.amount), "serial": paid_for_name(paid_for)}
    return _says_who(request.agent, [Text("{amount}, {serial}.", values)], request, chat)
