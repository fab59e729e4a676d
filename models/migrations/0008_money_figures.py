"""Figures of money, kept up as things happen; and what moves money and waits for a second person."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops

INDEXES = (
    # Nobody knows a payment's mini-grid, and a customer who pays by phone has no agent: both count as 0.
    "CREATE UNIQUE INDEX money_day_once ON money_day"
    " (day, what, COALESCE(mini_grid_id, 0), COALESCE(agent_id, 0), provider)",
    # What is younger than the sums, and lists by time.
    "CREATE INDEX payment_created ON payment (created_at)",
    "CREATE INDEX payment_provider_created ON payment (provider, created_at)",
    "CREATE INDEX hand_in_created ON hand_in (created_at)",
    "CREATE INDEX top_up_created ON top_up (created_at)",
    "CREATE INDEX void_decided ON void (decided_at) WHERE state = 'done'",
    "CREATE INDEX hand_in_event_created ON hand_in_event (created_at)",
    # What waits for a second person; one thing is asked for once.
    "CREATE UNIQUE INDEX proposal_open ON proposal (what, COALESCE(sale_id, device_id, agent_id, payment_id, customer_id))"
    " WHERE state = 'asked'",
)
# PostgreSQL has checks; SQLite has triggers where a table stands already.
CHECKS = (
    ("proposal_state_check", "proposal", "{row}state IN ('asked', 'done', 'refused') AND {row}amount >= 0"),
    ("proposal_what_check", "proposal", "{row}what IN ('move', 'transfer', 'payout', 'credit', 'amount')"),
    ("proposal_former_check", "proposal", "{row}what <> 'transfer' OR {row}former_id IS NOT NULL"),
    ("proposal_second_check", "proposal", "{row}state <> 'done' OR {row}decided_by <> {row}asked_by"),
    ("write_off_decided_once", "write_off", "{row}agreed_at IS NULL OR {row}refused_at IS NULL"),
    ("money_day_check", "money_day", "{row}what IN ('sale', 'payment') AND {row}number >= 0 AND {row}amount >= 0"),
)
# What was asked for stays so.
ASKED = ("id", "key", "what", "amount", "with_debt", "reason", "asked_by", "asked_at")
ASKED_OF = ("sale_id", "device_id", "customer_id", "former_id", "agent_id", "payment_id")
FORWARD = "OLD.state <> 'asked' AND NEW.state <> OLD.state"


async def make_indexes(_apps: object, editor: Any) -> None:
    for statement in INDEXES:
        await editor.client.execute_script(statement)


async def guard(_apps: object, editor: Any) -> None:
    """What a row may say, and that what was decided stays so."""
    run = editor.client.execute_script
    if editor.client.capabilities.dialect == "sqlite":
        for name, table, condition in CHECKS:
            broken = f"NOT ({condition.format(row='NEW.')})"
            for event in ("INSERT", "UPDATE"):
                await run(
                    f"CREATE TRIGGER {name}_{event.lower()} BEFORE {event} ON {table} WHEN {broken} "
                    f"BEGIN SELECT RAISE(ABORT, '{name}'); END"
                )
        await run(
            f"CREATE TRIGGER proposal_forward BEFORE UPDATE OF state ON proposal WHEN {FORWARD} "
            "BEGIN SELECT RAISE(ABORT, 'this was decided'); END"
        )
        other = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in (*ASKED, *ASKED_OF))
        await run(
            f"CREATE TRIGGER proposal_kept BEFORE UPDATE ON proposal WHEN {other} "
            "BEGIN SELECT RAISE(ABORT, 'what was asked for stays so'); END"
        )
        return
    for name, table, condition in CHECKS:
        await run(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition.format(row='')})")
    await run(
        f"CREATE TRIGGER proposal_forward BEFORE UPDATE OF state ON proposal FOR EACH ROW WHEN ({FORWARD}) "
        "EXECUTE FUNCTION refuse('this was decided')"
    )
    other = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in (*ASKED, *ASKED_OF))
    await run(
        f"CREATE TRIGGER proposal_kept BEFORE UPDATE ON proposal FOR EACH ROW WHEN ({other}) "
        "EXECUTE FUNCTION refuse('what was asked for stays so')"
    )


async def begin_sums(_apps: object, editor: Any) -> None:
    """Nothing is added up yet: housekeeping begins with the first sale that there ever was."""
    await editor.client.execute_script("INSERT INTO added_up (until_at) VALUES ('1970-01-01 00:00:00+00:00')")


class Migration(migrations.Migration):
    dependencies = [("models", "0007_people")]

    operations = [
        ops.RunPython(make_indexes),
        ops.RunPython(guard),
        ops.RunPython(begin_sums),
    ]
