"""What is known of a meter's place in the mini-grid: five labels that the office defines, for meters alone."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.devices.tables import Device, Tariff, Unit
from models.rows import find_rows
from models.sql import once

TYPES = "TRUE ORDER BY connectiontype.id"
USUAL = ("usual_tariff", "usual_meter_type", "usual_group")
ALL = "TRUE ORDER BY id"


class MeterType(Model):
    """Phases and largest current, as the office names them."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100, unique=True)


class ConnectionGroup(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100, unique=True)


class ConnectionType(Model):
    """A use of energy: a household, a business. A registration in one line that names only the type means what is usual
    for it."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100, unique=True)
    usual_tariff: fields.ForeignKeyNullableRelation[Tariff] = fields.ForeignKeyField(
        "models.Tariff", null=True, on_delete=fields.RESTRICT
    )
    usual_meter_type: fields.ForeignKeyNullableRelation[MeterType] = fields.ForeignKeyField(
        "models.MeterType", null=True, on_delete=fields.RESTRICT
    )
    usual_group: fields.ForeignKeyNullableRelation[ConnectionGroup] = fields.ForeignKeyField(
        "models.ConnectionGroup", null=True, on_delete=fields.RESTRICT
    )


class SubConnectionType(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100)
    type: fields.ForeignKeyRelation[ConnectionType] = fields.ForeignKeyField(
        "models.ConnectionType", on_delete=fields.RESTRICT
    )

    class Meta:
        unique_together = (("type", "name"),)


class Connection(Model):
    """The labels of one meter; its tariff is the device's plan."""

    id = fields.BigIntField(primary_key=True)
    device: fields.OneToOneRelation[Device] = fields.OneToOneField(
        "models.Device", related_name="connection", on_delete=fields.RESTRICT
    )
    device_id: int
    meter_type: fields.ForeignKeyNullableRelation[MeterType] = fields.ForeignKeyField(
        "models.MeterType", null=True, on_delete=fields.RESTRICT
    )
    group: fields.ForeignKeyNullableRelation[ConnectionGroup] = fields.ForeignKeyField(
        "models.ConnectionGroup", null=True, on_delete=fields.RESTRICT
    )
    type: fields.ForeignKeyNullableRelation[ConnectionType] = fields.ForeignKeyField(
        "models.ConnectionType", null=True, on_delete=fields.RESTRICT
    )
    type_id: int | None
    sub_type: fields.ForeignKeyNullableRelation[SubConnectionType] = fields.ForeignKeyField(
        "models.SubConnectionType", null=True, on_delete=fields.RESTRICT
    )


@dataclass(frozen=True)
class LabelChoices:
    """What can be chosen for a meter, in the order in which the office brought it in. A connection type comes with all
    that is usual for it."""

    types: list[ConnectionType]
    tariffs: list[Tariff]
    meter_types: list[MeterType]
    groups: list[ConnectionGroup]


async def label_choices() -> LabelChoices:
    return await once("what can be chosen for a meter", _label_choices)


async def _label_choices() -> LabelChoices:
    return LabelChoices(
        await find_rows(ConnectionType, TYPES, joined=USUAL),
        await find_rows(Tariff, "unit = $1 ORDER BY id", [Unit.ENERGY.value]),
        await find_rows(MeterType, ALL),
        await find_rows(ConnectionGroup, ALL),
    )


async def sub_types_of(connection_type: ConnectionType) -> list[SubConnectionType]:
    """In the same order."""
    number = connection_type.id
    of_type = "type_id = $1 ORDER BY id"
    return await once(f"types within {number}", lambda: find_rows(SubConnectionType, of_type, [number]))
