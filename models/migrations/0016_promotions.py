"""Who is to become an owner or of finance, and waits for a second person."""

from importlib import import_module
from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

guards = import_module("models.migrations.0002_guards")

OPEN = "CREATE UNIQUE INDEX office_promotion_open ON office_promotion (user_id) WHERE state = 'asked'"
# `@` stands before the name of a column of the row that is written.
CHECKS = (
    ("role", guards.one_of("role", "owner", "finance")),
    ("state", guards.one_of("state", "asked", "done", "refused")),
    ("second", "@state <> 'done' OR (@second_id IS NOT NULL AND @second_id <> @by_id)"),
)


async def guard(_apps: object, editor: Any) -> None:
    """What a row may say; SQLite has triggers for it."""
    run, embedded = editor.client.execute_script, editor.client.capabilities.dialect == "sqlite"
    for name, condition in CHECKS:
        check = f"office_promotion_{name}_check"
        if not embedded:
            await run(f"ALTER TABLE office_promotion ADD CONSTRAINT {check} CHECK ({condition.replace('@', '')})")
            continue
        for event in ("INSERT", "UPDATE"):
            await run(
                f"CREATE TRIGGER {check}_{event.lower()} BEFORE {event} ON office_promotion "
                f"WHEN NOT ({condition.replace('@', 'NEW.')}) BEGIN SELECT RAISE(ABORT, '{check}'); END"
            )


class Migration(migrations.Migration):
    dependencies = [("models", "0015_kept_sums")]

    operations = [
        ops.CreateModel(
            name="Promotion",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("role", fields.CharField(max_length=10)),
                ("whom", fields.CharField(max_length=100)),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.OfficeUser",
                        source_field="user_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="promotions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "by",
                    fields.ForeignKeyField(
                        "models.OfficeUser",
                        source_field="by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="promoted",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("asked_at", fields.BigIntField()),
                ("state", fields.CharField(default="asked", max_length=10)),
                (
                    "second",
                    fields.ForeignKeyField(
                        "models.OfficeUser",
                        source_field="second_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="decided_promotions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("decided_at", fields.BigIntField(default=0, db_default=0)),
            ],
            options={"table": "office_promotion", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.RunSQL(OPEN),
        ops.RunPython(guard),
    ]
