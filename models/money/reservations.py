"""Money on its way: what an open question or a push will move if it is answered, held back until then.

A request to an agent holds room in the cash limit or money in the wallet until its time is over: of what the agent
sells from by then, whichever it was when the request came. A push holds so much of the debt that it pays until it has
ended, however long nobody knows whether it is paid: triggers of the database do that
(models/migrations/0012_money_on_its_way.py), with the very row that asks and the one that says how it ended. Cash in an
agent's hand is taken all the same: what a push brings then is credit.
"""

from collections.abc import Sequence
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.ledger import AccountKind
from models.sql import connection, execute, marks, now_ms

RESERVE = """INSERT INTO reservation (key, kind, owner, amount, state, expires_at) VALUES ($1, $2, $3, $4, 'open', $5)
  ON CONFLICT (key) DO UPDATE SET state = 'open', amount = excluded.amount, expires_at = excluded.expires_at"""
SET_ASIDE = "UPDATE reservation SET expires_at = 0 WHERE key = $1 AND state = 'open'"
END = "UPDATE reservation SET state = $2 WHERE key = $1 AND state = 'open'"
SUM = """SELECT COALESCE(SUM(amount), 0) AS amount FROM reservation
  WHERE kind = $1 AND owner = $2 AND state = 'open' AND expires_at > $3"""
# What customers' open requests hold back of agents, of the cash limit or of the wallet.
PROMISED = """SELECT COALESCE(SUM(amount), 0) FROM reservation WHERE kind IN ('cash', 'wallet') AND state = 'open'
  AND expires_at > {now} AND owner {owners}"""

PURGE = """DELETE FROM reservation WHERE id IN
  (SELECT id FROM reservation WHERE expires_at < $1 LIMIT $2) RETURNING id"""


class Reserved(StrEnum):
    OPEN = "open"
    USED = "used"
    RELEASED = "released"


class Reservation(Model):
    """An amount of one account that is promised to something, `key`. It counts while it is open and not over."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)
    kind = fields.CharField(20)  # an AccountKind
    owner = fields.BigIntField()
    amount = fields.BigIntField()  # minor units, more than 0
    state = fields.CharField(10, default=Reserved.OPEN)
    expires_at = fields.BigIntField()  # ms


async def reserve(key: str, kind: AccountKind, owner: int, amount: int, expires_at: int) -> None:
    """Hold back an amount (minor units) of an account until it is used, released, or over (ms), in the caller's
    transaction that holds the account's owner. The same key holds back once, whatever amount came last. Raises
    IntegrityError for one that was used or released."""
    await execute(connection(), RESERVE, [key, kind.value, owner, amount, expires_at])


async def use(key: str) -> None:
    """What it was for has happened: an entry has moved the money. Nothing happens to one that is over."""
    await execute(connection(), END, [key, Reserved.USED.value])


async def set_aside(key: str) -> None:
    """It does not count while what it is for is tried, in the same transaction: `use` it then, or `reserve` again."""
    await execute(connection(), SET_ASIDE, [key])


async def release(key: str) -> None:
    """It will not happen: the amount is free again."""
    await execute(connection(), END, [key, Reserved.RELEASED.value])


async def reserved(kind: AccountKind, owner: int) -> int:
    """What is held back of an account now, in minor units."""
    [row] = await execute(connection(), SUM, [kind.value, owner, now_ms()])
    return int(row["amount"])


async def promised_by(agents: Sequence[int]) -> dict[int, int]:
    """What customers' open requests hold back of each of these agents now, of the cash limit or of the wallet, in minor
    units; nothing for those of whom nothing is."""
    if not agents:
        return {}
    statement = f"""SELECT owner, SUM(amount) AS amount FROM reservation WHERE kind IN ('cash', 'wallet')
      AND state = 'open' AND expires_at > $1 AND owner IN ({marks(len(agents), 2)}) GROUP BY owner"""
    rows = await execute(connection(), statement, [now_ms(), *agents])
    return {int(row["owner"]): int(row["amount"]) for row in rows}


async def reserved_of(kind: AccountKind, owners: Sequence[int]) -> dict[int, int]:
    """What is held back now of an account of each of these, in minor units; nothing for those of whom nothing is."""
    if not owners:
        return {}
    statement = f"""SELECT owner, SUM(amount) AS amount FROM reservation WHERE kind = $1 AND state = 'open'
      AND expires_at > $2 AND owner IN ({marks(len(owners), 3)}) GROUP BY owner"""
    rows = await execute(connection(), statement, [kind.value, now_ms(), *owners])
    return {int(row["owner"]): int(row["amount"]) for row in rows}
