"""Figures of money, kept up as things happen; and what moves money and waits for a second person."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

INDEXES = (
    # Nobody knows a payment's mini-grid, and a customer who pays by phone has no agent: both count as 0.
    "CREATE UNIQUE INDEX money_day_once ON money_day"
    " (day, what, COALESCE(mini_grid_id, 0), COALESCE(agent_id, 0), provider)",
    # What is younger than the sums, and lists by time.
    "CREATE INDEX payment_created ON payment (created_at)",
    "CREATE INDEX payment_provider_created ON payment (provider, created_at)",
    "CREATE INDEX hand_in_created ON hand_in (created_at)",
    "CREATE INDEX top_up_created ON top_up (created_at)",
    "CREATE INDEX void_decided ON void (decided_at) WHERE state = 'done'",
    "CREATE INDEX hand_in_event_created ON hand_in_event (created_at)",
    # What waits for a second person; one thing is asked for once.
    "CREATE UNIQUE INDEX proposal_open ON proposal (what, COALESCE(sale_id, device_id, agent_id))"
    " WHERE state = 'asked'",
    "DROP INDEX write_off_open",
    "CREATE UNIQUE INDEX write_off_open ON write_off (kind, owner) WHERE agreed_at IS NULL AND refused_at IS NULL",
)
# PostgreSQL has checks; SQLite has triggers where a table stands already.
CHECKS = (
    ("proposal_state_check", "proposal", "{row}state IN ('asked', 'done', 'refused') AND {row}amount >= 0"),
    ("proposal_what_check", "proposal", "{row}what IN ('move', 'transfer', 'payout')"),
    ("money_day_check", "money_day", "{row}what IN ('sale', 'payment') AND {row}number >= 0 AND {row}amount >= 0"),
)
FORWARD = "OLD.state <> 'asked' AND NEW.state <> OLD.state"


async def make_indexes(_apps: object, editor: Any) -> None:
    for statement in INDEXES:
        await editor.client.execute_script(statement)


async def guard(_apps: object, editor: Any) -> None:
    """What a row may say, and that what was decided stays so."""
    run = editor.client.execute_script
    if editor.client.capabilities.dialect == "sqlite":
        for name, table, condition in CHECKS:
            broken = f"NOT ({condition.format(row='NEW.')})"
            for event in ("INSERT", "UPDATE"):
                await run(
                    f"CREATE TRIGGER {name}_{event.lower()} BEFORE {event} ON {table} WHEN {broken} "
                    f"BEGIN SELECT RAISE(ABORT, '{name}'); END"
                )
        await run(
            f"CREATE TRIGGER proposal_forward BEFORE UPDATE OF state ON proposal WHEN {FORWARD} "
            "BEGIN SELECT RAISE(ABORT, 'this was decided'); END"
        )
        return
    for name, table, condition in CHECKS:
        await run(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition.format(row='')})")
    await run(
        f"CREATE TRIGGER proposal_forward BEFORE UPDATE OF state ON proposal FOR EACH ROW WHEN ({FORWARD}) "
        "EXECUTE FUNCTION refuse('this was decided')"
    )


async def begin_sums(_apps: object, editor: Any) -> None:
    """Nothing is added up yet: housekeeping begins with the first sale that there ever was."""
    await editor.client.execute_script("INSERT INTO added_up (until_at) VALUES ('1970-01-01 00:00:00+00:00')")


class Migration(migrations.Migration):
    dependencies = [("models", "0008_people")]

    operations = [
        ops.CreateModel(
            name='AddedUp',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('until_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'added_up', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='CollectionRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('day', fields.DateField()),
                ('counted_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('mini_grid', fields.ForeignKeyField('models.MiniGrid', source_field='mini_grid_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('village', fields.ForeignKeyField('models.Village', source_field='village_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('contracts', fields.BigIntField()),
                ('late', fields.BigIntField()),
                ('owed', fields.BigIntField()),
                ('due', fields.BigIntField()),
                ('paid', fields.BigIntField()),
                ('risk_30', fields.BigIntField()),
                ('risk_60', fields.BigIntField()),
                ('risk_90', fields.BigIntField()),
            ],
            options={'table': 'collection', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MoneyDay',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('day', fields.DateField()),
                ('what', fields.CharField(max_length=8)),
                ('mini_grid', fields.ForeignKeyField('models.MiniGrid', source_field='mini_grid_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('provider', fields.CharField(max_length=20)),
                ('number', fields.BigIntField()),
                ('amount', fields.BigIntField()),
                ('commission', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'money_day', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Proposal',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('what', fields.CharField(max_length=10)),
                ('sale', fields.ForeignKeyField('models.Sale', source_field='sale_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField(default=0, db_default=0)),
                ('with_debt', fields.BooleanField(default=False, db_default=False)),
                ('reason', fields.CharField(max_length=200)),
                ('state', fields.CharField(default='asked', max_length=10)),
                ('asked_by', fields.CharField(max_length=100)),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_by', fields.CharField(default='', db_default='', max_length=100)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'proposal', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='WriteOff',
            name='refused_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='WriteOff',
            name='refused_by',
            field=fields.CharField(default='', db_default='', max_length=100),
        ),
        ops.RunPython(make_indexes),
        ops.RunPython(guard),
        ops.RunPython(begin_sums),
    ]
