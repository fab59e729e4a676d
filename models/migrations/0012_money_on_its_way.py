"""A push for a debt holds so much of it back, from the row that asks to the row that says how it ended: the database
does both, so that no server can die in between. Open pushes never ask for more of a debt than is owed on it."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

KEY = "'push ' || NEW.id"
# What is on its way already, and what is owed. $LEAST is the smaller of two: the last coin of a debt that is no whole
# number of coins is asked for whole.
HELD = "(SELECT COALESCE(SUM(amount), 0) FROM reservation WHERE kind = 'debt' AND owner = {owner} AND state = 'open'{but})"
OWED = "(SELECT COALESCE(SUM(balance), 0) FROM account WHERE kind = 'debt' AND owner = {owner})"
OF_PUSH = {"owner": "NEW.contract_id", "but": ""}
# A year of the far future: what is held back for a push counts until the push has ended.
HOLD = f"""INSERT INTO reservation (key, kind, owner, amount, state, expires_at)
  SELECT {KEY}, 'debt', NEW.contract_id,
    CASE WHEN {HELD.format(**OF_PUSH)} = 0 THEN $LEAST(NEW.amount, {OWED.format(**OF_PUSH)}) ELSE NEW.amount END,
    'open', 253402300799000
  FROM contract WHERE contract.id = NEW.contract_id AND contract.terms = 'instalments'"""
FREE = f"""UPDATE reservation SET state = CASE WHEN NEW.state = 'paid' THEN 'used' ELSE 'released' END,
  expires_at = NEW.expires_at WHERE key = {KEY} AND state = 'open'"""
HAS_ENDED = "NEW.state IN ('paid', 'failed', 'expired') AND OLD.state IN ('new', 'asked', 'unknown')"
OF_ROW = {"owner": "NEW.owner", "but": " AND key <> NEW.key"}
TOO_MUCH = f"NEW.amount + {HELD.format(**OF_ROW)} > {OWED.format(**OF_ROW)}"
SAYS = "more would be asked for than is owed"
CHANGED = "OLD.kind = 'debt' AND (NEW.key <> OLD.key OR NEW.kind <> OLD.kind OR NEW.owner <> OLD.owner OR NEW.amount <> OLD.amount)"
STAYS = "what is held back stays so until it has ended"

SQLITE = (
    f"CREATE TRIGGER push_holds AFTER INSERT ON payment_request WHEN NEW.contract_id IS NOT NULL "
    f"BEGIN {HOLD.replace('$LEAST', 'MIN')}; END",
    f"CREATE TRIGGER push_frees AFTER UPDATE OF state ON payment_request WHEN {HAS_ENDED} BEGIN {FREE}; END",
    f"CREATE TRIGGER reservation_owed BEFORE INSERT ON reservation WHEN NEW.kind = 'debt' AND {TOO_MUCH} "
    f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
    f"CREATE TRIGGER reservation_stays BEFORE UPDATE OF key, kind, owner, amount ON reservation WHEN {CHANGED} "
    f"BEGIN SELECT RAISE(ABORT, '{STAYS}'); END",
)
# Two that would hold back of one debt are one behind the other: the second sees what the first has held.
POSTGRES = (
    f"""CREATE FUNCTION push_holds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM 1 FROM account WHERE kind = 'debt' AND owner = NEW.contract_id FOR NO KEY UPDATE;
  {HOLD.replace("$LEAST", "LEAST")}; RETURN NULL; END $$""",
    "CREATE TRIGGER push_holds AFTER INSERT ON payment_request FOR EACH ROW WHEN (NEW.contract_id IS NOT NULL) "
    "EXECUTE FUNCTION push_holds()",
    f"CREATE FUNCTION push_frees() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {FREE}; RETURN NULL; END $$",
    f"CREATE TRIGGER push_frees AFTER UPDATE OF state ON payment_request FOR EACH ROW WHEN ({HAS_ENDED}) "
    "EXECUTE FUNCTION push_frees()",
    f"""CREATE FUNCTION reservation_owed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM 1 FROM account WHERE kind = 'debt' AND owner = NEW.owner FOR NO KEY UPDATE;
  IF {TOO_MUCH} THEN RAISE EXCEPTION '{SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$""",
    "CREATE TRIGGER reservation_owed BEFORE INSERT ON reservation FOR EACH ROW WHEN (NEW.kind = 'debt') "
    "EXECUTE FUNCTION reservation_owed()",
    f"CREATE TRIGGER reservation_stays BEFORE UPDATE OF key, kind, owner, amount ON reservation FOR EACH ROW "
    f"WHEN ({CHANGED}) EXECUTE FUNCTION refuse('{STAYS}')",
)


async def hold_for_pushes(_apps: object, editor: Any) -> None:
    sqlite = editor.client.capabilities.dialect == "sqlite"
    for statement in SQLITE if sqlite else POSTGRES:
        await editor.client.execute_script(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0011_fast_pages")]

    operations = [ops.RunPython(hold_for_pushes)]
