"""Roles, sessions, second factors and invitations of who signs in to the office."""

import re
from importlib import import_module
from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.people.tables import OfficeRole

guards = import_module("models.migrations.0002_guards")

ROLES = guards.one_of("role", "owner", "finance", "support", "auditor")
CHECKS = (
    ("officeuser", "role", ROLES),
    ("office_session", "role", ROLES),
    ("office_invitation", "role", ROLES),
    ("office_invitation", "end", "@expires_at > @created_at AND (@used_at = 0 OR @withdrawn_at = 0)"),
)


async def keep_owners(_apps: object, editor: Any) -> None:
    """Who could sign in before there were roles did everything, and goes on doing so."""
    await editor.client.execute_script("UPDATE officeuser SET role = 'owner'")


async def check(_apps: object, editor: Any) -> None:
    """The values that a row may have; SQLite has triggers for it."""
    run, sqlite = editor.client.execute_script, editor.client.capabilities.dialect == "sqlite"
    for table, name, condition in CHECKS:
        if not sqlite:
            await run(f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name}_check CHECK ({condition.replace('@', '')})")
            continue
        columns = ", ".join(dict.fromkeys(re.findall(r"@(\w+)", condition)))
        broken = f"NOT ({condition.replace('@', 'NEW.')})"
        for event, when in (("INSERT", "insert"), (f"UPDATE OF {columns}", "update")):
            await run(guards.refusing(f"{table}_{name}_{when}", table, event, broken, f"{table}_{name}_check"))


def _user(**more: Any) -> Any:
    return fields.ForeignKeyField(
        "models.OfficeUser", db_constraint=True, to_field="id", on_delete=OnDelete.RESTRICT, **more
    )


def _id() -> Any:
    return fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)


class Migration(migrations.Migration):
    dependencies = [("models", "0003_closed_days")]

    operations = [
        ops.AddField(
            "OfficeUser",
            "role",
            fields.CharEnumField(
                default=OfficeRole.AUDITOR, db_default="auditor", enum_type=OfficeRole, max_length=10
            ),
        ),
        ops.AddField("OfficeUser", "language", fields.CharField(default="", db_default="", max_length=2)),
        ops.AddField("OfficeUser", "factor", fields.CharField(default="", db_default="", max_length=200)),
        ops.AddField("OfficeUser", "factor_step", fields.BigIntField(default=0, db_default=0)),
        ops.CreateModel(
            name="OfficeSession",
            fields=[
                ("id", _id()),
                ("hash", fields.CharField(unique=True, max_length=64)),
                ("user", _user(source_field="user_id")),
                ("role", fields.CharField(max_length=10)),
                ("epoch", fields.IntField()),
                ("created_at", fields.BigIntField(db_index=True)),
                ("seen_at", fields.BigIntField()),
                ("address", fields.CharField(max_length=45)),
                ("browser", fields.CharField(max_length=200)),
                ("typed", fields.TextField(default="", db_default="", unique=False)),
            ],
            options={"table": "office_session", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", _id()),
                ("user", _user(source_field="user_id")),
                ("hash", fields.CharField(max_length=64)),
                ("used_at", fields.BigIntField(default=0, db_default=0)),
            ],
            options={
                "table": "office_recovery_code",
                "app": "models",
                "unique_together": (("user", "hash"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invitation",
            fields=[
                ("id", _id()),
                ("role", fields.CharField(max_length=10)),
                ("whom", fields.CharField(max_length=100)),
                ("by", _user(source_field="by_id", related_name="invited")),
                ("user", _user(source_field="user_id", related_name="invitations", null=True)),
                ("created_at", fields.BigIntField()),
                ("expires_at", fields.BigIntField()),
                ("used_at", fields.BigIntField(default=0, db_default=0)),
                ("withdrawn_at", fields.BigIntField(default=0, db_default=0)),
            ],
            options={"table": "office_invitation", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.RunPython(keep_owners),
        ops.RunPython(check),
    ]
