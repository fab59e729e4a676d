"""What a payment can be for, and what it meets there: a device, or goods without one. Nothing here changes anything."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from tortoise.exceptions import OperationalError

from models.clock import CLOCK, Doubt
from models.devices import Device, Kind, with_owner
from models.devices.access_rate import Access, access_due
from models.devices.keys import open_key
from models.people import Agent, Customer
from models.selling.cash_limit import Room
from models.selling.contracts import Contract, contract_of, open_instalments, overdue_goods, read_contract
from models.selling.instalments import Due
from models.selling.met import Asked, Met, meet_device, meet_goods
from models.selling.refusals import NoPlan
from models.selling.sales import Sale, same_today
from models.tokens import ISSUERS, Issuer, Key, Obstacle
from models.vault import Vault

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a payment meets, as of a day in the operator's zone."""

    paid_for: "Payable"
    customer: Customer
    contract: Contract | None  # None: energy or days at the device's tariff
    owed: tuple[Due, ...]  # the contract's open instalments; for a meter, the overdue ones of its owner's goods
    today: date
    coin: int = 1  # the smallest amount that is paid in cash, in minor units
    most: int | None = None  # units that one token of this device carries; None: those of its kind
    access: Access = field(default_factory=Access)  # what the device owes of the access rate
    access_booked: int = 0  # what the books have of that, in minor units
    credit: int = 0  # the customer's, in minor units: what was less than a unit, and counts with this payment
    whole_only: bool = False  # whether no cash is taken that would leave a rest
    room: Room | None = None  # for the seller's cash; None: nobody takes any
    obstacle: Obstacle | None = None  # why the device can have no token now
    doubt: Doubt | None = None  # of the clock
    sales_off: bool = False  # whether the office has switched sales off
    runs_on: bool = False  # whether the device runs longer than is paid, as far as its codes go

    @property
    def device(self) -> Device | None:
        return self.paid_for.device


@dataclass(frozen=True)
class PayableDevice:
    """A device, paid by its serial. It comes with its owner and its tariff."""

    device: Device
    met: Met | None = None  # what a payment by this seller meets, where it was read with the device
    item: str = ""

    @property
    def name(self) -> str:
        """What people pay it by."""
        return self.device.serial

    async def meet(self, payment: Asked) -> Met:
        """What such a payment for it meets now, and how it is itself by now."""
        return await meet_device(self.device.id, payment)

    async def contract(self) -> Contract | None:
        """Its owner's newest contract on it, whether it is paid off or not."""
        return await contract_of(self.device)

    async def same_today(self, seller: Agent | None, amount: int) -> Sale | None:
        """This agent's newest sale of this amount for it within 24 hours; None: that at the office's counter."""
        return await same_today(seller, amount, device_id=self.device.id)

    async def standing(
        self,
        today: date,
        coin: int,
        vault: Vault,
        seller: Agent | None = None,
        *,
        whole_only: bool = False,
        met: Met | None = None,
    ) -> Standing:
        """What a payment for it meets now, taken by this seller; `met` is what was read for it just now. Raises NoPlan
        for a device that nobody owns."""
        met = met or await self.meet(Asked(seller=seller))
        device = met.device or self.device
        issuer = ISSUERS[device.issuer]
        if device.customer_id is None or device.customer is None:
            raise NoPlan(device.serial)
        contract = met.contract if device.kind != Kind.METER else None
        owed: list[Due] = []
        if contract:
            owed = await open_instalments(contract)
        elif device.tariff and device.tariff.recovery and met.has_goods:
            owed = await overdue_goods(device.customer_id, today)
        key = open_key(device, vault)
        return Standing(
            paid_for=PayableDevice(device),
            customer=device.customer,
            contract=contract,
            owed=tuple(owed),
            today=today,
            coin=coin,
            most=_most(issuer, key, device, met),
            access=await access_due(device, today),
            access_booked=met.access_booked,
            credit=met.credit,
            whole_only=whole_only,
            room=_room(met, seller),
            obstacle=issuer.can_issue(key, device.count, datetime.now(UTC)),
            doubt=await CLOCK.doubt(),
            sales_off=met.sales_off,
            runs_on=met.runs_on,
        )


@dataclass(frozen=True)
class PayableGoods:
    """Goods without a device, paid by the number of their contract. It comes with its customer and its appliance."""

    signed: Contract
    device: None = None
    met: None = None

    @property
    def name(self) -> str:
        """What people pay it by: S1042."""
        return self.signed.number

    @property
    def item(self) -> str:
        """What the catalogue calls it."""
        return self.signed.appliance.name

    async def meet(self, payment: Asked) -> Met:
        """What such a payment for it meets now. Nothing changes its terms, which are those of the day of the sale; but
        what its agent has earned does."""
        return await meet_goods(self.signed.id, payment)

    async def contract(self) -> Contract | None:
        return self.signed

    async def same_today(self, seller: Agent | None, amount: int) -> Sale | None:
        """This agent's newest payment of this amount for it within 24 hours; None: that at the office's counter."""
        return await same_today(seller, amount, contract_id=self.signed.id)

    async def standing(
        self,
        today: date,
        coin: int,
        _vault: Vault,
        seller: Agent | None = None,
        *,
        whole_only: bool = False,
        met: Met | None = None,
    ) -> Standing:
        """What a payment for it meets now, taken by this seller; `met` is what was read for it just now."""
        met = met or await self.meet(Asked(seller=seller))
        signed = met.contract or self.signed
        return Standing(
            paid_for=PayableGoods(signed),
            customer=signed.customer,
            contract=signed,
            owed=tuple(await open_instalments(signed)),
            today=today,
            coin=coin,
            credit=met.credit,
            whole_only=whole_only,
            room=_room(met, seller),
            doubt=await CLOCK.doubt(),
            sales_off=met.sales_off,
        )


Payable = PayableDevice | PayableGoods


def _most(issuer: Issuer, key: Key, device: Device, met: Met) -> int:
    """What the next token can carry of what is bought: one that locks the device again has the days in it that were
    left before."""
    most, now = issuer.most(key), datetime.now(UTC)
    if not (met.runs_on and issuer.lock_again and device.paid_until and device.paid_until > now):
        return most
    left = -((now - device.paid_until) // DAY)
    return max(most - left, 1)


def _room(met: Met, seller: Agent | None) -> Room | None:
    """The room for the seller's cash, where somebody takes any."""
    if seller and met.room is None:  # since he was looked up: run again, he is nobody who sells
        raise OperationalError("This agent was retired meanwhile.")
    return met.room


def payable(device: Device | None, contract: Contract | None) -> Payable:
    """What was paid for by a sale of this device, or of the goods of this contract. Raises LookupError for neither."""
    if device:
        return PayableDevice(device)
    if contract:
        return PayableGoods(contract)
    raise LookupError("a payment is for a device or for goods")


async def paid_by(signed: Contract) -> Payable:
    """What a contract is paid by: its device as long as that is on it, else its own number, for what came back may be
    somebody else's by now. It comes with its customer and its appliance."""
    if signed.device_id:
        device = await with_owner(signed.device_id)
        newest = await contract_of(device)
        if newest and newest.id == signed.id:
            return PayableDevice(device)
    return PayableGoods(signed)


async def load_payable(device_id: int | None, contract_id: int | None) -> Payable:
    """What was to be paid, by the ids of then: a contract whatever device it is on now, else the device. Raises
    LookupError for neither."""
    if contract_id:
        return await paid_by(await read_contract(contract_id))
    return payable(await with_owner(device_id) if device_id else None, None)
