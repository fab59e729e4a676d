"""What the office sets while running."""

from typing import Any

from tortoise import migrations
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

    operations = [ops.RunPython(begin)]
