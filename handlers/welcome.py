"""The first SMS that a new agent gets: how to begin. It never holds the PIN."""

from bot.company import Company
from bot.outbound import NewMessage, enqueue
from bot.routing import NOWHERE
from bot.text import Text, _, plain
from models.messages import MessageKind
from models.people import Agent
from models.sql import DAY_MS, now_ms

LIFE_MS = 3 * DAY_MS  # the office may add its agents before its first gateway works


async def welcome_agent(agent: Agent, company: Company) -> None:
    """Write the welcome of a new agent, in the caller's transaction. The outbox takes one for each agent, and
    chooses a gateway when it looks for messages that have none: the command line knows no gateway."""
    text = plain(_welcome(company).to(agent.language), accents=company.accents)
    message = NewMessage(f"welcome {agent.id}", agent.phone, text, MessageKind.REPLY, NOWHERE, life=LIFE_MS)
    await enqueue([message], now_ms())


def _welcome(company: Company) -> Text:
    if company.ussd_code:
        return _(
            "Welcome to {company}! You can sell now: dial {code}, or send HELP. Help {help}",
            company=company.name,
            code=company.ussd_code,
            help=company.help_phone,
        )
    return _(
        "Welcome to {company}! You can sell now: send HELP. Help {help}",
        company=company.name,
        help=company.help_phone,
    )
