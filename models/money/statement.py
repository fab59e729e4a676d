"""What an agent took and handed in on one day."""

from dataclasses import dataclass
from datetime import datetime

from models.money.contracts import Contract
from models.people.tables import Customer
from models.sql import connection, execute, read_moment


@dataclass(frozen=True)
class Day:
    """Figures of one agent, money in minor units. `commission` is that on payments and on appliances, `handed_in` the
    cash that the office counted."""

    sales: int
    amount: int
    commission: int
    handed_in: int


@dataclass(frozen=True)
class Taken:
    """One payment: `paid_for` is the device's serial, or the number of a contract for goods without one. With a down
    payment the commission on the appliance was earned."""

    id: int
    reference: str
    paid_for: str
    customer: Customer
    amount: int
    commission: int
    at: datetime


async def of_day(agent_id: int, since: datetime, until: datetime) -> Day:
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
    [handed] = await execute(
        connection(),
        "SELECT COALESCE(SUM(amount), 0) AS amount FROM hand_in "
        "WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3",
        span,
    )
    commission = int(sold["commission"]) + int(signed["commission"])
    return Day(int(sold["sales"]), int(sold["amount"]), commission, int(handed["amount"]))


async def taken(agent_id: int, since: datetime, until: datetime, most: int) -> list[Taken]:
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
        Taken(
            row["id"],
            row["reference"],
            row["serial"] or Contract(id=row["contract_id"]).number,
            Customer(name=row["name"], surname=row["surname"]),
            row["amount"],
            row["commission"],
            read_moment(row["created_at"]),
        )
        for row in rows
    ]
