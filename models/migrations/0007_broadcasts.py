"""What the office writes to many."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
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
    dependencies = [("models", "0006_words")]

    operations = [
        ops.CreateModel(
            name='Broadcast',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('author', fields.CharField(max_length=100)),
                ('created_at', fields.BigIntField()),
                ('audience', fields.TextField(unique=False)),
                ('texts', fields.TextField(unique=False)),
                ('state', fields.CharField(max_length=8)),
                ('people', fields.IntField()),
                ('parts', fields.IntField()),
                ('last_customer', fields.BigIntField()),
                ('changed_at', fields.BigIntField()),
            ],
            options={'table': 'broadcast', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='BroadcastReceiver',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('broadcast', fields.ForeignKeyField('models.Broadcast', source_field='broadcast_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('phone', fields.CharField(default='', db_default='', max_length=16)),
                ('result', fields.CharField(max_length=10)),
            ],
            options={'table': 'broadcast_receiver', 'app': 'models', 'unique_together': (('broadcast', 'customer'),), 'indexes': [Index(fields=['broadcast_id', 'result']), Index(fields=['broadcast_id', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.RunSQL(INDEXES),
        ops.RunPython(guard),
    ]
