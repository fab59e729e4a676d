"""What an agent took and handed in on one day."""

from dataclasses import dataclass
from datetime import datetime

from models.clock import AHEAD, BEHIND
from models.money.commission_payout import PAID_OUT
from models.selling.commissions import EARNED_BY_SALE
from models.selling.contracts import contract_number
from models.selling.sales import COUNTS
from models.sql import connection, execute, read_moment

# Some lines ($5) of an agent's commission account, the newest before one of them ($4), and what of these was earned in
# a span.
EARNED = f"""SELECT COUNT(*) AS lines, MIN(line) AS first, MAX(created_at) AS newest,
    COALESCE(-SUM(CASE WHEN created_at >= $2 AND created_at < $3 AND key NOT LIKE 'hand in %'
      AND key NOT LIKE 'top up %' AND key NOT LIKE '{PAID_OUT}%' THEN amount ELSE 0 END), 0) AS commission
  FROM (SELECT id AS line, entry_id, amount FROM line
      WHERE account_id = (SELECT id FROM account WHERE kind = 'commission' AND owner = $1) AND id < $4
      ORDER BY id DESC LIMIT $5) AS newest_lines
    JOIN entry ON entry.id = entry_id"""
# What was sold in a span, handed in, and brought into the wallet.
_IN_SPAN = "agent_id = $1 AND created_at >= $2 AND created_at < $3"
TAKEN = f"""SELECT sold.sales, sold.amount,
    (SELECT COALESCE(SUM(amount), 0) FROM hand_in WHERE {_IN_SPAN}) AS handed_in,
    (SELECT COALESCE(SUM(amount), 0) FROM top_up WHERE {_IN_SPAN}) AS topped_up
  FROM (SELECT COUNT(*) AS sales, COALESCE(SUM(amount), 0) AS amount FROM sale s
    WHERE {_IN_SPAN} AND {COUNTS}) AS sold"""
NEWEST = 2**63 - 1  # no line has this number
FEW = 100  # lines are more than most agents add in a day
# What is booked later has a higher number, and a clock that is believed is wrong by no more than this.
ASTRAY = AHEAD + BEHIND


@dataclass(frozen=True)
class Day:
    """Figures of one agent. Money is in minor units."""

    sales: int
    amount: int
    commission: int  # earned on payments and on appliances, less what was taken back
    handed_in: int  # the cash that was counted
    topped_up: int = 0  # into the wallet, less what was paid out of it


@dataclass(frozen=True)
class TakenPayment:
    """One payment. Money is in minor units."""

    id: int
    reference: str
    paid_for: str  # the device's serial, or the number of a contract of goods
    name: str  # the customer's
    surname: str
    amount: int
    commission: int  # on the payment, and on appliances as far as it paid their prices
    at: datetime
    void: bool = False  # whether it was taken back


async def day_figures(agent_id: int, since: datetime, until: datetime) -> Day:
    """From `since` to before `until` (UTC)."""
    [taken] = await execute(connection(), TAKEN, [agent_id, since, until])
    return Day(
        sales=int(taken["sales"]),
        amount=int(taken["amount"]),
        commission=await _commission(agent_id, since, until),
        handed_in=int(taken["handed_in"]),
        topped_up=int(taken["topped_up"]),
    )


async def _commission(agent_id: int, since: datetime, until: datetime) -> int:
    """What the agent earned then, whoever took the money: an appliance earns for the agent who sold it, also where its
    price is paid by phone. From the newest line back, until all are of a time before: of today that is a few."""
    earned, last, most = 0, NEWEST, FEW
    while True:
        [some] = await execute(connection(), EARNED, [agent_id, since, until, last, most])
        earned += int(some["commission"])
        if some["lines"] < most or read_moment(some["newest"]) < since - ASTRAY:
            return earned
        last, most = some["first"], 2 * most


async def payments_taken(agent_id: int, since: datetime, until: datetime, most: int) -> list[TakenPayment]:
    """The payments of that time, the newest first."""
    rows = await execute(
        connection(),
        "SELECT s.id, s.reference, s.contract_id, s.amount, s.created_at, d.serial, c.name, c.surname, "
        f"NOT ({COUNTS}) AS void, {EARNED_BY_SALE} AS earned "
        "FROM sale s JOIN customer c ON c.id = s.customer_id LEFT JOIN device d ON d.id = s.device_id "
        "WHERE s.agent_id = $1 AND s.created_at >= $2 AND s.created_at < $3 "
        f"ORDER BY s.created_at DESC, s.id DESC LIMIT {most}",
        [agent_id, since, until],
    )
    return [
        TakenPayment(
            id=row["id"],
            reference=row["reference"],
            paid_for=row["serial"] or contract_number(row["contract_id"]),
            name=row["name"],
            surname=row["surname"],
            amount=row["amount"],
            commission=int(row["earned"]),
            at=read_moment(row["created_at"]),
            void=bool(row["void"]),
        )
        for row in rows
    ]
