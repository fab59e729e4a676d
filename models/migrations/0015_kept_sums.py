"""What the office's pages read in place of a long history: lines of statements added up by the day and payments that no
line says the same of, both kept by triggers as things happen; and indexes that have all that a sum needs."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

INDEXES = (
    # The sums of one mini-grid's and of one provider's days are read in the index alone.
    "DROP INDEX money_day_grid",
    "DROP INDEX money_day_provider",
    "CREATE INDEX money_day_grid ON money_day (mini_grid_id, day, what, agent_id, provider, number, amount, commission)",
    "CREATE INDEX money_day_provider ON money_day"
    " (provider, day, what, agent_id, mini_grid_id, number, amount, commission)",
    # And those of all agents.
    "CREATE INDEX money_sum_whose ON money_sum (span, by_what, first_day, whose, what, number, amount, commission)",
    # Commission that was paid out in cash is few entries of all.
    "CREATE INDEX entry_paid_out ON entry (effective_at) WHERE key LIKE 'commission paid out %'",
    # Lines with another amount than their payment.
    "CREATE INDEX unmatched_line ON unmatched (provider, line_id) WHERE line_id IS NOT NULL",
)
# Not on PostgreSQL: an index of the balance would have each change of it write to every index of the account.
OF_SQLITE = "CREATE INDEX account_unapplied ON account (owner) WHERE kind = 'unapplied' AND balance <> 0"
# $DAY is the day (UTC) of a line.
FILL_SUMS = """INSERT INTO statement_sum (provider, day, settled, direction, number, amount)
  SELECT provider, $DAY, settled, direction, COUNT(*), SUM(amount) FROM statement_line
  GROUP BY provider, $DAY, settled, direction"""
FILL_UNMATCHED = """INSERT INTO unmatched (payment_id, provider, paid_at, line_id)
  SELECT p.id, p.provider, p.paid_at, l.id FROM payment p
  LEFT JOIN statement_line l ON l.payment_id = p.id AND l.direction = 'in'
  WHERE p.provider NOT IN ('cash', 'wallet') AND (l.id IS NULL OR l.amount <> p.amount)"""
ADD_LINE = """INSERT INTO statement_sum (provider, day, settled, direction, number, amount)
  VALUES (NEW.provider, $DAY, NEW.settled, NEW.direction, 1, NEW.amount)
  ON CONFLICT (provider, day, settled, direction) DO UPDATE
  SET number = statement_sum.number + 1, amount = statement_sum.amount + excluded.amount"""
TAKE_LINE = """UPDATE statement_sum SET number = number - 1, amount = amount - OLD.amount
  WHERE provider = OLD.provider AND day = $DAY AND settled = OLD.settled AND direction = OLD.direction"""
ADD_PAYMENT = """INSERT INTO unmatched (payment_id, provider, paid_at)
  VALUES (NEW.id, NEW.provider, NEW.paid_at)"""
FITS = """DELETE FROM unmatched WHERE payment_id = NEW.payment_id
  AND NEW.amount = (SELECT amount FROM payment WHERE id = NEW.payment_id)"""
DIFFERS = "UPDATE unmatched SET line_id = NEW.id WHERE payment_id = NEW.payment_id"
BY_PROVIDER = "NEW.provider NOT IN ('cash', 'wallet')"
OTHERWISE = "NEW.settled <> OLD.settled"
TAKEN = "NEW.payment_id IS NOT NULL AND NEW.direction = 'in'"
# A moment is kept as its text in UTC, which begins with the day.
DAY_OF = {"sqlite": "substr({at}, 1, 10)", "postgres": "CAST({at} AT TIME ZONE 'UTC' AS DATE)"}


def statements_of_sqlite() -> list[str]:
    day, old = DAY_OF["sqlite"].format(at="NEW.at"), DAY_OF["sqlite"].format(at="OLD.at")
    add, take = ADD_LINE.replace("$DAY", day), TAKE_LINE.replace("$DAY", old)
    return [
        OF_SQLITE,
        f"CREATE TRIGGER statement_line_adds AFTER INSERT ON statement_line BEGIN {add}; END",
        f"CREATE TRIGGER statement_line_settles AFTER UPDATE OF settled ON statement_line WHEN {OTHERWISE}"
        f" BEGIN {take}; {add}; END",
        f"CREATE TRIGGER payment_unmatched AFTER INSERT ON payment WHEN {BY_PROVIDER} BEGIN {ADD_PAYMENT}; END",
        f"CREATE TRIGGER statement_line_matches AFTER UPDATE OF payment_id ON statement_line WHEN {TAKEN}"
        f" BEGIN {FITS}; {DIFFERS}; END",
    ]


def statements_of_postgres() -> list[str]:
    day, old = DAY_OF["postgres"].format(at="NEW.at"), DAY_OF["postgres"].format(at="OLD.at")
    add, take = ADD_LINE.replace("$DAY", day), TAKE_LINE.replace("$DAY", old)
    return [
        f"CREATE FUNCTION add_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {add}; RETURN NULL; END $$",
        "CREATE TRIGGER statement_line_adds AFTER INSERT ON statement_line"
        " FOR EACH ROW EXECUTE FUNCTION add_line()",
        "CREATE FUNCTION settle_line() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {take}; {add}; RETURN NULL; END $$",
        "CREATE TRIGGER statement_line_settles AFTER UPDATE OF settled ON statement_line"
        f" FOR EACH ROW WHEN ({OTHERWISE}) EXECUTE FUNCTION settle_line()",
        f"CREATE FUNCTION note_unmatched() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {ADD_PAYMENT}; RETURN NULL; END $$",
        "CREATE TRIGGER payment_unmatched AFTER INSERT ON payment"
        f" FOR EACH ROW WHEN ({BY_PROVIDER}) EXECUTE FUNCTION note_unmatched()",
        "CREATE FUNCTION match_line() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {FITS}; {DIFFERS}; RETURN NULL; END $$",
        "CREATE TRIGGER statement_line_matches AFTER UPDATE OF payment_id ON statement_line"
        f" FOR EACH ROW WHEN ({TAKEN}) EXECUTE FUNCTION match_line()",
    ]


async def keep_sums(_apps: object, editor: Any) -> None:
    run, dialect = editor.client.execute_script, editor.client.capabilities.dialect
    for statement in INDEXES:
        await run(statement)
    for statement in statements_of_sqlite() if dialect == "sqlite" else statements_of_postgres():
        await run(statement)


async def fill(_apps: object, editor: Any) -> None:
    """What is there already, from all that there ever was."""
    run, day = editor.client.execute_script, DAY_OF[editor.client.capabilities.dialect].format(at="at")
    for statement in (FILL_SUMS.replace("$DAY", day), FILL_UNMATCHED):
        await run(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0014_settled_amounts")]

    operations = [
        ops.CreateModel(
            name="StatementSum",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("provider", fields.CharField(max_length=20)),
                ("day", fields.DateField()),
                ("settled", fields.CharField(max_length=10)),
                ("direction", fields.CharField(max_length=4)),
                ("number", fields.BigIntField()),
                ("amount", fields.BigIntField()),
            ],
            options={
                "table": "statement_sum",
                "app": "models",
                "unique_together": (("provider", "day", "settled", "direction"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Unmatched",
            fields=[
                (
                    "payment",
                    fields.OneToOneField(
                        "models.Payment",
                        source_field="payment_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("provider", fields.CharField(max_length=20)),
                ("paid_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "line",
                    fields.OneToOneField(
                        "models.StatementLine",
                        source_field="line_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "unmatched",
                "app": "models",
                "indexes": [Index(fields=["provider", "paid_at"])],
                "pk_attr": "payment_id",
            },
            bases=["Model"],
        ),
        ops.RunPython(keep_sums),
        ops.RunPython(fill),
    ]
