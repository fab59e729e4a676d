"""What the office writes to many."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

INDEXES = [
    "CREATE INDEX broadcast_going ON broadcast (id) WHERE state = 'going'",
    "CREATE INDEX broadcast_receiver_queued ON broadcast_receiver (id) WHERE result = 'queued'",
    # Nobody gets it twice, however many customers share a phone.
    "CREATE UNIQUE INDEX broadcast_receiver_phone ON broadcast_receiver (broadcast_id, phone) WHERE phone <> ''",
]
RESULTS = "'queued', 'sent', 'delivered', 'failed', 'cancelled', 'stop', 'no phone', 'shared', 'no text', 'no gateway'"
# `@` stands before the name of a column of the row that is written.
CHECKS = (
    ("broadcast", "state", "@state IN ('going', 'stopped', 'done')"),
    ("broadcast", "people", "@people >= 0 AND @parts >= 0 AND @last_customer >= 0"),
    ("broadcast_receiver", "result", f"@result IN ({RESULTS})"),
    ("broadcast_receiver", "goes", "@phone <> '' OR @result IN ('no phone', 'shared', 'no text', 'no gateway')"),
)


async def guard(_apps: object, editor: Any) -> None:
    """PostgreSQL has checks; on SQLite triggers stand for them."""
    run, embedded = editor.client.execute_script, editor.client.capabilities.dialect == "sqlite"
    for table, name, condition in CHECKS:
        if not embedded:
            check = condition.replace("@", "")
            await run(f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name}_check CHECK ({check})")
            continue
        for verb in ("INSERT", "UPDATE"):
            await run(
                f"CREATE TRIGGER {table}_{name}_{verb.lower()} BEFORE {verb} ON {table} "
                f"WHEN NOT ({condition.replace('@', 'NEW.')}) BEGIN SELECT RAISE(ABORT, '{table}_{name}_check'); END"
            )


class Migration(migrations.Migration):
    dependencies = [("models", "0005_settings")]

    operations = [
        ops.RunSQL(INDEXES),
        ops.RunPython(guard),
    ]
