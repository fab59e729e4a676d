"""What an agent took and handed in on one day."""

from dataclasses import dataclass
from datetime import datetime

from models.money.commission_payout import PAID_OUT
from models.people import Customer
from models.selling.contracts import Contract
from models.selling.sales import COUNTS
from models.sql import connection, execute, read_moment


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
    customer: Customer
    amount: int
    commission: int  # on the payment, and on appliances as far as it paid their prices
    at: datetime
    void: bool = False  # whether it was taken back


async def day_figures(agent_id: int, since: datetime, until: datetime) -> Day:
    """From `since` to before `until` (UTC)."""
    span = [agent_id, since, until]
    [sold] = await execute(
        connection(),
        "SELECT COUNT(*) AS sales, COALESCE(SUM(amount), 0) AS amount "
        f"FROM sale s WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3 AND {COUNTS}",
        span,
    )
    # Whoever took the money: an appliance earns for the agent who sold it, also where its price is paid by phone.
    [earned] = await execute(
        connection(),
        "SELECT COALESCE(-SUM(l.amount), 0) AS commission FROM account a JOIN line l ON l.account_id = a.id "
        "JOIN entry e ON e.id = l.entry_id WHERE a.kind = 'commission' AND a.owner = $1 "
        "AND e.created_at >= $2 AND e.created_at < $3 AND e.key NOT LIKE 'hand in %' AND e.key NOT LIKE 'top up %' "
        f"AND e.key NOT LIKE '{PAID_OUT}%'",
        span,
    )
    [topped] = await execute(
        connection(),
        "SELECT COALESCE(SUM(amount), 0) AS amount FROM top_up "
        "WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3",
        span,
    )
    [handed] = await execute(
        connection(),
        "SELECT COALESCE(SUM(amount), 0) AS amount FROM hand_in "
        "WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3",
        span,
    )
    return Day(
        sales=int(sold["sales"]),
        amount=int(sold["amount"]),
        commission=int(earned["commission"]),
        handed_in=int(handed["amount"]),
        topped_up=int(topped["amount"]),
    )


async def payments_taken(agent_id: int, since: datetime, until: datetime, most: int) -> list[TakenPayment]:
    """The payments of that time, the newest first."""
    rows = await execute(
        connection(),
        "SELECT s.id, s.reference, s.contract_id, s.amount, s.commission, s.created_at, d.serial, c.name, c.surname, "
        f"NOT ({COUNTS}) AS void, "
        "(SELECT COALESCE(-SUM(l.amount), 0) FROM entry e JOIN line l ON l.entry_id = e.id "
        "JOIN account a ON a.id = l.account_id AND a.kind = 'commission' AND a.owner = $1 "
        "WHERE e.key IN ('sale ' || s.id || ' goods commission', "
        "CASE WHEN s.key LIKE 'down payment %' THEN 'contract ' || s.contract_id || ' commission' END)) AS on_goods "
        "FROM sale s JOIN customer c ON c.id = s.customer_id LEFT JOIN device d ON d.id = s.device_id "
        "WHERE s.agent_id = $1 AND s.created_at >= $2 AND s.created_at < $3 "
        f"ORDER BY s.created_at DESC, s.id DESC LIMIT {most}",
        [agent_id, since, until],
    )
    return [
        TakenPayment(
            id=row["id"],
            reference=row["reference"],
            paid_for=row["serial"] or Contract(id=row["contract_id"]).number,
            customer=Customer(name=row["name"], surname=row["surname"]),
            amount=row["amount"],
            commission=row["commission"] + int(row["on_goods"]),
            at=read_moment(row["created_at"]),
            void=bool(row["void"]),
        )
        for row in rows
    ]
