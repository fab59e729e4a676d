"""An index of what two people settled: a provider's month asks of each line that differs whether it was."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops


async def find_settled(_apps: object, editor: Any) -> None:
    await editor.client.execute_script(
        "CREATE INDEX proposal_payment ON proposal (payment_id) WHERE payment_id IS NOT NULL"
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0013_swapped_energy")]

    operations = [ops.RunPython(find_settled)]
