"""What moves money or goods and needs two people: one of the office asks, another one agrees.

A sale that goes to another device, a device that goes to another customer, cash that is paid out of a wallet or of a
customer's credit, the right amount of a payment. Each is written down first and changes nothing; who agrees does it, in
one transaction (handlers/customers/proposals.py). Voids and write-offs have rows of their own (models/selling/voids.py,
models/money/write_offs.py).
"""

from datetime import UTC, date, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.devices import Device
from models.money.amounts import check_said
from models.money.credit import check_credit
from models.money.payments import Payment
from models.money.wallets import NotInWallet, NotPrepaid, in_wallet
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import check_second
from models.selling.moving import NothingToMove, SameDevice
from models.selling.ownership import NoOwner, OwnAlready, owed_on
from models.selling.sales import Sale
from models.selling.taking_back import MovedBefore, VoidBefore
from models.selling.voids import VoidState, void_of
from models.sql import connection, cut, execute, marks

DECIDE = """UPDATE proposal SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND state = 'asked'
  RETURNING id"""


class What(StrEnum):
    MOVE = "move"  # a sale to the right device
    TRANSFER = "transfer"  # a device to another customer
    PAYOUT = "payout"  # cash out of an agent's wallet
    CREDIT = "credit"  # cash out of a customer's credit
    AMOUNT = "amount"  # which amount of a payment is right


# The column that says about what; of each at most one is open.
ABOUT = {
    What.MOVE: "sale_id",
    What.TRANSFER: "device_id",
    What.PAYOUT: "agent_id",
    What.CREDIT: "customer_id",
    What.AMOUNT: "payment_id",
}


class Decision(StrEnum):
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Proposal(Model):
    """What somebody of the office asks for, and who decided it."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the form: what is sent twice is asked once
    what = fields.CharField(10)  # a What
    sale: fields.ForeignKeyNullableRelation[Sale] = fields.ForeignKeyField(
        "models.Sale", null=True, on_delete=fields.RESTRICT
    )
    sale_id: int | None
    # The right one for a sale, or the one that changes hands.
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    customer: fields.ForeignKeyNullableRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", null=True, on_delete=fields.RESTRICT
    )  # who gets the device, or the cash
    customer_id: int | None
    # Who had the device when it was asked: if it is somebody else's by now nothing is given away.
    former: fields.ForeignKeyNullableRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", null=True, related_name="leaving", on_delete=fields.RESTRICT
    )
    former_id: int | None
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )  # whose wallet
    agent_id: int | None
    payment: fields.ForeignKeyNullableRelation[Payment] = fields.ForeignKeyField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    # Of a payout or a payment, or what was owed on the device; minor units.
    amount = fields.BigIntField(default=0, db_default=0)
    with_debt = fields.BooleanField(default=False, db_default=False)  # what is owed on the device goes with it
    reason = fields.CharField(200)
    state = fields.CharField(10, default=Decision.ASKED)
    asked_by = fields.CharField(100)
    asked_at = fields.DatetimeField()
    decided_by = fields.CharField(100, default="", db_default="")  # somebody else where it was done
    decided_at = fields.DatetimeField(null=True)

    class Meta:
        table = "proposal"


class NotProposed(Exception):
    """Nothing was written down."""


class AskedAlready(NotProposed):
    """Somebody asked for it, and it is not decided; `by` says who."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Decided(Exception):
    """Somebody else was quicker, or there is no such proposal."""


async def propose_move(sale: Sale, device: Device, by: OfficeUser, reason: str, key: str) -> Proposal:
    """Ask for a sale to be done again for this device, in the caller's transaction. Raises NothingToMove, SameDevice,
    MovedBefore, VoidBefore and AskedAlready."""
    if sale.device_id is None:
        raise NothingToMove(sale.reference)
    if sale.device_id == device.id:
        raise SameDevice(device.serial)
    if await Sale.exists(replaces_id=sale.id):
        raise MovedBefore(sale.reference)
    void = await void_of(sale)
    if void and void.state == VoidState.DONE:
        raise VoidBefore(sale.reference)
    said = f"to {device.serial}, {sale.amount} minor units"
    return await _write(
        key, What.MOVE, by, reason, subject=sale.reference, said=said, sale_id=sale.id, device_id=device.id
    )


async def propose_transfer(
    device: Device, to: Customer, by: OfficeUser, reason: str, key: str, *, today: date, with_debt: bool = False
) -> Proposal:
    """Ask for a device to go to another customer, in the same way. Raises NoOwner, OwnAlready and AskedAlready."""
    if device.customer_id is None:
        raise NoOwner(device.serial)
    if device.customer_id == to.id:
        raise OwnAlready(device.serial)
    owed = await owed_on(device, today)
    said = f"customer {device.customer_id} -> {to.id}, {owed} minor units owed"
    whose = {"device_id": device.id, "customer_id": to.id, "former_id": device.customer_id, "amount": owed}
    whose |= {"with_debt": with_debt}
    return await _write(key, What.TRANSFER, by, reason, subject=device.serial, said=said, **whose)


async def propose_payout(agent: Agent, amount: int, by: OfficeUser, reason: str, key: str) -> Proposal:
    """Ask for cash (minor units) to be paid out of a wallet, in the same way. Raises NotPrepaid, NotInWallet and
    AskedAlready."""
    there = await in_wallet(agent.id)
    if not agent.prepaid and not there:
        raise NotPrepaid(agent.phone)
    if not 0 < amount <= there:
        raise NotInWallet(there)
    said = f"{amount} minor units"
    return await _write(key, What.PAYOUT, by, reason, subject=agent.phone, said=said, agent_id=agent.id, amount=amount)


async def propose_credit(customer: Customer, amount: int, by: OfficeUser, reason: str, key: str) -> Proposal:
    """Ask for cash (minor units) to be paid out of a customer's credit, in the same way. Raises NotSoMuch and
    AskedAlready."""
    await check_credit(customer, amount)
    said, subject = f"{amount} minor units", f"customer {customer.id}"
    whose = {"customer_id": customer.id, "amount": amount}
    return await _write(key, What.CREDIT, by, reason, subject=subject, said=said, **whose)


async def propose_amount(payment: Payment, amount: int, by: OfficeUser, reason: str, key: str) -> Proposal:
    """Ask for the amount of a payment to be put right (minor units), in the same way. Raises NotPutRight's kinds and
    AskedAlready."""
    await check_said(payment, amount)
    said, subject = f"{amount} minor units", f"{payment.provider} {payment.reference}"
    whose = {"payment_id": payment.id, "amount": amount}
    return await _write(key, What.AMOUNT, by, reason, subject=subject, said=said, **whose)


async def take_up(number: int, by: OfficeUser) -> Proposal:
    """A second person agrees: the caller does it, in the same transaction. Raises SamePerson, and Decided where
    somebody else was quicker."""
    found = await _find(number)
    check_second(by.name, found.asked_by)
    await _decide(found, Decision.DONE, by)
    return found


async def refuse(number: int, by: OfficeUser) -> Proposal:
    """It is not done: somebody else says no, or who asked takes it back. In the caller's transaction. Raises
    Decided."""
    found = await _find(number)
    await _decide(found, Decision.REFUSED, by)
    await record(by.name, f"{found.what} refused", f"proposal {found.id}", f"asked by {found.asked_by}: {found.reason}")
    return found


async def find_open(what: What, about: int) -> Proposal | None:
    """What waits for a second person about this sale (a move), device (a transfer), agent or customer (a payout) or
    payment (its amount): at most one."""
    return await Proposal.filter(what=what.value, state=Decision.ASKED.value, **{ABOUT[what]: about}).first()


async def open_proposals(most: int) -> list[Proposal]:
    """What waits for a second person, the oldest first, each with what it is about."""
    found = Proposal.filter(state=Decision.ASKED.value).order_by("id").limit(most)
    return await found.prefetch_related(
        "sale__customer", "sale__device", "device__customer", "customer", "agent", "payment"
    )


async def _find(number: int) -> Proposal:
    found = await Proposal.get_or_none(id=number, state=Decision.ASKED.value)
    if found is None:
        raise Decided(number)
    return found


async def _decide(found: Proposal, decision: Decision, by: OfficeUser) -> None:
    now = datetime.now(UTC)
    if not await execute(connection(), DECIDE, [found.id, decision.value, cut(by.name, 100), now]):
        raise Decided(found.id)
    found.state, found.decided_by, found.decided_at = decision.value, by.name, now


async def _write(
    key: str, what: What, by: OfficeUser, reason: str, *, subject: str, said: str, **whose: int | bool
) -> Proposal:
    if earlier := await Proposal.get_or_none(key=key):
        return earlier
    values: dict[str, object] = {
        "key": key,
        "what": what.value,
        "reason": cut(reason, 200),
        "asked_by": by.name,
        **whose,
    }
    values |= {"asked_at": datetime.now(UTC), "state": Decision.ASKED.value}
    statement = (
        f"INSERT INTO proposal ({', '.join(values)}) VALUES ({marks(len(values))}) ON CONFLICT DO NOTHING RETURNING id"
    )
    if not (rows := await execute(connection(), statement, list(values.values()))):
        return await _earlier(key, what, whose)
    await record(by.name, f"{what.value} asked", subject, f"{said}: {reason}")
    return await Proposal.get(id=rows[0]["id"])


async def _earlier(key: str, what: What, whose: dict[str, int | bool]) -> Proposal:
    """The same form, sent twice at once. Raises AskedAlready for another one about the same."""
    if earlier := await Proposal.get_or_none(key=key):
        return earlier
    other = await find_open(what, whose[ABOUT[what]])
    raise AskedAlready(other.asked_by if other else "")
