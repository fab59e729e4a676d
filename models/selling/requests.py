"""Customers who were asked on their own phones to pay: what was asked, and what became of it.

    ask_to_pay --> new ----> asked ----> paid
                   | ^ |       | |        ^ ^
                   | '-'       | '--------|-|---> failed, expired
                   |           v          | |           |
                   |---> unknown ---------' '-----------'
                   '---> failed                late money counts

    from                 to          who, by which verb
    (no row)             new         the talk that asks: ask_to_pay
    new                  new         a server, before it calls the provider: claim; and one that the provider did not
                                       take for now: put_off
    new                  asked       the server that called, when the provider has taken it: note_asked
    new                  failed      the provider refused it, or it could not be sent in time: end
    new                  unknown     the provider did not answer, or the server that called it is gone: end
    asked                expired     nobody answered in time, and the provider knows of no payment: end
    asked, unknown       failed      the provider says so: end
    asked                unknown     nobody can say what became of it: end
    all but paid         paid        money came: note_paid. It counts whenever it comes
    unknown              unknown     it was looked up in vain: look_again; at last it waits for a person (look_at 0)
    failed, expired      the same    its provider has news of it: look_now has it looked up, as long as unknown ones
                                       are. Where it says that it is paid, and by no receipt that is in the books, it
                                       is as those that are unknown, and may fail or expire once more:
                                       await_receipt, leave_to_person

While it has not ended, one for a contract by instalments holds so much of the debt back: the database does it
(models/money/reservations.py), and lets no two pushes ask for more than is owed.

No step leads back: what is paid stays paid, whatever is said later. A phone has one request at a time that is new or
asked, which a unique index holds. Times are milliseconds (UTC).

Conditions on `state` are written as in the partial indexes, since SQLite uses those for no other form.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from models.devices import Device
from models.money.ledger import AccountKind, balance, credit_of
from models.money.payments import Payment
from models.money.reservations import reserved
from models.people import Agent, Customer
from models.rows import find_row, find_rows, read_row
from models.selling.catalogue import Terms
from models.selling.contracts import Contract
from models.selling.refusals import BeingPaid, PaidOff
from models.sql import (
    HOUR_MS,
    MINUTE_MS,
    columns_of,
    connection,
    cut,
    execute,
    for_update,
    holding,
    marks,
    now_ms,
    tell_after_commit,
)


class RequestState(StrEnum):
    NEW = "new"  # to be sent to the provider
    ASKED = "asked"  # the phone rings
    PAID = "paid"
    FAILED = "failed"  # nothing was paid, and the customer was told why
    UNKNOWN = "unknown"  # nobody knows: it is looked up, and in the end left to a person
    EXPIRED = "expired"  # nobody answered in time. A payment that comes after it still counts


NOT_PAID = (RequestState.FAILED, RequestState.EXPIRED)
NO_RECEIPT = "no receipt"  # the code of one that is paid, as its provider says, and by no receipt that we have


class Reason(StrEnum):
    """Why nothing was paid: what the customer is told, in her language."""

    LOW_BALANCE = "low balance"
    CANCELLED = "cancelled"
    WRONG_PIN = "wrong pin"
    NO_ANSWER = "no answer"  # the phone was off, or nobody typed the PIN
    LIMIT = "limit"  # of the payer's account, for a day or in all
    AMOUNT = "amount"  # less or more than the provider takes at once
    BUSY = "busy"  # the phone is in another session, or the provider is: try again in a minute
    LOCKED = "locked"  # the payer's account: the provider's help line opens it
    NOT_REGISTERED = "not registered"  # the phone has no such account
    NOT_SENT = "not sent"  # the provider could not be reached
    SETUP = "setup"  # our own account or settings: the office has to see to it


class PaymentRequest(Model):
    """One push to one phone."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the talk that asked: the same turn asks once
    provider = fields.CharField(20)
    reference = fields.CharField(40, unique=True)  # ours, sent with it
    external_id = fields.CharField(80, default="", db_default="")  # the provider's own
    phone = fields.CharField(16)  # that rings
    language = fields.CharField(2)
    # Who buys; none where an agent tops up.
    customer: fields.ForeignKeyNullableRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", null=True, on_delete=fields.RESTRICT
    )
    customer_id: int | None
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    contract: fields.ForeignKeyNullableRelation[Contract] = fields.ForeignKeyField(
        "models.Contract", null=True, on_delete=fields.RESTRICT
    )
    contract_id: int | None  # that of goods, or of the device where it is by instalments
    # Whose wallet it tops up, and no device.
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )
    agent_id: int | None
    amount = fields.BigIntField()  # minor units
    account = fields.CharField(40)  # what the phone shows beside the amount: a serial, the number of a contract
    state = fields.CharField(10, default=RequestState.NEW)
    code = fields.CharField(80, default="", db_default="")  # the provider's, of how it ended
    reason = fields.CharField(20, default="", db_default="")  # a Reason
    payment: fields.OneToOneNullableRelation[Payment] = fields.OneToOneField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    created_at = fields.BigIntField()  # ms
    asked_at = fields.BigIntField(default=0, db_default=0)  # ms
    # ms; of a new one, until when it may be sent; of one that is paid by no receipt, until when that is waited for.
    expires_at = fields.BigIntField()
    look_at = fields.BigIntField(default=0, db_default=0)  # ms; when it is sent, or the provider is asked for it
    looks = fields.SmallIntField(default=0, db_default=0)
    claimed_by = fields.CharField(40, default="", db_default="")  # the server that asks the provider now
    claimed_at = fields.BigIntField(default=0, db_default=0)  # ms

    class Meta:
        table = "payment_request"

    @property
    def in_doubt(self) -> bool:
        """Whether nobody knows if it is paid: it is unknown, or had ended when its provider said that it is, by no
        receipt."""
        return self.state == RequestState.UNKNOWN or (self.state in NOT_PAID and self.code == NO_RECEIPT)


RINGS = (RequestState.NEW, RequestState.ASKED)
SEND_WITHIN_MS = 90_000  # a prompt that comes later surprises whoever has put the phone away
# Safaricom refuses the same amount from the same phone within 2 min, and a second prompt within 1 (reference: payments
# 1.4, 1.5). While nobody knows whether the last one was paid, 10 min are waited.
APART_MS, SAME_APART_MS, DOUBT_MS = MINUTE_MS, 2 * MINUTE_MS, 10 * MINUTE_MS
# What is unknown is looked up after these waits, counted from the last look, then every hour for two days (1.4).
LOOKS_MS = (15_000, 15_000, 30_000, 30_000, 90_000)
LOOK_EVERY_MS, LOOK_FOR_MS = HOUR_MS, 48 * HOUR_MS
LEASE_MS = 120_000  # a claim that is older is of a server that died: with a new token a call takes 80 s at most
SHOWN = 12  # characters of an account that each provider shows: it may cut what is longer (reference: payments 1.4)
LOST_WITHIN_MS = HOUR_MS  # a payment so long after a request whose answer was lost may be its own

DUE = "a push is due"  # of which a commit tells
INTERRUPTED = "interrupted"  # the code of one whose server died, or was too slow: its answer may come after all

_OPEN = "state IN ('new', 'asked', 'unknown')"
_RINGS = "state IN ('new', 'asked')"
_NO_RECEIPT = f"state IN ('failed', 'expired') AND code = '{NO_RECEIPT}'"
_NEWS = "state IN ('failed', 'expired') AND look_at > 0"
CLAIM = f"""UPDATE payment_request SET claimed_by = $1, claimed_at = $2 WHERE id IN (
  SELECT id FROM payment_request WHERE {_OPEN} AND look_at <= $2 AND state = 'new' AND claimed_at = 0
    AND provider = $3 AND expires_at > $2 ORDER BY look_at, id LIMIT $4 {{lock}}) RETURNING {{columns}}"""
# Whoever is looked up is left alone by the other servers for so long, $2.
LOOK = """UPDATE payment_request SET look_at = $2, looks = looks + 1 WHERE id IN (
  SELECT id FROM payment_request WHERE {which} AND look_at <= $1
  ORDER BY look_at, id LIMIT $3 {{lock}}) RETURNING {{columns}}"""
LOOK_OPEN = LOOK.format(which=f"{_OPEN} AND state <> 'new' AND look_at > 0")
LOOK_ENDED = LOOK.format(which=_NEWS)
UNSENT = f"{_OPEN} AND state = 'new' AND claimed_at = 0 AND expires_at <= $1"
LEFT = f"""{_OPEN} AND state = 'new' AND claimed_at > 0
  AND (claimed_at <= $1 OR (claimed_by <> $2 AND $3 = 1))"""
NEXT = f"""SELECT MIN(at) AS at FROM (
  SELECT MIN(look_at) AS at FROM payment_request WHERE {_OPEN} AND look_at > 0 AND (state <> 'new' OR claimed_at = 0)
  UNION ALL SELECT MIN(look_at) FROM payment_request WHERE {_NEWS}) AS due"""
# A callback may have come before the answer to our call, and a claim may have been given up meanwhile.
ASKED = f"""UPDATE payment_request SET external_id = $2, asked_at = $3,
  expires_at = CASE WHEN code = '{NO_RECEIPT}' THEN expires_at ELSE $4 END,
  state = CASE WHEN state = 'new' OR (state = 'unknown' AND code = '{INTERRUPTED}') THEN 'asked' ELSE state END,
  look_at = CASE WHEN state = 'new' OR (state = 'unknown' AND code = '{INTERRUPTED}') THEN $4 ELSE look_at END,
  code = CASE WHEN state = 'unknown' AND code = '{INTERRUPTED}' THEN '' ELSE code END
  WHERE id = $1 AND claimed_at = $5"""
PUT_OFF = """UPDATE payment_request SET claimed_by = '', claimed_at = 0, look_at = $2, looks = looks + 1, code = $3
  WHERE id = $1 AND state = 'new' AND claimed_at = $4"""
END = "UPDATE payment_request SET state = $2, code = $3, reason = $4, look_at = $5, looks = $6 WHERE id = $1"
# One payment pays one request.
PAID = """UPDATE payment_request SET state = 'paid', payment_id = $2, code = '', reason = '', look_at = 0 WHERE id = $1
  AND NOT EXISTS (SELECT 1 FROM payment_request other WHERE other.payment_id = $2) RETURNING id"""
AWAIT_RECEIPT = f"UPDATE payment_request SET look_at = $2, expires_at = $2, code = '{NO_RECEIPT}' WHERE id = $1"
LOOK_AT = "UPDATE payment_request SET look_at = $2, code = $3 WHERE id = $1"
LOOK_NOW = "UPDATE payment_request SET look_at = $2, looks = 0 WHERE id = $1 AND state <> 'paid'"
EXTERNAL = "UPDATE payment_request SET external_id = $2 WHERE id = $1"
# Requests that were sent, and whose answer has not come or never will.
RINGING = f"SELECT 1 FROM payment_request WHERE {_RINGS} AND provider = $1 AND amount = $2 LIMIT 1"
UNANSWERED = f"SELECT id FROM payment_request WHERE {_OPEN} AND state = 'new' AND claimed_at > 0 AND provider = $1"
LOST = f"""{_OPEN} AND state = 'unknown' AND external_id = '' AND provider = $1
  AND phone = $2 AND amount = $3 AND created_at > $4"""
# A confirmation names no push: what it was for was bought by what the payer typed.
BOUGHT = """provider = $1 AND amount = $2 AND created_at >= $3 AND created_at < $4
  AND NOT EXISTS (SELECT 1 FROM payment_request r WHERE r.payment_id = payment.id)
  AND EXISTS (SELECT 1 FROM {table} b WHERE b.payment_id = payment.id AND b.{whose} = $5{by}) ORDER BY id"""
COUNT = f"SELECT provider, state, COUNT(*) AS requests FROM payment_request WHERE {_OPEN} GROUP BY provider, state"
STEPS: dict[RequestState, frozenset[RequestState]] = {
    RequestState.FAILED: frozenset({RequestState.NEW, RequestState.ASKED, RequestState.UNKNOWN}),
    RequestState.EXPIRED: frozenset({RequestState.ASKED, RequestState.UNKNOWN}),
    RequestState.UNKNOWN: frozenset({RequestState.NEW, RequestState.ASKED}),
}


class AskedAlready(Exception):
    """The phone was asked a moment ago, and may not be asked again yet."""

    def __init__(self, request: PaymentRequest, seconds: int) -> None:
        super().__init__(request.reference)
        self.request = request  # the earlier one; while it `rings` the phone shows it still
        self.seconds = seconds  # until it may be asked again

    @property
    def rings(self) -> bool:
        """Whether the earlier request may be paid at this moment."""
        return self.request.state in RINGS


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a phone is to be asked for."""

    provider: str
    phone: str  # E.164
    language: str
    amount: int  # minor units, a whole number of coins
    account: str  # what the phone shows beside the amount: a serial, the number of a contract
    customer_id: int | None = None
    device_id: int | None = None
    contract_id: int | None = None
    agent_id: int | None = None


async def ringing(phone: str) -> PaymentRequest | None:
    """The request that this phone is asked to pay now."""
    return await find_row(PaymentRequest, f"phone = $1 AND {_RINGS} ORDER BY id DESC", [phone])


async def find_request(reference: str) -> PaymentRequest | None:
    """The one with this reference of ours, with who buys."""
    return await find_row(PaymentRequest, "payment_request.reference = $1", [reference], joined=("customer",))


async def paid_by(payment_id: int) -> PaymentRequest | None:
    """The one that this payment has paid."""
    return await find_row(PaymentRequest, "payment_id = $1", [payment_id])


async def ask_to_pay(wanted: Wanted, *, key: str) -> PaymentRequest:
    """Write that a phone is to be asked, in the caller's transaction: it is sent after the commit. `key` names it for
    good: a second call with it returns the first request. Raises AskedAlready, BeingPaid and PaidOff; and
    OperationalError where it is to be run again."""
    now = now_ms()
    if earlier := await _find_asked(key):
        return earlier
    await _check_pause(wanted, now)
    await _check_debt(wanted)
    values = {
        "key": key,
        "provider": wanted.provider,
        "reference": str(uuid.uuid4()),  # MTN takes no other form
        "phone": wanted.phone,
        "language": wanted.language,
        "customer_id": wanted.customer_id,
        "device_id": wanted.device_id,
        "contract_id": wanted.contract_id,
        "agent_id": wanted.agent_id,
        "amount": wanted.amount,
        "account": cut(wanted.account, 40),
        "state": RequestState.NEW.value,
        "created_at": now,
        "expires_at": now + SEND_WITHIN_MS,
        "look_at": now,
    }
    statement = f"""INSERT INTO payment_request ({", ".join(values)}) VALUES ({marks(len(values))})
      ON CONFLICT DO NOTHING RETURNING {columns_of(PaymentRequest)}"""
    if rows := await execute(connection(), statement, list(values.values())):
        tell_after_commit(DUE)
        return read_row(PaymentRequest, rows[0])
    # Another server wrote one for this phone in the same moment.
    if earlier := await _find_asked(key):
        return earlier
    rings = await ringing(wanted.phone)
    if rings is None:  # it has ended since
        raise OperationalError(f"The request in the way of {key} has just ended.")
    raise AskedAlready(rings, APART_MS // 1000)


async def _find_asked(key: str) -> PaymentRequest | None:
    return await find_row(PaymentRequest, "key = $1", [key])


async def _check_pause(wanted: Wanted, now: int) -> None:
    """Raises AskedAlready."""
    for request in await find_rows(PaymentRequest, "phone = $1 ORDER BY id DESC LIMIT 5", [wanted.phone]):
        until = _closed_until(request, wanted)
        if now < until or request.state in RINGS:
            raise AskedAlready(request, max(1, -(-(until - now) // 1000)))


async def _check_debt(wanted: Wanted) -> None:
    """What other pushes ask for is not asked for again; raises BeingPaid and PaidOff. The contract is held until the
    commit."""
    if wanted.contract_id is None:
        return
    [contract] = await find_rows(Contract, f"id = $1{holding('contract')}", [wanted.contract_id])
    if contract.terms != Terms.INSTALMENTS:
        return
    owed, pending = await balance(AccountKind.DEBT, contract.id), await reserved(AccountKind.DEBT, contract.id)
    if not owed:
        raise PaidOff(contract.number)
    left = max(owed - pending - await credit_of(contract.customer_id), 0)
    # The last coin of a debt that is no whole number of coins is asked for whole, where nothing else is.
    if pending and wanted.amount > left:
        raise BeingPaid(pending, left)


def _target(of: "PaymentRequest | Wanted") -> tuple[int | None, int | None, int | None]:
    return of.device_id, of.contract_id, of.agent_id


def _closed_until(request: PaymentRequest, wanted: Wanted) -> int:
    """Until when this earlier request keeps its phone from being asked."""
    last: int = max(request.created_at, request.asked_at)
    if request.state in RINGS:
        return int(max(last + APART_MS, request.expires_at))
    same = request.amount == wanted.amount
    if request.state == RequestState.UNKNOWN and _target(request) == _target(wanted):
        return last + DOUBT_MS
    if request.state == RequestState.FAILED and not request.asked_at:
        return last  # the phone never rang
    return last + (SAME_APART_MS if same else APART_MS)


# --- What a server does with them, each in a unit of work


async def claim(provider: str, most: int, *, me: str, now: int) -> list[PaymentRequest]:
    """Take up to `most` new ones to be sent. Nobody else gets them: what is not answered is unknown."""
    return await _taken(CLAIM, [me, now, provider, most])


async def claim_looks(most: int, *, now: int) -> list[PaymentRequest]:
    """Take up to `most` that are to be looked up, those that have not ended first."""
    taken = await _taken(LOOK_OPEN, [now, now + LEASE_MS, most])
    return taken + await _taken(LOOK_ENDED, [now, now + LEASE_MS, most - len(taken)])


async def _taken(statement: str, values: Sequence[Any]) -> list[PaymentRequest]:
    statement = statement.format(lock=for_update(skip_locked=True), columns=columns_of(PaymentRequest))
    return _oldest_first([read_row(PaymentRequest, row) for row in await execute(connection(), statement, values)])


def _oldest_first(found: Sequence[PaymentRequest]) -> list[PaymentRequest]:
    """Sorted here: to sort what is open, SQLite would walk all that there ever were."""
    return sorted(found, key=lambda request: request.id)


async def unsent(now: int) -> list[PaymentRequest]:
    """New ones that could not be sent in time."""
    return _oldest_first(await find_rows(PaymentRequest, UNSENT, [now]))


async def left_alone(now: int, *, me: str, alone: bool) -> list[PaymentRequest]:
    """Those whose server died while it asked. `alone`: there is no server but us."""
    return _oldest_first(await find_rows(PaymentRequest, LEFT, [now - LEASE_MS, me, int(alone)]))


async def next_at() -> int:
    """When the next one is to be sent or looked up, in ms; 0: none."""
    [row] = await execute(connection(), NEXT)
    return int(row["at"] or 0)


async def note_asked(request: PaymentRequest, external_id: str, *, now: int, expires_at: int) -> None:
    """The provider has taken it. Whatever a callback has said meanwhile stays."""
    values = [request.id, cut(external_id, 80), now, expires_at, request.claimed_at]
    await execute(connection(), ASKED, values)


async def put_off(request: PaymentRequest, until: int, code: str) -> None:
    """The provider did not take it, and may be asked again: it is new as before. Whoever has claimed it since keeps
    it: this may be written a second time, where nobody knows whether it was committed."""
    await execute(connection(), PUT_OFF, [request.id, until, cut(code, 80), request.claimed_at])


async def hold(provider: str, *, reference: str = "", external_id: str = "") -> PaymentRequest | None:
    """The request that goes by our reference or by the provider's own id, held until the commit. An id that the
    provider gives with our reference is kept."""
    column, value = ("reference", reference) if reference else ("external_id", external_id)
    if not value:
        return None
    condition = f"provider = $1 AND {column} = $2 AND {column} <> ''{holding('payment_request')}"
    found = await find_rows(PaymentRequest, condition, [provider, value])  # each is unique
    request = found[0] if found else None
    if request and external_id and not request.external_id:
        await execute(connection(), EXTERNAL, [request.id, cut(external_id, 80)])
        request.external_id = cut(external_id, 80)
    return request


async def is_any_ringing(provider: str, amount: int) -> bool:
    """Whether any phone rings for this amount (minor units)."""
    return bool(await execute(connection(), RINGING, [provider, amount]))


async def is_any_unanswered(provider: str) -> bool:
    """Whether a call to this provider is under way: its answer may bring the id that nobody knows yet."""
    return bool(await execute(connection(), UNANSWERED, [provider]))


async def find_lost(provider: str, *, phone: str, amount: int, now: int) -> PaymentRequest | None:
    """The request of which no answer ever came, and that this money is for: the only one of this phone and amount."""
    found = await find_rows(PaymentRequest, LOST, [provider, phone, amount, now - LOST_WITHIN_MS])
    return found[0] if len(found) == 1 else None


async def waiting_for(provider: str, *, phone: str, amount: int, account: str = "") -> list[PaymentRequest]:
    """The pushes to this phone for this amount (minor units) that nobody knows to be paid yet, the newest two; with an
    account those alone that showed it."""
    condition = f"{_OPEN} AND provider = $1 AND phone = $2 AND amount = $3 AND created_at > $4 ORDER BY id DESC"
    found = await find_rows(PaymentRequest, condition, [provider, phone, amount, now_ms() - LOST_WITHIN_MS])
    return [push for push in found if not account or _letters(push.account) == _letters(account)][:2]


async def shown_as(typed: str, amount: int) -> list[PaymentRequest]:
    """The pushes for this amount (minor units) that nobody knows to be paid yet, and of whose account a phone shows
    this beginning alone."""
    if len(typed) < SHOWN:
        return []
    begins = _letters(typed)
    condition = f"{_OPEN} AND amount = $1 AND created_at > $2"
    found = await find_rows(PaymentRequest, condition, [amount, now_ms() - LOST_WITHIN_MS])
    return [push for push in found if len(push.account) > SHOWN and _letters(push.account).startswith(begins)]


def _letters(account: str) -> str:
    """An account without the marks that a provider may leave out."""
    return "".join(filter(str.isalnum, account.upper()))


async def bought_meanwhile(request: PaymentRequest, within_ms: int = LOST_WITHIN_MS) -> list[Payment]:
    """Payments of its amount that came within the hour after it, or another time, that no push asked for, and that were
    for the very same: its own may be among them."""
    table, whose, values, by = "sale", "device_id", [request.device_id, request.customer_id], " AND b.customer_id = $6"
    if request.agent_id:
        table, whose, values, by = "top_up", "agent_id", [request.agent_id], ""
    elif request.contract_id:  # whatever device it is on by now, and whose
        whose, values, by = "contract_id", [request.contract_id], ""
    since = datetime.fromtimestamp(request.created_at / 1000, UTC)
    span = [since, since + timedelta(milliseconds=within_ms)]
    condition = BOUGHT.format(table=table, whose=whose, by=by)
    return await find_rows(Payment, condition, [request.provider, request.amount, *span, *values])


async def end(request: PaymentRequest, state: RequestState, *, code: str, reason: str, now: int) -> bool:
    """Take a held request to failed, expired or unknown. False: it is further already, and nobody is to be told."""
    if (RequestState.UNKNOWN if request.in_doubt else request.state) not in STEPS[state]:
        return False
    look_at = now + LOOKS_MS[0] if state is RequestState.UNKNOWN else 0
    looks = 0 if state is RequestState.UNKNOWN else request.looks
    await execute(connection(), END, [request.id, state.value, cut(code, 80), reason, look_at, looks])
    request.state, request.code, request.reason, request.look_at = state, code, reason, look_at
    return True


async def note_paid(request: PaymentRequest, payment_id: int) -> bool:
    """Its money came. False: it was paid before, by this payment or by another one, or the payment is another
    request's."""
    if request.state == RequestState.PAID or not await execute(connection(), PAID, [request.id, payment_id]):
        return False
    request.state, request.payment_id = RequestState.PAID, payment_id
    return True


async def await_receipt(request: PaymentRequest, until: int, *, now: int) -> None:
    """Its provider says that a held one is paid, and by no receipt: that is waited for until then, and its provider
    asked. Nobody knows what became of one that had not ended."""
    await end(request, RequestState.UNKNOWN, code=NO_RECEIPT, reason="", now=now)
    await execute(connection(), AWAIT_RECEIPT, [request.id, until])
    request.code, request.look_at, request.expires_at = NO_RECEIPT, until, until


async def leave_to_person(request: PaymentRequest, *, now: int) -> None:
    """Its provider says that a held one is paid, by a receipt that is not in the books: nobody but a person finds out
    more."""
    await await_receipt(request, now, now=now)
    await look_at(request, 0, NO_RECEIPT)


async def look_again(request: PaymentRequest, *, code: str, now: int) -> bool:
    """When one is looked up next of which nothing was to be learned. False: it was looked up for two days, and from now
    on waits for a person."""
    since = request.asked_at or request.created_at
    over = now - since >= LOOK_FOR_MS and request.looks >= len(LOOKS_MS)  # of an old one news may come
    wait = LOOKS_MS[request.looks] if request.looks < len(LOOKS_MS) else LOOK_EVERY_MS
    await execute(connection(), LOOK_AT, [request.id, 0 if over else now + wait, cut(code, 80)])
    return not over


async def look_at(request: PaymentRequest, at: int, code: str = "") -> None:
    """Have it looked up at this time; 0: never again."""
    await execute(connection(), LOOK_AT, [request.id, at, cut(code or request.code, 80)])


async def look_now(request: PaymentRequest, now: int) -> None:
    """Have a held one that was sent looked up at once, and as often as it takes, for its provider has news of it; one
    that has failed or expired as well, for it may be paid after all."""
    await execute(connection(), LOOK_NOW, [request.id, now])
    tell_after_commit(DUE)


async def list_open(*, unknown: bool = False) -> list[PaymentRequest]:
    """Those that have not ended, or are in doubt, the oldest first; those in doubt alone."""
    found = [*await find_rows(PaymentRequest, _OPEN), *await find_rows(PaymentRequest, _NO_RECEIPT)]
    return _oldest_first([push for push in found if push.in_doubt or not unknown])


async def count_open() -> list[tuple[str, str, int]]:
    """Provider, state and how many, of those that have not ended."""
    return [(row["provider"], row["state"], row["requests"]) for row in await execute(connection(), COUNT)]
