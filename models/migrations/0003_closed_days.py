"""What is closed stays closed: nothing is booked into a day that was closed, and what a statement says never changes."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

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
        "FOR EACH ROW EXECUTE FUNCTION refuse('statement_line is append only')"
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0002_guards")]

    operations = [
        ops.RunPython(keep_closed),
        ops.RunPython(keep_statements),
    ]
