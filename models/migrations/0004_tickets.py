"""Tickets, and their history, which only grows."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


async def forbid_changes(_apps: object, editor: Any) -> None:
    client = editor.client
    if client.capabilities.dialect != "sqlite":
        await client.execute_script(
            "CREATE TRIGGER ticket_event_append_only BEFORE UPDATE OR DELETE ON ticket_event "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        await client.execute_script(
            f"CREATE TRIGGER ticket_event_no_{verb.lower()} BEFORE {verb} ON ticket_event "
            "BEGIN SELECT RAISE(ABORT, 'ticket_event is append only'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0003_customer_created")]

    operations = [
        ops.CreateModel(
            name='Ticket',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('category', fields.CharField(max_length=20)),
                ('text', fields.TextField(unique=False)),
                ('state', fields.CharField(default='open', max_length=10)),
                ('reporter', fields.ForeignKeyField('models.Agent', source_field='reporter_id', null=True, db_constraint=True, to_field='id', related_name='reported', on_delete=OnDelete.CASCADE)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('staff', fields.ForeignKeyField('models.OfficeUser', source_field='staff_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('due_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('asked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'ticket', 'app': 'models', 'indexes': [Index(fields=['customer_id', 'state']), Index(fields=['agent_id', 'state', 'due_at']), Index(fields=['state', 'asked_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='TicketEvent',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('ticket', fields.ForeignKeyField('models.Ticket', source_field='ticket_id', db_constraint=True, to_field='id', related_name='events', on_delete=OnDelete.CASCADE)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('actor', fields.CharField(max_length=100)),
                ('step', fields.CharField(max_length=10)),
                ('text', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'ticket_event', 'app': 'models', 'indexes': [Index(fields=['ticket_id', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.RunPython(forbid_changes),
    ]
