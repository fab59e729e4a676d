"""The office gives an agent another phone number: the old and the new one are told, and what was begun goes along."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.talks import drafts
from bot.text import _
from models.messages import MessageKind
from models.people import Agent
from models.people.agents import change_number
from models.sql import now_ms


async def change_agent_phone(agent: Agent, new: str, *, company: Company, composer: Composer, actor: str) -> bool:
    """Let an agent sell with this number (E.164) and tell both, in the caller's transaction; `Outbox.notify` after its
    commit. False: he does already. Raises AgentExists and RetiredBefore."""
    old = agent.phone
    if not await change_number(agent, new, actor=actor):
        return False
    await drafts.move(old, new)
    about = {"company": company.name, "help": company.help_phone}
    notices = (
        (old, _("{company}: you sell with another number now. Wrong? Call {help}.", **about)),
        (new, _("{company}: you sell with this number now. Wrong? Call {help}.", **about)),
    )
    copies = [Copy(phone, text, MessageKind.REPLY, agent.language) for phone, text in notices]
    await composer.tell(f"agent {agent.id} phone {now_ms()}", copies)
    return True
