"""Pushes of which nobody knows whether they were paid: what somebody of the office does with one, at a prompt or on a
page, in the caller's unit of work."""

from datetime import UTC, datetime

from bot.company import Company
from bot.payments.base import PARKED, Answer, State
from bot.payments.settling import Settler, may_have_paid
from bot.text.i18n import N_, Reason
from models.audit import record
from models.money.payments import Payment
from models.money.receiving import (
    Incoming,
    Source,
    find_payment,
    hear_one_by_one,
    lock_payment,
    normal_reference,
    unapplied,
)
from models.money.reconciling import is_out_of_books
from models.selling import requests
from models.selling.requests import NO_RECEIPT, PaymentRequest, RequestState
from models.sql import now_ms


class NotDone(Reason):
    """Nothing was changed."""


async def ask_again(request: PaymentRequest, *, actor: str) -> None:
    """Have the provider asked at once how a push stands. Raises NotDone; `Payments.notify` after the commit."""
    await requests.look_at(await note_query(request, actor=actor), now_ms())


async def note_query(request: PaymentRequest, *, actor: str) -> PaymentRequest:
    """Write that the provider is asked now how a push stands: the push as it is, held. Raises NotDone."""
    request = await _hold(request)
    if request.state != RequestState.ASKED and not request.in_doubt:
        raise NotDone(N_("{push} is {state}."), push=request.id, state=Reason(str(request.state)))
    await record(actor, "payments query", str(request.id))
    return request


async def park(request: PaymentRequest, *, settler: Settler, actor: str) -> None:
    """Put an unknown push aside for which the provider's portal shows no payment: the customer is told, and money that
    comes still counts. Raises NotDone."""
    request = await _hold(request)
    if not request.in_doubt:
        known = N_("{push} is {state}, and not unknown.")
        raise NotDone(known, push=request.id, state=Reason(str(request.state)))
    await record(actor, "payments park", str(request.id))
    parked = Answer(state=State.EXPIRED, provider=request.provider, request=request.reference, code=PARKED)
    await settler.settle(parked)


async def book_receipt(
    request: PaymentRequest, reference: str, *, company: Company, settler: Settler, actor: str
) -> None:
    """Book a push that is paid with the receipt that the provider's own portal shows; everybody is told. Raises
    NotDone, and ValueError for what is no reference."""
    request = await _hold(request)
    if request.state == RequestState.PAID:
        raise NotDone(N_("{push} is paid already."), push=request.id)
    await hear_one_by_one(normal_reference(reference))
    known = await find_payment(request.provider, normal_reference(reference))
    if known:
        await lock_payment(known.id)
    if known and await _is_anothers(known, request, company):
        raise NotDone(N_("{reference} is another payment: look at the portal again."), reference=reference)
    await record(actor, "payments receipt", str(request.id), reference)
    await settler.settle(_paid(request, reference, actor))
    state = (await PaymentRequest.get(id=request.id)).state
    if state != RequestState.PAID:
        unbooked = N_("{reference} is not booked for {push}: it is {state}.")
        raise NotDone(unbooked, reference=reference, push=request.id, state=Reason(str(state)))


async def _hold(request: PaymentRequest) -> PaymentRequest:
    """A push as it is now, held until the commit: its provider may have answered since somebody looked at it."""
    return await requests.hold(request.provider, reference=request.reference) or request


async def _is_anothers(known: Payment, request: PaymentRequest, company: Company) -> bool:
    """Whether a payment that is booked cannot be this push's. Where the provider says that it is paid and not by which
    receipt, its confirmation may have bought what it was for since."""
    if not may_have_paid(request.phone, known, company) or known.amount != request.amount:
        return True
    if await unapplied(known.id) or await is_out_of_books(known.id):
        return False
    bought = await requests.bought_meanwhile(request, requests.LOOK_FOR_MS) if request.code == NO_RECEIPT else []
    return known.id not in [one.id for one in bought]


def _paid(request: PaymentRequest, reference: str, actor: str) -> Answer:
    payment = Incoming(
        source=Source.STATEMENT,
        provider=request.provider,
        reference=reference,
        amount=request.amount,
        paid_at=datetime.now(UTC),
        request=request.reference,
        payer_phone=request.phone,
        account_text=request.account,
        seen_by=actor,
    )
    return Answer(state=State.PAID, provider=request.provider, request=request.reference, payment=payment)
