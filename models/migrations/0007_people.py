"""What the office keeps of people and their devices: names as they are looked for, tags, swaps; and the indexes behind
its find box and its pages of people."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

# What others may need as well stands here under a name of its own, once.
INDEXES = [
    "CREATE INDEX IF NOT EXISTS inbox_phone ON inbox (phone, id)",
    "CREATE INDEX payment_reference ON payment (reference) WHERE provider <> 'cash'",
    "CREATE INDEX payment_payer ON payment (payer_phone, id) WHERE payer_phone <> '' AND agent_id IS NULL",
    "CREATE INDEX customer_of_grid ON customer (mini_grid_id, id)",
    "CREATE INDEX customer_of_village ON customer (village_id, id)",
    "CREATE INDEX registration_of_agent ON registration (agent_id, customer_id)",
    "CREATE INDEX contract_of_agent ON contract (agent_id, customer_id)",
    # Everybody whose name is there by now is still to be kept.
    "INSERT INTO name_change (customer_id) SELECT id FROM customer ORDER BY id",
]
SQLITE = (
    "CREATE UNIQUE INDEX name_turn_words ON name_turn (words, customer_id)",
    "CREATE INDEX customer_phone_end ON customer (substr(phone, -4), id)",
    "CREATE TRIGGER customer_named AFTER INSERT ON customer BEGIN"
    " INSERT INTO name_change (customer_id) VALUES (NEW.id); END",
    "CREATE TRIGGER customer_renamed AFTER UPDATE OF name, surname ON customer"
    " WHEN OLD.name <> NEW.name OR OLD.surname <> NEW.surname BEGIN"
    " INSERT INTO name_change (customer_id) VALUES (NEW.id); END",
    "CREATE TRIGGER device_swap_no_update BEFORE UPDATE ON device_swap BEGIN"
    " SELECT RAISE(ABORT, 'device_swap is append only'); END",
    "CREATE TRIGGER device_swap_no_delete BEFORE DELETE ON device_swap BEGIN"
    " SELECT RAISE(ABORT, 'device_swap is append only'); END",
    "CREATE TRIGGER device_swap_no_replace BEFORE INSERT ON device_swap"
    " WHEN EXISTS (SELECT 1 FROM device_swap WHERE id = NEW.id OR key = NEW.key) BEGIN"
    " SELECT RAISE(ABORT, 'device_swap is append only'); END",
)
# PostgreSQL compares by the byte: another order depends on the locale and serves no beginning. Many who come at once
# are noted at once.
POSTGRES = (
    'CREATE UNIQUE INDEX name_turn_words ON name_turn (words COLLATE "C", customer_id)',
    "CREATE INDEX customer_phone_end ON customer (right(phone, 4), id)",
    "CREATE FUNCTION note_names() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO name_change (customer_id) SELECT id FROM added; RETURN NULL; END $$",
    "CREATE TRIGGER customer_named AFTER INSERT ON customer REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION note_names()",
    "CREATE FUNCTION note_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO name_change (customer_id) VALUES (NEW.id); RETURN NULL; END $$",
    "CREATE TRIGGER customer_renamed AFTER UPDATE OF name, surname ON customer FOR EACH ROW"
    " WHEN (OLD.name <> NEW.name OR OLD.surname <> NEW.surname) EXECUTE FUNCTION note_name()",
    "CREATE TRIGGER device_swap_append_only BEFORE UPDATE OR DELETE ON device_swap"
    " FOR EACH ROW EXECUTE FUNCTION refuse('device_swap is append only')",
    "CREATE TRIGGER device_swap_no_truncate BEFORE TRUNCATE ON device_swap"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse('device_swap is append only')",
    "ALTER TABLE device_swap ADD CONSTRAINT device_swap_units_check CHECK (units >= 0)",
    "ALTER TABLE device_swap ADD CONSTRAINT device_swap_unit_check CHECK (unit IN ('', 'days', 'unlock'))",
)


async def index_words(_apps: object, editor: Any) -> None:
    """What the two engines say in different words."""
    sqlite = editor.client.capabilities.dialect == "sqlite"
    for statement in SQLITE if sqlite else POSTGRES:
        await editor.client.execute_script(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0006_broadcasts")]

    operations = [
        ops.RunPython(index_words),
        ops.RunSQL(INDEXES),
    ]
