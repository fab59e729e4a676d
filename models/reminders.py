"""Which instalments to remind of: once before they are due and once after, as each appliance says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from models.appliances import Appliance, Contract
from models.devices import Device
from models.instalments import Due, total_left
from models.people import Customer
from models.sql import connection, execute, execute_many, on_postgres
from models.vending import as_day

# The first condition is the partial index's own. {column} is when somebody was reminded.
FIND = """SELECT i.id, i.contract_id FROM instalment i JOIN contract c ON c.id = i.contract_id
  WHERE i.paid < i.amount AND i.reminded_after IS NULL AND {column} IS NULL AND i.due_on >= $1 AND i.due_on <= $2
    AND c.appliance_id = $3 ORDER BY i.due_on, i.id LIMIT $4 {lock}"""
MARK = "UPDATE instalment SET {column} = $2 WHERE id = $1"
LONG_AGO = date(2000, 1, 1)


class Kind(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Reminder:
    """One message about a contract: what falls due soon, or what is overdue. `stopped` customers get none."""

    kind: Kind
    contract: Contract
    appliance: Appliance
    customer: Customer
    device: Device | None
    dues: tuple[Due, ...]
    stopped: bool

    @property
    def origin(self) -> str:
        """Names it once and for good."""
        return f"reminder {self.dues[0].id} {self.kind}"

    @property
    def amount(self) -> int:
        return total_left(self.dues)


async def take_due(today: date, most: int) -> list[Reminder]:
    """Some of the reminders that are due, marked as given in the caller's transaction. Instalments of one contract
    that are overdue together make one reminder."""
    found: list[Reminder] = []
    for appliance in await Appliance.all().order_by("id"):
        for kind, first, last in _windows(appliance, today):
            if len(found) < most:
                found += await _take(appliance, kind, first, last, most - len(found))
    return found


def _windows(appliance: Appliance, today: date) -> list[tuple[Kind, date, date]]:
    """The due dates of which it is time to remind."""
    windows = []
    if appliance.remind_after is not None:
        # an instalment that is due today is not yet overdue
        windows.append((Kind.AFTER, LONG_AGO, today - timedelta(days=max(appliance.remind_after, 1))))
    if appliance.remind_before is not None:
        windows.append((Kind.BEFORE, today, today + timedelta(days=appliance.remind_before)))
    return windows


async def _take(appliance: Appliance, kind: Kind, first: date, last: date, most: int) -> list[Reminder]:
    column = f"reminded_{kind}"
    # On PostgreSQL another process may be at the same: each takes what the other left.
    lock = "FOR UPDATE OF i SKIP LOCKED" if on_postgres() else ""
    statement = FIND.format(column=f"i.{column}", lock=lock)
    rows = await execute(connection(), statement, [as_day(first), as_day(last), appliance.id, most])
    now = datetime.now(UTC)
    await execute_many(connection(), MARK.format(column=column), [(row["id"], now) for row in rows])
    rows.sort(key=lambda row: (row["contract_id"], row["id"]))
    by_contract = groupby(rows, key=lambda row: int(row["contract_id"]))
    return [await _reminder(appliance, kind, contract, [row["id"] for row in of]) for contract, of in by_contract]


async def _reminder(appliance: Appliance, kind: Kind, contract_id: int, instalments: Sequence[int]) -> Reminder:
    contract = await Contract.get(id=contract_id).prefetch_related("customer", "device")
    rows = await contract.instalments.filter(id__in=instalments).order_by("due_on")  # type: ignore[attr-defined]
    dues = tuple(Due(row.id, contract_id, row.number, row.due_on, row.amount, row.amount - row.paid) for row in rows)
    stopped = await execute(
        connection(), "SELECT 1 FROM contact WHERE phone = $1 AND stopped_at > 0", [contract.customer.phone or ""]
    )
    return Reminder(kind, contract, appliance, contract.customer, contract.device, dues, bool(stopped))
