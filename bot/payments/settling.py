"""What a provider says of a request or of money, whichever way it came: matched, written, booked, told."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.company import Company
from bot.message import Copy
from bot.payments.base import Answer, State
from bot.text import numbers
from models.alerts import raise_alert, raise_alert_once
from models.money.payments import Payment
from models.money.receiving import Incoming, find_payment, first_source, normal_reference
from models.selling import requests
from models.selling.requests import NO_RECEIPT, PaymentRequest, Reason, RequestState
from models.sql import HOUR_MS, MINUTE_MS, now_ms, read_moment

log = logging.getLogger(__name__)

Told = Sequence[tuple[str, list[Copy]]]  # each with its origin in the outbox
Book = Callable[[Answer, Company], Awaitable[Told]]
Tell = Callable[[str, list[Copy]], Awaitable[None]]
# A provider that says "paid" without a receipt has said nothing that could be booked: the receipt is what names money
# once, whichever way it is heard of. So its callback or confirmation is waited for; then the office is told.
RECEIPT_WITHIN_MS = 5 * MINUTE_MS
RECEIPT_AGAIN_MS = 15_000  # after a look that found none
ENDS = {
    State.FAILED: RequestState.FAILED,
    State.EXPIRED: RequestState.EXPIRED,
    State.UNKNOWN: RequestState.UNKNOWN,
}


class NotYet(Exception):
    """It is, or may be, about a request of which the provider's answer is on the way: with its own id, that it was
    taken, or who has paid."""


def may_have_paid(phone: str, payment: Payment, company: Company) -> bool:
    """Whether a payment may be of this phone. A masked one may be anybody's."""
    with suppress(ValueError):
        return numbers.parse(payment.payer_phone, company.country) == phone
    return True


class Settler:
    """Writes what answers say. Everything happens in the caller's unit of work."""

    def __init__(self, company: Company, book: Book, tell: Tell, clock: Callable[[], int] = now_ms) -> None:
        self._company, self._book, self._tell, self._clock = company, book, tell, clock

    async def settle(
        self, answer: Answer, *, if_still: Callable[[PaymentRequest], bool] | None = None, since: int | None = None
    ) -> str:
        """Write what a provider said, once: what came of it, in a word. `if_still` is asked of the request when it is
        held: what was so when somebody looked may have changed. Raises NotYet, unless it is known `since` (ms) a time
        in which every server has the answer to its own request, or has died."""
        request = await self._find(answer, since)
        if request and if_still and not if_still(request):
            return "no news"
        if request:
            answer = replace(answer, request=request.reference)
        if answer.payment:
            return await self._settle_payment(answer, answer.payment, request)
        if request is None:
            return "of no request"
        if answer.state is State.PAID:
            return await self._settle_without_receipt(answer, request)
        if answer.state is State.PENDING:
            return await self._look_soon(request)
        return await self._end(answer, request)

    async def _find(self, answer: Answer, since: int | None) -> PaymentRequest | None:
        request = await requests.hold(answer.provider, reference=answer.request, external_id=answer.external_id)
        late = since is not None and self._clock() - since > requests.LEASE_MS
        if request is None and answer.payment and not late and await self._may_be_of_push(answer.payment):
            raise NotYet(answer.payment.reference)
        if request is None and answer.external_id and not answer.request:
            if not late and await requests.is_any_unanswered(answer.provider):
                raise NotYet(answer.external_id)
            # The answer may have been committed between the two questions.
            request = await requests.hold(answer.provider, reference="", external_id=answer.external_id)
            if request is None and answer.payment:
                return await self._find_lost(answer, answer.payment)
        return request

    async def _may_be_of_push(self, payment: Incoming) -> bool:
        """Whether a payment that does not say whose it is, as the confirmation of a till, may be of a phone that rings:
        then the callback of that push says so."""
        if payment.request or payment.account_text.strip():
            return False
        with suppress(ValueError):
            numbers.parse(payment.payer_phone, self._company.country)
            return False
        if not await requests.is_any_ringing(payment.provider, payment.amount):
            return False
        return await find_payment(payment.provider, normal_reference(payment.reference)) is None  # else it was said

    async def _find_lost(self, answer: Answer, payment: Incoming) -> PaymentRequest | None:
        """The request whose answer, and with it the provider's id, never came: by the phone and the amount."""
        phone, now = payment.payer_phone, self._clock()
        lost = await requests.find_lost(answer.provider, phone=phone, amount=payment.amount, now=now)
        if lost is None:
            return None
        return await requests.hold(answer.provider, reference=lost.reference, external_id=answer.external_id)

    async def _settle_payment(self, answer: Answer, payment: Incoming, request: PaymentRequest | None) -> str:
        if request:
            answer = replace(answer, payment=replace(payment, request=request.reference))
            if payment.amount != request.amount and request.state != RequestState.PAID:
                asked, paid = self._company.money(request.amount), self._company.money(payment.amount)
                await raise_alert(f"{asked} was asked of {request.phone}, and {paid} was paid ({payment.reference}).")
        await self._tell_all(await self._book(answer, self._company))
        return f"payment {payment.reference}"

    async def _settle_without_receipt(self, answer: Answer, request: PaymentRequest) -> str:
        """The customer is told once that the money is seen. The receipt comes with the callback or the confirmation;
        when it does not, somebody of the office has to find it."""
        now = self._clock()
        if request.state == RequestState.PAID:
            return "no news"
        if confirmed := await self.find_confirmed(request):
            return await self.settle(confirmed)
        if request.code != NO_RECEIPT:
            await requests.await_receipt(request, now + RECEIPT_WITHIN_MS, now=now)
            await self._tell_all(await self._book(answer, self._company))
            return NO_RECEIPT
        if now < request.expires_at:  # a callback, or the office, had us look early
            await requests.look_at(request, min(now + RECEIPT_AGAIN_MS, request.expires_at))
            return NO_RECEIPT
        await requests.look_at(request, 0, NO_RECEIPT)
        await raise_alert(
            f"{self._company.money(request.amount)} of {request.phone} is paid, and no receipt came: "
            f"mwanga payments receipt {request.id} RECEIPT"
        )
        return NO_RECEIPT

    async def find_confirmed(self, request: PaymentRequest) -> Answer | None:
        """That a push is paid, where its money is booked already: its confirmation came, and what it was for was handed
        out. None where it may be one of several. Should it have been another payment, that of the push is booked as
        well when it is heard of. It says what is known already: who was asked named no receipt."""
        found = await self._bought(request)
        if len(found) != 1:
            return None
        payment = Incoming(
            source=await first_source(found[0]),
            provider=request.provider,
            reference=found[0].reference,
            amount=found[0].amount,
            paid_at=read_moment(found[0].paid_at),
            payer_phone=found[0].payer_phone,
        )
        return Answer(state=State.PAID, provider=request.provider, request=request.reference, payment=payment)

    async def _bought(self, request: PaymentRequest) -> list[Payment]:
        """Payments that no push asked for, of who may have been asked here, and for the very same."""
        found = await requests.bought_meanwhile(request)
        return [one for one in found if may_have_paid(request.phone, one, self._company)]

    async def _look_soon(self, request: PaymentRequest) -> str:
        if request.state == RequestState.NEW:
            raise NotYet(request.reference)
        await requests.look_now(request, self._clock())
        return "to be looked up"

    async def _end(self, answer: Answer, request: PaymentRequest) -> str:
        state, said_paid = ENDS[answer.state], request.code == NO_RECEIPT
        reason = answer.reason.value if answer.reason else ""
        if not await requests.end(request, state, code=answer.code, reason=reason, now=self._clock()):
            return "no news"
        if answer.reason is Reason.SETUP:
            names = {one.provider: one.title for one in self._company.mobile_money}
            title = names.get(answer.provider, answer.provider)
            said = f"{title} takes no payments for us ({answer.code}): see its settings, and our account there."
            await raise_alert_once(said, HOUR_MS)
        # Who paid the bill meanwhile, as for a phone that did not ring, has her code: she reads of no other money.
        if answer.state is State.UNKNOWN or not await self._bought(request):
            told = await self._book(answer, self._company)
            # She may have read the same before she read that it is paid: it is news again.
            await self._tell_all([(f"{origin} after all", copies) for origin, copies in told] if said_paid else told)
        return state.value

    async def _tell_all(self, told: Told) -> None:
        for origin, copies in told:
            await self._tell(origin, copies)
