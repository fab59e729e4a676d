"""The last sale of a customer, whose agent she pays, is asked for with each price and each word that needs an agent. Of 400
sales PostgreSQL read and sorted all, in 2 ms; now it reads one (measured)."""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

INDEXES = [Index(fields=["device_id", "created_at"]), Index(fields=["agent_id", "created_at"])]


class Migration(migrations.Migration):
    dependencies = [("models", "0025_what_was_lately")]

    operations = [
        ops.RunSQL("DROP INDEX IF EXISTS idx_sale_custome_2e0f39"),
        ops.RunSQL("CREATE INDEX sale_customer ON sale (customer_id, id)"),
        ops.AlterModelOptions(
            name="Sale",
            options={
                "table": "sale",
                "app": "models",
                "unique_together": (("payment", "part"),),
                "indexes": INDEXES,
                "pk_attr": "id",
            },
        ),
    ]
