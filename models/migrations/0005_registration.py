"""Registering customers and devices: labels of meters, models, who registered what, and drafts of talks."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index


class Migration(migrations.Migration):
    dependencies = [("models", "0004_tickets")]

    operations = [
        ops.CreateModel(
            name="ConnectionGroup",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=100)),
            ],
            options={"table": "connectiongroup", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DeviceModel",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("kind", fields.CharField(max_length=10)),
                ("manufacturer", fields.CharField(max_length=100)),
                ("name", fields.CharField(unique=True, max_length=100)),
                ("prefix", fields.CharField(default="", max_length=32)),
            ],
            options={"table": "devicemodel", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Draft",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=100)),
                ("phone", fields.CharField(max_length=40)),
                ("talk", fields.CharField(max_length=40)),
                ("answers", fields.TextField(unique=False)),
                ("updated_at", fields.BigIntField(db_index=True)),
            ],
            options={
                "table": "draft",
                "app": "models",
                "indexes": [Index(fields=["phone", "talk"])],
                "pk_attr": "name",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MeterType",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=100)),
            ],
            options={"table": "metertype", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ConnectionType",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=100)),
                (
                    "usual_plan",
                    fields.ForeignKeyField(
                        "models.Plan",
                        source_field="usual_plan_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "usual_meter_type",
                    fields.ForeignKeyField(
                        "models.MeterType",
                        source_field="usual_meter_type_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "usual_group",
                    fields.ForeignKeyField(
                        "models.ConnectionGroup",
                        source_field="usual_group_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={"table": "connectiontype", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Registration",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("key", fields.CharField(unique=True, max_length=80)),
                ("request", fields.CharField(max_length=64)),
                (
                    "agent",
                    fields.ForeignKeyField(
                        "models.Agent",
                        source_field="agent_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "device",
                    fields.ForeignKeyField(
                        "models.Device",
                        source_field="device_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("consent", fields.CharField(max_length=10)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "registration",
                "app": "models",
                "indexes": [
                    Index(fields=["agent_id", "request"]),
                    Index(fields=["device_id"]),
                    Index(fields=["customer_id"]),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SubConnectionType",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=100)),
                (
                    "type",
                    fields.ForeignKeyField(
                        "models.ConnectionType",
                        source_field="type_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "subconnectiontype",
                "app": "models",
                "unique_together": (("type", "name"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Connection",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "device",
                    fields.OneToOneField(
                        "models.Device",
                        source_field="device_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="connection",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "meter_type",
                    fields.ForeignKeyField(
                        "models.MeterType",
                        source_field="meter_type_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "group",
                    fields.ForeignKeyField(
                        "models.ConnectionGroup",
                        source_field="group_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "type",
                    fields.ForeignKeyField(
                        "models.ConnectionType",
                        source_field="type_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "sub_type",
                    fields.ForeignKeyField(
                        "models.SubConnectionType",
                        source_field="sub_type_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={"table": "connection", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Device",
            name="model",
            field=fields.ForeignKeyField(
                "models.DeviceModel",
                source_field="model_id",
                null=True,
                db_constraint=True,
                to_field="id",
                on_delete=OnDelete.CASCADE,
            ),
        ),
    ]
