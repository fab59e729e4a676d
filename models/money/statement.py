"""What an agent took and handed in on one day."""

from dataclasses import dataclass
from datetime import datetime

from models.money.contracts import Contract
from models.people import Customer
from models.sql import connection, execute, read_moment


@dataclass(frozen=True)
class Day:
    """Figures of one agent. Money is in minor units."""

    sales: int
    amount: int
    commission: int  # on payments and on appliances
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
    commission: int  # with a down payment, that on the appliance
    at: datetime


async def day_figures(agent_id: int, since: datetime, until: datetime) -> Day:
    """From `since` to before `until` (UTC)."""
    span = [agent_id, since, until]
    [sold] = await execute(
        connection(),
        "SELECT COUNT(*) AS sales, COALESCE(SUM(amount), 0) AS amount, COALESCE(SUM(commission), 0) AS commission "
        "FROM sale WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3",
        span,
    )
    [signed] = await execute(
        connection(),
        "SELECT COALESCE(SUM(commission), 0) AS commission FROM contract "
        "WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3",
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
    commission = int(sold["commission"]) + int(signed["commission"])
    return Day(
        sales=int(sold["sales"]),
        amount=int(sold["amount"]),
        commission=commission,
        handed_in=int(handed["amount"]),
        topped_up=int(topped["amount"]),
    )


async def payments_taken(agent_id: int, since: datetime, until: datetime, most: int) -> list[TakenPayment]:
    """The payments of that time, the newest first."""
    rows = await execute(
        connection(),
        "SELECT s.id, s.reference, s.contract_id, s.amount, s.commission + COALESCE(k.commission, 0) AS commission, "
        "s.created_at, d.serial, c.name, c.surname "
        "FROM sale s JOIN customer c ON c.id = s.customer_id LEFT JOIN device d ON d.id = s.device_id "
        "LEFT JOIN contract k ON k.id = s.contract_id AND s.key LIKE 'down payment %' "
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
            commission=row["commission"],
            at=read_moment(row["created_at"]),
        )
        for row in rows
    ]
