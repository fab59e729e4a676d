"""Cash that an agent hands in at the office: it is booked, the commission is paid out, and the agent gets a receipt."""

from dataclasses import dataclass

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import Text, _
from models.messages import MessageKind
from models.money.hand_in import HandedIn, hand_in
from models.people import Agent


@dataclass(frozen=True)
class HandInReceipt:
    """What the agent is told; not `new` when this reference was booked before, and told then."""

    text: Text
    new: bool


async def take_hand_in(
    agent: Agent,
    amount: int,
    reference: str = "",
    *,
    company: Company,
    composer: Composer,
    actor: str,
    again: bool = False,
) -> HandInReceipt:
    """Book cash that was counted (minor units), under the office's own reference or a new one, and tell the agent. In
    the caller's transaction; `Outbox.notify` after its commit. The same amount within 24 hours is booked only `again`.
    Raises MoreThanHeld, OtherReference and HandedInBefore."""
    booked = await hand_in(agent, amount, actor, reference, coin=company.coin, again=again)
    text = _receipt(booked, agent, company)
    # The outbox takes the messages of an origin once: a reference that was booked before is told no second time.
    # The number of somebody who is retired may be another one's by now.
    copies = [] if agent.retired_at else [Copy(agent.phone, text, MessageKind.REPLY, agent.language)]
    await composer.tell(f"hand in {booked.entry.id}", copies)
    return HandInReceipt(text, booked.new)


def _receipt(booked: HandedIn, agent: Agent, company: Company) -> Text:
    """The figure that was counted first, and how the agent stands after it."""
    return _(
        "HANDED IN {amount}. Commission {paid} paid out, {due} due. You hold {held} of {limit}. Ref {reference}",
        amount=company.money(booked.entry.amount),
        paid=company.number(booked.entry.commission),
        due=company.whole(booked.due),
        held=company.number(booked.held),
        limit=company.number(agent.cash_limit),
        reference=booked.entry.reference,
    )
