"""Which instalments to remind of: each once before it is due, and once after, as each appliance says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from models.messages.withdrawal import reminder
from models.selling.catalogue import Appliance
from models.selling.contracts import Contract, dues_by_contract
from models.selling.instalments import Due, total_left
from models.sql import connection, execute, marks, on_postgres

# The conditions are those of a partial index and its order is the order, so that this reads no more rows than it
# returns. {column} is when somebody was reminded.
FIND = """SELECT contract_id FROM instalment
  WHERE paid < amount AND reminded_after IS NULL AND {column} IS NULL
    AND appliance_id = $3 AND due_on >= $1 AND due_on <= $2 ORDER BY due_on, contract_id LIMIT $4"""
HOLD = "SELECT id FROM contract WHERE id IN ({}) ORDER BY id FOR UPDATE SKIP LOCKED"
MARK = """UPDATE instalment SET {column} = $1 WHERE paid < amount AND reminded_after IS NULL AND {column} IS NULL
  AND due_on >= $2 AND due_on <= $3 AND contract_id IN ({contracts}) RETURNING id, contract_id"""
LONG_AGO = date(2000, 1, 1)


class ReminderKind(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Window:
    """Contracts of one appliance, and the due dates of which it is time to remind their customers."""

    kind: ReminderKind
    appliance: Appliance
    first: date
    last: date
    contracts: Sequence[int]  # their ids

    @property
    def days(self) -> tuple[date, date]:
        return self.first, self.last


@dataclass(frozen=True)
class Reminder:
    """One message about a contract."""

    window: Window
    contract: Contract
    instalment: int  # the id of the one that it reminds of; of several the newest, which is paid last
    dues: tuple[Due, ...]  # what it names: the instalment that falls due soon, or all that is overdue now
    stopped: bool  # whether the customer wants no reminders and gets none

    @property
    def origin(self) -> str:
        """Names it in the outbox."""
        return reminder(self.instalment, self.window.kind)

    @property
    def amount(self) -> int:
        return total_left(self.dues)


async def find_windows(today: date, most: int) -> list[Window]:
    """The windows in which it is time to remind, with at most so many contracts in all."""
    windows = []
    for appliance in await Appliance.all().order_by("id"):
        for kind, first, last in _windows(appliance, today):
            statement = FIND.format(column=f"reminded_{kind}")
            values = [first, last, appliance.id, most]
            rows = await execute(connection(), statement, values) if most else []
            contracts = list(dict.fromkeys(row["contract_id"] for row in rows))
            most -= len(rows)
            windows += [Window(kind, appliance, first, last, contracts)] if contracts else []
    return windows


def _windows(appliance: Appliance, today: date) -> list[tuple[ReminderKind, date, date]]:
    """The due dates of which it is time to remind."""
    windows = []
    if appliance.remind_after is not None:
        # an instalment that is due today is not yet overdue
        windows.append((ReminderKind.AFTER, LONG_AGO, today - timedelta(days=max(appliance.remind_after, 1))))
    if appliance.remind_before is not None:
        windows.append((ReminderKind.BEFORE, today, today + timedelta(days=appliance.remind_before)))
    return windows


async def phones_of(windows: Iterable[Window]) -> list[str]:
    """The phones that these reminders may go to."""
    ids = [contract for window in windows for contract in window.contracts]
    statement = f"""SELECT DISTINCT p.phone FROM customer p JOIN contract c ON c.customer_id = p.id
      WHERE p.phone IS NOT NULL AND c.id IN ({marks(len(ids))})"""
    return [row["phone"] for row in await execute(connection(), statement, ids)] if ids else []


async def take_reminders(window: Window, today: date) -> list[Reminder]:
    """Mark the instalments of a window as reminded of, in the caller's transaction; the reminders to send. All that is
    overdue on one contract makes one reminder."""
    # Another process may remind of the same contract, or take a payment on it: one at a time.
    held = await _lock_contracts(window.contracts) if on_postgres() else window.contracts
    if not held:
        return []
    statement = MARK.format(column=f"reminded_{window.kind}", contracts=marks(len(held), 4))
    rows = await execute(connection(), statement, [datetime.now(UTC), *window.days, *held])
    marked = {int(row["id"]) for row in rows}
    signed = Contract.filter(id__in={row["contract_id"] for row in rows}).order_by("id")
    contracts = await signed.prefetch_related("customer", "device")
    owed, stopped = await dues_by_contract(contracts), await _phones_that_stopped(contracts)
    return [
        Reminder(window, each, instalment, dues, stopped=each.customer.phone in stopped)
        for each in contracts
        for instalment, dues in _messages(window.kind, owed[each.id], marked, today)
    ]


async def _lock_contracts(contracts: Sequence[int]) -> list[int]:
    rows = await execute(connection(), HOLD.format(marks(len(contracts))), contracts)
    return [row["id"] for row in rows]


async def _phones_that_stopped(contracts: Sequence[Contract]) -> set[str]:
    phones = [contract.customer.phone for contract in contracts if contract.customer.phone]
    statement = f"SELECT phone FROM contact WHERE stopped_at > 0 AND phone IN ({marks(len(phones))})"
    return {row["phone"] for row in await execute(connection(), statement, phones)} if phones else set()


def _messages(
    kind: ReminderKind, owed: Sequence[Due], marked: set[int], today: date
) -> list[tuple[int, tuple[Due, ...]]]:
    """What the messages about one contract name, the oldest first, each with its instalment."""
    found = [due for due in owed if due.id in marked]
    if kind is ReminderKind.BEFORE:
        return [(due.id, (due,)) for due in found]
    overdue = tuple(due for due in owed if due.due_on < today)
    return [(due.id, overdue) for due in found[-1:]]
