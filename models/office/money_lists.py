"""Sales and payments as lists, the newest first and some at a time, and one of each with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from models.money.payments import Payment
from models.money.receiving import correction_key, never_came_key
from models.money.reconciling import in_the_books
from models.office.listed import Listed
from models.selling import Sale
from models.selling.commissions import EARNED_BY_SALE
from models.selling.sales import COUNTS, LONGEST_REFERENCE
from models.selling.taking_back import is_down_payment
from models.selling.voids import Void, void_of
from models.sql import connection, execute, marks, read_moment

MOST = 50
# How many rows are looked through at a time for those that are wanted where no index has them together.
LOOK = 20_000
SALE_COLUMNS = f"""s.id, s.reference, s.created_at, s.amount, s.unit, s.units, s.commission, s.customer_id,
  c.name, c.surname, d.serial, s.contract_id, s.agent_id, g.name AS agent, p.provider, p.reference AS payment,
  s.payment_id, NOT ({COUNTS}) AS void, s.replaces_id"""
SALE_TABLES = """JOIN customer c ON c.id = s.customer_id JOIN payment p ON p.id = s.payment_id
  LEFT JOIN device d ON d.id = s.device_id LEFT JOIN agent g ON g.id = s.agent_id"""
PAYMENT_COLUMNS = """p.id, p.provider, p.reference, p.amount, p.paid_at, p.created_at, p.payer_phone, p.payer_name,
  p.account_text, p.agent_id, g.name AS agent, -COALESCE(a.balance, 0) AS waits"""
PAYMENT_TABLES = """LEFT JOIN agent g ON g.id = p.agent_id
  LEFT JOIN account a ON a.kind = 'unapplied' AND a.owner = p.id"""
ENTRIES = """SELECT e.id, e.key, e.actor, e.reason, e.effective_at, a.kind, a.owner, l.amount
  FROM entry e JOIN line l ON l.entry_id = e.id JOIN account a ON a.id = l.account_id
  WHERE e.key IN ({keys}) ORDER BY e.id, l.amount DESC, l.id"""
# How the keys end of what a sale booked, and what was booked as it was taken back or moved; and of what was sold with a
# down payment.
OF_SALE = (
    *("payment", "commission", "goods commission", "void", "access", "paid back"),
    *("claw-back", "goods claw-back", "moved"),
)
OF_PLAN = ("price", "commission", "void", "claw-back")
PARTS = """SELECT i.contract_id, i.number, i.due_on, a.amount FROM allocation a
  JOIN instalment i ON i.id = a.instalment_id WHERE a.sale_id = $1 ORDER BY a.id"""
OF_PAYMENT = f"""SELECT {SALE_COLUMNS} FROM sale s {SALE_TABLES} WHERE s.payment_id = $1 ORDER BY s.part"""
# Payments that the books have otherwise than they were told have one of two entries.
PUT_RIGHT = "SELECT key FROM entry WHERE key IN ({keys})"
MOST_STEPS = 9  # by which the amount of one payment is put right
EVIDENCE = """SELECT source, amount, seen_by, balance_after, created_at FROM evidence WHERE payment_id = $1
  ORDER BY id"""
MOVED = """SELECT e.key, e.actor, e.reason, e.effective_at, l.amount, b.kind, b.owner FROM account a
  JOIN line l ON l.account_id = a.id JOIN entry e ON e.id = l.entry_id
  JOIN line m ON m.entry_id = e.id AND m.id <> l.id JOIN account b ON b.id = m.account_id
  WHERE a.kind = 'unapplied' AND a.owner = $1 AND b.kind <> 'unapplied' ORDER BY e.id, m.id LIMIT 200"""


@dataclass(frozen=True)
class Asked:
    """What a list is filtered by; None for all."""

    agent_id: int | None = None
    mini_grid_id: int | None = None
    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    void: bool = False  # sales that were taken back alone
    before: int = 0  # the id behind which the list goes on; 0: from the newest


class _Picked:
    """Which rows of a table a list shows, the newest first. They are found before anything is joined to them: what a
    list does not show costs one look at an index."""

    def __init__(self, table: str, most: int) -> None:
        self._table, self._most = table, most
        self._looked_to = 0  # the id of the last row that is looked at; 0: all are
        self._conditions: list[str] = []
        self._values: list[object] = []

    def where(self, condition: str, *values: object) -> None:
        """Only rows of which this is so; each {} stands for a value."""
        first = len(self._values) + 1
        self._conditions.append(condition.format(*(f"${first + place}" for place in range(len(values)))))
        self._values += values

    async def between(self, asked: Asked) -> None:
        """From when until when, and where the list goes on."""
        if asked.since is not None:
            self.where("created_at >= {}", asked.since)
        if asked.until is not None:
            self.where("created_at < {}", asked.until)
        if asked.before:
            rows = await execute(connection(), f"SELECT created_at FROM {self._table} WHERE id = $1", [asked.before])
            if rows:
                self.where("(created_at, id) < ({}, {})", read_moment(rows[0]["created_at"]), asked.before)

    async def look_at_some(self) -> None:
        """What is asked for next is in no index: look at `LOOK` rows for it, the newest."""
        statement = f"{self._statement('created_at, id')} LIMIT 1 OFFSET {LOOK - 1}"
        if last := await execute(connection(), statement, self._values):
            self.where("(created_at, id) >= ({}, {})", read_moment(last[0]["created_at"]), last[0]["id"])
            self._looked_to = int(last[0]["id"])

    async def read(self, columns: str, tables: str, name: str, *moments: str) -> Listed[dict[str, Any]]:
        """These columns of the rows and of the tables that are joined to them."""
        statement = f"""SELECT {columns} FROM ({self._statement("id AS picked")} LIMIT {self._most}) listed
          JOIN {self._table} {name} ON {name}.id = listed.picked {tables}
          ORDER BY {name}.created_at DESC, {name}.id DESC"""
        rows = _with_moments(await execute(connection(), statement, self._values), *moments)
        if len(rows) == self._most:
            return Listed(rows, int(rows[-1]["id"]))
        return Listed(rows, self._looked_to, LOOK if self._looked_to else 0)

    def _statement(self, columns: str) -> str:
        conditions = f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        return f"SELECT {columns} FROM {self._table} AS s{conditions} ORDER BY created_at DESC, id DESC"


async def sales(asked: Asked, most: int = MOST) -> Listed[dict[str, Any]]:
    """The newest sales, or those behind `before`. By mini-grid, provider and void they are looked for among `LOOK` at a
    time."""
    picked = _Picked("sale", most)
    await picked.between(asked)
    if asked.agent_id is not None:
        picked.where("agent_id = {}", asked.agent_id)
    if asked.provider is not None or asked.mini_grid_id is not None or asked.void:
        await picked.look_at_some()
    if asked.mini_grid_id is not None:
        picked.where("(SELECT mini_grid_id FROM customer WHERE id = s.customer_id) = {}", asked.mini_grid_id)
    if asked.provider is not None:
        picked.where("(SELECT provider FROM payment WHERE id = s.payment_id) = {}", asked.provider)
    if asked.void:
        picked.where(f"NOT ({COUNTS})")
    return await picked.read(SALE_COLUMNS, SALE_TABLES, "s", "created_at")


async def payments(asked: Asked, most: int = MOST) -> Listed[dict[str, Any]]:
    """The newest payments, or those behind `before`. Those of an agent are looked for among `LOOK` at a time."""
    picked = _Picked("payment", most)
    await picked.between(asked)
    if asked.provider is not None:
        picked.where("provider = {}", asked.provider)
    if asked.agent_id is not None:
        await picked.look_at_some()
        picked.where("agent_id = {}", asked.agent_id)
    listed = await picked.read(PAYMENT_COLUMNS, PAYMENT_TABLES, "p", "paid_at", "created_at")
    return replace(listed, rows=await _with_booked(listed.rows))


async def _with_booked(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with `booked`: how much the books have of it by now, in minor units."""
    keys = {key: row["id"] for row in rows for key in (never_came_key(row["id"]), correction_key(row["id"], 1))}
    found = await execute(connection(), PUT_RIGHT.format(keys=marks(len(keys))), list(keys)) if keys else []
    numbers = {keys[row["key"]] for row in found}
    booked = {number: await in_the_books(await Payment.get(id=number)) for number in numbers}
    return [row | {"booked": booked.get(row["id"], int(row["amount"]))} for row in rows]


async def find_sale(reference: str) -> Sale | None:
    """By the reference on its receipt."""
    if len(reference) > LONGEST_REFERENCE:
        return None
    return await Sale.get_or_none(reference=reference.upper())


@dataclass(frozen=True)
class OneSale:
    """A sale with all that it did."""

    sale: Sale
    row: dict[str, Any]  # as the list has it
    earned: int  # by the seller, in minor units
    token: str  # the digits; empty where there are none
    parts: Sequence[dict[str, Any]]  # what it gave to instalments
    entries: Sequence[dict[str, Any]]  # lines of the ledger
    void: Void | None  # the newest wish to take it back
    replaces: Sale | None
    replaced_by: Sale | None


async def one_sale(sale: Sale) -> OneSale:
    statement = f"SELECT {SALE_COLUMNS}, {EARNED_BY_SALE} AS earned FROM sale s {SALE_TABLES} WHERE s.id = $1"
    [row] = _with_moments(await execute(connection(), statement, [sale.id]), "created_at")
    tokens = await execute(connection(), "SELECT digits FROM token WHERE sale_id = $1", [sale.id])
    keys = [f"sale {sale.id} {what}" for what in OF_SALE]
    if sale.contract_id:
        keys += [f"contract {sale.contract_id} {what}" for what in (OF_PLAN if is_down_payment(sale) else OF_PLAN[:1])]
    return OneSale(
        sale=sale,
        row=row,
        earned=int(row["earned"]),
        token=str(tokens[0]["digits"]) if tokens else "",
        parts=await execute(connection(), PARTS, [sale.id]),
        entries=await _entries(keys),
        void=await void_of(sale),
        replaces=await Sale.get_or_none(id=sale.replaces_id) if sale.replaces_id else None,
        replaced_by=await Sale.get_or_none(replaces_id=sale.id),
    )


@dataclass(frozen=True)
class OnePayment:
    """A payment, who told of it, and what became of it."""

    payment: Payment
    booked: int  # how much the books have of it by now, in minor units
    evidence: Sequence[dict[str, Any]]
    sales: Sequence[dict[str, Any]]
    moved: Sequence[dict[str, Any]]  # what left its unapplied money, and came back
    entries: Sequence[dict[str, Any]]


async def one_payment(payment: Payment) -> OnePayment:
    corrections = [correction_key(payment.id, step) for step in range(1, MOST_STEPS + 1)]
    return OnePayment(
        payment=payment,
        booked=await in_the_books(payment),
        evidence=_with_moments(await execute(connection(), EVIDENCE, [payment.id]), "created_at"),
        sales=_with_moments(await execute(connection(), OF_PAYMENT, [payment.id]), "created_at"),
        moved=_with_moments(await execute(connection(), MOVED, [payment.id]), "effective_at"),
        entries=await _entries([f"payment {payment.id}", never_came_key(payment.id), *corrections]),
    )


async def _entries(keys: Sequence[str]) -> list[dict[str, Any]]:
    listed = ", ".join(f"${n + 1}" for n in range(len(keys)))
    return _with_moments(await execute(connection(), ENTRIES.format(keys=listed), list(keys)), "effective_at")


def _with_moments(rows: Sequence[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [row | {name: read_moment(row[name]) for name in names} for row in rows]
