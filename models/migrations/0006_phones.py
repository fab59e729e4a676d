"""Gateway phones, and which SIM carried a message."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# What a phone has pulled lately, for its pacing: rows of other gateways are not in this index. Two phones that the
# office has now never share a name; one that was unlinked leaves its name free.
INDEXES = [
    "CREATE INDEX outbox_pulled ON outbox (claimed_by, claimed_at) WHERE claimed_by LIKE 'phone-%'",
    "CREATE UNIQUE INDEX phone_name ON phone (name) WHERE unlinked_at = 0",
]


async def index(_apps: object, editor: Any) -> None:
    for statement in INDEXES:
        await editor.client.execute_script(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0005_registration")]

    operations = [
        ops.CreateModel(
            name="Phone",
            fields=[
                ("id", fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=100)),
                ("token_hash", fields.CharField(default="", max_length=64)),
                ("former_hash", fields.CharField(default="", max_length=64)),
                ("login", fields.CharField(default="", max_length=20)),
                ("password_hash", fields.CharField(default="", max_length=64)),
                ("code_hash", fields.CharField(default="", max_length=64)),
                ("code_until", fields.BigIntField(default=0)),
                ("code_tries", fields.SmallIntField(default=0)),
                ("signing_key", fields.TextField(unique=False)),
                ("model", fields.CharField(default="", max_length=100)),
                ("version", fields.CharField(default="", max_length=20)),
                ("push", fields.BooleanField(default=False)),
                ("sims", fields.TextField(default="[]", unique=False)),
                ("battery", fields.SmallIntField(null=True)),
                ("charging", fields.BooleanField(null=True)),
                ("network", fields.CharField(default="", max_length=20)),
                ("clock_offset", fields.BigIntField(default=0)),
                ("paused", fields.BooleanField(default=False)),
                ("added_at", fields.BigIntField()),
                ("linked_at", fields.BigIntField(default=0)),
                ("unlinked_at", fields.BigIntField(default=0)),
                ("seen_at", fields.BigIntField(default=0)),
                ("webhook_at", fields.BigIntField(default=0)),
                ("export_since", fields.BigIntField(default=0)),
                ("lost", fields.CharField(default="", max_length=200)),
            ],
            options={"table": "phone", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PhoneReceiver",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("phone_id", fields.IntField()),
                ("sim", fields.SmallIntField()),
                ("month", fields.IntField()),
                ("receiver", fields.CharField(max_length=16)),
            ],
            options={
                "table": "phone_receiver",
                "app": "models",
                "unique_together": (("phone_id", "sim", "month", "receiver"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PhonePart",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("outbox_id", fields.BigIntField()),
                ("event_id", fields.CharField(max_length=120)),
            ],
            options={
                "table": "phone_part",
                "app": "models",
                "unique_together": (("outbox_id", "event_id"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.AddField(model_name="Outbox", name="sim", field=fields.SmallIntField(default=0, db_default=0)),
        ops.RunPython(index),
    ]
