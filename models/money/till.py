"""The office's till: the cash that agents handed in and that was taken at the counter, and what is brought to the bank.

What somebody brings to the bank leaves the till at once. The bank's statement says days later that it came: its line is
then the other side of the same money, and is not booked again (models/money/reconciling.py)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.money.claims import PAID
from models.money.commission_payout import PAID_OUT
from models.money.ledger import AccountKind, Posting, balance, post
from models.money.receiving import normal_reference
from models.money.statements import StatementLine
from models.sql import connection, execute, insert, on_postgres, read_moment

PAGE = 50
EARLIEST, LATEST = timedelta(days=7), timedelta(days=10)  # the bank's line may be dated so far before, or behind
# The newest lines are taken before their entries are looked for, or PostgreSQL looks for those of all that there are.
MOVES = """SELECT l.id, l.amount, e.key, e.actor, e.reason, e.effective_at FROM (
    SELECT id, amount, entry_id FROM line
    WHERE account_id = (SELECT id FROM account WHERE kind = 'office cash' AND owner = 0) AND id < $1
    ORDER BY id DESC LIMIT $2) l
  JOIN entry e ON e.id = l.entry_id ORDER BY l.id DESC"""
ON_THE_WAY = """SELECT id FROM till_deposit
  WHERE amount = $1 AND line_id IS NULL AND created_at >= $2 AND created_at < $3
  ORDER BY CASE WHEN UPPER(reference) = UPPER($4) THEN 0 ELSE 1 END, id LIMIT 1"""
# A line that was settled as a deposit before anybody said that the cash goes to the bank: it is booked already.
CAME_BEFORE = """SELECT l.id FROM statement_line l WHERE l.provider = 'bank' AND l.direction = 'in'
  AND l.settled = 'deposit' AND l.amount = $1 AND l.at >= $2 AND l.at <= $3
  AND NOT EXISTS (SELECT 1 FROM till_deposit d WHERE d.line_id = l.id)
  ORDER BY CASE WHEN l.reference = $4 THEN 0 ELSE 1 END, l.at, l.id LIMIT 1"""
# As `normal_reference` writes it, but for signs that nobody puts on a slip.
OF_SLIP = """SELECT id FROM till_deposit
  WHERE UPPER(TRIM(REPLACE(REPLACE(REPLACE(reference, ' ', ''), '-', ''), '_', ''), '.,;:#')) = $1
  ORDER BY id DESC LIMIT 1"""
ARRIVED = "UPDATE till_deposit SET line_id = $2 WHERE id = $1 AND line_id IS NULL RETURNING id"
# Held by whoever takes cash to the bank, or notes that it came, until the commit: of two who take all of it at once one
# is refused, and a deposit and its line do not miss each other. SQLite has one writer. Not the account's row: at the
# end of a unit of work accounts are held in their own order.
HOLD = "SELECT pg_advisory_xact_lock(7269425)"
LAST = 1 << 62


class TillDeposit(Model):
    """Cash that somebody of the office brought to the bank. Only the bank's line is written later, once."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # names it for good: what is sent twice is booked once
    amount = fields.BigIntField()  # minor units
    reference = fields.CharField(80, default="", db_default="")  # of the bank's slip
    actor = fields.CharField(100)
    # What the bank's statement says of it; None: it has not said so yet.
    line: fields.OneToOneNullableRelation[StatementLine] = fields.OneToOneField(
        "models.StatementLine", null=True, related_name="till_deposit", on_delete=fields.RESTRICT
    )
    line_id: int | None
    created_at = fields.DatetimeField()

    class Meta:
        table = "till_deposit"


class NotInTill(Exception):
    """There is less in the till: `there`, in minor units."""

    def __init__(self, there: int) -> None:
        super().__init__(there)
        self.there = there


class SlipBooked(Exception):
    """The bank's slip is booked already, as `earlier`: somebody may say that this is another one."""

    def __init__(self, earlier: TillDeposit) -> None:
        super().__init__(earlier.reference)
        self.earlier = earlier


@dataclass(frozen=True)
class Move:
    """One movement of the till. Money is in minor units: above 0 it came in."""

    id: int
    amount: int
    what: str  # the first words of the entry's key: `hand in`, `sale`
    number: int  # the number behind them, 0 where there is none
    actor: str
    reason: str
    at: datetime


async def in_till() -> int:
    """What has to be there, in minor units."""
    return await balance(AccountKind.OFFICE, 0)


async def moves(before: int = LAST) -> list[Move]:
    """The newest movements below this number, at most `PAGE`."""
    rows = await execute(connection(), MOVES, [before, PAGE])
    return [_move(row["key"], row) for row in rows]


def _move(key: str, row: dict[str, object]) -> Move:
    words = key.split()
    numbers = [word for word in words if word.isdecimal()]
    named = next((begin for begin in (PAID_OUT, PAID) if key.startswith(begin)), "")  # then what a form was called
    what = named.strip() or " ".join(word for word in words if word.isalpha())
    return Move(
        id=int(str(row["id"])),
        amount=int(str(row["amount"])),
        what=what,
        number=int(numbers[0]) if numbers else 0,
        actor=str(row["actor"]),
        reason=str(row["reason"]),
        at=read_moment(row["effective_at"]),  # type: ignore[arg-type]
    )


async def on_the_way() -> list[TillDeposit]:
    """What was brought to the bank, and no statement says yet that it came; the oldest first."""
    return await TillDeposit.filter(line_id=None).order_by("id").limit(PAGE)


async def bring_to_bank(amount: int, reference: str, actor: str, key: str, *, again: bool = False) -> TillDeposit:
    """Book that cash (minor units) left the till for the bank, in the caller's transaction; once for each key, and not
    again where the bank's line was booked before. A slip with the number of an earlier one is booked only `again`.
    Raises NotInTill and SlipBooked."""
    await _hold()
    if earlier := await TillDeposit.get_or_none(key=key):
        return earlier
    if not again and (same := await _of_slip(reference)):
        raise SlipBooked(same)
    now = datetime.now(UTC)
    line = await _line_before(amount, reference, now)
    there = await in_till()
    if line is None and not 0 < amount <= there:
        raise NotInTill(there)
    columns = {"key": key, "amount": amount, "reference": reference, "actor": actor, "created_at": now, "line_id": line}
    found = TillDeposit(id=await insert("till_deposit", **columns), **columns, _from_db=True)
    if line is None:
        lines = [Posting(AccountKind.BANK, 0, amount), Posting(AccountKind.OFFICE, 0, -amount)]
        await post(f"till deposit {found.id}", lines, actor=actor, reason=reference)
    await record(actor, "till to bank", reference, f"{amount} minor units")
    return found


async def note_arrival(line: StatementLine) -> bool:
    """Whether a line of the bank is cash that was booked as brought there before; then it is noted with it, and need
    not be booked. In the caller's transaction."""
    await _hold()
    at = read_moment(line.at)
    rows = await execute(connection(), ON_THE_WAY, [line.amount, at - LATEST, at + EARLIEST, line.reference])
    return bool(rows and await execute(connection(), ARRIVED, [rows[0]["id"], line.id]))


async def _line_before(amount: int, reference: str, now: datetime) -> int | None:
    """The line of the bank's statement that says already that this cash came."""
    rows = await execute(connection(), CAME_BEFORE, [amount, now - EARLIEST, now + LATEST, _named(reference)])
    return int(rows[0]["id"]) if rows else None


async def _of_slip(reference: str) -> TillDeposit | None:
    """The newest deposit with this number of a slip, in any spelling."""
    rows = await execute(connection(), OF_SLIP, [named]) if (named := _named(reference)) else []
    return await TillDeposit.get(id=rows[0]["id"]) if rows else None


def _named(reference: str) -> str:
    """The number of a slip as a statement has it, or nothing."""
    with suppress(ValueError):
        return normal_reference(reference)
    return ""


async def _hold() -> None:
    if on_postgres():
        await execute(connection(), HOLD)
