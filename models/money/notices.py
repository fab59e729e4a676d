"""What providers tell us, kept before it is understood.

    keep --> new ---------> done
             ^ |
             | '-- it failed: again after a wait that grows (WAITS_MS)
             '----'
               '-- ten times, or it cannot be read: parked until a person runs it again

A notice is held by whoever handles it until the end of that unit of work, so that no two servers handle one, and a
server that dies leaves it new.
"""

import hashlib
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, cut, execute, for_update, on_postgres
from models.vault import Vault

WAITS_MS = (1_000, 2_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 3_600_000)  # after each try that failed
MOST_TRIES = len(WAITS_MS) + 1
PARKED = 32_000  # as `tries`: no server tries it again

KEEP = """INSERT INTO notice (provider, kind, digest, sealed, address, received_at, look_at)
  VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (digest) DO NOTHING RETURNING id"""
HOLD = """SELECT id, provider, kind, digest, sealed, address, received_at, tries FROM notice
  WHERE done_at = 0 AND look_at <= $1 AND tries < $2 ORDER BY look_at, id LIMIT 1"""
NEXT = "SELECT MIN(look_at) AS at FROM notice WHERE done_at = 0 AND tries < $1"
DONE = "UPDATE notice SET done_at = $2, outcome = $3 WHERE id = $1"
FAILED = "UPDATE notice SET tries = $2, look_at = $3, outcome = $4 WHERE id = $1 AND done_at = 0"
# What was handled is emptied when it is old; that it came stays known, so that the same body counts once for ever.
EMPTY = """UPDATE notice SET sealed = '' WHERE id IN (
  SELECT id FROM notice WHERE sealed <> '' AND done_at > 0 AND done_at < $1 LIMIT $2) RETURNING id"""
PUT_OFF = "UPDATE notice SET look_at = $2 WHERE id = $1 AND done_at = 0"
AGAIN = "UPDATE notice SET tries = 0, look_at = 0 WHERE done_at = 0 AND tries >= $1 RETURNING id"
PARKED_ONES = """SELECT id, provider, kind, digest, sealed, address, received_at, tries, outcome FROM notice
  WHERE done_at = 0 AND tries >= $1 ORDER BY id"""
PARK_ALONE = "SELECT pg_advisory_xact_lock(7269424)"  # two servers that park at once would both be first
COUNT_PARKED = "SELECT COUNT(*) AS parked FROM notice WHERE done_at = 0 AND tries >= $1"


class Notice(Model):
    """A callback of a provider, word by word. The same body counts once."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)
    kind = fields.CharField(20)  # the end of its path: confirmation, stk, timeout
    digest = fields.CharField(64, unique=True)  # SHA-256 of provider, kind and body
    sealed = fields.TextField()  # the body, encrypted
    address = fields.CharField(45)  # of the caller
    received_at = fields.BigIntField()  # ms
    done_at = fields.BigIntField(default=0, db_default=0)  # ms; 0: still to be handled
    tries = fields.SmallIntField(default=0, db_default=0)
    look_at = fields.BigIntField(default=0, db_default=0)  # ms; when it is tried
    outcome = fields.CharField(200, default="", db_default="")


@dataclass(frozen=True)
class Kept:
    """A notice that its reader holds."""

    id: int
    provider: str
    kind: str
    digest: str
    sealed: str
    address: str
    received_at: int  # ms
    tries: int  # how often it was tried in vain


async def keep(vault: Vault, *, provider: str, kind: str, said: str, address: str, now: int) -> bool:
    """Keep what a provider said, in the caller's transaction. False: it was kept before."""
    digest = hashlib.sha256(f"{provider}\n{kind}\n{said}".encode()).hexdigest()
    sealed = vault.seal(said, _purpose(digest))
    return bool(await execute(connection(), KEEP, [provider, kind, digest, sealed, cut(address, 45), now]))


async def hold_next(now: int) -> Kept | None:
    """The first that is due and that no other server holds, held until the end of the caller's unit of work."""
    rows = await execute(connection(), HOLD + for_update(skip_locked=True), [now, MOST_TRIES])
    if not rows:
        return None
    return Kept(**rows[0])


def open_kept(vault: Vault, notice: Kept) -> str:
    """What was said. Raises Sealed."""
    return vault.open(notice.sealed, _purpose(notice.digest))


async def next_at() -> int:
    """When the next one is due, in ms; 0: none waits."""
    [row] = await execute(connection(), NEXT, [MOST_TRIES])
    return int(row["at"] or 0)


async def write_done(notice: Kept, outcome: str, now: int) -> None:
    await execute(connection(), DONE, [notice.id, now, cut(outcome, 200)])


async def write_failed(notice: Kept, why: str, now: int, *, park: bool = False) -> bool:
    """Note that it failed. True: it was tried often enough, or it cannot be read (`park`), and waits for a person."""
    tries = PARKED if park else notice.tries + 1
    parked = tries >= MOST_TRIES
    look_at = now if parked else now + WAITS_MS[tries - 1]
    await execute(connection(), FAILED, [notice.id, tries, look_at, cut(why, 200)])
    return parked


async def put_off(notice: Kept, until: int) -> None:
    """Have it handled later; that it could not be handled now is nobody's fault."""
    await execute(connection(), PUT_OFF, [notice.id, until])


async def run_again() -> int:
    """Have all that wait for a person handled again; how many there are."""
    return len(await execute(connection(), AGAIN, [MOST_TRIES]))


async def reseal_notices(vault: Vault) -> int:
    """Put all that is kept under the vault's key: how many there were under the former one. Raises Sealed."""
    rows = await execute(connection(), "SELECT id, digest, sealed FROM notice WHERE sealed <> ''")
    changed = [row for row in rows if not vault.has_made(row["sealed"])]
    for row in changed:
        sealed = vault.reseal(row["sealed"], _purpose(row["digest"]))
        await execute(connection(), "UPDATE notice SET sealed = $1 WHERE id = $2", [sealed, row["id"]])
    return len(changed)


async def is_first_parked() -> bool:
    """Whether the one that was parked in this transaction waits alone, so that many make one alert."""
    if on_postgres():
        await execute(connection(), PARK_ALONE)
    return await count_parked() == 1


async def list_parked() -> list[tuple[Kept, str]]:
    """Those that wait for a person, each with the reason."""
    rows = await execute(connection(), PARKED_ONES, [MOST_TRIES])
    return [(Kept(**{name: value for name, value in row.items() if name != "outcome"}), row["outcome"]) for row in rows]


async def count_parked() -> int:
    """How many wait for a person."""
    [row] = await execute(connection(), COUNT_PARKED, [MOST_TRIES])
    return int(row["parked"])


def _purpose(digest: str) -> str:
    """What a sealed body is bound to: it opens in no other row."""
    return f"notice {digest}"
