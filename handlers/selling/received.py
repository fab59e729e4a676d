"""Money came by phone, or did not: it is booked, applied to what it is for, and everybody is told once.

What a payment is for is decided in this order: what our own request was for, also where its confirmation comes first
and says whose phone paid; the serial or number that the payer typed, then its only near spelling; the phone that was
typed, or where nothing was typed the payer's own, of the only customer with it and the only device; what a push was for
whose longer account a provider has cut. All else waits for the office (models/selling/applying.py)."""

from contextlib import suppress
from typing import NamedTuple

from bot.company import Company
from bot.message import Copy
from bot.payments import Answer, Refusal, State
from bot.payments.base import PARKED
from bot.text import Text, _, joined, numbers
from handlers.selling.how_to_buy import as_many, in_its_menu, or_agent
from handlers.selling.receipts import copies
from handlers.selling.wallet import for_agent
from models.alerts import raise_alert, raise_alert_once
from models.audit import record
from models.messages import MessageKind
from models.money.payments import Payment
from models.money.receiving import Incoming, Received, Source, Why, lock_payment, other_name_of, receive, unapplied
from models.money.reconciling import put_back
from models.money.waiting import NoSuchPayment, find_unapplied, is_in_doubt, is_passing
from models.money.wallets import NothingUnapplied, NotPrepaid, find_prepaid, top_up_wallet, with_wallet
from models.people import Agent, Customer, find_callers
from models.selling import Payable, applying, quotes, requests
from models.selling.account_text import find_by_account
from models.selling.applying import Applied
from models.selling.booking import read_sale
from models.selling.payable import load_payable
from models.selling.prices import seller_for
from models.selling.refusals import (
    AmountTooSmall,
    ClockInDoubt,
    NoPlan,
    NoTokensLeft,
    NotSold,
    PaidOff,
    Retired,
    SalesOff,
    TooManyTokens,
)
from models.selling.requests import PaymentRequest, Reason, RequestState
from models.selling.sales import newest_of_payment
from models.sql import HOUR_MS, now_ms

Told = list[tuple[str, list[Copy]]]
WAITING = "Money waits for somebody of the office to say what it is for: mwanga payments waiting"


# What the customer reads of why nothing was paid.
UNREACHED = _("{wallet} could not be reached. Try again later.")
WHY = {
    Reason.CANCELLED: _("You said no on your phone."),
    Reason.WRONG_PIN: _("The {wallet} PIN was wrong."),
    Reason.LOW_BALANCE: _("Your {wallet} balance is too low."),
    Reason.NO_ANSWER: _("No PIN was entered in time."),
    Reason.LIMIT: _("It is over the limit of your {wallet} account."),
    Reason.AMOUNT: _("{wallet} does not take this amount."),
    Reason.BUSY: _("Your phone or {wallet} was busy. Try again in 2 min."),
    Reason.LOCKED: _("Your {wallet} account is locked: call {wallet}."),
    Reason.NOT_REGISTERED: _("Your number has no {wallet} account."),
}
# The phone could not be asked, or nobody saw it: in its own menu the same money can be paid.
NOT_ON_THE_SCREEN = (None, Reason.NOT_SENT, Reason.BUSY, Reason.NO_ANSWER)


class Payer(NamedTuple):
    """Who is told as the one who paid; without a phone, where the provider does not say whole numbers, nobody is."""

    phone: str
    language: str


async def book(answer: Answer, company: Company) -> Told:
    """Do what a provider says, in the caller's unit of work. Returns the messages to owner and payer, with a name for
    those of each event: the same news tells nobody twice."""
    request = await requests.find_request(answer.request) if answer.request else None
    if answer.payment is None:
        return await _tell_end(answer, request, company) if request else []
    _received, told = await book_payment(answer.payment, company, request)
    return told


async def book_payment(
    payment: Incoming, company: Company, request: PaymentRequest | None = None
) -> tuple[Received, Told]:
    """Book and apply a payment of which one source tells, in the caller's unit of work, and what everybody is told.
    Raises ValueError for what is no payment."""
    received = await receive(payment)
    if received.taken_out and not await _put_back(received, payment, request):
        if request and request.state != RequestState.PAID:
            await requests.leave_to_person(request, now=now_ms())
        return received, []
    if request:
        await requests.note_paid(request, received.payment.id)
    return received, await _apply(received, payment, request, company)


async def _put_back(received: Received, said: Incoming, request: PaymentRequest | None) -> bool:
    """What was taken out of the books since it never came is in them again when another source tells of it, or the push
    that it answers. False: it stays out. What is only said once more the office looks at, and what may be in the books
    under another name."""
    payment = received.payment
    said_before = received.repeated and (request is None or request.state == RequestState.PAID)
    what = f"{payment.provider} {payment.reference} was taken out of the books, and a {said.source.value} tells of it"
    if said_before or await other_name_of(payment):
        if request or said.source is not Source.STATEMENT:  # a line puts it in as it is settled
            await raise_alert_once(f"{what}: it stays out.", HOUR_MS)
        return False
    await lock_payment(payment.id)
    await put_back(payment.id, f"told by a {said.source.value}", actor=said.seen_by or payment.provider)
    await raise_alert(f"{what}: it is in them again.")
    return True


async def _apply(received: Received, said: Incoming, request: PaymentRequest | None, company: Company) -> Told:
    if received.other_name:  # whoever paid has been told under the first name
        return []
    more = False
    if not received.new:
        await lock_payment(received.payment.id)  # what the office is doing with it counts when it is done
        more = await _learn(received.payment, said, company)
        if more and request is None:  # what the push was for that it has paid counts more than what is learned
            request = await requests.paid_by(received.payment.id)
    pushes = await _answered_by(received.payment, request, company)
    if agent := await _agent_paid(received.payment, pushes, company):
        with suppress(NotPrepaid):  # somebody took the wallet away just now: as if it had been gone before
            return await _top_up(received.payment, agent, company)
    payment, paid_for = received.payment, await _find(received.payment, pushes, company)
    payer = await payer_of(payment, request, company)
    if not received.new and (isinstance(paid_for, Why) or not (request or more)):
        return []  # it was booked before, and nothing new is known of it
    if not received.new and not await unapplied(payment.id):
        return await _tell_late(payment, payer, company)
    if isinstance(paid_for, Why):
        await applying.wait_for_office(payment.id, paid_for)
        await raise_alert_once(WAITING, HOUR_MS)
        return [(f"payment {payment.id} waits", _to(payer, _waits(payment, None, paid_for, company)))]
    applied = await _apply_to(paid_for, payment, request, company)
    return await _tell(applied, payment, paid_for, payer, company)


async def _learn(payment: Payment, said: Incoming, company: Company) -> bool:
    """Whether a later source says what the first one left out, the account or the payer's whole number, while nobody
    knows what the payment is for. Its row stays as it was booked."""
    account, phone = said.account_text.strip(), _phone(said.payer_phone, company)
    lacks = (account and not payment.account_text.strip()) or (phone and not _phone(payment.payer_phone, company))
    if not lacks or not await is_in_doubt(payment):
        return False
    payment.account_text = payment.account_text.strip() or account
    payment.payer_phone = _phone(payment.payer_phone, company) or phone or payment.payer_phone
    return True


async def _apply_to(paid_for: Payable, payment: Payment, request: PaymentRequest | None, company: Company) -> Applied:
    return await applying.apply(
        payment.id,
        paid_for,
        actor=request.phone if request else payment.provider,
        key=f"payment {payment.id}",
        today=company.today(),
        coin=company.coin,
        vault=company.vault,
    )


async def apply_again(payment: Payment, company: Company) -> Told:
    """Apply a payment that waited for something that passes by itself, in the caller's unit of work, and what everybody
    is told. Where it waits on, by now for the office too, nobody hears of it again; what the office did with it
    meanwhile stays."""
    await lock_payment(payment.id)
    if not await is_passing(payment):
        return []
    request = await requests.paid_by(payment.id)
    paid_for = await _find(payment, await _answered_by(payment, request, company), company)
    if isinstance(paid_for, Why):
        await applying.wait_for_office(payment.id, paid_for)
        return []
    applied = await _apply_to(paid_for, payment, request, company)
    if applied.sold is None:
        return []
    return await _tell(applied, payment, paid_for, await payer_of(payment, request, company), company)


async def _tell(applied: Applied, payment: Payment, paid_for: Payable, payer: Payer, company: Company) -> Told:
    """What everybody reads of what became of a payment. That it waits and that it was sold are two news. The office
    hears of what waits, and of a sale of which nobody could be told."""
    if not applied.new:
        return []
    said = _said(applied, payment, paid_for, payer, company)
    if applied.sold is None:
        await raise_alert_once(WAITING, HOUR_MS)
        return [(f"payment {payment.id} waits, {paid_for.name}", said)]
    sale = applied.sold.sale
    if not said:
        await raise_alert(
            f"Sale {sale.reference}, {paid_for.name}: neither payer nor owner has a phone. Tell the owner."
        )
    return [(f"sale {sale.id}", said)]


async def _tell_late(payment: Payment, payer: Payer, company: Company) -> Told:
    """The payer is known only now that all is done: the push is answered after its money was seen. Whoever was told
    under the same number reads nothing again."""
    sale = await newest_of_payment(payment.id)
    if sale is None or _phone(payment.payer_phone, company) == payer.phone:
        return []
    sold = await read_sale(sale)
    if sold.customer.phone == payer.phone:
        return []
    theirs = [copy for copy in copies(sold, company, payer.phone, payer.language) if copy.phone == payer.phone]
    return [(f"sale {sale.id} payer", theirs)]


async def _agent_paid(payment: Payment, pushes: list[PaymentRequest], company: Company) -> Agent | None:
    """The agent whose wallet this is for: of the push that it answers, else as the payer typed it. One who has no
    wallet any more, or is gone, gets nothing: the money waits for the office."""
    if not pushes:
        return await _wallet_of(payment.account_text, company)
    if len(pushes) > 1:
        return None
    return await with_wallet(pushes[0].agent_id)


async def _answered_by(payment: Payment, request: PaymentRequest | None, company: Company) -> list[PaymentRequest]:
    """The push that this money answers: its own, or what this phone was asked for so much, with the account that came
    with it; where none did (a till, an operator's text) several when any of them may be meant."""
    if request:
        return [request]
    phone, account = _phone(payment.payer_phone, company), payment.account_text.strip()
    if not phone:
        return []
    pushes = await requests.waiting_for(payment.provider, phone=phone, amount=payment.amount, account=account)
    return [] if account and len(pushes) > 1 else pushes


async def _wallet_of(account_text: str, company: Company) -> Agent | None:
    """The agent whose wallet somebody pays into: by the agent's phone number as the account, or W and the agent's
    number."""
    return await find_prepaid(account_text, _phone(account_text.strip(), company))


async def _top_up(payment: Payment, agent: Agent, company: Company, *, again: bool = False) -> Told:
    try:
        booked = await top_up_wallet(payment.id, agent, payment.provider, coin=company.coin, again=again)
    except NothingUnapplied:  # somebody of the office said what it is for
        return []
    return [(f"top up {booked.entry.id}", for_agent(booked, agent, company))] if booked.new else []


def _said(applied: Applied, payment: Payment, paid_for: Payable, payer: Payer, company: Company) -> list[Copy]:
    """What everybody reads of what became of a payment."""
    if applied.sold is None:
        return _to(payer, _waits(payment, paid_for, applied.waits, company))
    if applied.missing:
        return _to(payer, _kept(applied, payment, paid_for, company))
    return copies(applied.sold, company, payer.phone, payer.language)


async def _find(payment: Payment, pushes: list[PaymentRequest], company: Company) -> Payable | Why:
    if len(pushes) > 1:
        return Why.SEVERAL
    if pushes and pushes[0].agent_id:  # for a wallet that is gone, and not for what the agent has at home
        return Why.NOBODY
    if pushes and (pushes[0].device_id or pushes[0].contract_id):
        return await _asked_for(pushes[0])
    typed = payment.account_text.strip()
    found = await find_by_account(typed, _phone(typed or payment.payer_phone, company))
    return await _shown_as(payment, company) if found is Why.NOBODY else found


async def _shown_as(payment: Payment, company: Company) -> Payable | Why:
    """What a push was for whose account came back as its phone had shown it: cut."""
    phone = _phone(payment.payer_phone, company)
    pushes = await requests.shown_as(payment.account_text.strip(), payment.amount)
    pushes = [one for one in pushes if one.provider == payment.provider and phone in ("", one.phone)]
    if len(pushes) != 1:
        return Why.SEVERAL if pushes else Why.NOBODY
    return await _asked_for(pushes[0])


async def _asked_for(push: PaymentRequest) -> Payable | Why:
    """What a push was for. Of a device that is somebody else's by now only its plan goes along: whoever has it did not
    ask, and the office finds out whose the money is."""
    paid_for = await load_payable(push.device_id, push.contract_id)
    owner = paid_for.device.customer_id if paid_for.device else None
    changed_hands = push.contract_id is None and owner not in (None, push.customer_id)
    return Why.NOBODY if changed_hands else paid_for


def _phone(typed: str, company: Company) -> str:
    """A whole phone number as E.164; empty for anything else."""
    with suppress(ValueError):
        return numbers.parse(typed, company.country)
    return ""


async def payer_of(payment: Payment, request: PaymentRequest | None, company: Company) -> Payer:
    """Who is told: the phone that was asked, else the one that the provider names."""
    if request:
        return Payer(request.phone, request.language)
    phone = _phone(payment.payer_phone, company)
    caller = (await find_callers([phone]))[phone] if phone else None
    return Payer(phone, (caller and caller.language) or company.languages[0])


def _to(payer: Payer, text: Text) -> list[Copy]:
    return [Copy(payer.phone, text, MessageKind.TOKEN, payer.language)] if payer.phone else []


def _waits(payment: Payment, paid_for: Payable | None, why: Why | None, company: Company) -> Text:
    """The money is safe, and who looks after it."""
    values = {"amount": company.money(payment.amount), "ref": payment.reference}
    have = _("We have your {amount} (ref {ref}).", **values)
    if paid_for is None:
        return joined([have, _("The office finds where it belongs.")])
    reasons = {
        Why.RETIRED: _("{serial} is out of use.", serial=paid_for.name),
        Why.PAID_OFF: _("Nothing is left to pay for {serial}.", serial=paid_for.name),
        Why.ISSUER_AWAY: _("{serial} can have no code now.", serial=paid_for.name),
        Why.SALES_OFF: _("Sales are stopped for now."),
    }
    call = _("The office sees to it. Help {help}", help=company.help_phone)
    return joined([have, reasons.get(why) if why else None, call])


def _kept(applied: Applied, payment: Payment, paid_for: Payable, company: Company) -> Text:
    """It was less than a unit costs, or of goods than the least."""
    values = {
        "amount": company.money(payment.amount),
        "ref": payment.reference,
        "missing": company.money(applied.missing),
        "serial": paid_for.name,
    }
    if paid_for.device is None:
        return _("We have your {amount} (ref {ref}): kept as credit. Pay {missing} more for {serial}.", **values)
    return _(
        "We have your {amount} (ref {ref}): kept as credit. Pay {missing} more for {serial}, then the code comes.",
        **values,
    )


async def _tell_end(answer: Answer, request: PaymentRequest, company: Company) -> Told:
    """Nothing was paid, or nobody knows: one short message, with another way to buy where it fits."""
    title = _title(request, company)
    said = _why(answer, request, title, company)
    ways = [said]
    if answer.state in (State.FAILED, State.EXPIRED) and request.customer:
        if answer.reason in NOT_ON_THE_SCREEN:
            ways += in_its_menu(request.account, request.phone, company)
        ways += or_agent(await seller_for(request.customer))
    elif (
        answer.state in (State.FAILED, State.EXPIRED)
        and (by := company.with_pay_bill)
        and await with_wallet(request.agent_id)  # it may be gone since the phone was asked
    ):
        ways.append(_("Or pay bill {bill}, account {number}.", bill=by.pay_bill, number=request.account))
    text = as_many(ways, request.language)
    copy = Copy(request.phone, text, MessageKind.REPLY, request.language)
    return [(f"request {request.id} {answer.state.value}", [copy])]


def _title(request: PaymentRequest, company: Company) -> str:
    """The provider as people call it."""
    return next((one.title for one in company.mobile_money if one.provider == request.provider), request.provider)


def _why(answer: Answer, request: PaymentRequest, wallet: str, company: Company) -> Text:
    """What happened to the money first, then why and what to do."""
    values = {"amount": company.money(request.amount), "serial": request.account, "wallet": wallet}
    if answer.state is State.PAID and request.agent_id:
        return _("{wallet} says that you paid {amount}. It is in your wallet when its receipt comes.", **values)
    if answer.state is State.PAID and request.device_id is None:  # goods have no code
        return _("{wallet} says that you paid {amount}, {serial}. It counts when its receipt comes.", **values)
    if answer.state is State.PAID:
        return _("{wallet} says that you paid {amount}, {serial}. The code comes with its receipt.", **values)
    if answer.state is State.UNKNOWN:
        return _("{wallet} does not answer. If you paid {amount} it counts: wait, and do not pay twice.", **values)
    nothing = _("Not paid: {amount}, {serial}.", **values)
    if answer.code == PARKED:
        return joined([nothing, _("{wallet} shows no payment.", wallet=wallet)])
    why = WHY.get(answer.reason) if answer.reason else None
    return joined([nothing, Text((why or UNREACHED).english, values)])


async def validate(account_text: str, amount: int, company: Company) -> Refusal | None:
    """Whether a payment to this account shall be made: it exists, a code can be made for it now, and it is at least the
    least. What is no account of ours is refused; none at all, as at a till, is not."""
    typed = account_text.strip()
    if not typed or await _wallet_of(typed, company):
        return None
    paid_for = await find_by_account(typed, _phone(typed, company))
    if paid_for is Why.NOBODY and (pushes := await requests.shown_as(typed, amount)):
        paid_for = await _asked_for(pushes[0])
    if isinstance(paid_for, Why):
        return Refusal.ACCOUNT
    try:
        offer = quotes.quote_all(await paid_for.standing(company.today(), company.coin, company.vault), amount)
    except NotSold:
        return Refusal.ACCOUNT
    match offer.unmet:
        case AmountTooSmall():
            return Refusal.AMOUNT
        case Retired() | NoPlan() | PaidOff():
            return Refusal.ACCOUNT
        case SalesOff() | ClockInDoubt() | NoTokensLeft() | TooManyTokens():
            return Refusal.OTHER
    return None


async def assign(
    reference: str, account: str, actor: str, company: Company, *, provider: str = "", amount: int | None = None
) -> Told:
    """Somebody of the office says what a payment that waits is for, or `amount` of it (minor units): a serial, the
    number of a sale, or all of it for a wallet: W and the agent's number. Everybody is told. Raises NoSuchPayment,
    SeveralPayments, LookupError when nothing goes by this account, and ValueError for an amount that is not there."""
    return await assign_payment(await find_unapplied(reference, provider), account, actor, company, amount=amount)


async def assign_payment(
    payment: Payment, account: str, actor: str, company: Company, *, amount: int | None = None
) -> Told:
    """The same for a payment that somebody has before him: the reference of cash is no provider's, and nobody types
    it."""
    await _hold_waiting(payment)
    if agent := await _wallet_of(account, company):
        return await _assign_to_wallet(payment, agent, actor, company, amount)
    paid_for = await find_by_account(account, _phone(account, company))
    if isinstance(paid_for, Why):
        raise LookupError(account)
    applied = await _assign(payment, paid_for, paid_for.name, actor, company, amount)
    request = await requests.paid_by(payment.id)
    return await _tell(applied, payment, paid_for, await payer_of(payment, request, company), company)


async def _assign_to_wallet(payment: Payment, agent: Agent, actor: str, company: Company, amount: int | None) -> Told:
    there = await unapplied(payment.id)
    if amount not in (None, there):
        raise ValueError(f"A wallet takes all that waits: {company.money(there)}.")
    told = await _top_up(payment, agent, company, again=True)
    if told:  # else somebody else was sooner
        await record(actor, "assign payment", f"payment {payment.id}", f"to W{agent.id}, 0 minor units left")
    return told


async def assign_credit(
    reference: str, customer: Customer, actor: str, company: Company, *, provider: str = "", amount: int | None = None
) -> Told:
    """Somebody of the office says whose credit a payment is, or a part of it, as in `assign`; the customer is told."""
    return await credit_payment(await find_unapplied(reference, provider), customer, actor, company, amount=amount)


async def credit_payment(
    payment: Payment, customer: Customer, actor: str, company: Company, *, amount: int | None = None
) -> Told:
    """The same for a payment that somebody has before him, as in `assign_payment`."""
    await _hold_waiting(payment)
    there, step = await unapplied(payment.id), await applying.next_step(payment.id)
    applied = await _assign(payment, customer, f"customer {customer.id}", actor, company, amount)
    if not applied.new:
        return []
    text = _(
        "{amount} (ref {ref}) is your credit now. It counts when you buy next.",
        amount=company.money(there - applied.unapplied),
        ref=payment.reference,
    )
    theirs = _to(Payer(customer.phone or "", customer.language), text)
    if not theirs:
        await raise_alert(f"Payment {payment.reference} is customer {customer.id}'s credit, who has no phone: tell.")
    return [(f"payment {payment.id} credit, step {step}", theirs)]


async def _hold_waiting(payment: Payment) -> None:
    """Hold a payment until the commit, so that what waits of it stays so. Raises NoSuchPayment when nothing does any
    more."""
    await lock_payment(payment.id)
    if not await unapplied(payment.id):
        raise NoSuchPayment(payment.reference)


async def _assign(
    payment: Payment, to: Payable | Customer, name: str, actor: str, company: Company, amount: int | None
) -> Applied:
    there = await unapplied(payment.id)
    if amount is not None and not 0 < amount <= there:
        raise ValueError(f"{company.money(there)} of {payment.reference} waits, and not {company.money(amount)}.")
    return await applying.assign(
        payment.id,
        to,
        funds=amount,
        actor=actor,
        key=f"payment {payment.id} to {name}, step {await applying.next_step(payment.id)}",
        today=company.today(),
        coin=company.coin,
        vault=company.vault,
    )
