"""What a talk may have an effect on."""

from models.sql import connection, execute

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


async def business() -> dict[str, list[dict[str, object]]]:
    """All of it, to be compared before and after."""
    return {
        table: await execute(connection(), f"SELECT {columns} FROM {table} ORDER BY id")
        for table, columns in BUSINESS.items()
    }
