"""Devices that come back, go to somebody else or out of use, and debts that nobody will pay: each with its entries, who
did it and why."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from models.audit import record
from models.devices import Device, with_owner
from models.devices.access_rate import access_due, settle_access
from models.messages.withdrawal import withdraw_reminders
from models.money.ledger import AccountKind, Posting, balance, post
from models.money.write_offs import Lost, WriteOff, agree_or_propose
from models.people import Customer, OfficeUser
from models.selling.contracts import Contract, Ending, contract_of
from models.selling.taking_back import end_contract, put_in_stock
from models.sql import connection, execute, lock_rows

RETURNED = "device returned"  # in the audit, by its serial
# A device that came with a file, and was brought back before anything was paid for it, stands in the audit alone.
HAD = """SELECT 1 AS had WHERE EXISTS (SELECT 1 FROM sale WHERE device_id = $1 AND customer_id = $2)
  OR EXISTS (SELECT 1 FROM contract WHERE device_id = $1 AND customer_id = $2)
  OR EXISTS (SELECT 1 FROM registration WHERE device_id = $1 AND customer_id = $2)
  OR EXISTS (SELECT 1 FROM audit WHERE subject = $3 AND action = $4 AND detail LIKE $5)"""


class NotDone(Exception):
    """Nothing was changed."""


class NoOwner(NotDone):
    """The device is in stock: nobody has it."""


class OtherOwner(NotDone):
    """The device is not the customer's any more who had it when somebody asked."""


class MoreOwed(NotDone):
    """More is to be paid on it than when somebody asked: `owed`, in minor units."""

    def __init__(self, owed: int) -> None:
        super().__init__(owed)
        self.owed = owed


class OpenDebt(NotDone):
    """Something is still to be paid: on this contract (None: of the access rate alone), so much in minor units."""

    def __init__(self, contract: Contract | None, owed: int) -> None:
        super().__init__(owed)
        self.contract, self.owed = contract, owed


class NothingOwed(NotDone):
    """The contract has ended, or nothing is open on it."""


class OwnAlready(NotDone):
    """The device is this customer's."""


class RetiredBefore(NotDone):
    """The device is out of use already."""


class InUse(NotDone):
    """The device is not out of use."""


@dataclass(frozen=True)
class Passed:
    """A device that left somebody. Money is in minor units."""

    device: Device
    former: Customer
    contract: Contract | None  # what was open on it
    owed: int  # on that contract: forgiven with a return, and gone along with a transfer
    access: int = 0  # the same of the access rate


async def hold_device_of(customer: Customer, device_id: int) -> Device:
    """A device of this customer, held until the commit with its owner, for who saw it there. Raises NoOwner when it is
    somebody else's by now, or nobody's."""
    await lock_rows("device", "id = $1", [device_id])
    device = await with_owner(device_id)
    if device.customer_id != customer.id:
        raise NoOwner(device.serial)
    return device


async def had_before(customer_id: int, device: Device) -> bool:
    """Whether this customer was registered with a device, bought it, paid for it, or brought it back, at any time."""
    values = [device.id, customer_id, device.serial, RETURNED, f"of customer {customer_id},%"]
    return bool(await execute(connection(), HAD, values))


async def owed_on(device: Device, today: date) -> int:
    """What is open on a device, on its contract and of the access rate by today, in minor units."""
    contract = await _open_contract(device)
    owed = await balance(AccountKind.DEBT, contract.id) if contract else 0
    return owed + (await access_due(device, today)).due


async def give_back(device: Device, by: OfficeUser, reason: str, today: date) -> Passed:
    """A customer brings a device back, in the caller's transaction: its contract ends, what is open on it is owed no
    more, and the device is in stock. What was paid stays with the company. Raises NoOwner."""
    former, contract, owed, access = await _lock(device, today)
    if contract and owed:
        lines = [Posting(AccountKind.GOODS, 0, owed), Posting(AccountKind.DEBT, contract.id, -owed)]
        await post(f"contract {contract.id} return", lines, actor=by.name, reason=reason)
    if had := contract or await contract_of(await with_owner(device.id)):  # paid off or written off
        await end_contract(had, Ending.RETURNED, today)
    if booked := await balance(AccountKind.ACCESS_DUE, device.id):  # what fell due since the last sale is in no book
        lines = [Posting(AccountKind.ACCESS, 0, booked), Posting(AccountKind.ACCESS_DUE, device.id, -booked)]
        name = f"device {device.id} return {datetime.now(UTC).isoformat(timespec='seconds')}"
        await post(name, lines, actor=by.name, reason=reason)
    await put_in_stock(device.id)
    detail = f"of customer {former.id}, {contract.number if contract else 'no plan'}, {owed} minor units owed: {reason}"
    await record(by.name, RETURNED, device.serial, detail)
    return Passed(device, former, contract, owed, access)


async def transfer(
    device: Device, to: Customer, by: OfficeUser, reason: str, *, today: date, with_debt: bool = False
) -> Passed:
    """A device goes to another customer with its contract and all that is owed on it, in the caller's transaction;
    where something is owed only `with_debt`, for somebody has to say that to the new owner. A contract that was paid
    off goes along too: it says that the device runs for good. Raises NoOwner, OwnAlready and OpenDebt."""
    former, contract, owed, access = await _lock(device, today)
    if former.id == to.id:
        raise OwnAlready(device.serial)
    if (owed or access) and not with_debt:
        raise OpenDebt(contract if owed else None, owed or access)
    going = await contract_of(await with_owner(device.id))
    await execute(connection(), "UPDATE device SET customer_id = $2 WHERE id = $1", [device.id, to.id])
    if going and not going.ending:
        await execute(connection(), "UPDATE contract SET customer_id = $2 WHERE id = $1", [going.id, to.id])
        await withdraw_reminders([going.id])
    detail = f"customer {former.id} -> {to.id}, {owed} minor units owed"
    detail = f"{detail}, {access} minor units of the access rate: {reason}"
    await record(by.name, "device transferred", device.serial, detail)
    await record(by.name, "device given away", f"customer {former.id}", f"{device.serial} to customer {to.id}")
    return Passed(device, former, contract, owed, access)


async def retire_device(device: Device, by: OfficeUser, reason: str, *, today: date) -> None:
    """Nothing more is sold for a device that is lost, broken or scrapped, in the caller's transaction. Raises
    RetiredBefore, and OpenDebt while something is to be paid on its contract or of the access rate, which nobody could
    pay any more: that is returned or written off first. A service by the day, of which nothing is owed, rests."""
    await lock_rows("device", "id = $1", [device.id])
    device = await with_owner(device.id)  # somebody may have given it away meanwhile
    if device.retired_at:
        raise RetiredBefore(device.serial)
    contract = await _open_contract(device)
    if contract and (owed := await balance(AccountKind.DEBT, contract.id)):
        raise OpenDebt(contract, owed)
    if access := (await access_due(device, today)).due:
        raise OpenDebt(None, access)
    retired = "UPDATE device SET retired_at = $2 WHERE id = $1"
    await execute(connection(), retired, [device.id, datetime.now(UTC)])
    await record(by.name, "device retired", device.serial, reason)


async def use_again(device: Device, by: OfficeUser, reason: str, *, today: date) -> None:
    """A device that was out of use was repaired or found, or nobody meant it: things are sold for it again, in the
    caller's transaction. A meter owes no access rate for the time between. Raises InUse."""
    await lock_rows("device", "id = $1", [device.id])
    device = await with_owner(device.id)
    if device.retired_at is None:
        raise InUse(device.serial)
    await settle_access(device, today)
    await execute(connection(), "UPDATE device SET retired_at = NULL WHERE id = $1", [device.id])
    await record(by.name, "device used again", device.serial, reason)


async def write_off(
    contract: Contract, by: OfficeUser, reason: str, today: date, *, seen: WriteOff | None = None
) -> WriteOff:
    """One of the office proposes to ask no more for what is open on a contract, or a second one agrees, in the
    caller's transaction: then the debt is a loss of the company, and the contract has ended. Raises NothingOwed
    and what `agree_or_propose` raises."""
    await lock_rows("contract", "id = $1", [contract.id])
    owed = await balance(AccountKind.DEBT, contract.id)
    if not owed:
        raise NothingOwed(contract.number)
    found = await agree_or_propose(Lost.CONTRACT, contract.id, owed, reason, by, seen=seen)
    if found.agreed_at:
        lines = [Posting(AccountKind.WRITE_OFF, 0, owed), Posting(AccountKind.DEBT, contract.id, -owed)]
        await post(f"write-off {found.id}", lines, actor=by.name, reason=found.reason)
        await end_contract(contract, Ending.WRITTEN_OFF, today)
    said = "debt written off" if found.agreed_at else "write-off proposed"
    await record(by.name, said, contract.number, f"{owed} minor units: {found.reason}")
    return found


async def _lock(device: Device, today: date) -> tuple[Customer, Contract | None, int, int]:
    """Who has a device, its open contract, and what is owed on that and of the access rate by today. Raises NoOwner."""
    await lock_rows("device", "id = $1", [device.id])
    device = await with_owner(device.id)  # somebody may have given it away meanwhile
    if device.customer_id is None or device.customer is None:
        raise NoOwner(device.serial)
    contract = await _open_contract(device)
    if contract:
        await lock_rows("contract", "id = $1", [contract.id])
        contract = await _open_contract(device)  # it may have been written off meanwhile
    owed = await balance(AccountKind.DEBT, contract.id) if contract else 0
    return device.customer, contract, owed, (await access_due(device, today)).due


async def _open_contract(device: Device) -> Contract | None:
    contract = await contract_of(device)
    return contract if contract and contract.ended_on is None else None
