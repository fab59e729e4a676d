"""Money that came in, whoever it is for: it is booked at once, and applied in another step."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.alerts import raise_alert
from models.audit import record
from models.money.day_close import first_open
from models.money.ledger import AccountKind, Posting, balance, currency, post
from models.money.providers import provider_id
from models.money.sales import Payment
from models.sql import columns_of, connection, cut, execute, lock_rows, read_moment

BANK = "bank"  # the provider of what is paid into the bank itself
LONGEST_REFERENCE = 80
# Of two that come at once one is first; the other waits for its commit and finds it. What is there is looked for
# before: on SQLite a table that only grows takes no row of which there is one, not even to do nothing.
ADD_PAYMENT = """INSERT INTO payment (provider, reference, amount, currency, payer_phone, payer_name, account_text,
  paid_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (provider, reference) DO NOTHING RETURNING id"""
ADD_EVIDENCE = """INSERT INTO evidence (source, provider, reference, payment_id, amount, seen_by, balance_after,
  created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (source, provider, reference) DO NOTHING"""
FIND_EVIDENCE = "SELECT 1 FROM evidence WHERE source = $1 AND provider = $2 AND reference = $3"
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
    """What one source said of a payment, append only. One payment may be seen by several sources. The words are kept
    where they came in, as a callback, a text or a line of a statement, for as long as texts are kept."""

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
        unique_together = (("source", "provider", "reference"),)
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

    Raises ValueError for a reference without letters and digits, and for an amount that is none.
    """
    reference = normal_reference(incoming.reference)
    if incoming.amount <= 0:
        raise ValueError(f"no amount: {incoming.amount}")
    now = datetime.now(UTC)
    paid_at = min(incoming.paid_at, now)  # a provider's clock may be ahead of ours
    values = [incoming.provider, reference, incoming.amount, await currency(), cut(incoming.payer_phone, 40)]
    values += [cut(incoming.payer_name, 100), cut(incoming.account_text, 100), paid_at, now]
    payment, new = await find_payment(incoming.provider, reference), False
    if payment is None:
        new = bool(await execute(connection(), ADD_PAYMENT, values))
        payment = await find_payment(incoming.provider, reference)
    if payment is None:
        raise LookupError(f"{incoming.provider} {reference} is not there")
    if new:
        await _book(payment)
    values = [incoming.source.value, incoming.provider, reference, payment.id, incoming.amount]
    values += [cut(incoming.seen_by, 40), incoming.balance_after, now]
    if not await execute(connection(), FIND_EVIDENCE, values[:3]):
        await execute(connection(), ADD_EVIDENCE, values)
    disagrees = payment.amount != incoming.amount and await counted(payment) != incoming.amount
    if disagrees:
        await _note_other_amount(payment, incoming)
    return Received(payment, new, disagrees)


async def find_payment(provider: str, reference: str) -> Payment | None:
    """The payment with this reference, in its normal spelling."""
    rows = await execute(
        connection(),
        f"SELECT {columns_of(Payment)} FROM payment WHERE provider = $1 AND reference = $2",
        [provider, reference],
    )
    return Payment(**rows[0] | {"paid_at": read_moment(rows[0]["paid_at"])}, _from_db=True) if rows else None


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
    said = f"{payment.provider} {payment.reference}: booked {payment.amount}, {incoming.source.value} {incoming.amount}"
    await record(payment.provider, "amounts differ", payment.reference, f"{said} (minor units)")
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
