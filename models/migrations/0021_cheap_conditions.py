"""On SQLite the conditions of indexes that every message is tried against, without lists of values. SQLite makes a table
of a list each time that it tries one: for the three lists of the inbox that was 20 of the 33 us that closing a message
took, and for that of the outbox 15 of the 42 that sending one took (measured). PostgreSQL keeps its indexes: it finds
them by either way to say the condition."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

UNCLEAR = "(outcome = 'not understood' OR outcome = 'not answered' OR outcome = 'failed')"
ENDED = "(state = 'sent' OR state = 'delivered' OR state = 'failed' OR state = 'expired')"
INDEXES = {
    "inbox_unclear": f"inbox (id) WHERE {UNCLEAR}",
    "inbox_to_answer": f"inbox (id) WHERE answered_at = 0 AND {UNCLEAR}",
    "inbox_to_answer_phone": f"inbox (phone, id) WHERE answered_at = 0 AND {UNCLEAR}",
    "outbox_kept": f"outbox (created_at) WHERE text <> '' AND {ENDED}",
}


async def say_otherwise(_apps: object, editor: Any) -> None:
    if editor.client.capabilities.dialect == "postgres":
        return
    for name, rows in INDEXES.items():
        await editor.client.execute_script(f"DROP INDEX {name}")
        await editor.client.execute_script(f"CREATE INDEX {name} ON {rows}")


class Migration(migrations.Migration):
    dependencies = [("models", "0020_ends_by_the_clock")]

    operations = [ops.RunPython(say_otherwise)]
