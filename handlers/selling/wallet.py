"""Money that comes into an agent's wallet, or is paid out of it: it is booked, and the agent reads it."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import Text, _
from models.messages import MessageKind
from models.money import wallets
from models.money.wallets import ToppedUp
from models.people import Agent


async def take_top_up(
    agent: Agent,
    amount: int,
    reference: str = "",
    *,
    company: Company,
    composer: Composer,
    actor: str,
    again: bool = False,
) -> ToppedUp:
    """Book money (minor units) that the office took for a wallet, and tell the agent. In the caller's transaction;
    `Outbox.notify` after its commit. Raises what `wallets.top_up` raises."""
    booked = await wallets.top_up(agent, amount, actor, reference, coin=company.coin, again=again)
    await composer.tell(f"top up {booked.entry.id}", for_agent(booked, agent, company))
    return booked


async def give_back(agent: Agent, amount: int, *, company: Company, composer: Composer, actor: str) -> ToppedUp:
    """Pay money (minor units) out of a wallet, and tell the agent, in the same way. Raises NotInWallet."""
    booked = await wallets.pay_out(agent, amount, actor, coin=company.coin)
    await composer.tell(f"top up {booked.entry.id}", for_agent(booked, agent, company))
    return booked


def for_agent(booked: ToppedUp, agent: Agent, company: Company) -> list[Copy]:
    """None where the agent is retired: the number may be another one's by now."""
    if agent.retired_at:
        return []
    return [Copy(agent.phone, receipt(booked, company), MessageKind.REPLY, agent.language)]


def receipt(booked: ToppedUp, company: Company) -> Text:
    """What came in or went out, and what was in the wallet before and is in it now."""
    entry = booked.entry
    values = {
        "amount": company.money(abs(entry.amount)),
        "before": company.number(booked.before),
        "paid": company.number(entry.commission),
        "held": company.number(booked.wallet),
        "reference": entry.reference,
    }
    if entry.amount < 0:
        return _("PAID OUT {amount} of your wallet. It had {before}, now {held}. Ref {reference}", **values)
    if entry.commission:
        return _(
            "TOPPED UP {amount}, and commission {paid}. Wallet before {before}, now {held}. Ref {reference}", **values
        )
    return _("TOPPED UP {amount}. Wallet before {before}, now {held}. Ref {reference}", **values)
