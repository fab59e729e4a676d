"""How much more cash an agent may take."""

from dataclasses import dataclass

from tortoise.exceptions import OperationalError

from models.money.ledger import AccountKind
from models.money.refusals import OverLimit
from models.money.reservations import reserved
from models.people import Agent
from models.sql import connection, execute


@dataclass(frozen=True)
class Room:
    """What an agent holds, and the limit, in minor units."""

    held: int
    limit: int
    promised: int = 0  # cash that open requests of customers would bring

    def check(self, amount: int) -> None:
        """Raises OverLimit when the agent's cash would pass the limit with this amount."""
        if self.held + self.promised + amount > self.limit:
            raise OverLimit(self.held, self.limit)


async def read_room(seller: Agent) -> Room:
    """How it is now. The agent's limit and commissions are as they are now, from here on."""
    rows = await execute(
        connection(),
        "SELECT a.cash_limit, a.commission, a.goods_commission, COALESCE(c.balance, 0) AS held FROM agent a "
        "LEFT JOIN account c ON c.kind = $2 AND c.owner = a.id WHERE a.id = $1 AND a.retired_at IS NULL",
        [seller.id, AccountKind.CASH.value],
    )
    if not rows:  # since he was looked up: run again, he is nobody who sells
        raise OperationalError("This agent was retired meanwhile.")
    row = rows[0]
    seller.cash_limit, seller.commission = row["cash_limit"], row["commission"]
    seller.goods_commission = row["goods_commission"]
    promised = await reserved(AccountKind.CASH, seller.id)
    return Room(int(row["held"]), int(row["cash_limit"]), promised)
