"""Messages wait for a gateway in the order in which they came to it: what it takes over from a dead one does not go
before its own."""

from tortoise import migrations
from tortoise.migrations import operations as ops

INDEX = [
    "DROP INDEX outbox_waiting",
    "CREATE INDEX outbox_waiting ON outbox (gateway, priority, given_at, id) WHERE state = 'waiting'",
]


class Migration(migrations.Migration):
    dependencies = [("models", "0011_registration_without_device")]
    operations = [ops.RunSQL(INDEX)]
