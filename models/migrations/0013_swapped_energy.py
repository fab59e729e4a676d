"""What a meter still showed goes along when another one takes its place: a swap may carry energy."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops


async def carry_energy(_apps: object, editor: Any) -> None:
    """SQLite has no such condition on the table."""
    if editor.client.capabilities.dialect != "sqlite":
        await editor.client.execute_script(
            "ALTER TABLE device_swap DROP CONSTRAINT device_swap_unit_check, "
            "ADD CONSTRAINT device_swap_unit_check CHECK (unit IN ('', 'days', 'unlock', 'energy'))"
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0012_money_on_its_way")]

    operations = [ops.RunPython(carry_energy)]
