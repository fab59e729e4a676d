"""Roles, sessions, second factors and invitations of who signs in to the office."""

import re
from importlib import import_module
from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops


guards = import_module("models.migrations.0002_guards")

ROLES = guards.one_of("role", "owner", "finance", "support", "auditor")
CHECKS = (
    ("officeuser", "role", ROLES),
    ("office_session", "role", ROLES),
    ("office_invitation", "role", ROLES),
    ("office_invitation", "end", "@expires_at > @created_at AND (@used_at = 0 OR @withdrawn_at = 0)"),
)


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


class Migration(migrations.Migration):
    dependencies = [("models", "0003_closed_days")]

    operations = [ops.RunPython(check)]
