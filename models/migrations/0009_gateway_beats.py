"""How each gateway was, by the hour; and the tickets that are late or not assigned, for the office's first page."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

INDEXES = (
    "CREATE INDEX ticket_due ON ticket (due_at) WHERE state = 'open'",
    "CREATE INDEX ticket_not_assigned ON ticket (due_at) WHERE state = 'open' AND agent_id IS NULL AND staff_id IS NULL",
    "CREATE INDEX hand_in_disputed ON hand_in_event (hand_in_id) WHERE step = 'disputed'",
)
MINUTES = "@up >= 0 AND @down >= 0 AND @paused >= 0"


async def find_fast(_apps: object, editor: Any) -> None:
    for statement in INDEXES:
        await editor.client.execute_script(statement)


async def count_minutes(_apps: object, editor: Any) -> None:
    """No hour has fewer than no minutes."""
    run = editor.client.execute_script
    if editor.client.capabilities.dialect == "postgres":
        check = MINUTES.replace("@", "")
        await run(f"ALTER TABLE gateway_beat ADD CONSTRAINT gateway_beat_minutes_check CHECK ({check})")
        return
    for name, event in (("insert", "INSERT"), ("update", "UPDATE OF up, down, paused")):
        await run(
            f"CREATE TRIGGER gateway_beat_minutes_{name} BEFORE {event} ON gateway_beat "
            f"WHEN NOT ({MINUTES.replace('@', 'NEW.')}) BEGIN SELECT RAISE(ABORT, 'gateway_beat_minutes_check'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0008_money_figures")]

    operations = [
        ops.RunPython(count_minutes),
        ops.RunPython(find_fast),
    ]
