"""A sale for the wrong device is done again for the right one. Who got the power owes what somebody else had paid: a
claim."""

from dataclasses import dataclass
from datetime import date

from models.audit import record
from models.devices import Device
from models.money.ledger import AccountKind, Posting, balance, post
from models.money.receiving import Why, lock_payment
from models.people import Customer, OfficeUser
from models.selling.applying import apply
from models.selling.booking import Sold
from models.selling.payable import PayableDevice
from models.selling.sales import Sale
from models.selling.taking_back import MovedBefore, NotTakenBack, VoidBefore, lock_sale
from models.selling.voids import VoidState, void_of
from models.sql import lock_rows
from models.vault import Vault


class SameDevice(NotTakenBack):
    """It was sold for this device."""


class NothingToMove(NotTakenBack):
    """No device got anything by this sale."""


class NotForThat(NotTakenBack):
    """The right device can have no token now; `why` says it."""

    def __init__(self, why: Why | None) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Moved:
    """A sale that was done again. Money is in minor units."""

    sold: Sold  # the new one
    wrong: Customer  # who got the power
    owes: int  # what this customer owes now, of this sale and others


async def move(sale: Sale, device: Device, by: OfficeUser, *, today: date, coin: int, vault: Vault) -> Moved:
    """Do a sale again for the right device, with the same money, in the caller's transaction: its customer owes the
    amount as a claim, and the other device gets a token. The agent's cash and commission stay as they are. Raises
    NotTakenBack's kinds."""
    await lock_payment(sale.payment_id)
    await _lock_both(sale, device)
    await lock_sale(sale)
    if sale.device_id is None:
        raise NothingToMove(sale.reference)
    if sale.device_id == device.id:
        raise SameDevice(device.serial)
    if await Sale.exists(replaces_id=sale.id):
        raise MovedBefore(sale.reference)
    void = await void_of(sale)
    if void and void.state == VoidState.DONE:
        raise VoidBefore(sale.reference)
    reason = f"sale {sale.reference} was for {device.serial}"
    lines = [
        Posting(AccountKind.CLAIM, sale.customer_id, sale.amount),
        Posting(AccountKind.UNAPPLIED, sale.payment_id, -sale.amount),
    ]
    await post(f"sale {sale.id} moved", lines, actor=by.name, reason=reason)
    applied = await apply(
        sale.payment_id,
        PayableDevice(device),
        funds=sale.amount,
        actor=by.name,
        key=f"move {sale.id}",
        today=today,
        coin=coin,
        vault=vault,
        replaces=sale.id,
    )
    if applied.sold is None or not applied.sold.digits:
        raise NotForThat(applied.waits)
    detail = f"{sale.amount} minor units, to {device.serial}, sale {applied.sold.sale.reference}"
    await record(by.name, "sale moved", sale.reference, detail)
    wrong = await Customer.get(id=sale.customer_id)
    return Moved(applied.sold, wrong, await balance(AccountKind.CLAIM, wrong.id))


async def _lock_both(sale: Sale, device: Device) -> None:
    """Hold what either device's sale moves, kind by kind, waiting for it: what were held later, out of its order, would
    be refused as long as somebody sells for it (models/sql.py)."""
    devices, customers = [sale.device_id or 0, device.id], [sale.customer_id, device.customer_id or 0]
    earning = "SELECT agent_id FROM contract WHERE device_id IN ($2, $3) OR customer_id IN ($4, $5)"
    await lock_rows("agent", f"id = $1 OR id IN ({earning})", [sale.agent_id or 0, *devices, *customers])
    await lock_rows("device", "id IN ($1, $2)", devices)
    await lock_rows("customer", "id IN ($1, $2)", customers)
