"""What the office looks for in tickets and in the audit, and what a note of the audit says of a change: before, after,
and from where it came."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0010_gateway_beats")]

    operations = [
        ops.AddField(
            model_name="Audit", name="old", field=fields.TextField(default="", db_default="", unique=False)
        ),
        ops.AddField(
            model_name="Audit", name="new", field=fields.TextField(default="", db_default="", unique=False)
        ),
        ops.AddField(
            model_name="Audit", name="whence", field=fields.CharField(default="", db_default="", max_length=100)
        ),
        ops.AddIndex(model_name="Audit", index=Index(fields=["created_at", "id"])),
        ops.AddIndex(model_name="Audit", index=Index(fields=["actor", "created_at", "id"])),
        ops.AddIndex(model_name="Audit", index=Index(fields=["action", "created_at", "id"])),
        ops.AddIndex(model_name="Audit", index=Index(fields=["subject", "created_at", "id"])),
        ops.AddIndex(model_name="Ticket", index=Index(fields=["state", "due_at", "id"])),
        ops.AddIndex(model_name="Ticket", index=Index(fields=["state", "closed_at", "id"])),
    ]
