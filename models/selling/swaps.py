"""A device that broke under warranty: another one of the stock takes its place, with its plan, its debts and the days
that were left, or the energy that the display of a meter still shows. Nothing is paid, so nothing is sold; the broken
one is out of use and keeps its count."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.devices import LONGEST, TAIL, Device, Kind, Unit, with_owner
from models.devices.connections import Connection
from models.devices.counts import mark_of
from models.devices.keys import open_key
from models.messages.withdrawal import withdraw_reminders
from models.money.ledger import AccountKind, Posting, balance, post
from models.people import Customer
from models.rows import find_row
from models.selling.catalogue import Terms
from models.selling.contracts import Contract, contract_of
from models.selling.ownership import NoOwner, NotDone
from models.selling.sales import COUNTS, runs_on
from models.sql import connection, execute, insert, lock_rows
from models.tokens import ISSUERS, Issuer, Key
from models.tokens.journal import JOURNAL, Made
from models.vault import Vault

DAY = timedelta(days=1)
TAKE_OVER = """UPDATE device SET customer_id = $2, tariff_id = $3, paid_until = $4, access_due = $5, access_until = $6,
  count = $7 WHERE id = $1"""
OUT_OF_USE = """UPDATE device SET customer_id = NULL, paid_until = NULL, access_due = 0, access_until = NULL,
  retired_at = $2 WHERE id = $1"""
# All that a meter ever got, whosever it was: what was sold for it and not taken back, and what it came with itself.
ENERGY_SOLD = f"""SELECT COALESCE(SUM(s.units), 0) AS units FROM sale s
  WHERE s.device_id = $1 AND s.unit = 'energy' AND {COUNTS}"""
ENERGY_BROUGHT = "SELECT COALESCE(SUM(units), 0) AS units FROM device_swap WHERE device_id = $1 AND unit = 'energy'"


class DeviceSwap(Model):
    """One device in the place of another; append only."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # names the swap for good: what is asked twice with it is done once
    former: fields.ForeignKeyRelation[Device] = fields.ForeignKeyField(
        "models.Device", related_name="swapped_out", on_delete=fields.RESTRICT
    )
    former_id: int
    device: fields.ForeignKeyRelation[Device] = fields.ForeignKeyField(
        "models.Device", related_name="swapped_in", on_delete=fields.RESTRICT
    )
    device_id: int
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int
    contract: fields.ForeignKeyNullableRelation[Contract] = fields.ForeignKeyField(
        "models.Contract", null=True, on_delete=fields.RESTRICT
    )
    contract_id: int | None
    # What the token carries: a Unit, or nothing. A token that carries nothing locks a device that runs on.
    unit = fields.CharField(10, default="", db_default="")
    units = fields.IntField(default=0, db_default=0)  # whole days, or tenths of a kilowatt-hour
    count = fields.IntField()  # of the new device afterwards
    digits = fields.CharField(20, default="", db_default="")  # of the token
    actor = fields.CharField(100)
    reason = fields.CharField(200)
    created_at = fields.DatetimeField()

    class Meta:
        table = "device_swap"
        indexes = (("device_id",), ("former_id",), ("customer_id",))


class NotInStock(NotDone):
    """The other device is somebody's, out of use, or the same."""


class OtherKind(NotDone):
    """The other device is of another kind."""


class NoToken(NotDone):
    """The other device can have no token now, and one is needed."""


class MoreThanSold(NotDone):
    """The display of the broken meter cannot show so much: `most` is what it got (tenths of a kilowatt-hour)."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


@dataclass(frozen=True)
class Swapped:
    """What a swap did. The devices are as they were before."""

    swap: DeviceSwap
    former: Device
    device: Device
    customer: Customer
    new: bool  # False: it was done before, by the same key


@dataclass(frozen=True)
class Rest:
    """What the broken device had still to run."""

    unit: Unit | None  # None: nothing that a token could carry
    units: int = 0  # whole days, or tenths of a kilowatt-hour


async def energy_got(device: Device) -> int:
    """How much energy this meter ever got (tenths of a kilowatt-hour): its display cannot show more. What is left on it
    goes along when it changes hands."""
    got = [await execute(connection(), statement, [device.id]) for statement in (ENERGY_SOLD, ENERGY_BROUGHT)]
    return sum(int(rows[0]["units"]) for rows in got)


async def _energy_left(device: Device, shown: int, issuer: Issuer) -> Rest:
    """What the display shows goes along, as far as one token says it. Raises MoreThanSold."""
    most = min(await energy_got(device), issuer.most_units)
    if shown > most:
        raise MoreThanSold(most)
    units = issuer.carried(shown) if shown else 0
    return Rest(Unit.ENERGY, units) if units else Rest(None)


async def rest_of(device: Device, most: int, now: datetime) -> Rest:
    """What a token for another device has to carry, where that runs by the day. A day that has begun counts whole, for
    it is no fault of the customer's."""
    contract = await contract_of(device)
    paid_off = contract is not None and contract.ended_on is not None and not contract.ending
    if paid_off and contract and contract.terms != Terms.SERVICE:
        return Rest(Unit.UNLOCK)
    left = (device.paid_until - now) if device.paid_until else timedelta()
    days = min(-(-left // DAY), most)
    return Rest(Unit.DAYS, days) if days > 0 else Rest(None)


async def swap_device(
    former: Device, device: Device, *, actor: str, reason: str, key: str, vault: Vault, shown: int = 0
) -> Swapped:
    """Put one device in the place of another, in the caller's transaction. `shown` is what the display of a meter still
    has (tenths of a kilowatt-hour): nobody here can read it. A second call with the key changes nothing and returns the
    first one. Raises NoOwner, also when the broken one is another customer's than when it was read; NotInStock,
    OtherKind, NoToken and MoreThanSold."""
    await lock_rows("device", "id IN ($1, $2)", [former.id, device.id])
    if earlier := await DeviceSwap.get_or_none(key=key):
        return await _read(earlier, new=False)
    had, former, device = former.customer_id, await with_owner(former.id), await with_owner(device.id)
    customer = _check(former, device)
    if customer.id != had:
        raise NoOwner(former.serial)
    await lock_rows("customer", "id = $1", [customer.id])
    contract = await contract_of(former)
    if contract:
        await lock_rows("contract", "id = $1", [contract.id])
    now, opened = datetime.now(UTC), open_key(device, vault)
    issuer = ISSUERS[device.issuer]
    if former.kind == Kind.METER:
        rest = await _energy_left(former, shown, issuer)
    else:
        rest = await rest_of(former, issuer.most(opened), now)
    count, digits = _make_token(device, opened, rest, now, locks=await runs_on(device))
    await _take_over(former, device, rest, count, now)
    await _move_debts(former, device, contract, actor, reason)
    row = {
        "key": key,
        "former_id": former.id,
        "device_id": device.id,
        "customer_id": customer.id,
        "contract_id": contract.id if contract else None,
        "unit": rest.unit.value if rest.unit else "",
        "units": rest.units,
        "count": count,
        "digits": digits,
        "actor": actor,
        "reason": reason[:200],
        "created_at": now,
    }
    swap = DeviceSwap(id=await insert("device_swap", **row), **row, _from_db=True)
    if digits:
        token = vault.mac(digits, "journal token")[:16]
        JOURNAL.note(Made(now, device.serial, mark_of(opened, device.serial), count, token, f"swap{swap.id}"))
    left = f"{rest.units / 10:.1f} kWh" if rest.unit is Unit.ENERGY else f"{rest.units} days"
    detail = f"-> {device.serial}, of customer {customer.id}, {left}, count {former.count} kept: {reason}"
    await record(actor, "device swapped", former.serial, detail)
    await record(actor, "device swapped", device.serial, f"in the place of {former.serial}: {reason}")
    return Swapped(swap, former, device, customer, new=True)


def _check(former: Device, device: Device) -> Customer:
    """Whose it is. Raises NoOwner, NotInStock and OtherKind."""
    if former.customer is None or former.retired_at:
        raise NoOwner(former.serial)
    if device.customer_id is not None or device.retired_at or device.id == former.id:
        raise NotInStock(device.serial)
    if device.kind != former.kind:
        raise OtherKind(device.serial)
    return former.customer


def _make_token(device: Device, key: Key, rest: Rest, now: datetime, *, locks: bool) -> tuple[int, str]:
    """The count of the new device and the digits that it is to get; they lock it where it runs on of before, at once
    where nothing is left to run. Raises NoToken."""
    issuer = ISSUERS[device.issuer]
    lock_again = issuer.lock_again if locks else None
    if rest.unit is None and lock_again is None:
        return device.count, ""
    if issuer.can_issue(key, device.count, now):
        raise NoToken(device.serial)
    if rest.unit is Unit.UNLOCK:
        if issuer.unlock is None:
            raise NoToken(device.serial)
        return issuer.unlock(key, device.count)
    if lock_again:
        return lock_again(key, device.count, rest.units)
    return issuer.issue(key, device.serial, device.count, rest.units, now)


async def _take_over(former: Device, device: Device, rest: Rest, count: int, now: datetime) -> None:
    """The new one is the customer's, on the same terms; the broken one is nobody's and out of use. Its count stays."""
    until = now + rest.units * DAY if rest.unit is Unit.DAYS else former.paid_until
    values = [device.id, former.customer_id, former.tariff_id, until, former.access_due, former.access_until, count]
    await execute(connection(), TAKE_OVER, values)
    await execute(connection(), OUT_OF_USE, [former.id, now])
    if labels := await Connection.get_or_none(device_id=former.id):
        names = ("meter_type_id", "group_id", "type_id", "sub_type_id")
        await Connection.update_or_create({name: getattr(labels, name) for name in names}, device_id=device.id)


async def _move_debts(former: Device, device: Device, contract: Contract | None, actor: str, reason: str) -> None:
    """The contract is on the new one from now on, and what the broken one owed of the access rate, too."""
    if contract:
        await execute(connection(), "UPDATE contract SET device_id = $2 WHERE id = $1", [contract.id, device.id])
        await withdraw_reminders([contract.id])
    if due := await balance(AccountKind.ACCESS_DUE, former.id):
        lines = [Posting(AccountKind.ACCESS_DUE, device.id, due), Posting(AccountKind.ACCESS_DUE, former.id, -due)]
        await post(f"swap {former.id} {device.id}", lines, actor=actor, reason=reason)


async def find_spare(typed: str, kind: str) -> Device:
    """The device of the stock that goes by this serial, or by its end. Raises NotInStock, and OtherKind."""
    if len(typed) > LONGEST:
        raise NotInStock(typed)
    if exact := await Device.get_or_none(serial=typed):
        if exact.customer_id is not None or exact.retired_at:
            raise NotInStock(typed)
        if exact.kind != kind:
            raise OtherKind(typed)
        return exact
    free = Device.filter(kind=kind, customer_id=None, retired_at=None)
    found = await free.filter(serial__endswith=typed).limit(2) if len(typed) >= TAIL else []
    if len(found) != 1:
        raise NotInStock(typed)
    return found[0]


async def list_spares(kind: str, most: int) -> list[str]:
    """The serials of at most so many devices of the stock."""
    free = Device.filter(kind=kind, customer_id=None, retired_at=None)
    return [device.serial for device in await free.order_by("serial").limit(most)]


async def swap_to(device: Device) -> DeviceSwap | None:
    """The swap by which this device came to its owner, if it did, or with its plan to who had it before."""
    came = """device_id = $1 AND (customer_id = $2 OR contract_id IN (SELECT id FROM contract WHERE customer_id = $2))
      ORDER BY id DESC"""
    return await find_row(DeviceSwap, came, [device.id, device.customer_id])


async def _read(swap: DeviceSwap, *, new: bool) -> Swapped:
    former, device = await with_owner(swap.former_id), await with_owner(swap.device_id)
    return Swapped(swap, former, device, await Customer.get(id=swap.customer_id), new)
