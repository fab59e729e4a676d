"""What the office does itself: it registers and sells without an agent, sends a PIN that is for once, and brings cash to
the bank."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops


async def keep_deposits(_apps: object, editor: Any) -> None:
    """What was brought to the bank never changes; which line of its statement it is, is written once."""
    run, said = editor.client.execute_script, "key, amount, reference, actor, created_at"
    says, once = "till_deposit is append only", "OLD.line_id IS NOT NULL"
    if editor.client.capabilities.dialect == "sqlite":
        for name, event, when in (
            ("changed", f"UPDATE OF {said}", ""),
            ("deleted", "DELETE", ""),
            ("arrived", "UPDATE OF line_id", f"WHEN {once}"),
            ("amount", "INSERT", "WHEN NEW.amount <= 0"),
        ):
            await run(
                f"CREATE TRIGGER till_deposit_{name} BEFORE {event} ON till_deposit {when} "
                f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
            )
        return
    refuse = f"EXECUTE FUNCTION refuse('{says}')"
    await run(
        f"CREATE TRIGGER till_deposit_append_only BEFORE UPDATE OF {said} OR DELETE ON till_deposit "
        f"FOR EACH ROW {refuse}"
    )
    await run(
        f"CREATE TRIGGER till_deposit_arrived BEFORE UPDATE OF line_id ON till_deposit FOR EACH ROW WHEN ({once}) {refuse}"
    )
    await run("ALTER TABLE till_deposit ADD CONSTRAINT till_deposit_amount_check CHECK (amount > 0)")


class Migration(migrations.Migration):
    dependencies = [("models", "0009_gateway_beats")]

    operations = [ops.RunPython(keep_deposits)]
