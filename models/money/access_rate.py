"""The access rate: what a connected meter costs even when nothing is bought. It falls due by the day, and payments
settle it (models/money/quotes.py)."""

from datetime import date, timedelta

from models.sql import connection, execute, execute_many, read_day

DUE = """SELECT d.id, d.access_until, p.access_rate, p.access_days FROM device d JOIN tariff p ON p.id = d.tariff_id
  WHERE d.kind = 'meter' AND d.customer_id IS NOT NULL AND p.access_days > 0 AND p.access_rate > 0
    AND (d.access_until IS NULL OR d.access_until <= $1) ORDER BY d.id LIMIT $2"""
ACCRUE = "UPDATE device SET access_due = access_due + $2, access_until = $3 WHERE id = $1 AND access_until = $4"
BEGIN = "UPDATE device SET access_until = $2 WHERE id = $1 AND access_until IS NULL"
FORGET = """UPDATE device SET access_until = NULL WHERE access_until IS NOT NULL
  AND (tariff_id IS NULL OR tariff_id IN (SELECT id FROM tariff WHERE access_days = 0 OR access_rate = 0))"""


async def accrue(today: date, most: int) -> int:
    """Charge at most so many devices for the periods that ended by today; how many. A device is charged from the
    day on which this first saw it. Running it twice, or late by some periods, comes to the same.
    """
    await execute(connection(), FORGET)  # while there is no rate nothing falls due, also not afterwards
    rows = await execute(connection(), DUE, [today, most])
    begins, charges = [], []
    for row in rows:
        period = timedelta(days=row["access_days"])
        if row["access_until"] is None:
            begins.append((row["id"], today + period))
            continue
        until = read_day(row["access_until"])
        periods = (today - until) // period + 1
        ends = until + periods * period
        charges.append((row["id"], periods * row["access_rate"], ends, until))
    await execute_many(connection(), BEGIN, begins)
    await execute_many(connection(), ACCRUE, charges)
    return len(rows)
