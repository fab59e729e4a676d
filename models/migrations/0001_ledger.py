"""All tables, and what the ORM cannot say: indexes of what waits alone, and tables that only ever grow."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

# A partial index keeps a claim as fast at ten million old messages as at none (reference: performance 3).
INDEXES = [
    "CREATE INDEX inbox_new ON inbox (phone, id) WHERE state = 'new'",
    "CREATE INDEX inbox_new_order ON inbox (id) WHERE state = 'new'",
    # What is to be emptied one day: what is empty already is not read again each hour.
    "CREATE INDEX inbox_kept ON inbox (received_at) WHERE text <> '' AND state <> 'new'",
    "CREATE INDEX outbox_kept ON outbox (created_at) WHERE text <> ''"
    " AND state IN ('sent', 'delivered', 'failed', 'expired')",
    "CREATE INDEX contact_talking ON contact (replies_since) WHERE talk <> ''",
    "CREATE INDEX inbox_failed ON inbox (id) WHERE state = 'failed'",
    # In the order in which they came to a gateway: what it takes over from a dead one does not go before its own.
    "CREATE INDEX outbox_waiting ON outbox (gateway, priority, assigned_at, id) WHERE state = 'waiting'",
    "CREATE INDEX outbox_scheduled ON outbox (due_at) WHERE state IN ('scheduled', 'uncertain')",
    "CREATE INDEX outbox_sending ON outbox (claimed_by) WHERE state = 'sending'",
    "CREATE INDEX outbox_lost ON outbox (id) WHERE state IN ('failed', 'expired')",
    "CREATE INDEX alert_untold ON alert (id) WHERE told_at = 0",
    "CREATE INDEX outbox_external ON outbox (external_id) WHERE external_id <> ''",
    # What a phone has fetched lately, for its pacing: rows of other gateways are not in this index.
    "CREATE INDEX outbox_pulled ON outbox (claimed_by, claimed_at) WHERE claimed_by LIKE 'phone-%'",
    # Two phones that the office has now never share a name; one that was unlinked leaves its name free.
    "CREATE UNIQUE INDEX phone_name ON phone (name) WHERE unlinked_at = 0",
    # The same for an agent's number, and for the name that somebody of the office signs in with.
    "CREATE UNIQUE INDEX agent_phone ON agent (phone) WHERE retired_at IS NULL",
    "CREATE UNIQUE INDEX officeuser_name ON officeuser (name) WHERE removed_at IS NULL",
    # Recovery and balances look at what is not paid alone; reminders at what nobody was reminded of, so that neither
    # what is paid nor what somebody was reminded of slows the search for the others.
    "CREATE INDEX instalment_remind_after ON instalment (appliance_id, due_on, contract_id)"
    " WHERE paid < amount AND reminded_after IS NULL",
    "CREATE INDEX instalment_remind_before ON instalment (appliance_id, due_on, contract_id)"
    " WHERE paid < amount AND reminded_after IS NULL AND reminded_before IS NULL",
    "CREATE INDEX instalment_owed ON instalment (contract_id, due_on) WHERE paid < amount",
    "CREATE UNIQUE INDEX contract_device ON contract (device_id) WHERE device_id IS NOT NULL AND ended_on IS NULL",
    "CREATE INDEX contract_of_device ON contract (device_id, id) WHERE device_id IS NOT NULL",
    "CREATE INDEX sale_contract ON sale (contract_id, created_at) WHERE contract_id IS NOT NULL",
    "CREATE INDEX device_stock ON device (kind, serial) WHERE customer_id IS NULL",
    "CREATE INDEX device_customer ON device (customer_id, kind)",
    # What payers type as their account, as models/devices/tables.py has it.
    "CREATE INDEX device_folded ON device (replace(replace(replace(replace(replace(replace(replace("
    "serial, '-', ''), '/', ''), '_', ''), '.', ''), 'O', '0'), 'I', '1'), 'L', '1'))",
    # What waits: money to be assigned, callbacks to be handled, pushes to be sent or looked up, questions to agents.
    "CREATE INDEX suspense_open ON suspense (opened_at) WHERE closed_at IS NULL",
    "CREATE INDEX notice_new ON notice (look_at, id) WHERE done_at = 0",
    "CREATE INDEX payment_request_open ON payment_request (look_at, id) WHERE state IN ('new', 'asked', 'unknown')",
    "CREATE INDEX payment_request_phone ON payment_request (phone, id)",
    "CREATE UNIQUE INDEX payment_request_rings ON payment_request (phone) WHERE state IN ('new', 'asked')",
    "CREATE UNIQUE INDEX payment_request_external ON payment_request (provider, external_id) WHERE external_id <> ''",
    "CREATE INDEX cash_request_open ON cash_request (agent_id, id) WHERE state = 'asked'",
    "CREATE INDEX cash_request_phone ON cash_request (phone, id)",
    "CREATE INDEX reservation_open ON reservation (kind, owner) WHERE state = 'open'",
    "CREATE INDEX receipt_text_waiting ON receipt_text (id) WHERE state = 'waiting'",
    "CREATE INDEX receipt_text_wallet ON receipt_text (gateway, sim, sender, id)",
    "CREATE INDEX statement_line_open ON statement_line (provider, at) WHERE settled = ''",
    # A sale is taken back at most once, and not asked for twice.
    "CREATE UNIQUE INDEX void_of_sale ON void (sale_id) WHERE state IN ('asked', 'done')",
    "CREATE INDEX void_asked ON void (id) WHERE state = 'asked'",
    # A hand-in is disputed once and settled once; what the office proposes may be proposed anew.
    "CREATE UNIQUE INDEX hand_in_event_once ON hand_in_event (hand_in_id, step) WHERE step <> 'proposed'",
    # A sale gives once to each instalment; what takes it back is another allocation.
    "CREATE UNIQUE INDEX allocation_once ON allocation (sale_id, instalment_id) WHERE reverses_id IS NULL",
    "CREATE INDEX customer_created ON customer (mini_grid_id, created_at, id)",
]
# The company's own accounts are there from the beginning: two first sales at once do not wait for each other to open
# one. They get the currency of the database when it is known (models/settings.py).
ACCOUNTS = [
    f"INSERT INTO account (kind, owner, currency, balance) VALUES ('{kind}', 0, '', 0)"
    for kind in (
        *("access rate", "adjustments", "bank", "commission cost", "days sold", "energy sold", "fees", "goods"),
        *("office cash", "write-offs"),
    )
]
APPEND_ONLY = (
    *("entry", "line", "audit", "payment", "token", "allocation"),
    *("hand_in", "registration", "ticket_event", "sale", "evidence", "hand_in_event", "day_close", "statement_file"),
)


async def index_words(_apps: object, editor: Any) -> None:
    """The indexes behind an agent's lists and searches, and the last four characters that are enough to name a device
    or a phone. PostgreSQL compares by the byte: another order depends on the locale and serves no prefix."""
    sqlite = editor.client.capabilities.dialect == "sqlite"
    name, surname = ("lower(name)", "lower(surname)")
    if not sqlite:
        name, surname = ('lower(name COLLATE "C")', 'lower(surname COLLATE "C")')
    phone, serial = (f"substr({one}, -4)" if sqlite else f"right({one}, 4)" for one in ("phone", "serial"))
    for index, columns in {
        "customer_name ON customer": f"mini_grid_id, ({name}), ({surname}), id",
        "customer_surname ON customer": f"mini_grid_id, ({surname}), id",
        "customer_village ON customer": f"village_id, ({name}), ({surname}), id",
        "customer_phone_tail ON customer": f"mini_grid_id, ({phone})",
        "device_tail ON device": f"({serial})",
    }.items():
        await editor.client.execute_script(f"CREATE INDEX {index} ({columns})")


async def guard(_apps: object, editor: Any) -> None:
    """Some tables only grow; what is paid on an instalment never falls and never passes what is due."""
    run = editor.client.execute_script
    if editor.client.capabilities.dialect == "sqlite":
        await run(
            "CREATE TRIGGER instalment_paid BEFORE UPDATE OF paid ON instalment "
            "WHEN NEW.paid < OLD.paid OR NEW.paid > NEW.amount "
            "BEGIN SELECT RAISE(ABORT, 'an instalment is paid once'); END"
        )
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                await run(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
                )
        return
    await run("ALTER TABLE instalment ADD CONSTRAINT instalment_paid CHECK (paid >= 0 AND paid <= amount)")
    await run(
        "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        await run(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )


# Whose day an account belongs to, as `day_close` names it.
SUBJECT = """CASE WHEN a.kind IN ('cash', 'commission', 'wallet') THEN 'agent ' || a.owner
    WHEN a.kind = 'clearing' THEN 'provider ' || (SELECT p.name FROM provider p WHERE p.id = a.owner) END"""
OF_ALL = "SELECT 1 FROM day_close WHERE subject = '' AND ends_at > NEW.effective_at"
OF_ONE = f"""SELECT 1 FROM line l JOIN account a ON a.id = l.account_id JOIN entry e ON e.id = l.entry_id
  JOIN day_close c ON c.subject = {SUBJECT} AND c.ends_at > e.effective_at WHERE l.id = NEW.id"""
OF_EACH = OF_ONE.replace("l.id = NEW.id", "l.entry_id = NEW.id")


async def keep_closed(_apps: object, editor: Any) -> None:
    """Nothing is booked into a day that is closed (models/money/day_close.py). Each entry holds the lock that whoever
    closes takes alone: no entry is under way while a day's figures are read."""
    run = editor.client.execute_script
    if editor.client.capabilities.dialect == "sqlite":
        # An entry may come before its lines or after them.
        for table, closed in (("entry", OF_ALL), ("line", OF_ONE), ("entry", OF_EACH)):
            name = {OF_ALL: "all", OF_ONE: "one", OF_EACH: "each"}[closed]
            await run(
                f"CREATE TRIGGER {table}_closed_{name} AFTER INSERT ON {table} WHEN EXISTS ({closed}) "
                "BEGIN SELECT RAISE(ABORT, 'the day is closed'); END"
            )
        return
    await run(
        "CREATE FUNCTION keep_closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_TABLE_NAME = 'entry' THEN PERFORM pg_advisory_xact_lock_shared(7269423); "
        f"IF EXISTS ({OF_ALL}) THEN RAISE EXCEPTION 'the day is closed'; END IF; "
        f"ELSIF EXISTS ({OF_ONE}) THEN RAISE EXCEPTION 'the day is closed'; END IF; RETURN NULL; END $$"
    )
    for table in ("entry", "line"):
        await run(
            f"CREATE TRIGGER {table}_closed AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION keep_closed()"
        )


async def keep_statements(_apps: object, editor: Any) -> None:
    """What a statement says never changes; what its line was found to be does."""
    run, said = editor.client.execute_script, "provider, reference, direction, amount, at, payer, account_text, details"
    if editor.client.capabilities.dialect == "sqlite":
        for verb in (f"UPDATE OF {said}", "DELETE"):
            await run(
                f"CREATE TRIGGER statement_line_no_{verb[:6].lower()} BEFORE {verb} ON statement_line "
                "BEGIN SELECT RAISE(ABORT, 'statement_line is append only'); END"
            )
        return
    await run(
        f"CREATE TRIGGER statement_line_append_only BEFORE UPDATE OF {said} OR DELETE ON statement_line "
        "FOR EACH ROW EXECUTE FUNCTION append_only()"
    )


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='Account',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kind', fields.CharField(max_length=20)),
                ('owner', fields.BigIntField(default=0)),
                ('currency', fields.CharField(max_length=3)),
                ('balance', fields.BigIntField(default=0)),
            ],
            options={'table': 'account', 'app': 'models', 'unique_together': (('kind', 'owner'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Alert',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('sentence', fields.CharField(max_length=160)),
                ('created_at', fields.BigIntField()),
                ('told_at', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'alert', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Audit',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('actor', fields.CharField(max_length=100)),
                ('action', fields.CharField(max_length=40)),
                ('subject', fields.CharField(max_length=100)),
                ('detail', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'audit', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ConnectionGroup',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=100)),
            ],
            options={'table': 'connectiongroup', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ContactRow',
            fields=[
                ('phone', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ('language', fields.CharField(default='', db_default='', max_length=2)),
                ('talk', fields.TextField(default='', db_default='', unique=False)),
                ('stopped_at', fields.BigIntField(default=0, db_default=0)),
                ('silent_until', fields.BigIntField(default=0, db_default=0)),
                ('bad_text', fields.CharField(default='', db_default='', max_length=64)),
                ('bad_count', fields.IntField(default=0, db_default=0)),
                ('bad_repeats', fields.IntField(default=0, db_default=0)),
                ('bad_since', fields.BigIntField(default=0, db_default=0)),
                ('replies', fields.IntField(default=0, db_default=0)),
                ('replies_since', fields.BigIntField(default=0, db_default=0)),
                ('network', fields.CharField(default='', db_default='', max_length=10)),
            ],
            options={'table': 'contact', 'app': 'models', 'pk_attr': 'phone'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='DayClose',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('day', fields.DateField()),
                ('subject', fields.CharField(default='', db_default='', max_length=40)),
                ('ends_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('figures', fields.TextField(unique=False)),
                ('actor', fields.CharField(max_length=100)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'day_close', 'app': 'models', 'unique_together': (('day', 'subject'),), 'indexes': [Index(fields=['subject', 'ends_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='DeviceModel',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kind', fields.CharField(max_length=10)),
                ('manufacturer', fields.CharField(max_length=100)),
                ('name', fields.CharField(unique=True, max_length=100)),
                ('prefix', fields.CharField(default='', max_length=32)),
            ],
            options={'table': 'devicemodel', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Appliance',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=60)),
                ('type', fields.CharField(max_length=12)),
                ('model', fields.ForeignKeyField('models.DeviceModel', source_field='model_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('price', fields.BigIntField()),
                ('remind_before', fields.SmallIntField(null=True)),
                ('remind_after', fields.SmallIntField(null=True)),
                ('overdue_ticket', fields.BooleanField(default=False)),
            ],
            options={'table': 'appliance', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Draft',
            fields=[
                ('name', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=100)),
                ('phone', fields.CharField(max_length=40)),
                ('talk', fields.CharField(max_length=40)),
                ('answers', fields.TextField(unique=False)),
                ('updated_at', fields.BigIntField(db_index=True)),
            ],
            options={'table': 'draft', 'app': 'models', 'indexes': [Index(fields=['phone', 'talk'])], 'pk_attr': 'name'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Entry',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('actor', fields.CharField(max_length=100)),
                ('reason', fields.CharField(default='', db_default='', max_length=200)),
                ('effective_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('reverses', fields.OneToOneField('models.Entry', source_field='reverses_id', null=True, db_constraint=True, to_field='id', related_name='reversal', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'entry', 'app': 'models', 'indexes': [Index(fields=['effective_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='GatewayState',
            fields=[
                ('name', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ('heard_at', fields.BigIntField(default=0, db_default=0)),
                ('sent_at', fields.BigIntField(default=0, db_default=0)),
                ('last_word', fields.CharField(default='', db_default='', max_length=200)),
                ('paused_until', fields.BigIntField(default=0, db_default=0)),
                ('alert', fields.CharField(default='', db_default='', max_length=200)),
                ('failures', fields.IntField(default=0, db_default=0)),
                ('failed_at', fields.BigIntField(default=0, db_default=0)),
                ('told', fields.CharField(default='', db_default='', max_length=8)),
                ('told_at', fields.BigIntField(default=0, db_default=0)),
                ('tested_at', fields.BigIntField(default=0, db_default=0)),
                ('returned_at', fields.BigIntField(default=0, db_default=0)),
                ('round_trip', fields.BigIntField(default=0, db_default=0)),
                ('lost_tests', fields.IntField(default=0, db_default=0)),
                ('airtime', fields.CharField(default='', db_default='', max_length=40)),
                ('airtime_at', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'gatewaystate', 'app': 'models', 'pk_attr': 'name'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Guess',
            fields=[
                ('name', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=120)),
                ('wrong', fields.IntField()),
                ('since', fields.BigIntField(db_index=True)),
            ],
            options={'table': 'guess', 'app': 'models', 'pk_attr': 'name'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Inbox',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('gateway', fields.CharField(max_length=40)),
                ('external_id', fields.CharField(max_length=120)),
                ('phone', fields.CharField(max_length=40)),
                ('sender_kind', fields.CharField(max_length=6)),
                ('recipient', fields.CharField(default='', max_length=40)),
                ('network', fields.CharField(default='', max_length=10)),
                ('text', fields.TextField(unique=False)),
                ('cut_from', fields.IntField(default=0, db_default=0)),
                ('sealed', fields.TextField(null=True, unique=False)),
                ('received_at', fields.BigIntField()),
                ('state', fields.CharField(default='new', max_length=8)),
                ('outcome', fields.CharField(default='', max_length=40)),
                ('error', fields.TextField(default='', unique=False)),
                ('aways', fields.SmallIntField(default=0, db_default=0)),
                ('sim', fields.SmallIntField(default=0, db_default=0)),
                ('reached_at', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'inbox', 'app': 'models', 'unique_together': (('gateway', 'external_id'),), 'indexes': [Index(fields=['received_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Line',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('entry', fields.ForeignKeyField('models.Entry', source_field='entry_id', db_constraint=True, to_field='id', related_name='lines', on_delete=OnDelete.RESTRICT)),
                ('account', fields.ForeignKeyField('models.Account', source_field='account_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField()),
            ],
            options={'table': 'line', 'app': 'models', 'unique_together': (('entry', 'account'),), 'indexes': [Index(fields=['account_id', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MeterType',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=100)),
            ],
            options={'table': 'metertype', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MiniGrid',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=100)),
            ],
            options={'table': 'minigrid', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Agent',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('phone', fields.CharField(max_length=16)),
                ('name', fields.CharField(max_length=100)),
                ('language', fields.CharField(default='en', max_length=2)),
                ('mini_grid', fields.ForeignKeyField('models.MiniGrid', source_field='mini_grid_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('pin_hash', fields.CharField(max_length=200)),
                ('wrong_pins', fields.IntField(default=0)),
                ('locked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('retired_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('cash_limit', fields.BigIntField()),
                ('prepaid', fields.BooleanField(default=False, db_default=False)),
                ('cashier', fields.BooleanField(default=False, db_default=False)),
                ('commission', fields.IntField(default=1000)),
                ('goods_commission', fields.IntField(default=500, db_default=500)),
            ],
            options={'table': 'agent', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='HandIn',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('reference', fields.CharField(unique=True, max_length=20)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField()),
                ('commission', fields.BigIntField()),
                ('actor', fields.CharField(max_length=100)),
                ('corrects', fields.OneToOneField('models.HandIn', source_field='corrects_id', null=True, db_constraint=True, to_field='id', related_name='correction', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'hand_in', 'app': 'models', 'indexes': [Index(fields=['agent_id', 'created_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='HandInEvent',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('hand_in', fields.ForeignKeyField('models.HandIn', source_field='hand_in_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('step', fields.CharField(max_length=10)),
                ('amount', fields.BigIntField(default=0, db_default=0)),
                ('actor', fields.CharField(max_length=100)),
                ('text', fields.CharField(default='', db_default='', max_length=200)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'hand_in_event', 'app': 'models', 'indexes': [Index(fields=['hand_in_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Notice',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('provider', fields.CharField(max_length=20)),
                ('kind', fields.CharField(max_length=20)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('sealed', fields.TextField(unique=False)),
                ('address', fields.CharField(max_length=45)),
                ('received_at', fields.BigIntField()),
                ('done_at', fields.BigIntField(default=0, db_default=0)),
                ('tries', fields.SmallIntField(default=0, db_default=0)),
                ('look_at', fields.BigIntField(default=0, db_default=0)),
                ('outcome', fields.CharField(default='', db_default='', max_length=200)),
            ],
            options={'table': 'notice', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OfficeUser',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(max_length=100)),
                ('password_hash', fields.CharField(max_length=200)),
                ('session_epoch', fields.IntField(default=0, db_default=0)),
                ('removed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'officeuser', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Outbox',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('origin', fields.CharField(unique=True, max_length=80)),
                ('phone', fields.CharField(max_length=16)),
                ('text', fields.TextField(unique=False)),
                ('kind', fields.CharField(max_length=10)),
                ('priority', fields.SmallIntField()),
                ('gateway', fields.CharField(max_length=40)),
                ('state', fields.CharField(default='waiting', db_default='waiting', max_length=10)),
                ('created_at', fields.BigIntField()),
                ('due_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField()),
                ('claimed_by', fields.CharField(default='', db_default='', max_length=32)),
                ('claimed_at', fields.BigIntField(default=0, db_default=0)),
                ('sim', fields.SmallIntField(default=0, db_default=0)),
                ('tries', fields.IntField(default=0, db_default=0)),
                ('unknowns', fields.IntField(default=0, db_default=0)),
                ('interrupted', fields.IntField(default=0, db_default=0)),
                ('external_id', fields.CharField(default='', db_default='', max_length=120)),
                ('error', fields.CharField(default='', db_default='', max_length=40)),
                ('parts', fields.SmallIntField(default=1, db_default=1)),
                ('cost', fields.CharField(default='', db_default='', max_length=20)),
                ('sent_at', fields.BigIntField(default=0, db_default=0)),
                ('delivered_at', fields.BigIntField(default=0, db_default=0)),
                ('assigned_at', fields.BigIntField(default=0, db_default=0)),
                ('tried_before', fields.CharField(default='', db_default='', max_length=200)),
            ],
            options={'table': 'outbox', 'app': 'models', 'indexes': [Index(fields=['phone', 'id']), Index(fields=['created_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Payment',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('provider', fields.CharField(max_length=20)),
                ('reference', fields.CharField(max_length=80)),
                ('amount', fields.BigIntField()),
                ('currency', fields.CharField(max_length=3)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('payer_phone', fields.CharField(default='', db_default='', max_length=40)),
                ('payer_name', fields.CharField(default='', db_default='', max_length=100)),
                ('account_text', fields.CharField(default='', db_default='', max_length=100)),
                ('paid_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'payment', 'app': 'models', 'unique_together': (('provider', 'reference'),), 'indexes': [Index(fields=['agent_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Evidence',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('source', fields.CharField(max_length=10)),
                ('provider', fields.CharField(max_length=20)),
                ('reference', fields.CharField(max_length=80)),
                ('payment', fields.ForeignKeyField('models.Payment', source_field='payment_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField()),
                ('seen_by', fields.CharField(default='', db_default='', max_length=40)),
                ('balance_after', fields.BigIntField(null=True)),
                ('sealed', fields.TextField(default='', unique=False)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'evidence', 'app': 'models', 'unique_together': (('source', 'provider', 'reference'),), 'indexes': [Index(fields=['payment_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PaymentPlan',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('appliance', fields.ForeignKeyField('models.Appliance', source_field='appliance_id', db_constraint=True, to_field='id', related_name='plans', on_delete=OnDelete.RESTRICT)),
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
        ops.CreateModel(
            name='Phone',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(max_length=100)),
                ('token_hash', fields.CharField(default='', max_length=64)),
                ('former_hash', fields.CharField(default='', max_length=64)),
                ('login', fields.CharField(default='', max_length=20)),
                ('password_hash', fields.CharField(default='', max_length=64)),
                ('code_hash', fields.CharField(default='', max_length=64)),
                ('code_until', fields.BigIntField(default=0)),
                ('code_tries', fields.SmallIntField(default=0)),
                ('signing_key', fields.TextField(unique=False)),
                ('model', fields.CharField(default='', max_length=100)),
                ('version', fields.CharField(default='', max_length=20)),
                ('push', fields.BooleanField(default=False)),
                ('sims', fields.TextField(default='[]', unique=False)),
                ('battery', fields.SmallIntField(null=True)),
                ('charging', fields.BooleanField(null=True)),
                ('network', fields.CharField(default='', max_length=20)),
                ('clock_offset', fields.BigIntField(default=0)),
                ('paused', fields.BooleanField(default=False)),
                ('added_at', fields.BigIntField()),
                ('linked_at', fields.BigIntField(default=0)),
                ('unlinked_at', fields.BigIntField(default=0)),
                ('seen_at', fields.BigIntField(default=0)),
                ('webhook_at', fields.BigIntField(default=0)),
                ('export_since', fields.BigIntField(default=0)),
                ('lost', fields.CharField(default='', max_length=200)),
                ('wrong_signatures', fields.IntField(default=0, db_default=0)),
                ('wrong_signature_at', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'phone', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PhonePart',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('outbox_id', fields.BigIntField()),
                ('event_id', fields.CharField(max_length=120)),
            ],
            options={'table': 'phone_part', 'app': 'models', 'unique_together': (('outbox_id', 'event_id'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PhoneReceiver',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('phone_id', fields.BigIntField()),
                ('sim', fields.SmallIntField()),
                ('month', fields.IntField()),
                ('receiver', fields.CharField(max_length=16)),
            ],
            options={'table': 'phone_receiver', 'app': 'models', 'unique_together': (('phone_id', 'sim', 'month', 'receiver'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Provider',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=20)),
            ],
            options={'table': 'provider', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ReceiptRule',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=60)),
                ('provider', fields.CharField(max_length=20)),
                ('sender', fields.CharField(max_length=40)),
                ('template', fields.CharField(max_length=400)),
                ('active', fields.BooleanField(default=True, db_default=True)),
            ],
            options={'table': 'receipt_rule', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ReceiptText',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('inbox_id', fields.BigIntField(unique=True)),
                ('gateway', fields.CharField(max_length=40)),
                ('sim', fields.SmallIntField(default=0, db_default=0)),
                ('sender', fields.CharField(max_length=40)),
                ('sealed', fields.TextField(unique=False)),
                ('state', fields.CharField(max_length=10)),
                ('why', fields.CharField(default='', db_default='', max_length=100)),
                ('rule', fields.CharField(default='', db_default='', max_length=60)),
                ('reference', fields.CharField(default='', db_default='', max_length=80)),
                ('amount', fields.BigIntField(null=True)),
                ('balance_after', fields.BigIntField(null=True)),
                ('payment', fields.ForeignKeyField('models.Payment', source_field='payment_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('received_at', fields.BigIntField()),
            ],
            options={'table': 'receipt_text', 'app': 'models', 'indexes': [Index(fields=['state', 'id']), Index(fields=['reference'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ReceiptWallet',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('phone', fields.ForeignKeyField('models.Phone', source_field='phone_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('sim', fields.SmallIntField()),
                ('operator', fields.CharField(max_length=20)),
                ('trusted', fields.BooleanField(default=False, db_default=False)),
                ('balances', fields.TextField(default='{}', db_default='{}', unique=False)),
            ],
            options={'table': 'receipt_wallet', 'app': 'models', 'unique_together': (('phone', 'sim'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Refused',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('gateway', fields.CharField(max_length=40)),
                ('reason', fields.CharField(max_length=200)),
                ('body', fields.TextField(unique=False)),
                ('created_at', fields.BigIntField(db_index=True)),
            ],
            options={'table': 'refused', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Reservation',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('kind', fields.CharField(max_length=20)),
                ('owner', fields.BigIntField()),
                ('amount', fields.BigIntField()),
                ('state', fields.CharField(default='open', max_length=10)),
                ('expires_at', fields.BigIntField()),
            ],
            options={'table': 'reservation', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Setting',
            fields=[
                ('name', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ('value', fields.CharField(max_length=200)),
            ],
            options={'table': 'setting', 'app': 'models', 'pk_attr': 'name'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='StatementFile',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('provider', fields.CharField(max_length=20)),
                ('begins_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ends_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('actor', fields.CharField(max_length=100)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'statement_file', 'app': 'models', 'unique_together': (('provider', 'begins_at', 'ends_at'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='StatementLine',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('provider', fields.CharField(max_length=20)),
                ('reference', fields.CharField(max_length=80)),
                ('direction', fields.CharField(max_length=4)),
                ('amount', fields.BigIntField()),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('payer', fields.CharField(default='', db_default='', max_length=100)),
                ('account_text', fields.CharField(default='', db_default='', max_length=100)),
                ('details', fields.CharField(default='', db_default='', max_length=200)),
                ('payment', fields.ForeignKeyField('models.Payment', source_field='payment_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('settled', fields.CharField(default='', db_default='', max_length=10)),
                ('settled_by', fields.CharField(default='', db_default='', max_length=100)),
                ('note', fields.CharField(default='', db_default='', max_length=200)),
                ('pair', fields.OneToOneField('models.StatementLine', source_field='pair_id', null=True, db_constraint=True, to_field='id', related_name='paired', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'statement_line', 'app': 'models', 'unique_together': (('provider', 'reference', 'direction'),), 'indexes': [Index(fields=['payment_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Suspense',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('payment', fields.OneToOneField('models.Payment', source_field='payment_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('why', fields.CharField(max_length=20)),
                ('owner', fields.CharField(default='', db_default='', max_length=100)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_by', fields.CharField(default='', db_default='', max_length=100)),
            ],
            options={'table': 'suspense', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Tariff',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=100)),
                ('unit', fields.CharField(max_length=10)),
                ('price', fields.BigIntField()),
                ('minimum', fields.BigIntField(default=1)),
                ('components', fields.BigIntField(default=0, db_default=0)),
                ('access_rate', fields.BigIntField(default=0, db_default=0)),
                ('access_days', fields.SmallIntField(default=0, db_default=0)),
                ('recovery', fields.SmallIntField(default=0, db_default=0)),
            ],
            options={'table': 'tariff', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='AccessRate',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('tariff', fields.ForeignKeyField('models.Tariff', source_field='tariff_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('since', fields.DateField()),
                ('rate', fields.BigIntField()),
                ('days', fields.SmallIntField()),
            ],
            options={'table': 'access_rate', 'app': 'models', 'unique_together': (('tariff', 'since'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ConnectionType',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=100)),
                ('usual_tariff', fields.ForeignKeyField('models.Tariff', source_field='usual_tariff_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('usual_meter_type', fields.ForeignKeyField('models.MeterType', source_field='usual_meter_type_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('usual_group', fields.ForeignKeyField('models.ConnectionGroup', source_field='usual_group_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'connectiontype', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SubConnectionType',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(max_length=100)),
                ('type', fields.ForeignKeyField('models.ConnectionType', source_field='type_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'subconnectiontype', 'app': 'models', 'unique_together': (('type', 'name'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='UssdSession',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('gateway', fields.CharField(max_length=40)),
                ('service_code', fields.CharField(max_length=40)),
                ('session_id', fields.CharField(max_length=120)),
                ('phone', fields.CharField(max_length=40)),
                ('transcript_length', fields.IntField(default=0)),
                ('transcript_mac', fields.CharField(default='', max_length=64)),
                ('talk', fields.TextField(default='', unique=False)),
                ('pin_given', fields.BooleanField(default=False)),
                ('open', fields.BooleanField(default=True)),
                ('started_at', fields.BigIntField()),
                ('updated_at', fields.BigIntField()),
            ],
            options={'table': 'ussdsession', 'app': 'models', 'unique_together': (('gateway', 'service_code', 'session_id'),), 'indexes': [Index(fields=['phone', 'id']), Index(fields=['updated_at'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='UssdTurn',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('session', fields.ForeignKeyField('models.UssdSession', source_field='session_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('mac', fields.CharField(max_length=64)),
                ('response', fields.TextField(unique=False)),
                ('created_at', fields.BigIntField()),
            ],
            options={'table': 'ussdturn', 'app': 'models', 'unique_together': (('session', 'mac'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Village',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(max_length=100)),
                ('mini_grid', fields.ForeignKeyField('models.MiniGrid', source_field='mini_grid_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'village', 'app': 'models', 'unique_together': (('mini_grid', 'name'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Customer',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(max_length=100)),
                ('surname', fields.CharField(max_length=100)),
                ('phone', fields.CharField(null=True, db_index=True, max_length=16)),
                ('language', fields.CharField(default='en', max_length=2)),
                ('mini_grid', fields.ForeignKeyField('models.MiniGrid', source_field='mini_grid_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('village', fields.ForeignKeyField('models.Village', source_field='village_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'customer', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Device',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('serial', fields.CharField(unique=True, max_length=32)),
                ('kind', fields.CharField(max_length=10)),
                ('issuer', fields.CharField(max_length=20)),
                ('sealed_key', fields.TextField(unique=False)),
                ('count', fields.IntField(default=0)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', null=True, db_constraint=True, to_field='id', related_name='devices', on_delete=OnDelete.RESTRICT)),
                ('tariff', fields.ForeignKeyField('models.Tariff', source_field='tariff_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.SET_NULL)),
                ('model', fields.ForeignKeyField('models.DeviceModel', source_field='model_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.SET_NULL)),
                ('retired_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('paid_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('access_due', fields.BigIntField(default=0, db_default=0)),
                ('access_until', fields.DateField(null=True)),
            ],
            options={'table': 'device', 'app': 'models', 'indexes': [Index(fields=['tariff_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Connection',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('device', fields.OneToOneField('models.Device', source_field='device_id', db_constraint=True, to_field='id', related_name='connection', on_delete=OnDelete.RESTRICT)),
                ('meter_type', fields.ForeignKeyField('models.MeterType', source_field='meter_type_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('group', fields.ForeignKeyField('models.ConnectionGroup', source_field='group_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('type', fields.ForeignKeyField('models.ConnectionType', source_field='type_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('sub_type', fields.ForeignKeyField('models.SubConnectionType', source_field='sub_type_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'connection', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Contract',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('appliance', fields.ForeignKeyField('models.Appliance', source_field='appliance_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('terms', fields.CharField(max_length=12)),
                ('price', fields.BigIntField()),
                ('down', fields.BigIntField()),
                ('period', fields.CharField(max_length=8)),
                ('day_price', fields.BigIntField()),
                ('minimum', fields.BigIntField()),
                ('commission', fields.BigIntField()),
                ('earned', fields.BigIntField(default=0, db_default=0)),
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
                ('contract', fields.ForeignKeyField('models.Contract', source_field='contract_id', db_constraint=True, to_field='id', related_name='instalments', on_delete=OnDelete.RESTRICT)),
                ('appliance', fields.ForeignKeyField('models.Appliance', source_field='appliance_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
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
            name='PaymentRequest',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('provider', fields.CharField(max_length=20)),
                ('reference', fields.CharField(unique=True, max_length=40)),
                ('external_id', fields.CharField(default='', db_default='', max_length=80)),
                ('phone', fields.CharField(max_length=16)),
                ('language', fields.CharField(max_length=2)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('contract', fields.ForeignKeyField('models.Contract', source_field='contract_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('agent_id', fields.BigIntField(null=True)),
                ('amount', fields.BigIntField()),
                ('account', fields.CharField(max_length=40)),
                ('state', fields.CharField(default='new', max_length=10)),
                ('code', fields.CharField(default='', db_default='', max_length=80)),
                ('reason', fields.CharField(default='', db_default='', max_length=20)),
                ('payment', fields.OneToOneField('models.Payment', source_field='payment_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.BigIntField()),
                ('asked_at', fields.BigIntField(default=0, db_default=0)),
                ('expires_at', fields.BigIntField()),
                ('look_at', fields.BigIntField(default=0, db_default=0)),
                ('looks', fields.SmallIntField(default=0, db_default=0)),
                ('claimed_by', fields.CharField(default='', db_default='', max_length=40)),
                ('claimed_at', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'payment_request', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Registration',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('request', fields.CharField(max_length=64)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('consent', fields.CharField(max_length=10)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'registration', 'app': 'models', 'indexes': [Index(fields=['agent_id', 'request']), Index(fields=['device_id']), Index(fields=['customer_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Sale',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('reference', fields.CharField(unique=True, max_length=8)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('payment', fields.ForeignKeyField('models.Payment', source_field='payment_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('part', fields.SmallIntField(default=1, db_default=1)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('contract', fields.ForeignKeyField('models.Contract', source_field='contract_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField()),
                ('unit', fields.CharField(max_length=10)),
                ('units', fields.IntField()),
                ('recovered', fields.BigIntField(default=0, db_default=0)),
                ('access', fields.BigIntField(default=0, db_default=0)),
                ('owed', fields.BigIntField(default=0, db_default=0)),
                ('commission', fields.BigIntField()),
                ('tariff', fields.CharField(default='', db_default='', max_length=100)),
                ('price', fields.BigIntField(default=0, db_default=0)),
                ('components', fields.BigIntField(default=0, db_default=0)),
                ('credit_before', fields.BigIntField(default=0, db_default=0)),
                ('credit_after', fields.BigIntField(default=0, db_default=0)),
                ('replaces', fields.OneToOneField('models.Sale', source_field='replaces_id', null=True, db_constraint=True, to_field='id', related_name='replaced_by', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'sale', 'app': 'models', 'unique_together': (('payment', 'part'),), 'indexes': [Index(fields=['device_id', 'created_at']), Index(fields=['agent_id', 'created_at']), Index(fields=['customer_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Allocation',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('sale', fields.ForeignKeyField('models.Sale', source_field='sale_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('instalment', fields.ForeignKeyField('models.Instalment', source_field='instalment_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField()),
                ('reverses', fields.OneToOneField('models.Allocation', source_field='reverses_id', null=True, db_constraint=True, to_field='id', related_name='reversal', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'allocation', 'app': 'models', 'indexes': [Index(fields=['instalment_id']), Index(fields=['sale_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='CashRequest',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('phone', fields.CharField(max_length=16)),
                ('language', fields.CharField(max_length=2)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('contract', fields.ForeignKeyField('models.Contract', source_field='contract_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('amount', fields.BigIntField()),
                ('state', fields.CharField(default='asked', max_length=10)),
                ('sale', fields.OneToOneField('models.Sale', source_field='sale_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('alone', fields.BooleanField()),
                ('created_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField()),
            ],
            options={'table': 'cash_request', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Ticket',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('key', fields.CharField(unique=True, max_length=80)),
                ('customer', fields.ForeignKeyField('models.Customer', source_field='customer_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('category', fields.CharField(max_length=20)),
                ('text', fields.TextField(unique=False)),
                ('state', fields.CharField(default='open', max_length=10)),
                ('reporter', fields.ForeignKeyField('models.Agent', source_field='reporter_id', null=True, db_constraint=True, to_field='id', related_name='reported', on_delete=OnDelete.RESTRICT)),
                ('agent', fields.ForeignKeyField('models.Agent', source_field='agent_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('staff', fields.ForeignKeyField('models.OfficeUser', source_field='staff_id', null=True, db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
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
                ('ticket', fields.ForeignKeyField('models.Ticket', source_field='ticket_id', db_constraint=True, to_field='id', related_name='events', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ('actor', fields.CharField(max_length=100)),
                ('step', fields.CharField(max_length=10)),
                ('text', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'ticket_event', 'app': 'models', 'indexes': [Index(fields=['ticket_id', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Token',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('sale', fields.OneToOneField('models.Sale', source_field='sale_id', db_constraint=True, to_field='id', related_name='token', on_delete=OnDelete.RESTRICT)),
                ('device', fields.ForeignKeyField('models.Device', source_field='device_id', db_constraint=True, to_field='id', related_name='tokens', on_delete=OnDelete.RESTRICT)),
                ('count', fields.IntField()),
                ('digits', fields.CharField(max_length=20)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={'table': 'token', 'app': 'models', 'unique_together': (('device', 'count'),), 'indexes': [Index(fields=['device_id', 'id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Void',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('sale', fields.ForeignKeyField('models.Sale', source_field='sale_id', db_constraint=True, to_field='id', on_delete=OnDelete.RESTRICT)),
                ('reason', fields.CharField(max_length=200)),
                ('asked_by', fields.CharField(max_length=100)),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('state', fields.CharField(default='asked', max_length=10)),
                ('decided_by', fields.CharField(default='', db_default='', max_length=100)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'void', 'app': 'models', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.RunSQL(INDEXES),
        ops.RunPython(index_words),
        ops.RunPython(guard),
        ops.RunPython(keep_closed),
        ops.RunPython(keep_statements),
        ops.RunSQL(ACCOUNTS),
    ]
