"""What is known of a meter's place in the mini-grid: five labels that the office defines, for meters alone."""

from tortoise import fields
from tortoise.models import Model

from models.devices.tables import Device, Tariff


class MeterType(Model):
    """Phases and largest current, as the office names them."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100, unique=True)


class ConnectionGroup(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(100, unique=True)


class ConnectionType(Model):
    """A use of energy: a household, a business. A registration in one line that names only the type means what is usual
    for it."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100, unique=True)
    usual_tariff: fields.ForeignKeyNullableRelation[Tariff] = fields.ForeignKeyField("models.Tariff", null=True)
    usual_meter_type: fields.ForeignKeyNullableRelation[MeterType] = fields.ForeignKeyField(
        "models.MeterType", null=True
    )
    usual_group: fields.ForeignKeyNullableRelation[ConnectionGroup] = fields.ForeignKeyField(
        "models.ConnectionGroup", null=True
    )


class SubConnectionType(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(100)
    type: fields.ForeignKeyRelation[ConnectionType] = fields.ForeignKeyField("models.ConnectionType")

    class Meta:
        unique_together = (("type", "name"),)


class Connection(Model):
    """The labels of one meter; its tariff is the device's plan."""

    id = fields.IntField(primary_key=True)
    device: fields.OneToOneRelation[Device] = fields.OneToOneField("models.Device", related_name="connection")
    device_id: int
    meter_type: fields.ForeignKeyNullableRelation[MeterType] = fields.ForeignKeyField("models.MeterType", null=True)
    group: fields.ForeignKeyNullableRelation[ConnectionGroup] = fields.ForeignKeyField(
        "models.ConnectionGroup", null=True
    )
    type: fields.ForeignKeyNullableRelation[ConnectionType] = fields.ForeignKeyField("models.ConnectionType", null=True)
    type_id: int | None
    sub_type: fields.ForeignKeyNullableRelation[SubConnectionType] = fields.ForeignKeyField(
        "models.SubConnectionType", null=True
    )
