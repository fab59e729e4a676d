"""Statements held against the books: which payment each line is, what no payment is, and what no line is.

A line is settled once. Fees, and payouts that are named as such, are booked as they are read; everything else waits for
somebody of the office, who has one command for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from models.audit import record
from models.money.day_close import first_open
from models.money.ledger import AccountKind, Posting, post, reverse
from models.money.payments import Payment
from models.money.providers import provider_id
from models.money.receiving import (
    BANK,
    TAKEN_OUT,
    Incoming,
    Received,
    Source,
    Why,
    close_suspense,
    counted,
    find_payment,
    hear_one_by_one,
    never_came_key,
    open_suspense,
    receive,
    unapplied,
    waits_as_other_name,
)
from models.money.statements import Direction, Settled, StatementFile, StatementLine, hold_statements
from models.money.till import note_arrival
from models.sql import connection, cut, execute, lock_rows, on_postgres, read_moment

LATEST_ARRIVAL = timedelta(days=7)  # of a payout at the bank, weekends and feast days included
EARLIEST_ARRIVAL = timedelta(
    days=2
)  # a bank writes the day alone, and may write the one on which it is worth something
SAME_LINE = timedelta(days=5)  # a line may be of the day on which it is worth something; `RENT` of next month is none
ADD = """INSERT INTO statement_line (provider, reference, direction, amount, at, payer, account_text, details,
  created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (provider, reference, direction) DO NOTHING
  RETURNING id"""
SETTLE = """UPDATE statement_line SET settled = $2, settled_by = $3, payment_id = $4, note = $5
  WHERE id = $1 AND settled = '' RETURNING id"""
FOUND = """SELECT l.id FROM statement_line l JOIN payment p ON p.provider = l.provider AND p.reference = l.reference
  WHERE l.settled = '' AND l.direction = 'in' ORDER BY l.id"""
PAIR = "UPDATE statement_line SET pair_id = $2 WHERE id = $1 AND pair_id IS NULL"
# A payout on the other statement: what came to the bank, and what left a provider.
ARRIVED = """SELECT id FROM statement_line WHERE provider = 'bank' AND direction = 'in' AND settled = '' AND amount = $1
  AND at >= $2 AND at <= $3 ORDER BY at, id LIMIT 1"""
LEFT_PROVIDER = """SELECT l.id FROM statement_line l WHERE l.provider <> 'bank' AND l.settled = 'payout'
  AND l.amount = $1 AND l.at >= $2 AND l.at <= $3 AND NOT EXISTS (SELECT 1 FROM statement_line b WHERE b.pair_id = l.id)
  ORDER BY l.at, l.id LIMIT 1"""
# The payments of a provider that its statements should have, and have not, of a time that one of them covers. The +
# keeps SQLite from the index of lines, in which nearly all of them have none.
UNSEEN = f"""SELECT p.id, p.reference, p.amount, p.paid_at AS at, p.payer_phone, p.payer_name, p.account_text,
  s.reference AS sale FROM unmatched u JOIN payment p ON p.id = u.payment_id
  LEFT JOIN sale s ON s.id = (SELECT MIN(o.id) FROM sale o WHERE o.payment_id = p.id
    AND NOT EXISTS (SELECT 1 FROM void v WHERE v.sale_id = o.id AND v.state = 'done'))
  WHERE u.provider = $1 AND u.paid_at >= $2 AND u.paid_at < $3 AND +u.line_id IS NULL
  AND NOT EXISTS ({TAKEN_OUT.format(key="'payment ' || p.id || ' never came'")}) ORDER BY p.id"""
COVERED = """SELECT begins_at, ends_at FROM statement_file WHERE provider = $1 AND begins_at < $3 AND ends_at >= $2
  ORDER BY begins_at, ends_at"""
# CROSS JOIN: SQLite begins with these few accounts, and not with all payments of the provider.
UNAPPLIED = """SELECT p.id, p.reference, -a.balance AS amount, p.paid_at AS at, p.payer_phone, p.payer_name,
  p.account_text, COALESCE(s.why, '') AS why FROM account a{index} CROSS JOIN payment p
  LEFT JOIN suspense s ON s.payment_id = p.id AND s.closed_at IS NULL
  WHERE p.id = a.owner AND a.kind = 'unapplied' AND a.balance <> 0
  AND p.provider = $1 AND p.paid_at >= $2 AND p.paid_at < $3 ORDER BY p.id"""
DIFFERENT = """SELECT l.id, p.id AS payment_id, l.reference, l.amount, l.at, p.amount AS booked FROM unmatched u
  JOIN statement_line l ON l.id = u.line_id JOIN payment p ON p.id = u.payment_id
  WHERE u.provider = $1 AND u.line_id IS NOT NULL AND l.at >= $2 AND l.at < $3
  AND NOT EXISTS (SELECT 1 FROM proposal o WHERE o.what = 'amount'
    AND o.payment_id = p.id AND o.state = 'done' AND o.amount = l.amount) ORDER BY l.id"""
OPEN = """SELECT id FROM statement_line WHERE provider = $1 AND at >= $2 AND at < $3 AND settled = '' AND direction = $4
  ORDER BY at, id"""
# Whole days (UTC) from their sums, and the lines before and behind: a day of the operator's begins at another hour.
SETTLED_AS = """SELECT settled, direction, SUM(number) AS count, SUM(amount) AS sum FROM (
    SELECT settled, direction, number, amount FROM statement_sum WHERE provider = $1 AND day >= $2 AND day < $3
    UNION ALL SELECT settled, direction, 1, amount FROM statement_line WHERE provider = $1 AND at >= $4 AND at < $5
    UNION ALL SELECT settled, direction, 1, amount FROM statement_line WHERE provider = $1 AND at >= $6 AND at < $7
  ) AS parts WHERE settled <> '' AND number > 0 GROUP BY settled, direction ORDER BY settled, direction"""
HELD = """SELECT balance FROM account WHERE ($1 = 'bank' AND kind = 'bank')
  OR (kind = 'clearing' AND owner IN (SELECT id FROM provider WHERE name = $1))"""
# Each provider once, however many lines it has: from one to the next in their index.
KNOWN = """WITH RECURSIVE had (provider) AS (SELECT MIN(provider) FROM statement_line
    UNION ALL SELECT (SELECT MIN(l.provider) FROM statement_line l WHERE l.provider > had.provider)
    FROM had WHERE had.provider IS NOT NULL)
  SELECT provider FROM had WHERE provider IS NOT NULL UNION SELECT name FROM provider
  UNION SELECT 'bank' WHERE EXISTS (SELECT 1 FROM payment WHERE provider = 'bank') ORDER BY 1"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One line as a statement has it. Money is in minor units, and never negative."""

    provider: str
    reference: str  # in its normal spelling
    direction: Direction
    amount: int
    at: datetime
    payer: str = ""
    account_text: str = ""
    details: str = ""
    to_bank: bool = False  # its words say that it is a payout to the bank


class SaidOtherwise(Exception):
    """A line of this reference is there with another amount, or of quite another day: it is another line."""

    def __init__(self, earlier: StatementLine) -> None:
        super().__init__(earlier.reference)
        self.earlier = earlier


class NotSettled(Exception):
    """Nothing was booked; the text says why. `reference` is the line's or the payment's."""

    why = ""

    def __init__(self, reference: str, **more: str) -> None:
        super().__init__(self.why.format(reference=reference, **more))
        self.reference = reference


class WentOut(NotSettled):
    why = "{reference} is money that went out."


class SettledAlready(NotSettled):
    why = "{reference} is settled already."


class NoPayout(NotSettled):
    why = "{reference} is no money that a provider paid out."


class NoArrival(NotSettled):
    why = "{reference} is no money that came to the bank."


class NotOfProvider(NotSettled):
    """The payment is another provider's, or the line is no money that went."""

    why = "{reference} is no money that {provider} paid out."

    def __init__(self, reference: str, provider: str) -> None:
        super().__init__(reference, provider=provider)
        self.provider = provider


class WasUsed(NotSettled):
    why = "The money of {reference} was used. Take back what it paid for first."


class NotDenied(NotSettled):
    why = "No statement that was read says that {reference} never came."


class CameBySay(NotSettled):
    """Two of the office have said its amount."""

    why = "Two people have said how much {reference} was: it came."


class ToldAnew(NotSettled):
    """It was taken out of the books, and is in them again."""

    why = "{reference} was taken out of the books before, and was told of since: it came."


@dataclass(frozen=True)
class Reconciliation:
    """How one provider's statements and the books fit. Money is in minor units."""

    provider: str
    matched: int
    matched_sum: int
    different: Sequence[dict[str, Any]]  # lines with another amount than their payment
    without_sale: Sequence[StatementLine]  # money that came, and no payment of ours
    unapplied: Sequence[dict[str, Any]]  # payments that are for nothing yet, wholly or in part
    without_money: Sequence[dict[str, Any]]  # payments of ours, within the statements' time, and no line
    out: Sequence[StatementLine]  # money that went, and nobody knows what for
    settled: Sequence[dict[str, Any]]  # what else lines were: payouts, fees, deposits
    held: int  # what the provider, or the bank, has of ours by the books


async def add_line(said: Said, *, actor: str) -> bool:
    """Keep a line, and settle it when it is plain what it is, in the caller's unit of work; False when it was there.
    Raises SaidOtherwise."""
    texts = [cut(said.payer, 100), cut(said.account_text, 100), cut(said.details, 200)]
    values = [said.provider, said.reference, said.direction.value, said.amount, said.at, *texts, datetime.now(UTC)]
    if not await execute(connection(), ADD, values):
        await check_same(said)
        return False
    line = await StatementLine.get(provider=said.provider, reference=said.reference, direction=said.direction.value)
    if said.direction is Direction.FEE:
        await _book(line, Settled.FEE, AccountKind.FEES, 0, actor=actor)
    elif said.direction is Direction.OUT and said.to_bank and said.provider != BANK:
        await _pay_out(line, actor=actor)
    elif said.direction is Direction.IN and await find_payment(said.provider, said.reference):
        await take(line, actor=actor)
    elif said.direction is Direction.IN and said.provider == BANK:
        await _pair_arrival(line, actor=actor)
    return True


async def check_same(said: Said) -> None:
    """Raises SaidOtherwise."""
    earlier = await StatementLine.get_or_none(
        provider=said.provider, reference=said.reference, direction=said.direction.value
    )
    if earlier and (earlier.amount != said.amount or abs(earlier.at - said.at) > SAME_LINE):
        raise SaidOtherwise(earlier)


async def add_file(provider: str, begins_at: datetime, ends_at: datetime, *, actor: str) -> None:
    """Note from when until when a statement goes: within it every payment has a line."""
    await StatementFile.get_or_create({"actor": actor}, provider=provider, begins_at=begins_at, ends_at=ends_at)


async def match(*, actor: str) -> int:
    """Settle the lines whose payments were booked after the statement was read, in the caller's unit of work; how many
    they are."""
    await hold_statements()
    found = [int(row["id"]) for row in await execute(connection(), FOUND)]
    for line in await _lines(found):
        await take(line, actor=actor)
    return len(found)


async def take(line: StatementLine, *, actor: str) -> Received:
    """Take a line for a payment: it is booked when no other source told of it, else the line is its evidence. In the
    caller's unit of work; whoever applies it as well calls `incoming_of` and `note_taken`. Raises NotSettled."""
    incoming = incoming_of(line)
    received = await receive(incoming)
    await note_taken(line, received.payment.id, actor=actor)
    return received


def incoming_of(line: StatementLine) -> Incoming:
    """A line as the news of a payment. Raises NotSettled when it is none, or is settled already."""
    if line.direction != Direction.IN:
        raise WentOut(line.reference)
    if line.settled:
        raise SettledAlready(line.reference)
    return Incoming(
        source=Source.STATEMENT,
        provider=line.provider,
        reference=line.reference,
        amount=line.amount,
        paid_at=read_moment(line.at),
        payer_phone=_phone_in(line.payer),
        payer_name=_name_in(line.payer),
        account_text=line.account_text,
    )


async def note_taken(line: StatementLine, payment_id: int, *, actor: str) -> None:
    """Note which payment a line is, in the transaction in which it was booked. One that was taken out of the books is
    in them again, and waits. Raises NotSettled."""
    await _settle(line, Settled.PAYMENT, actor=actor, payment=payment_id)
    await put_back(payment_id, f"line {line.reference}", actor=actor)


async def put_back(payment_id: int, why: str, *, actor: str) -> None:
    """A payment that was taken out of the books came after all: it is in them again, and waits. In the caller's unit of
    work; nothing happens to another one."""
    for row in await _taken_out(payment_id):
        await reverse(int(row["id"]), key=f"payment {payment_id} came", actor=actor, reason=why)
        await open_suspense(payment_id, Why.NOBODY)


async def pay_out(line: StatementLine, *, actor: str) -> None:
    """Somebody says that a provider paid what it had of ours to the bank; in the caller's unit of work. Raises
    NotSettled."""
    await _pay_out(line, actor=actor)
    await note_settled(line, Settled.PAYOUT, actor=actor)


async def _pay_out(line: StatementLine, *, actor: str) -> None:
    if line.direction != Direction.OUT or line.provider == BANK:
        raise NoPayout(line.reference)
    await hold_statements()
    await _book(line, Settled.PAYOUT, AccountKind.BANK, 0, actor=actor)
    span = [line.amount, read_moment(line.at) - EARLIEST_ARRIVAL, read_moment(line.at) + LATEST_ARRIVAL]
    for row in await execute(connection(), ARRIVED, span):
        [arrived] = await _lines([int(row["id"])])
        await _pair(arrived, line.id, actor=actor)


async def deposit(line: StatementLine, *, actor: str) -> None:
    """The office brought cash to the bank, and may have booked it then; in the caller's unit of work. Raises
    NotSettled."""
    if line.direction != Direction.IN or line.provider != BANK:
        raise NoArrival(line.reference)
    await _settle(line, Settled.DEPOSIT, actor=actor)
    await note_settled(line, Settled.DEPOSIT, actor=actor)
    if await note_arrival(line):
        return
    lines = [Posting(AccountKind.BANK, 0, line.amount), Posting(AccountKind.OFFICE, 0, -line.amount)]
    await _post(line, lines, actor=actor, reason="deposit")


async def give_back(line: StatementLine, payment: Payment, *, actor: str) -> None:
    """A payment went back to its payer, as this line says; in the caller's unit of work. Raises NotSettled when it
    was used: what it paid for is to be taken back before."""
    if line.direction != Direction.OUT or line.provider != payment.provider:
        raise NotOfProvider(line.reference, payment.provider)
    await lock_rows("payment", "id = $1", [payment.id])
    if line.amount > await unapplied(payment.id):
        raise WasUsed(payment.reference)
    await _book(line, Settled.BACK, AccountKind.UNAPPLIED, payment.id, actor=actor, payment=payment.id)
    await note_settled(line, Settled.BACK, f" of {payment.reference}", actor=actor)
    if not await unapplied(payment.id):
        await close_suspense(payment.id, actor)


async def never_came(payment: Payment, why: str, *, actor: str) -> None:
    """A payment that we were told of is on no statement that should have it, or is the same money as another
    provider's with its reference: it is taken out of the books, in the caller's unit of work. Raises NotSettled when
    neither is so, when two people have put its amount right, when it was told of since it was taken out before, or when
    it was used: what it paid for is to be taken back before."""
    await hear_one_by_one(payment.reference)  # a statement that is being read just now may have its line
    await lock_rows("payment", "id = $1", [payment.id])
    at = read_moment(payment.paid_at)
    unseen = await _unseen(payment.provider, at, at + timedelta(microseconds=1))
    if payment.id not in [row["id"] for row in unseen] and not await waits_as_other_name(payment.id):
        raise NotDenied(payment.reference)
    if await counted(payment) != payment.amount:
        raise CameBySay(payment.reference)
    if await execute(connection(), "SELECT 1 FROM entry WHERE key = $1", [never_came_key(payment.id)]):
        raise ToldAnew(payment.reference)
    if await unapplied(payment.id) != payment.amount:
        raise WasUsed(payment.reference)
    [entry] = await execute(connection(), "SELECT id FROM entry WHERE key = $1", [f"payment {payment.id}"])
    await reverse(int(entry["id"]), key=never_came_key(payment.id), actor=actor, reason=why)
    await close_suspense(payment.id, actor)
    await record(actor, "payment never came", f"{payment.provider} {payment.reference}", why)


async def is_out_of_books(payment_id: int) -> bool:
    """Whether a payment was taken out of the books because it never came, and did not come since."""
    return bool(await _taken_out(payment_id))


async def in_the_books(payment: Payment) -> int:
    """How much the books have of a payment by now, in minor units: nothing of one that never came."""
    return 0 if await is_out_of_books(payment.id) else await counted(payment)


async def _taken_out(payment_id: int) -> list[dict[str, Any]]:
    """The entry that took it out."""
    return await execute(connection(), TAKEN_OUT.format(key="$1"), [never_came_key(payment_id)])


async def leave_out(line: StatementLine, why: str, *, actor: str) -> None:
    """Somebody says that a line is no business of these books; in the caller's unit of work. Raises NotSettled."""
    await _settle(line, Settled.LEFT, actor=actor, note=why)
    await record(actor, "statement line left", f"{line.provider} {line.reference}", why)


async def note_settled(line: StatementLine, settled: Settled, of: str = "", *, actor: str) -> None:
    """Write into the audit what somebody says that a line is. What is plain as it is read nobody says."""
    detail = f"{settled.value}, {line.amount} minor units{of}"
    await record(actor, "statement line settled", f"{line.provider} {line.reference}", detail)


async def find_lines(reference: str, provider: str = "") -> list[StatementLine]:
    """The lines with this reference, in its normal spelling, of one provider or of all."""
    found = StatementLine.filter(reference=reference)
    return await (found.filter(provider=provider) if provider else found).order_by("id")


async def known_providers() -> list[str]:
    """Who ever had money of ours, or of whom we have statements."""
    return [str(row["provider"]) for row in await execute(connection(), KNOWN)]


async def reconcile(provider: str, since: datetime, until: datetime) -> Reconciliation:
    """How a provider's statements and the books fit, from `since` to before `until` (UTC). Changes nothing."""
    span = [provider, since, until]
    settled = await _rows(SETTLED_AS, [provider, *_whole_days(since, until)])
    matched = [row for row in settled if row["settled"] == Settled.PAYMENT]
    open_in, open_out = [
        await _lines([int(row["id"]) for row in await execute(connection(), OPEN, [*span, direction.value])])
        for direction in (Direction.IN, Direction.OUT)
    ]
    return Reconciliation(
        provider=provider,
        matched=sum(int(row["count"]) for row in matched),
        matched_sum=sum(int(row["sum"]) for row in matched),
        different=await _rows(DIFFERENT, span),
        without_sale=open_in,
        unapplied=await _rows(UNAPPLIED.format(index=_of_what_waits()), span),
        without_money=await _unseen(provider, since, until),
        out=open_out,
        settled=[row for row in settled if row["settled"] != Settled.PAYMENT],
        held=await _held(provider),
    )


def _of_what_waits() -> str:
    """SQLite is told which index has these few accounts alone. On PostgreSQL there is none (0015_kept_sums)."""
    return "" if on_postgres() else " INDEXED BY account_unapplied"


def _whole_days(since: datetime, until: datetime) -> list[date | datetime]:
    """The days (UTC) that are whole within this time, from the first to before the last; from when until when it is
    before them, and behind them."""
    begins, ends = since.astimezone(UTC), until.astimezone(UTC)
    first, last = _midnight(begins + timedelta(days=1, microseconds=-1)), _midnight(ends)
    if first >= last:  # no day is whole
        return [begins.date(), begins.date(), begins, ends, ends, ends]
    return [first.date(), last.date(), begins, first, last, ends]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


async def _unseen(provider: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Payments that are on no statement, within the times that statements cover: payments of other times are not even
    looked at, so that one who reads no statements waits no longer."""
    spans: list[tuple[datetime, datetime]] = []
    for row in await execute(connection(), COVERED, [provider, since, until]):
        behind = read_moment(row["ends_at"]) + timedelta(microseconds=1)
        begins, ends = max(since, read_moment(row["begins_at"])), min(until, behind)
        if spans and begins <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], ends)
        else:
            spans.append((begins, ends))
    return [row for span in spans for row in await _rows(UNSEEN, [provider, *span])]


async def _rows(statement: str, values: Sequence[object]) -> list[dict[str, Any]]:
    rows = await execute(connection(), statement, list(values))
    return [row | ({"at": read_moment(row["at"])} if "at" in row else {}) for row in rows]


async def _lines(ids: Sequence[int]) -> list[StatementLine]:
    """These lines, in this order."""
    found = {line.id: line for line in await StatementLine.filter(id__in=list(ids))}
    return [found[one] for one in ids]


async def _held(provider: str) -> int:
    rows = await execute(connection(), HELD, [provider])
    return int(rows[0]["balance"]) if rows else 0


async def _settle(
    line: StatementLine, settled: Settled, *, actor: str, note: str = "", payment: int | None = None
) -> None:
    """Raises NotSettled when it is settled already."""
    values = [line.id, settled.value, cut(actor, 100), payment, cut(note, 200)]
    if not await execute(connection(), SETTLE, values):
        raise SettledAlready(line.reference)


async def _book(
    line: StatementLine, settled: Settled, kind: AccountKind, owner: int, *, actor: str, payment: int | None = None
) -> None:
    """Money that left the provider, or the bank, for this account."""
    await _settle(line, settled, actor=actor, payment=payment)
    left = (
        Posting(AccountKind.BANK, 0, -line.amount)
        if line.provider == BANK
        else Posting(AccountKind.CLEARING, await provider_id(line.provider), -line.amount)
    )
    await _post(line, [Posting(kind, owner, line.amount), left], actor=actor, reason=settled.value)


async def _post(line: StatementLine, postings: list[Posting], *, actor: str, reason: str) -> None:
    at = await first_open(min(read_moment(line.at), datetime.now(UTC)), provider=line.provider)
    what = f"{reason}, {line.provider} {line.reference}"
    await post(f"statement line {line.id}", postings, actor=actor, reason=what, effective_at=at)


async def _pair_arrival(line: StatementLine, *, actor: str) -> None:
    """Money that came to the bank and left a provider some days before: it was booked then."""
    span = [line.amount, read_moment(line.at) - LATEST_ARRIVAL, read_moment(line.at) + EARLIEST_ARRIVAL]
    for row in await execute(connection(), LEFT_PROVIDER, span):
        await _pair(line, int(row["id"]), actor=actor)


async def _pair(arrived: StatementLine, left: int, *, actor: str) -> None:
    await _settle(arrived, Settled.PAYOUT, actor=actor)
    await execute(connection(), PAIR, [arrived.id, left])


def _phone_in(payer: str) -> str:
    """The number, whole or masked, in `254712345678 - JANE DOE`."""
    first = payer.partition(" - ")[0].strip()
    return first if any(map(str.isdigit, first)) else ""


def _name_in(payer: str) -> str:
    first, dash, rest = payer.partition(" - ")
    return rest.strip() if dash else ("" if _phone_in(payer) else first.strip())
