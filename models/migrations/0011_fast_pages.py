"""What the office's pages read of a long history: sums by one thing alone, and indexes where rows were looked through."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

INDEXES = (
    # Whether a sale was taken back is asked of every sale that is listed or added up.
    "CREATE UNIQUE INDEX void_done ON void (sale_id) WHERE state = 'done'",
    # Sums of one agent's, of one mini-grid's, of one provider's.
    "CREATE INDEX money_day_agent ON money_day (agent_id, day)",
    "CREATE INDEX money_day_grid ON money_day (mini_grid_id, day)",
    "CREATE INDEX money_day_provider ON money_day (provider, day)",
    # The lines of a provider's month, counted without a look at them.
    "CREATE INDEX statement_line_at ON statement_line (provider, at, settled, direction, amount)",
)
# The sums of days by one thing alone, and from them those of weeks.
DAYS = """INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'day', day, what, '{by}', {whose}, SUM(number), SUM(amount), SUM(commission) FROM money_day
  {condition} GROUP BY day, what, {whose}"""
WEEKS = """INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'week', {monday}, what, by_what, whose, SUM(number), SUM(amount), SUM(commission) FROM money_sum
  GROUP BY {monday}, what, by_what, whose"""
MONDAY = {
    "sqlite": "date(first_day, '-6 days', 'weekday 1')",
    "postgres": "CAST(date_trunc('week', first_day) AS DATE)",
}
WHOSE = {
    "": "CAST('' AS VARCHAR(20))",
    "agent_id": "COALESCE(CAST(agent_id AS VARCHAR(20)), '')",
    "provider": "provider",
    "mini_grid_id": "COALESCE(CAST(mini_grid_id AS VARCHAR(20)), '')",
}


async def find_fast(_apps: object, editor: Any) -> None:
    for statement in INDEXES:
        await editor.client.execute_script(statement)


async def add_up(_apps: object, editor: Any) -> None:
    """What was added up by all of it together, added up by each thing alone."""
    run = editor.client.execute_script
    for by, whose in WHOSE.items():
        condition = "WHERE what = 'sale'" if by == "mini_grid_id" else ""  # of a payment nobody knows it
        await run(DAYS.format(by=by, whose=whose, condition=condition))
    await run(WEEKS.format(monday=MONDAY[editor.client.capabilities.dialect]))


class Migration(migrations.Migration):
    dependencies = [("models", "0010_counter")]

    operations = [
        ops.CreateModel(
            name="MoneySum",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("span", fields.CharField(max_length=4)),
                ("first_day", fields.DateField()),
                ("what", fields.CharField(max_length=8)),
                ("by_what", fields.CharField(max_length=12)),
                ("whose", fields.CharField(max_length=20)),
                ("number", fields.BigIntField()),
                ("amount", fields.BigIntField()),
                ("commission", fields.BigIntField()),
            ],
            options={
                "table": "money_sum",
                "app": "models",
                "unique_together": (("span", "by_what", "first_day", "what", "whose"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.RunPython(find_fast),
        ops.RunPython(add_up),
    ]
