"""The sums of days added up by the week as well, by all that they are of: a quarter of one provider's money, or of one
mini-grid's, is read from few rows. And the few plans that ended otherwise than by payment are found among all."""

from importlib import import_module
from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

MONDAY = import_module("models.migrations.0011_fast_pages").MONDAY
SUMS = "number, amount, commission"
INDEXES = (
    # Nobody knows a payment's mini-grid, and a customer who pays by phone has no agent: both count as 0.
    "CREATE UNIQUE INDEX money_week_once ON money_week"
    " (first_day, what, COALESCE(mini_grid_id, 0), COALESCE(agent_id, 0), provider)",
    "CREATE INDEX money_week_agent ON money_week (agent_id, first_day)",
    # These have all that is asked of them, as those of the days do.
    f"CREATE INDEX money_week_grid ON money_week (mini_grid_id, first_day, what, agent_id, provider, {SUMS})",
    f"CREATE INDEX money_week_provider ON money_week (provider, first_day, what, agent_id, mini_grid_id, {SUMS})",
)
# Each sale that somebody asks to take back is held against these few. SQLite begins with the sale.
OF_POSTGRES = "CREATE INDEX contract_ended_otherwise ON contract (id) WHERE ending <> ''"
CHECK = "{row}what IN ('sale', 'payment') AND {row}number >= 0 AND {row}amount >= 0"
FILL = """INSERT INTO money_week (first_day, what, mini_grid_id, agent_id, provider, number, amount, commission)
  SELECT {monday}, what, mini_grid_id, agent_id, provider, SUM(number), SUM(amount), SUM(commission) FROM money_day
  GROUP BY {monday}, what, mini_grid_id, agent_id, provider"""


async def guard(_apps: object, editor: Any) -> None:
    run = editor.client.execute_script
    for statement in INDEXES:
        await run(statement)
    if editor.client.capabilities.dialect == "sqlite":
        for event in ("INSERT", "UPDATE"):
            await run(
                f"CREATE TRIGGER money_week_check_{event.lower()} BEFORE {event} ON money_week"
                f" WHEN NOT ({CHECK.format(row='NEW.')}) BEGIN SELECT RAISE(ABORT, 'money_week_check'); END"
            )
        return
    await run(OF_POSTGRES)
    await run(f"ALTER TABLE money_week ADD CONSTRAINT money_week_check CHECK ({CHECK.format(row='')})")


async def fill(_apps: object, editor: Any) -> None:
    """What was added up by the day already."""
    monday = MONDAY[editor.client.capabilities.dialect].replace("first_day", "day")
    await editor.client.execute_script(FILL.format(monday=monday))


def _whose(model: str, column: str) -> Any:
    return fields.ForeignKeyField(
        model,
        source_field=column,
        null=True,
        db_constraint=True,
        to_field="id",
        on_delete=OnDelete.RESTRICT,
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0018_new_ways_in")]

    operations = [
        ops.CreateModel(
            name="MoneyWeek",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("first_day", fields.DateField()),
                ("what", fields.CharField(max_length=8)),
                ("mini_grid", _whose("models.MiniGrid", "mini_grid_id")),
                ("agent", _whose("models.Agent", "agent_id")),
                ("provider", fields.CharField(max_length=20)),
                ("number", fields.BigIntField()),
                ("amount", fields.BigIntField()),
                ("commission", fields.BigIntField(default=0, db_default=0)),
            ],
            options={"table": "money_week", "app": "models", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.RunPython(guard),
        ops.RunPython(fill),
    ]
