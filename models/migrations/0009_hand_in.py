"""Cash that agents hand in; and this and what customers agreed to is never changed."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


async def forbid_changes(_apps: object, editor: Any) -> None:
    client = editor.client
    for table in ("hand_in", "registration"):
        if client.capabilities.dialect != "sqlite":
            await client.execute_script(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION append_only()"
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            await client.execute_script(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
            )


class Migration(migrations.Migration):
    dependencies = [("models", "0008_appliances")]

    operations = [
        ops.CreateModel(
            name="HandIn",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("reference", fields.CharField(unique=True, max_length=20)),
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
                ("amount", fields.BigIntField()),
                ("commission", fields.BigIntField()),
                ("actor", fields.CharField(max_length=100)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "hand_in",
                "app": "models",
                "indexes": [Index(fields=["agent_id", "created_at"])],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.RunPython(forbid_changes),
    ]
