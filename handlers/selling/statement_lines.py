"""A line of a statement of which no other source told becomes a payment: booked, applied, and everybody is told."""

from dataclasses import dataclass

from bot.company import Company
from bot.outbound import Composer
from handlers.selling import received
from models.money import reconciling
from models.money.receiving import unapplied
from models.money.statements import Settled, StatementLine, hold_statements


@dataclass(frozen=True)
class BookedLine:
    """What came of it. Money is in minor units."""

    payment_id: int
    new: bool  # False: the payment was known, and the line is its evidence
    messages: int  # SMS that will go out
    waits: int  # what of it nobody knows the purpose of


async def take_line(line: StatementLine, actor: str, *, company: Company, composer: Composer) -> BookedLine:
    """Book a line as a payment, in the caller's transaction; `Outbox.notify` after its commit. Raises NotSettled."""
    await hold_statements()  # who reads some now holds what we want, and may want what we hold
    booked, told = await received.book_payment(reconciling.incoming_of(line), company)
    await reconciling.note_taken(line, booked.payment.id, actor=actor)
    await reconciling.note_settled(line, Settled.PAYMENT, actor=actor)
    for origin, copies in told:
        await composer.tell(origin, copies)
    messages = sum(len(copies) for _origin, copies in told)
    return BookedLine(booked.payment.id, booked.new, messages, await unapplied(booked.payment.id))
