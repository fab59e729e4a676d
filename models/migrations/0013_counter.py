"""What the office does itself: it registers and sells without an agent, sends a PIN that is for once, and brings cash to
the bank."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


class AllowNull(ops.AlterField):
    """Drop NOT NULL of a foreign key. On SQLite by editing the schema, which its manual allows for just this
    (lang_altertable, "the second and simpler procedure"): a copy of the table would lose its triggers and what refers
    to it."""

    async def database_forward(self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None) -> None:
        client, table, column = state_editor.client, self.model_name.lower(), f"{self.name}_id"
        if client.capabilities.dialect != "sqlite":
            await client.execute_script(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
            return
        version = int((await client.execute_query_dict("PRAGMA schema_version"))[0]["schema_version"])
        await client.execute_script("PRAGMA writable_schema = ON")
        await client.execute_query(
            f"""UPDATE sqlite_schema SET sql = replace(sql, '"{column}" BIGINT NOT NULL', '"{column}" BIGINT')
            WHERE type = 'table' AND name = '{table}'"""
        )
        await client.execute_script(f"PRAGMA schema_version = {version + 1}")
        await client.execute_script("PRAGMA writable_schema = OFF")


async def keep_deposits(_apps: object, editor: Any) -> None:
    """What was brought to the bank never changes; which line of its statement it is, is written once."""
    run, said = editor.client.execute_script, "key, amount, reference, actor, created_at"
    says, once = "till_deposit is append only", "OLD.line_id IS NOT NULL"
    if editor.client.capabilities.dialect == "sqlite":
        for name, event, when in (
            ("changed", f"UPDATE OF {said}", ""),
            ("deleted", "DELETE", ""),
            ("arrived", "UPDATE OF line_id", f"WHEN {once}"),
            ("amount", "INSERT", "WHEN NEW.amount <= 0"),
        ):
            await run(
                f"CREATE TRIGGER till_deposit_{name} BEFORE {event} ON till_deposit {when} "
                f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
            )
        return
    refuse = f"EXECUTE FUNCTION refuse('{says}')"
    await run(
        f"CREATE TRIGGER till_deposit_append_only BEFORE UPDATE OF {said} OR DELETE ON till_deposit "
        f"FOR EACH ROW {refuse}"
    )
    await run(
        f"CREATE TRIGGER till_deposit_arrived BEFORE UPDATE OF line_id ON till_deposit FOR EACH ROW WHEN ({once}) {refuse}"
    )
    await run("ALTER TABLE till_deposit ADD CONSTRAINT till_deposit_amount_check CHECK (amount > 0)")


def _agent() -> Any:
    return fields.ForeignKeyField(
        "models.Agent",
        source_field="agent_id",
        null=True,
        db_constraint=True,
        to_field="id",
        on_delete=OnDelete.RESTRICT,
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0012_forms_once")]

    operations = [
        AllowNull(model_name="Contract", name="agent", field=_agent()),
        AllowNull(model_name="Registration", name="agent", field=_agent()),
        ops.AddField(model_name="Agent", name="pin_expires_at", field=fields.DatetimeField(null=True)),
        ops.CreateModel(
            name="TillDeposit",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("key", fields.CharField(unique=True, max_length=80)),
                ("amount", fields.BigIntField()),
                ("reference", fields.CharField(default="", db_default="", max_length=80)),
                ("actor", fields.CharField(max_length=100)),
                (
                    "line",
                    fields.OneToOneField(
                        "models.StatementLine",
                        source_field="line_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="till_deposit",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "till_deposit", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.RunPython(keep_deposits),
    ]
