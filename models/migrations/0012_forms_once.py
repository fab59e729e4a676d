"""Forms that were sent: one that comes a second time does nothing."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0011_tickets")]

    operations = [
        ops.CreateModel(
            name="FormOnce",
            fields=[
                ("key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("taken_at", fields.BigIntField()),
            ],
            options={"table": "form_once", "app": "models", "pk_attr": "key"},
            bases=["Model"],
        ),
    ]
