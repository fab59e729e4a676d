"""The office adds an agent: he is welcomed, and gets a PIN that he has to change."""

from bot.company import Company
from bot.outbound import Composer
from handlers.account.one_time_pin import send_pin
from handlers.welcome import welcome_agent
from models.people import Agent, pins
from models.people.agents import add_agent


async def add_with_pin_by_sms(
    *,
    phone: str,
    name: str,
    language: str,
    mini_grid: str,
    cash_limit: int,
    company: Company,
    composer: Composer,
    actor: str,
) -> Agent:
    """A new agent, who may hold `cash_limit` (minor units), and reads on his phone how to begin and his PIN for once;
    nobody else knows it. In the caller's transaction; `Outbox.notify` after its commit. Raises AgentExists."""
    agent = await add_agent(
        phone=phone,
        name=name,
        language=language,
        mini_grid=mini_grid,
        cash_limit=cash_limit,
        pin=pins.by_chance(),  # nobody ever reads this one
        vault=company.vault,
        actor=actor,
    )
    await welcome_agent(agent, company)
    await send_pin(agent, company=company, composer=composer, actor=actor)
    return agent
