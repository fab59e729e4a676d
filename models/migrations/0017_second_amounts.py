"""What a source says of a payment a second time, with another amount, is evidence too: of two callbacks that disagree
both are kept, so that people can say which is right."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_generator.state import State

from models.sql import execute

ONCE = ("source", "provider", "reference", "amount")
KEY_OF_POSTGRES = "SELECT conname FROM pg_constraint WHERE conrelid = 'evidence'::regclass AND contype = 'u'"
OF_SQLITE = "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'evidence' AND sql IS NOT NULL ORDER BY type = 'trigger'"
# In SQLite's own words of the table, and of the trigger that refuses REPLACE.
FORMER_KEY, KEY = '"source", "provider", "reference")', '"source", "provider", "reference", "amount")'
FORMER_SAME, SAME = "reference = NEW.reference", "reference = NEW.reference AND amount = NEW.amount"


async def widen(_apps: object, editor: Any) -> None:
    if editor.client.capabilities.dialect == "sqlite":
        await _widen_sqlite(editor.client)
        return
    for row in await execute(editor.client, KEY_OF_POSTGRES):
        await execute(editor.client, f'ALTER TABLE evidence DROP CONSTRAINT "{row["conname"]}"')
    await execute(
        editor.client, f"ALTER TABLE evidence ADD CONSTRAINT evidence_said_once UNIQUE ({', '.join(ONCE)})"
    )


async def _widen_sqlite(client: Any) -> None:
    """SQLite changes no key of a table: its rows move to another one, which takes its name, indexes and triggers."""
    (_table, made), *others = [(row["type"], row["sql"]) for row in await execute(client, OF_SQLITE)]
    if made.count(FORMER_KEY) != 1:
        raise ValueError("the table of evidence is not as it was made")
    columns = ", ".join(row["name"] for row in await execute(client, "PRAGMA table_info(evidence)"))
    table = made.replace(FORMER_KEY, KEY).replace('"evidence"', '"evidence_wider"', 1)
    for statement in (
        table,
        f"INSERT INTO evidence_wider ({columns}) SELECT {columns} FROM evidence",
        "DROP TABLE evidence",
        "ALTER TABLE evidence_wider RENAME TO evidence",
        *(sql.replace(FORMER_SAME, SAME) for _type, sql in others),
    ):
        await execute(client, statement)


class Widened(ops.RunPython):
    """The key of the model, which the function has changed in the database."""

    def state_forward(self, app_label: str, state: State) -> None:
        state.models[(app_label, "Evidence")].options["unique_together"] = (ONCE,)
        state.reload_model(app_label, "Evidence")


class Migration(migrations.Migration):
    dependencies = [("models", "0016_promotions")]

    operations = [Widened(widen)]
