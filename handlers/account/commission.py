"""Commission that the office pays out in cash: it is booked, and the agent reads it."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import _
from models.messages import MessageKind
from models.money.commission_payout import PaidOut, pay_commission
from models.people import Agent


async def pay_out_commission(
    agent: Agent, amount: int, key: str, *, company: Company, composer: Composer, actor: str
) -> PaidOut:
    """Pay an agent commission (minor units) out of the office's till and tell him, in the caller's transaction;
    `Outbox.notify` after its commit. Once for each key. Raises NotDue."""
    paid = await pay_commission(agent, amount, actor, key)
    if paid.new and agent.retired_at is None:
        text = _(
            "PAID OUT commission {paid} in cash. Commission {due} due.",
            paid=company.money(amount),
            due=company.whole(paid.due),
        )
        copies = [Copy(agent.phone, text, MessageKind.REPLY, agent.language)]
        await composer.tell(f"commission {paid.entry_id}", copies)
    return paid
