"""Appliances on instalments, tariffs with components and an access rate, and sales of goods without a device."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.nullable import AllowNull

# Reminders, recovery and balances look at what is not paid alone.
INDEXES = [
    "CREATE INDEX instalment_open ON instalment (due_on, contract_id) WHERE paid < amount",
    "CREATE INDEX instalment_owed ON instalment (contract_id, due_on) WHERE paid < amount",
    "CREATE UNIQUE INDEX contract_device ON contract (device_id) WHERE device_id IS NOT NULL AND ended_on IS NULL",
    "CREATE INDEX contract_of_device ON contract (device_id, id) WHERE device_id IS NOT NULL",
    "CREATE INDEX sale_contract ON sale (contract_id, created_at) WHERE contract_id IS NOT NULL",
    "CREATE INDEX device_access ON device (access_until) WHERE customer_id IS NOT NULL",
    "CREATE INDEX device_stock ON device (kind, serial) WHERE customer_id IS NULL",
]


async def guard(_apps: object, editor: Any) -> None:
    """What is paid never falls and never passes what is due; allocations only grow in number."""
    client = editor.client
    if client.capabilities.dialect != "sqlite":
        await client.execute_script(
            "ALTER TABLE instalment ADD CONSTRAINT instalment_paid CHECK (paid >= 0 AND paid <= amount)"
        )
        await client.execute_script(
            "CREATE TRIGGER allocation_append_only BEFORE UPDATE OR DELETE ON allocation "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        return
    await client.execute_script(
        "CREATE TRIGGER instalment_paid BEFORE UPDATE OF paid ON instalment "
        "WHEN NEW.paid < OLD.paid OR NEW.paid > NEW.amount "
        "BEGIN SELECT RAISE(ABORT, 'an instalment is paid once'); END"
    )
    for verb in ("UPDATE", "DELETE"):
        await client.execute_script(
            f"CREATE TRIGGER allocation_no_{verb.lower()} BEFORE {verb} ON allocation "
            "BEGIN SELECT RAISE(ABORT, 'allocation is append only'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0007_routing")]

    operations = [
        ops.CreateModel(
            name='Appliance',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=60)),
                ('type', fields.CharField(max_length=12)),
                ('model', fields.ForeignKeyField('models.DeviceModel', source_field='model_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('price', fields.BigIntField()),
                ('remind_before', fields.SmallIntField(null=True)),
                ('remind_after', fields.SmallIntField(null=True)),
                ('overdue_ticket', fields.BooleanField(default=False)),
            ],
            options={'table': 'appliance', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Contract',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('appliance', fields.ForeignKeyField('models.Appliance', source_field='appliance_id', db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('terms', fields.CharField(max_length=12)),
                ('price', fields.BigIntField()),
                ('down', fields.BigIntField()),
                ('period', fields.CharField(max_length=8)),
                ('day_price', fields.BigIntField()),
                ('minimum', fields.BigIntField()),
                ('commission', fields.BigIntField()),
                ('sold_on', fields.DateField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_on', fields.DateField(null=True)),
            ],
            options={'table': 'contract', 'app': 'models', 'indexes': [Index(fields=['customer_id']), Index(fields=['agent_id', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Instalment',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('contract', fields.ForeignKeyField('models.Contract', source_field='contract_id', db_constraint=True, to_field='id', related_name='instalments', on_delete=OnDelete.CASCADE)),
                ('number', fields.SmallIntField()),
                ('due_on', fields.DateField()),
                ('amount', fields.BigIntField()),
                ('paid', fields.BigIntField(default=0)),
                ('reminded_before', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('reminded_after', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'instalment', 'app': 'models', 'unique_together': (('contract', 'number'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Allocation',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('payment', fields.ForeignKeyField('models.Payment', source_field='payment_id', db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('instalment', fields.ForeignKeyField('models.Instalment', source_field='instalment_id', db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE)),
                ('amount', fields.BigIntField()),
            ],
            options={'table': 'allocation', 'app': 'models', 'unique_together': (('payment', 'instalment'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PaymentPlan',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('appliance', fields.ForeignKeyField('models.Appliance', source_field='appliance_id', db_constraint=True, to_field='id', related_name='plans', on_delete=OnDelete.CASCADE)),
                ('name', fields.CharField(max_length=30)),
                ('terms', fields.CharField(max_length=12)),
                ('down', fields.BigIntField(default=0)),
                ('count', fields.SmallIntField(default=0)),
                ('period', fields.CharField(default='weekly', max_length=8)),
                ('day_price', fields.BigIntField(default=0)),
                ('minimum', fields.BigIntField(default=1)),
            ],
            options={'table': 'paymentplan', 'app': 'models', 'unique_together': (('appliance', 'name'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Agent',
            name='goods_commission',
            field=fields.IntField(default=500, db_default=500),
        ),
        ops.AddField(
            model_name='Device',
            name='access_due',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='Device',
            name='access_until',
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name='Plan',
            name='access_days',
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='Plan',
            name='access_rate',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='Plan',
            name='components',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='Plan',
            name='recovery',
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        AllowNull(
            model_name='Sale',
            name='device',
            field=fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.CASCADE),
        ),
        ops.AddField(
            model_name='Sale',
            name='access',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='Sale',
            name='contract_id',
            field=fields.IntField(null=True),
        ),
        ops.AddField(
            model_name='Sale',
            name='owed',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='Sale',
            name='recovered',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.RunSQL(INDEXES),
        ops.RunPython(guard),
    ]
