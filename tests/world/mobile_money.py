"""Customers pay by phone, in the words of a transcript: what their provider tells us is settled as a callback is."""

import re
from contextlib import suppress
from datetime import UTC, datetime

from bot.company import Company, MobileMoney
from bot.payments import Answer, State
from bot.payments.settling import Settler
from bot.server import Server
from handlers.selling import received
from models.money.receiving import Incoming, Source
from models.money.waiting import NoSuchPayment
from models.people import Customer
from models.selling import requests
from models.selling.requests import PaymentRequest, Reason
from models.sql import now_ms
from tests.world.people import PEOPLE

M_PESA = MobileMoney("daraja", "M-Pesa")
WALLET = MobileMoney("daraja", "Orange Money", pay_bill="9" * 10)  # the longest title that there may be
RINGS_MS = 60_000
IN_MENU = re.compile(r"(\w+|\+\d+|[\d*]+) pays (\d+)(?: to (.+?))? \(ref (\w+)\)")
ASSIGNS = re.compile(r"the office assigns (\w+) to (.+)")
# What becomes of what the phone asked.
ENDS = {
    "says no": (State.FAILED, Reason.CANCELLED),
    "enters a wrong PIN": (State.FAILED, Reason.WRONG_PIN),
    "has too little": (State.FAILED, Reason.LOW_BALANCE),
    "may not pay so much": (State.FAILED, Reason.LIMIT),
    "pays what is not taken": (State.FAILED, Reason.AMOUNT),
    "is in another call": (State.FAILED, Reason.BUSY),
    "is locked out": (State.FAILED, Reason.LOCKED),
    "has no account": (State.FAILED, Reason.NOT_REGISTERED),
    "cannot be reached": (State.FAILED, Reason.NOT_SENT),
    "does nothing": (State.EXPIRED, Reason.NO_ANSWER),
    "is not heard of": (State.UNKNOWN, None),
    "pays without a receipt": (State.PAID, None),
}


async def by_phone(line: str, mwanga: Server) -> None:
    """One line of a transcript, in the caller's unit of work. Raises LookupError for one that says nothing."""
    if found := ASSIGNS.fullmatch(line):
        with suppress(NoSuchPayment):  # once more, it waits no longer
            for origin, copies in await _assign(*found.groups(), mwanga.company):
                await mwanga.composer.tell(origin, copies)
        return
    settler = Settler(mwanga.company, received.book, mwanga.composer.tell)
    if found := IN_MENU.fullmatch(line):
        name, amount, account, reference = found.groups()
        phone = PEOPLE.get(name, name)
        payment = _incoming(reference, int(amount) * 100, phone, account or "")
        await settler.settle(Answer(state=State.PAID, provider=M_PESA.provider, payment=payment))
        return
    name, _space, what = line.partition(" ")
    request = await _rings(PEOPLE[name])
    if what == "pays":
        payment = _incoming(f"RKL{request.id:07d}", request.amount, request.phone, request.account)
        await settler.settle(
            Answer(state=State.PAID, provider=M_PESA.provider, request=request.reference, payment=payment)
        )
        return
    state, reason = ENDS[what]
    await settler.settle(Answer(state=state, provider=M_PESA.provider, request=request.reference, reason=reason))


async def _assign(reference: str, to: str, company: Company) -> received.Told:
    """To what goes by an account; or as the credit of whoever has this name."""
    if to not in PEOPLE:
        return await received.assign(reference, to, "office", company)
    return await received.assign_credit(reference, await Customer.get(phone=PEOPLE[to]), "office", company)


async def _rings(phone: str) -> PaymentRequest:
    """What this phone was asked last; it rings, or rang."""
    now = now_ms()
    for request in await requests.claim(M_PESA.provider, 10, me="test", now=now):
        await requests.note_asked(request, f"ws_CO_{request.id}", now=now, expires_at=now + RINGS_MS)
    return await PaymentRequest.filter(phone=phone).order_by("-id").first()


def _incoming(reference: str, amount: int, phone: str, account: str) -> Incoming:
    return Incoming(
        source=Source.CALLBACK,
        provider=M_PESA.provider,
        reference=reference,
        amount=amount,
        paid_at=datetime.now(UTC),
        payer_phone=phone,
        account_text=account,
    )
