"""What the office sells on instalments, and the plans by which it is paid."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.devices import LONGEST, TAIL, Device, DeviceModel, DeviceNotFound, Kind
from models.selling.instalments import Period


class Type(StrEnum):
    """What an appliance is (reference: mpm 0.4)."""

    SHS = "shs"  # this and the next are devices, which a payment keeps running
    EBIKE = "ebike"
    ELECTRONICS = "electronics"
    GOODS = "goods"


class Terms(StrEnum):
    """How an appliance is paid."""

    CASH = "cash"  # at once
    INSTALMENTS = "instalments"
    SERVICE = "service"  # by the day, for ever


class Appliance(Model):
    """An item of the catalogue."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(60, unique=True)
    type = fields.CharField(12)
    model: fields.ForeignKeyNullableRelation[DeviceModel] = fields.ForeignKeyField(
        "models.DeviceModel", null=True, on_delete=fields.RESTRICT
    )
    model_id: int | None
    price = fields.BigIntField()  # minor units
    remind_before = fields.SmallIntField(null=True)  # so many days before an instalment is due; None: never
    remind_after = fields.SmallIntField(null=True)  # so many days after it was due; None: never
    overdue_ticket = fields.BooleanField(default=False)  # whether an overdue instalment opens a ticket

    @property
    def is_device(self) -> bool:
        return self.type in (Type.SHS, Type.EBIKE)


class PaymentPlan(Model):
    """One way in which the office lets an appliance be paid. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    appliance: fields.ForeignKeyRelation[Appliance] = fields.ForeignKeyField(
        "models.Appliance", related_name="plans", on_delete=fields.RESTRICT
    )
    appliance_id: int
    name = fields.CharField(30)
    terms = fields.CharField(12)  # a Terms
    down = fields.BigIntField(default=0)  # the down payment
    count = fields.SmallIntField(default=0)  # of instalments
    period = fields.CharField(8, default=Period.WEEKLY.value)  # between two instalments
    day_price = fields.BigIntField(default=0)  # what a day of a service costs
    minimum = fields.BigIntField(default=1)  # the smallest payment

    class Meta:
        unique_together = (("appliance", "name"),)


async def catalogue() -> list[Appliance]:
    """What can be sold: the items that some plan was allowed for, by name."""
    return await Appliance.filter(plans__id__isnull=False).distinct().order_by("name")


async def plans_of(appliance: Appliance) -> list[PaymentPlan]:
    """The plans that the office allows for an item, as it listed them."""
    return await PaymentPlan.filter(appliance_id=appliance.id).order_by("id")


def _free(appliance: Appliance) -> QuerySet[Device]:
    free = Device.filter(customer_id=None, kind=Kind(appliance.type).value, retired_at=None)
    return free if appliance.model_id is None else free.filter(model_id=appliance.model_id)


async def free_devices(appliance: Appliance, most: int) -> list[Device]:
    """Free devices of an item, by serial."""
    return await _free(appliance).order_by("serial").limit(most)


async def count_stock(appliance: Appliance) -> int:
    return await _free(appliance).count()


async def free_device(appliance: Appliance, serial: str) -> Device:
    """The free device of an item with this serial, or with this end of one. Raises DeviceNotFound."""
    if not TAIL <= len(serial) <= LONGEST:
        raise DeviceNotFound(serial)
    found = await _free(appliance).filter(serial=serial)
    if not found:
        found = await _free(appliance).filter(serial__endswith=serial).limit(2)
    if len(found) != 1:
        raise DeviceNotFound(serial, len(found))
    return found[0]
