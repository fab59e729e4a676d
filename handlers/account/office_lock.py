"""The office locks an agent, as when his phone was stolen and nobody has the PIN at hand: the agent is told."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import _
from models.messages import MessageKind
from models.people import Agent, pins
from models.sql import now_ms


async def lock_by_office(agent: Agent, *, company: Company, composer: Composer, actor: str, reason: str = "") -> bool:
    """Lock an agent without the PIN and tell him, in the caller's transaction; `Outbox.notify` after its commit. False:
    he was locked already."""
    if agent.locked_at:
        return False
    await pins.lock(agent, actor, f"by the office{': ' if reason else ''}{reason}")
    text = _("The office has locked you: nothing is sold with your PIN. Call {help}.", help=company.help_phone)
    copies = [Copy(agent.phone, text, MessageKind.REPLY, agent.language)]
    await composer.tell(f"agent {agent.id} lock {now_ms()}", copies)
    return True
