"""What the office writes by hand: answers to texts, and words that it makes commands without a release."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

# Texts that the machine had no answer to, as models/messages/written.py asks for them.
UNCLEAR = "outcome IN ('not understood', 'not answered', 'failed')"
INDEXES = [
    "CREATE INDEX inbox_phone ON inbox (phone, id)",
    f"CREATE INDEX inbox_unclear ON inbox (id) WHERE {UNCLEAR}",
    f"CREATE INDEX inbox_to_answer ON inbox (id) WHERE answered_at = 0 AND {UNCLEAR}",
    f"CREATE INDEX inbox_to_answer_phone ON inbox (phone, id) WHERE answered_at = 0 AND {UNCLEAR}",
]


class Migration(migrations.Migration):
    dependencies = [("models", "0005_settings")]

    operations = [
        ops.CreateModel(
            name='OfficeMessage',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('origin', fields.CharField(unique=True, max_length=80)),
                ('phone', fields.CharField(max_length=16)),
                ('author', fields.CharField(max_length=100)),
                ('created_at', fields.BigIntField()),
            ],
            options={'table': 'office_message', 'app': 'models', 'indexes': [Index(fields=['phone', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OfficeWord',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('word', fields.CharField(unique=True, max_length=20)),
                ('language', fields.CharField(max_length=2)),
                ('command', fields.CharField(max_length=20)),
                ('added_by', fields.CharField(max_length=100)),
                ('added_at', fields.BigIntField()),
            ],
            options={'table': 'office_word', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Inbox',
            name='answered_at',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.RunSQL(INDEXES),
    ]
