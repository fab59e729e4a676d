"""What routing remembers: the gateways a message has left, a gateway's failures, test messages and airtime."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


def _number() -> fields.BigIntField:
    return fields.BigIntField(default=0, db_default=0)


# What waits at the time of the change has been with its gateway since it was promised.
GIVEN = "UPDATE outbox SET given_at = created_at WHERE state IN ('waiting', 'scheduled', 'uncertain', 'sending')"


class Migration(migrations.Migration):
    dependencies = [("models", "0006_phones")]
    operations = [
        ops.AddField(model_name="Outbox", name="given_at", field=_number()),
        ops.AddField(model_name="Outbox", name="former", field=fields.CharField(200, default="", db_default="")),
        ops.RunSQL(GIVEN),
        ops.AddField(model_name="Contact", name="network", field=fields.CharField(10, default="", db_default="")),
        ops.AddField(model_name="GatewayState", name="failures", field=fields.IntField(default=0, db_default=0)),
        ops.AddField(model_name="GatewayState", name="failed_at", field=_number()),
        ops.AddField(model_name="GatewayState", name="told", field=fields.CharField(8, default="", db_default="")),
        ops.AddField(model_name="GatewayState", name="told_at", field=_number()),
        ops.AddField(model_name="GatewayState", name="tested_at", field=_number()),
        ops.AddField(model_name="GatewayState", name="returned_at", field=_number()),
        ops.AddField(model_name="GatewayState", name="round_trip", field=_number()),
        ops.AddField(model_name="GatewayState", name="lost_tests", field=fields.IntField(default=0, db_default=0)),
        ops.AddField(model_name="GatewayState", name="airtime", field=fields.CharField(40, default="", db_default="")),
        ops.AddField(model_name="GatewayState", name="airtime_at", field=_number()),
    ]
