"""What the office sets while running."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

CHECKS = {"office_setting": "version > 0", "office_text": "said <> '' AND version > 0"}


async def begin(_apps: object, editor: Any) -> None:
    """The first version; and nothing is set to no sentence."""
    run = editor.client.execute_script
    await run("INSERT INTO setting (name, value) VALUES ('version', '0')")
    for table, condition in CHECKS.items():
        if editor.client.capabilities.dialect != "sqlite":
            await run(f"ALTER TABLE {table} ADD CONSTRAINT {table}_kept_check CHECK ({condition})")
            continue
        broken = f"NOT ({condition.replace('version', 'NEW.version').replace('said', 'NEW.said')})"
        for event in ("INSERT", "UPDATE"):
            await run(
                f"CREATE TRIGGER {table}_kept_{event.lower()} BEFORE {event} ON {table} WHEN {broken} "
                f"BEGIN SELECT RAISE(ABORT, '{table}_kept_check'); END"
            )


class Migration(migrations.Migration):
    dependencies = [("models", "0004_office_users")]

    operations = [
        ops.CreateModel(
            name="OfficeSetting",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ("value", fields.CharField(null=True, max_length=500)),
                ("version", fields.BigIntField()),
            ],
            options={"table": "office_setting", "app": "models", "pk_attr": "name"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OfficeText",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("language", fields.CharField(max_length=2)),
                ("english", fields.CharField(max_length=500)),
                ("said", fields.CharField(max_length=500)),
                ("version", fields.BigIntField()),
            ],
            options={
                "table": "office_text",
                "app": "models",
                "unique_together": (("language", "english"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OfficeUpload",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("created_at", fields.BigIntField(db_index=True)),
                ("brought_by", fields.CharField(max_length=100)),
                ("kind", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=200)),
                ("data", fields.BinaryField()),
            ],
            options={"table": "office_upload", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.RunPython(begin),
    ]
