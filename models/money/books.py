"""Whether the books add up: read whole, nothing is changed."""

from models.sql import connection, execute

UNBALANCED = """SELECT entry_id, SUM(amount) AS sum FROM line GROUP BY entry_id HAVING SUM(amount) <> 0
  ORDER BY entry_id LIMIT 1"""
OFF = """SELECT a.id, a.balance, COALESCE(s.sum, 0) AS sum FROM account a
  LEFT JOIN (SELECT account_id, SUM(amount) AS sum FROM line GROUP BY account_id) s ON s.account_id = a.id
  WHERE a.balance <> COALESCE(s.sum, 0) ORDER BY a.id LIMIT 1"""
BEHIND = """SELECT d.serial, d.count, MAX(t.count) AS used FROM device d JOIN token t ON t.device_id = d.id
  GROUP BY d.id, d.serial, d.count HAVING MAX(t.count) > d.count ORDER BY d.id LIMIT 1"""


async def find_fault() -> str:
    """The first thing in the books that does not add up, in one sentence; empty when all does."""
    if rows := await execute(connection(), UNBALANCED):
        return f"The lines of entry {rows[0]['entry_id']} add up to {rows[0]['sum']} instead of 0."
    if rows := await execute(connection(), OFF):
        return f"Account {rows[0]['id']} says {rows[0]['balance']}, and its lines add up to {rows[0]['sum']}."
    if rows := await execute(connection(), BEHIND):
        return f"{rows[0]['serial']} has count {rows[0]['count']}, and a token with {rows[0]['used']} was made for it."
    return ""
