"""The office sends an agent a PIN that is for once: whoever has it has to choose an own one before anything else."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import _
from handlers.account.pin import pin as change_pin
from models.messages import MessageKind
from models.people import Agent, pins
from models.sql import now_ms


async def send_pin(agent: Agent, *, company: Company, composer: Composer, actor: str) -> None:
    """Give an agent a PIN by chance and send it to his phone, in the caller's transaction; `Outbox.notify` after its
    commit. Nobody of the office reads it: it is starred like a token. Raises RetiredBefore."""
    pin = await pins.change_once(agent, company.vault, actor)
    text = _(
        "Your PIN for once: {pin}. Choose your own today, send: {keyword} old new. Tell nobody. Help {help}",
        pin=pin,
        keyword=change_pin.keyword,
        help=company.help_phone,
    )
    copies = [Copy(agent.phone, text, MessageKind.TOKEN, agent.language)]
    await composer.tell(f"pin {agent.id} {now_ms()}", copies)
