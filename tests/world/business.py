"""What a talk may have an effect on."""

from models.sql import connection, execute, on_postgres

BUSINESS = {
    "agent": "id, phone, name, language, pin_hash, cash_limit",
    "customer": "id, phone, language",
    "device": "id, count, paid_until, customer_id",
    "account": "id, balance",
    "ticket": "id, state, agent_id, due_at",
    "ticket_event": "id",
    "contract": "id, ended_on",
    "instalment": "id, paid",
    "connection": "id, type_id, sub_type_id, meter_type_id, group_id",
    **dict.fromkeys(("payment", "sale", "token", "entry", "line", "registration"), "id"),
}


def _all_as_text(join: str) -> str:
    """One row for each table, in which its own rows are one text: transcripts ask three times for each line, and making
    objects of all rows took most of the time."""
    return " UNION ALL ".join(_of_table(*one, join) for one in BUSINESS.items())


def _of_table(table: str, columns: str, join: str) -> str:
    row = " || '|' || ".join(f"COALESCE(CAST({name} AS TEXT), 'NULL')" for name in columns.split(", "))
    rows = f"SELECT {row} AS said FROM {table} ORDER BY id"
    return f"SELECT '{table}' AS what, {join}(said, '\n') AS rows FROM ({rows}) AS of_table"


ON_SQLITE, ON_POSTGRES = _all_as_text("group_concat"), _all_as_text("string_agg")


async def business() -> dict[str, str]:
    """All of it, to be compared before and after: of each table its rows, one in a line."""
    rows = await execute(connection(), ON_POSTGRES if on_postgres() else ON_SQLITE)
    return {row["what"]: row["rows"] for row in rows}
