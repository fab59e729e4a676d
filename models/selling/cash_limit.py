"""How much more cash an agent may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise.exceptions import OperationalError

from models.money.reservations import PROMISED
from models.people import Agent
from models.selling.refusals import OverLimit, WalletTooSmall
from models.sql import connection, execute, now_ms


@dataclass(frozen=True)
class Room:
    """What an agent holds, and the limit, in minor units; of one who pays before selling, what is in the wallet."""

    held: int
    limit: int
    wallet: int | None = None  # None: the agent sells up to the limit
    promised: int = 0  # what open requests of customers would bring, or take from the wallet

    @property
    def left(self) -> int:
        """What the agent can still sell for, in minor units; below 0 when more is held than the limit."""
        return (self.limit - self.held if self.wallet is None else self.wallet) - self.promised

    def check(self, amount: int) -> None:
        """Raises OverLimit when the agent's cash would pass the limit with this amount, and WalletTooSmall."""
        if amount <= self.left:
            return
        if self.wallet is not None:
            raise WalletTooSmall(self.wallet)
        raise OverLimit(self.held, self.limit)


async def read_room(seller: Agent) -> Room:
    """How it is now. The agent's limit and commissions are as they are now, from here on."""
    rows = await execute(
        connection(),
        "SELECT a.cash_limit, a.commission, a.goods_commission, a.prepaid, COALESCE(c.balance, 0) AS held, "
        f"({PROMISED.format(now='$1', owners='= a.id')}) AS promised FROM agent a "
        "LEFT JOIN account c ON c.kind = CASE WHEN a.prepaid THEN 'wallet' ELSE 'cash' END AND c.owner = a.id "
        "WHERE a.id = $2 AND a.retired_at IS NULL",
        [now_ms(), seller.id],
    )
    if not rows:  # since he was looked up: run again, he is nobody who sells
        raise OperationalError("This agent was retired meanwhile.")
    return room_of(rows[0], seller)


def room_of(row: Mapping[str, Any], seller: Agent) -> Room:
    """The room of a row that has the agent as he is now, what he `held`, and what is `promised`."""
    seller.cash_limit, seller.commission = row["cash_limit"], row["commission"]
    seller.goods_commission = row["goods_commission"]
    seller.prepaid = bool(row["prepaid"])
    promised = int(row["promised"])
    if seller.prepaid:
        return Room(0, 0, wallet=-int(row["held"]), promised=promised)
    return Room(int(row["held"]), int(row["cash_limit"]), promised=promised)
