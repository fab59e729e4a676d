"""Somebody sells no more: what he still holds and what he had to do are named, not forgotten."""

from dataclasses import dataclass

from models.money.ledger import cash_held, commission_due
from models.money.wallets import in_wallet
from models.people import Agent
from models.people.agents import retire_agent
from models.sql import lock_rows
from models.tickets import tickets


@dataclass(frozen=True)
class Retired:
    """What is left of somebody who sells no more: money in minor units, and the tickets that are nobody's now."""

    held: int
    due: int
    wallet: int  # what the company owes him still
    tickets: list[str]


class HoldsCash(Exception):
    """The agent has cash of the company, in minor units."""

    def __init__(self, held: int) -> None:
        super().__init__(held)
        self.held = held


async def retire(agent: Agent, *, with_cash: bool = False, actor: str) -> Retired:
    """Retire an agent, in the caller's transaction; one who holds cash only `with_cash`. Raises HoldsCash."""
    await lock_rows("agent", "id = $1", [agent.id])  # no sale of his comes between
    held, due, wallet = await cash_held(agent.id), await commission_due(agent.id), await in_wallet(agent.id)
    if held > 0 and not with_cash:
        raise HoldsCash(held)
    in_it = f", wallet {wallet}" if wallet else ""
    left = await tickets.hand_back(actor, agent=agent)
    await retire_agent(agent, detail=f"{agent.name}, cash {held}, commission {due}{in_it}", actor=actor)
    return Retired(held, due, wallet, left)
