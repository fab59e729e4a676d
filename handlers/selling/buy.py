"""An agent sells a top-up token for cash, or takes a payment on a plan."""

from collections.abc import Sequence
from dataclasses import replace

from bot.company import Company
from bot.message import Reply
from bot.talks import Chat, Talk, talk
from bot.talks.commands import Words
from bot.talks.fields import Amount, no_coins
from bot.text import Text, _, joined, verbatim
from handlers.fields.devices import PaidFor
from handlers.selling.no_room import no_room
from handlers.selling.one_line import claim_sale, names_of, put_in_order
from handlers.selling.receipts import copies, for_agent
from handlers.wording import bought, fitting, out_of_use, owner, paid_for_name, shared, tail, with_credit
from models.messages import MessageKind
from models.messages.withdrawal import withdraw_question_about
from models.people import Role
from models.selling import Payable, Sale, cash_requests, quotes, refusals
from models.selling.booking import Sold
from models.selling.cash_requests import CashRequest
from models.selling.met import Asked
from models.selling.payable import Standing

BUY: Words = {
    "en": ("BUY", "VEND", "TOPUP", "RECHARGE"),
    "sw": ("NUNUA", "LIPA", "LUKU", "UMEME", "NUNULIA", "KUNUNUA"),
    "fr": ("ACHAT", "ACHETER", "PAYER"),
    "pt": ("COMPRAR", "PAGAR", "RECARREGAR"),
    "ha": ("SAYA", "BIYA"),
}


@talk(
    "buy",
    roles={Role.AGENT},
    words=BUY,
    menu=_("Sell power"),
    usage=_("serial amount"),
    example="SHS0283 8000",
    nothing=_("Not sold."),
    claims=claim_sale,
)
async def buy(chat: Chat) -> Reply:
    await put_in_order(chat)
    paid_for = await chat.ask(PaidFor(_("Serial number?")))
    return await take_payment(chat, buy, paid_for, await chat.ask(Amount(_("Amount paid?"))))


async def take_payment(
    chat: Chat, talk: Talk, paid_for: Payable, amount: int, *, answered: CashRequest | None = None
) -> Reply:
    """Quote the payment, confirm it, take it, and tell both sides. It answers the customer's request to this agent, if
    there is one: the room that this holds is room for the sale. With `answered` it is a yes to this very one: raises
    cash_requests.Ended where that has ended, and ChangedHands."""
    chat.pass_over(*names_of(paid_for))
    company, nothing, again = chat.company, talk.nothing or verbatim(""), chat.again()
    try:
        met = paid_for.met or await paid_for.meet(Asked(seller=chat.agent))
        earlier = await paid_for.same_today(chat.agent, amount) if met.sold_today else None
        if earlier and not again and not chat.ussd:  # before the quote: the last payment leaves nothing to quote
            return chat.end(_held_text(earlier, paid_for, talk, chat), outcome="held")
        at = await paid_for.standing(
            company.today(), company.coin, company.vault, chat.agent, whole_only=company.whole_only, met=met
        )
        if answered and at.customer.id != answered.customer_id:
            raise cash_requests.ChangedHands
        requests = [answered] if answered else []
        if not answered and met.asked:
            requests = await cash_requests.open_for(chat.agent, paid_for)
        held = next((one.amount for one in cash_requests.by_amount(requests, amount)), 0)
        quote = quotes.quote(_with_room_for(at, held), amount)
        if earlier and not again:
            again = await _ask_once_more(earlier, paid_for, talk, chat)
            if not again:
                return chat.end(nothing, outcome="declined")
        if chat.quoted(list(quote.effect)) != list(quote.effect):
            raise refusals.PriceChanged
        if not await chat.confirm(_question(quote, paid_for, chat), pin=True, holds=max(quote.amount - held, 0)):
            return chat.end(nothing, outcome="declined")
        sold, request = await _sell(chat, quote, requests, again=again, alone=answered is None)
    except refusals.SoldToday as refusal:
        return chat.end(_held_text(refusal.earlier, paid_for, talk, chat), outcome="held")
    except refusals.NotSold as refusal:
        why = why_not(refusal, paid_for.name, company)
        return chat.end(joined([nothing, why]), outcome="refused")
    also = copies(sold, company, request.phone if request else "", request.language if request else "")
    return chat.end(for_agent(sold, company, chat.language), kind=MessageKind.TOKEN, also=also, outcome="sold")


def _with_room_for(at: Standing, held: int) -> Standing:
    """The same, as it will be when the request is answered that holds so much of the room for this payment."""
    return replace(at, room=replace(at.room, promised=at.room.promised - held)) if at.room and held else at


async def _sell(
    chat: Chat, quote: quotes.Quote, requests: Sequence[CashRequest], *, again: bool, alone: bool
) -> tuple[Sold, CashRequest | None]:
    """The sale, and the customer's request that it answers; whether it may be made without one, `alone`."""
    sold, request = await cash_requests.sell_for(
        requests, quote, seller=chat.agent, key=chat.key, vault=chat.company.vault, again=again, alone=alone
    )
    if request:
        await withdraw_question_about(request.reference, chat.agent.phone)
    return sold, request


def _question(quote: quotes.Quote, paid_for: Payable, chat: Chat) -> Text:
    """What the money will do, and to whom. Of the longest values it says the end of the serial alone."""
    names = dict.fromkeys((paid_for_name(paid_for), tail(paid_for.name)))
    used = max(quote.standing.credit - quote.credit, 0)
    asked = (_asked(quote, name, chat, credit) for credit in dict.fromkeys((used, 0)) for name in names)
    return fitting(chat.language, asked, behind=_("Reply 1 and your PIN, 2 for no."))


def _asked(quote: quotes.Quote, name: str, chat: Chat, credit: int) -> Text:
    company = chat.company
    amount = with_credit(quote.amount, credit, company)
    values = {"amount": amount, "owner": owner(quote.standing.customer), "serial": name}
    units = bought(quote.unit or "", quote.units, company)
    if quote.recovered + quote.access:
        parts = shared(units, quote.bought, quote.access, quote.recovered, company)
        question = Text("{owner}, {serial}, {amount}: {parts}?", {**values, "parts": parts})
    elif quote.unit is None or quote.unlocks:
        question = _("Take {amount} from {owner} for {serial}?", **values)
    else:
        question = _("Sell {bought} for {amount} to {owner}, {serial}?", bought=units, **values)
    return _after_it(question, quote, company)


def _after_it(question: Text, quote: quotes.Quote, company: Company) -> Text:
    """The question, with what stays owed or as credit."""
    kept, left = company.number(quote.credit), company.money(quote.owed)
    if quote.owed and quote.credit:
        return _("{question} {left} stays owed, {credit} as credit.", question=question, left=left, credit=kept)
    if quote.owed:
        return _("{question} {left} stays owed.", question=question, left=left)
    if quote.unlocks:
        return _("{question} Then all is paid: it unlocks for good.", question=question)
    if quote.standing.contract and quote.parts:
        return _("{question} Then all is paid.", question=question)
    return _("{question} {credit} stays as credit.", question=question, credit=kept) if quote.credit else question


def _held_text(earlier: Sale, paid_for: Payable, talk: Talk, chat: Chat) -> Text:
    """What a text message reads that would sell the same a second time within a day. It needs the word AGAIN, for
    networks repeat, and people forget."""
    values = {
        "time": chat.company.clock(earlier.created_at),
        "ref": earlier.reference,
        "buy": talk.keyword,
        "serial": paid_for.name,
        "amount": chat.company.typed(earlier.amount),
        "again": _("AGAIN"),
    }
    if paid_for.device is None:
        return _(
            "Not taken again. Same payment was taken {time}, ref {ref}. Once more: {buy} {serial} {amount} {again}",
            **values,
        )
    return _(
        "Not sold again. Same sale was done {time}, ref {ref}. To sell once more: {buy} {serial} {amount} {again}",
        **values,
    )


async def _ask_once_more(earlier: Sale, paid_for: Payable, talk: Talk, chat: Chat) -> bool:
    values = {
        "serial": paid_for.name,
        "amount": chat.company.money(earlier.amount),
        "time": chat.company.clock(earlier.created_at),
        "ref": earlier.reference,
    }
    if paid_for.device is None:
        question, once_more = _("{serial}, {amount}: paid {time}, ref {ref}. Once more?", **values), _("Take again")
    else:
        question, once_more = _("{serial}, {amount}: sold {time}, ref {ref}. Once more?", **values), _("Sell again")
    options = [("again", once_more), ("no", _("No"))]
    return await chat.choose("twice", question, options) == "again"


def sales_off(company: Company) -> Text:
    """The office has switched sales off."""
    return joined([_("Sales are stopped for now."), _("Call {help}.", help=company.help_phone)])


def why_not(refusal: refusals.NotSold, serial: str, company: Company) -> Text:
    """The reason, and what to do about it, to stand behind "Not sold." or its like."""
    match refusal:
        case refusals.OverLimit() | refusals.WalletTooSmall():
            return no_room(refusal, company)
        case refusals.PaidOff():
            return _("Nothing is left to pay for {serial}.", serial=serial)
        case refusals.TooManyTokens(minutes=minutes):
            return _("{serial} got too many codes just now. Try again in {n} min.", serial=serial, n=minutes)
        case refusals.NoTokensLeft():
            return _("{serial} can take no more codes. Call {help}.", serial=serial, help=company.help_phone)
        case refusals.Retired():
            return out_of_use(serial, company)
        case refusals.SalesOff():
            return sales_off(company)
        case refusals.ClockInDoubt():
            return _("The clock of our server is wrong. Call {help}.", help=company.help_phone)
        case refusals.PriceChanged():
            return _("Price or owner has just changed. Please send it again.")
        case refusals.NoPlan():
            return _("{serial} has no price yet. Call {help}.", serial=serial, help=company.help_phone)
        case _amount:
            return _other_amount(refusal, serial, company)


def _other_amount(refusal: refusals.NotSold, serial: str, company: Company) -> Text:
    """Which amount can be taken."""
    match refusal:
        case refusals.AmountTooSmall(minimum=minimum):
            return _("The least is {amount}.", amount=company.money(minimum))
        case refusals.NotWhole(less=less, more=more):
            return _say(less, more, company)
        case refusals.NoCoins(less=less, more=more):
            return no_coins(less, more, company)
        case refusals.MoreThanOwed(left=left):
            return _("Only {left} is left to pay for {serial}.", left=company.money(left), serial=serial)
        case refusals.AmountTooLarge(most=most, unit=unit, most_units=units):
            return _(
                "One token carries {bought} at most: up to {amount}.",
                bought=bought(unit, units, company),
                amount=company.money(most),
            )
        case _:
            raise refusal


def _say(less: int | None, more: int | None, company: Company) -> Text:
    """The amounts next to one that cannot be taken."""
    if less and more:
        return _("Say {less} or {more}.", less=company.typed(less), more=company.typed(more))
    return _("Say {amount}.", amount=company.typed(less or more or 0))


@talk(
    "pay",
    roles={Role.AGENT},
    words={"en": ("PAY",), "sw": ("REJESHO",), "fr": ("VERSER",), "pt": ("PRESTACAO", "PREST"), "ha": ("BIYAN",)},
    menu=_("Record a payment"),
    usage=_("S-number amount"),
    example="S1042 800",
    nothing=_("Not taken."),
)
async def pay(chat: Chat) -> Reply:
    await put_in_order(chat)
    paid_for = await chat.ask(PaidFor(_("Number (S1042) or serial?")))
    return await take_payment(chat, pay, paid_for, await chat.ask(Amount(_("Amount paid?"))))
