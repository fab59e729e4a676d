"""Money that came in, whoever it is for: it is booked at once, and applied in another step.

A provider's reference names money once, in any spelling. Where two providers of ours are one operator under two names,
as a described one and the texts of a SIM card may be, both tell of the same reference: the second waits for a person,
and buys nothing by itself.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.alerts import raise_alert
from models.audit import record
from models.money.day_close import first_open
from models.money.ledger import CURRENCY, AccountKind, Posting, balance, post
from models.money.payments import Payment
from models.money.providers import provider_id
from models.rows import find_row, read_row
from models.sql import columns_of, connection, cut, execute, lock_rows, on_postgres, read_moment

BANK = "bank"  # the provider of what is paid into the bank itself
LONGEST_REFERENCE = 80
# Of two that come at once one is first; the other waits for its commit and finds it. What is there is looked for
# before: on SQLite a table that only grows takes no row of which there is one, not even to do nothing.
ADD_PAYMENT = f"""INSERT INTO payment (provider, reference, amount, payer_phone, payer_name, account_text, paid_at,
  created_at, currency) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ({CURRENCY}))
  ON CONFLICT (provider, reference) DO NOTHING RETURNING """
ADD_EVIDENCE = """INSERT INTO evidence (source, provider, reference, payment_id, amount, seen_by, balance_after,
  created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (source, provider, reference, amount) DO NOTHING"""
FIND_EVIDENCE = "SELECT 1 FROM evidence WHERE source = $1 AND provider = $2 AND reference = $3 AND amount = $4"
# How a payment stands that was told of before: whether it waits since it may be another provider's, and whether the
# office took it out of the books (models/money/reconciling.py).
AS_OTHER_NAME = "SELECT 1 FROM suspense WHERE payment_id = $1 AND why = 'other name' AND closed_at IS NULL"
TAKEN_OUT = """SELECT e.id FROM entry e WHERE e.key = {key}
  AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id)"""
STANDS = f"""SELECT EXISTS ({AS_OTHER_NAME}) AS other_name, EXISTS ({TAKEN_OUT.format(key="$2")}) AS taken_out"""
FIRST_SOURCE = "SELECT source FROM evidence WHERE payment_id = $1 ORDER BY id LIMIT 1"
# Operators give a reference once. Two of digits alone, of two operators, may be the same by chance, months apart.
OTHER_NAME_DAYS = 30
FIND_OTHER_NAME = f"""SELECT p.provider FROM payment p WHERE p.reference = $1
  AND p.provider <> 'cash' AND p.provider <> 'wallet' AND p.provider <> $2 AND p.paid_at > $3 AND p.paid_at < $4
  AND NOT EXISTS ({TAKEN_OUT.format(key="'payment ' || p.id || ' never came'")}) ORDER BY p.id LIMIT 1"""
# Two servers may hear of one reference under two names at the same instant: one is first.
ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7269427))"
CORRECTION = """SELECT l.amount AS more FROM entry e JOIN line l ON l.entry_id = e.id
  JOIN account a ON a.id = l.account_id WHERE e.key = $1 AND a.kind IN ('clearing', 'bank')"""
# A payment has one row for all its times in suspense: opened again, it is as old as its first time.
OPEN_SUSPENSE = """INSERT INTO suspense (payment_id, why, owner, opened_at, closed_by) VALUES ($1, $2, '', $3, '')
  ON CONFLICT (payment_id) DO UPDATE SET why = CASE WHEN suspense.why = 'amounts' AND suspense.closed_at IS NULL
    THEN suspense.why ELSE excluded.why END, closed_at = NULL, closed_by = ''"""
# Which amount is right is found out by a person, however the money is used meanwhile (models/money/amounts.py).
CLOSE_SUSPENSE = """UPDATE suspense SET closed_at = $2, closed_by = $3
  WHERE payment_id = $1 AND closed_at IS NULL AND why <> 'amounts'"""


class Source(StrEnum):
    """By which way we know of a payment."""

    CALLBACK = "callback"
    QUERY = "query"
    TEXT = "text"
    STATEMENT = "statement"


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A payment as one source tells of it. Money is in minor units."""

    source: Source
    provider: str
    reference: str  # the provider's receipt, in any spelling
    amount: int
    paid_at: datetime
    request: str = ""  # our reference of the push that it answers; empty when nobody was asked
    payer_phone: str = ""  # E.164, or as the provider masks it
    payer_name: str = ""
    account_text: str = ""  # what the payer typed as the account
    balance_after: int | None = None
    seen_by: str = ""


class Evidence(Model):
    """What one source said of a payment, append only. One payment may be seen by several sources, and one source may
    say another amount of it the second time: both are kept. The words are kept where they came in, as a callback, a
    text or a line of a statement, for as long as texts are kept."""

    id = fields.BigIntField(primary_key=True)
    source = fields.CharField(10)  # a Source
    provider = fields.CharField(20)
    reference = fields.CharField(80)
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField("models.Payment", on_delete=fields.RESTRICT)
    amount = fields.BigIntField()  # minor units, as this source has it
    seen_by = fields.CharField(40, default="", db_default="")  # a gateway phone and its SIM, or an address
    balance_after = fields.BigIntField(null=True)  # of the wallet, minor units
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        unique_together = (("source", "provider", "reference", "amount"),)
        indexes = (("payment_id",),)


class Why(StrEnum):
    """Why money waits for somebody of the office."""

    NOBODY = "nobody"  # no device, contract or customer goes by what the payer typed
    SEVERAL = "several"  # more than one does
    RETIRED = "retired"  # the device is out of use
    NO_PRICE = "no price"
    PAID_OFF = "paid off"
    ISSUER_AWAY = "issuer away"  # no token can be made now: the clock, the key, or who makes them
    SALES_OFF = "sales off"  # the office has switched them off
    AMOUNTS = "amounts"  # two sources say different amounts
    TAKEN_BACK = "taken back"  # its sale was void
    OTHER_NAME = "other name"  # another provider told of a payment with this reference: it may be the same money


PASSING = (
    Why.SALES_OFF,
    Why.ISSUER_AWAY,
)  # what ends by itself: the payment is applied then (handlers/selling/waited.py)


class Suspense(Model):
    """A payment that waits, wholly or in part, until somebody of the office says what it is for."""

    id = fields.BigIntField(primary_key=True)
    payment: fields.OneToOneRelation[Payment] = fields.OneToOneField("models.Payment", on_delete=fields.RESTRICT)
    payment_id: int
    why = fields.CharField(20)  # a Why
    owner = fields.CharField(100, default="", db_default="")  # who of the office looks after it
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_by = fields.CharField(100, default="", db_default="")


@dataclass(frozen=True)
class Received:
    """A payment that is booked. Money is in minor units."""

    payment: Payment
    new: bool  # False: another source told of it before, or the same one twice
    disagrees: bool = False  # this source says another amount than the first: that one counts, and a person looks
    other_name: bool = False  # it may be booked already, under another provider's name: it waits for a person
    taken_out: bool = False  # the office said that it never came: the books do not have it
    repeated: bool = False  # this very source told of it before, with this amount


def normal_reference(written: str) -> str:
    """A provider's receipt as it is kept: in capitals, without the spaces and dashes that people put in, and without
    the full stop of a sentence behind it. Raises ValueError when nothing is left of it."""
    reference = unicodedata.normalize("NFKC", written).upper()
    reference = re.sub(r"[\s\u2010-\u2015\u2212_-]", "", reference).strip(".,;:#'\"()[]")[:LONGEST_REFERENCE]
    if not reference:
        raise ValueError(f"no reference: {written[:20]!r}")
    return reference


async def receive(incoming: Incoming) -> Received:
    """Book money that a provider or the bank has for us, whoever it is for, in the caller's transaction: once for each
    provider and reference, whichever source tells of it first, and however often. Its evidence is kept beside it.
    What another provider told of already waits for a person.

    Raises ValueError for a reference without letters and digits, and for an amount that is none.
    """
    reference = normal_reference(incoming.reference)
    if incoming.amount <= 0:
        raise ValueError(f"no amount: {incoming.amount}")
    now = datetime.now(UTC)
    paid_at = min(incoming.paid_at, now)  # a provider's clock may be ahead of ours
    await hear_one_by_one(reference)
    payment, new = await find_payment(incoming.provider, reference), False
    if payment is None:
        payment, new = await _add(incoming, reference, paid_at, now)
    if new:
        await _book(payment)
    other_name, taken_out = (await _note_other_name(payment), False) if new else await _stands(payment)
    values = [incoming.source.value, incoming.provider, reference, payment.id, incoming.amount]
    values += [cut(incoming.seen_by, 40), incoming.balance_after, now]
    # Of what nobody told before there is none.
    repeated = not new and bool(await execute(connection(), FIND_EVIDENCE, [*values[:3], incoming.amount]))
    if not repeated:
        await execute(connection(), ADD_EVIDENCE, values)
    disagrees = payment.amount != incoming.amount and await counted(payment) != incoming.amount
    if disagrees:
        await _note_other_amount(payment, incoming)
    return Received(payment, new, disagrees, other_name, taken_out, repeated)


async def _add(incoming: Incoming, reference: str, paid_at: datetime, now: datetime) -> tuple[Payment, bool]:
    """The row of a payment, and whether it is new: somebody else may have been first."""
    values = [incoming.provider, reference, incoming.amount, cut(incoming.payer_phone, 40)]
    values += [cut(incoming.payer_name, 100), cut(incoming.account_text, 100), paid_at, now]
    if rows := await execute(connection(), ADD_PAYMENT + columns_of(Payment), values):
        return read_row(Payment, rows[0]), True
    if payment := await find_payment(incoming.provider, reference):
        return payment, False
    raise LookupError(f"{incoming.provider} {reference} is not there")


async def hear_one_by_one(reference: str) -> None:
    """Others who hear of this reference wait until the commit, and so does who says that it never came. SQLite has one
    writer."""
    if on_postgres():
        await execute(connection(), ONE_BY_ONE, [reference])


async def _stands(payment: Payment) -> tuple[bool, bool]:
    [row] = await execute(connection(), STANDS, [payment.id, never_came_key(payment.id)])
    return bool(row["other_name"]), bool(row["taken_out"])


def never_came_key(payment_id: int) -> str:
    """The key of the entry that takes a payment out of the books."""
    return f"payment {payment_id} never came"


async def other_name_of(payment: Payment) -> str:
    """Another provider that told of this reference in these days, and whose payment is in the books; empty: none."""
    days, paid_at = timedelta(days=OTHER_NAME_DAYS), read_moment(payment.paid_at)
    span = [paid_at - days, paid_at + days]
    rows = await execute(connection(), FIND_OTHER_NAME, [payment.reference, payment.provider, *span])
    return str(rows[0]["provider"]) if rows else ""


async def _note_other_name(payment: Payment) -> bool:
    """Have a new payment wait when another provider told of its reference; the office has an alert."""
    other = await other_name_of(payment)
    if not other:
        return False
    await open_suspense(payment.id, Why.OTHER_NAME)
    await record(payment.provider, "other name", payment.reference, f"{other} told of a payment with this reference")
    await raise_alert(f"{payment.provider} and {other} tell of {payment.reference}, perhaps one payment: it waits.")
    return True


async def waits_as_other_name(payment_id: int) -> bool:
    """Whether somebody of the office has still to say that this is other money than another provider's."""
    return bool(await execute(connection(), AS_OTHER_NAME, [payment_id]))


async def find_payment(provider: str, reference: str) -> Payment | None:
    """The payment with this reference, in its normal spelling."""
    return await find_row(Payment, "provider = $1 AND reference = $2", [provider, reference])


async def first_source(payment: Payment) -> Source:
    """Which source told of a payment first."""
    [row] = await execute(connection(), FIRST_SOURCE, [payment.id])
    return Source(row["source"])


async def _book(payment: Payment) -> None:
    """The provider, or the bank, owes us what we owe the payer."""
    if payment.provider == BANK:
        has = Posting(AccountKind.BANK, 0, payment.amount)
    else:
        has = Posting(AccountKind.CLEARING, await provider_id(payment.provider), payment.amount)
    owed = Posting(AccountKind.UNAPPLIED, payment.id, -payment.amount)
    at = await first_open(payment.paid_at, provider=payment.provider)
    await post(f"payment {payment.id}", [has, owed], actor=payment.provider, effective_at=at)


async def _note_other_amount(payment: Payment, incoming: Incoming) -> None:
    """Two sources say different amounts: a person finds out which is right. Told once."""
    earlier = await Suspense.get_or_none(payment_id=payment.id)
    if earlier and earlier.why == Why.AMOUNTS:
        return
    await open_suspense(payment.id, Why.AMOUNTS)
    said = f"{payment.provider} {payment.reference}: booked {payment.amount} minor units"
    said = f"{said}, {incoming.source.value} {incoming.amount} minor units"
    await record(payment.provider, "amounts differ", payment.reference, said)
    await raise_alert(f"Two amounts of one payment: {payment.provider} {payment.reference}. mwanga payments waiting")


async def open_suspense(payment_id: int, why: Why) -> None:
    """Have a payment wait for the office."""
    await execute(connection(), OPEN_SUSPENSE, [payment_id, why.value, datetime.now(UTC)])


async def close_suspense(payment_id: int, actor: str) -> None:
    """A payment waits no longer, unless its amount is in doubt; nothing happens to one that does not wait."""
    await execute(connection(), CLOSE_SUSPENSE, [payment_id, datetime.now(UTC), cut(actor, 100)])


async def lock_payment(payment_id: int) -> None:
    """Hold a payment until the commit: what is applied of it is applied once."""
    await lock_rows("payment", "id = $1", [payment_id])


def correction_key(payment_id: int, step: int) -> str:
    """The key of the entry that puts the amount of a payment right, for the first time, the second time."""
    return f"payment {payment_id} amount, step {step}"


async def counted(payment: Payment) -> int:
    """How much a payment was, in minor units: as it was booked, and as it was put right since."""
    amount, step = int(payment.amount), 1
    while rows := await execute(connection(), CORRECTION, [correction_key(payment.id, step)]):
        amount, step = amount + int(rows[0]["more"]), step + 1
    return amount


async def unapplied(payment_id: int) -> int:
    """What of a payment is for nothing yet, in minor units."""
    return -await balance(AccountKind.UNAPPLIED, payment_id)
