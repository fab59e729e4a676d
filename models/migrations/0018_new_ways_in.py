"""A new way in for somebody who moves money waits for a second person too, and a link says whether one agreed to it."""

from importlib import import_module
from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.people.promotions import What

guards = import_module("models.migrations.0002_guards")

# Of each user and of what is asked for at most one is open.
OPEN = (
    "DROP INDEX office_promotion_open",
    "CREATE UNIQUE INDEX office_promotion_open ON office_promotion (user_id, what) WHERE state = 'asked'",
)
# `@` stands before the name of a column of the row that is written.
CHECKS = (
    ("what", guards.one_of("what", "role", "password", "factor")),
    ("own", "@what = 'role' OR (@user_id IS NOT NULL AND (@state <> 'done' OR @second_id <> @user_id))"),
)


async def guard(_apps: object, editor: Any) -> None:
    """What a row may say; SQLite has triggers for it."""
    run, embedded = editor.client.execute_script, editor.client.capabilities.dialect == "sqlite"
    for statement in OPEN:
        await run(statement)
    for name, condition in CHECKS:
        check = f"office_promotion_{name}_check"
        if not embedded:
            await run(f"ALTER TABLE office_promotion ADD CONSTRAINT {check} CHECK ({condition.replace('@', '')})")
            continue
        for event in ("INSERT", "UPDATE"):
            await run(
                f"CREATE TRIGGER {check}_{event.lower()} BEFORE {event} ON office_promotion "
                f"WHEN NOT ({condition.replace('@', 'NEW.')}) BEGIN SELECT RAISE(ABORT, '{check}'); END"
            )


class Migration(migrations.Migration):
    dependencies = [("models", "0017_second_amounts")]

    operations = [
        ops.AddField(
            model_name="Promotion",
            name="what",
            field=fields.CharEnumField(enum_type=What, default=What.ROLE, db_default="role", max_length=10),
        ),
        ops.AddField(
            model_name="Invitation", name="agreed", field=fields.BooleanField(default=False, db_default=False)
        ),
        ops.RunPython(guard),
    ]
