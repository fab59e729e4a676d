"""What the ORM cannot say: queues indexed by what waits alone, and tables that only ever grow."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

# A partial index keeps a claim as fast at ten million old messages as at none (reference: performance 3).
QUEUES = [
    "CREATE INDEX inbox_new ON inbox (phone, id) WHERE state = 'new'",
    "CREATE INDEX inbox_new_order ON inbox (id) WHERE state = 'new'",
    "CREATE INDEX outbox_waiting ON outbox (gateway, priority, id) WHERE state = 'waiting'",
    "CREATE INDEX outbox_scheduled ON outbox (due_at) WHERE state IN ('scheduled', 'uncertain')",
    "CREATE INDEX outbox_sending ON outbox (claimed_by) WHERE state = 'sending'",
    "CREATE INDEX outbox_lost ON outbox (id) WHERE state IN ('failed', 'expired')",
    "CREATE INDEX inbox_failed ON inbox (id) WHERE state = 'failed'",
    "CREATE INDEX outbox_external ON outbox (external_id) WHERE external_id <> ''",
]

APPEND_ONLY = ("entry", "line", "audit", "payment", "token")


async def index_tails(_apps: object, editor: Any) -> None:
    """The last four characters of a serial are enough to name a device."""
    last = "substr(serial, -4)" if editor.client.capabilities.dialect == "sqlite" else "right(serial, 4)"
    await editor.client.execute_script(f"CREATE INDEX device_tail ON device (({last}))")


async def forbid_changes(_apps: object, editor: Any) -> None:
    client = editor.client
    if client.capabilities.dialect == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                await client.execute_script(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
                )
        return
    await client.execute_script(
        "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        await client.execute_script(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]
    operations = [ops.RunSQL(QUEUES), ops.RunPython(index_tails), ops.RunPython(forbid_changes)]
