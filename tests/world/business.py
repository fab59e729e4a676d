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


WIDEST = max(columns.count(",") for columns in BUSINESS.values()) + 1


def _of_table(table: str, columns: str) -> str:
    """Its rows as texts, as wide as those of all tables: transcripts ask three times for each line, so all comes in
    one statement."""
    names = columns.split(", ")
    texts = [f"CAST({name} AS TEXT) AS c{place}" for place, name in enumerate(names)]
    texts += [f"NULL AS c{place}" for place in range(len(names), WIDEST)]
    return f"SELECT '{table}' AS what, id AS number, {', '.join(texts)} FROM {table}"


ALL = " UNION ALL ".join(_of_table(*one) for one in BUSINESS.items()) + " ORDER BY what, number"


async def business() -> list[dict[str, object]]:
    """All of it, to be compared before and after."""
    return await execute(connection(), ALL)
