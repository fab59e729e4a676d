"""What the office's pages show of messages to many: how far each is, and what became of it for each person."""

import re
from typing import Any

from models.messages.broadcasts import Result, count_results, final_result
from models.office.listed import Listed
from models.sql import connection, execute

MOST = 50  # rows of a page
LOOK_FOR = 1_000  # people of one broadcast who are looked through for a result
LOOK = 5_000  # messages that are still under way, looked at for the counts
COST_LOOK = 5_000  # messages looked at to know what one costs, the newest
LATEST = 2**62
ALL = """SELECT id, author, created_at, state, people, texts, audience FROM broadcast
  WHERE id < $1 ORDER BY id DESC LIMIT $2"""
ONE = """SELECT id, author, created_at, changed_at, state, people, parts, texts, audience, last_customer
  FROM broadcast WHERE id = $1"""
JOINED = """o.origin = 'broadcast ' || CAST(r.broadcast_id AS text) || ' ' || CAST(r.id AS text)"""
UNDER_WAY = f"""SELECT o.state, o.error, o.sent_at, COUNT(*) AS people FROM (SELECT id, broadcast_id
    FROM broadcast_receiver WHERE broadcast_id = $1 AND result = 'queued' ORDER BY id LIMIT {LOOK}) AS r
  JOIN outbox o ON {JOINED} GROUP BY o.state, o.error, o.sent_at"""
ONE_OF_MANY = "id, broadcast_id, customer_id, phone, result"
PEOPLE = f"""SELECT {ONE_OF_MANY} FROM broadcast_receiver
  WHERE broadcast_id = $1 AND id < $2 {{which}} ORDER BY id DESC LIMIT $3"""
OF_ALL = PEOPLE.format(which="")
# Each by an index of its own: in one statement SQLite walks through all people for a result that is rare.
OF_RESULT = f"""SELECT {ONE_OF_MANY} FROM ({PEOPLE.format(which="AND result = $4")}) AS ended
  UNION ALL SELECT {ONE_OF_MANY} FROM ({PEOPLE.format(which="AND result = 'queued' AND $4 <> 'queued'")}) AS under_way
  ORDER BY id DESC LIMIT $3"""
RECEIVERS = f"""SELECT r.id, r.phone, r.result, c.id AS customer, c.name, c.surname, c.language, o.state, o.error,
    o.gateway, o.parts, o.cost, o.sent_at, o.delivered_at, o.id AS message
  FROM ({{people}}) AS r
  JOIN customer c ON c.id = r.customer_id LEFT JOIN outbox o ON {JOINED} ORDER BY r.id DESC"""
COSTS = f"""SELECT cost, parts
  FROM (SELECT gateway, cost, parts FROM outbox ORDER BY id DESC LIMIT {COST_LOOK}) AS newest
  WHERE gateway = $1 AND cost <> '' LIMIT 100"""
_COST = re.compile(r"([A-Z]{3})?\s*([0-9]+(?:\.[0-9]+)?)")


async def newest(before: int = LATEST) -> list[dict[str, Any]]:
    """The newest messages to many."""
    return await execute(connection(), ALL, [before, MOST])


async def one(broadcast: int) -> dict[str, Any] | None:
    """One of them."""
    return next(iter(await execute(connection(), ONE, [broadcast])), None)


async def results_of(broadcast: int) -> dict[str, int]:
    """How many people there are of each result, those whose message is under way by how far it is."""
    counts: dict[str, int] = {result.value: people for result, people in (await count_results(broadcast)).items()}
    under_way = counts.pop(Result.QUEUED.value, 0)
    for row in await execute(connection(), UNDER_WAY, [broadcast]):
        result = result_in_words(row)
        counts[result] = counts.get(result, 0) + int(row["people"])
        under_way -= int(row["people"])
    if under_way > 0:  # more than are looked at
        counts[Result.QUEUED.value] = counts.get(Result.QUEUED.value, 0) + under_way
    return counts


def result_in_words(row: dict[str, Any]) -> str:
    """What became of it for one person, by the row of the outbox where there is one."""
    if row.get("result", "queued") != Result.QUEUED or not row["state"]:
        return str(row.get("result", "queued"))
    if final := final_result(row["state"], row["error"], row["sent_at"]):
        return final.value
    return Result.SENT.value if row["state"] == "sent" else Result.QUEUED.value


async def receivers(broadcast: int, before: int = LATEST, result: str = "", most: int = MOST) -> Listed[dict[str, Any]]:
    """The people who were looked at last, before this row; only those of one result where it is given. What is under
    way has the result that its message has: such people are looked through, `LOOK_FOR` at a time."""
    look = LOOK_FOR if result else most + 1
    people, of_result = (OF_RESULT, [result]) if result else (OF_ALL, [])
    values = [broadcast, before, look, *of_result]
    rows = await execute(connection(), RECEIVERS.format(people=people), values)
    said = [row | {"said": result_in_words(row)} for row in rows]
    found = [row for row in said if result in ("", row["said"])]
    if len(found) > most:
        return Listed(found[:most], int(found[most - 1]["id"]))
    return Listed(found, int(rows[-1]["id"]), look) if len(rows) == look else Listed(found, 0)


async def cost_of_part(gateway: str) -> tuple[str, float]:
    """What one SMS by this gateway costs, by what it said lately: the currency (empty where it says none) and the
    amount; 0 where it is not known."""
    costs, currency = [], ""
    for row in await execute(connection(), COSTS, [gateway]):
        if found := _COST.fullmatch(row["cost"].strip()):
            currency = found[1] or currency
            costs.append(float(found[2]) / max(1, row["parts"]))
    return currency, sum(costs) / len(costs) if costs else 0.0
