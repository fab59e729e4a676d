"""What happened, to be read elsewhere: sales, contracts, payments, tickets, messages, the audit. Nothing of it is
imported."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.company import Company
from handlers.exchange.cells import figure
from handlers.exchange.dates import Dates
from handlers.exchange.sheet import HistoryKind
from models.audit import read_notes
from models.money.payments import IN_CASH
from models.selling.contracts import contract_number
from models.sql import connection, execute, ms_of, read_moment

PAGE = 1000
SALES_SQL = """SELECT s.id, s.reference, s.created_at, a.phone AS agent, d.serial, c.name, c.surname, c.phone, s.amount,
  s.unit, s.units, s.commission, s.contract_id, s.recovered, s.access, s.tariff, s.price, s.components, s.credit_before,
  s.credit_after, p.provider, p.reference AS payment FROM sale s JOIN payment p ON p.id = s.payment_id
  LEFT JOIN agent a ON a.id = s.agent_id LEFT JOIN device d ON d.id = s.device_id
  JOIN customer c ON c.id = s.customer_id
  WHERE s.id > $1 AND s.created_at >= $3 AND s.created_at < $4 ORDER BY s.id LIMIT $2"""
# Of a payment that was applied in parts the first sale, and what is for nothing yet.
PAYMENTS_SQL = """SELECT p.id, p.provider, p.reference, p.created_at, p.paid_at, p.amount, a.phone AS agent,
  p.payer_phone, p.payer_name, p.account_text, s.reference AS sale, COALESCE(-u.balance, 0) AS unapplied
  FROM payment p LEFT JOIN agent a ON a.id = p.agent_id
  LEFT JOIN sale s ON s.id = (SELECT MIN(id) FROM sale WHERE payment_id = p.id)
  LEFT JOIN account u ON u.kind = 'unapplied' AND u.owner = p.id
  WHERE p.id > $1 AND p.created_at >= $3 AND p.created_at < $4 ORDER BY p.id LIMIT $2"""
HANDED_IN_SQL = """SELECT h.id, h.reference, h.created_at, a.phone AS agent, h.amount, h.commission, h.actor,
  c.reference AS corrects FROM hand_in h JOIN agent a ON a.id = h.agent_id LEFT JOIN hand_in c ON c.id = h.corrects_id
  WHERE h.id > $1 AND h.created_at >= $3 AND h.created_at < $4 ORDER BY h.id LIMIT $2"""
TICKETS_SQL = """SELECT t.id, t.opened_at, t.state, t.category, t.text, t.due_at, t.closed_at, d.serial,
  c.id AS customer, c.name, c.surname, c.phone, r.phone AS reporter, a.phone AS agent, o.name AS staff
  FROM ticket t JOIN customer c ON c.id = t.customer_id LEFT JOIN device d ON d.id = t.device_id
  LEFT JOIN agent r ON r.id = t.reporter_id LEFT JOIN agent a ON a.id = t.agent_id
  LEFT JOIN officeuser o ON o.id = t.staff_id
  WHERE t.id > $1 AND t.opened_at >= $3 AND t.opened_at < $4 ORDER BY t.id LIMIT $2"""
CONTRACTS_SQL = """SELECT k.id, k.sold_on, g.phone AS agent, c.id AS customer, c.name, c.surname, c.phone,
  i.name AS appliance, d.serial, k.terms, k.price, k.down, k.period, k.day_price, k.minimum, k.commission, k.ended_on,
  (SELECT COUNT(*) FROM instalment p WHERE p.contract_id = k.id) AS count,
  (SELECT COALESCE(SUM(p.amount - p.paid), 0) FROM instalment p WHERE p.contract_id = k.id) AS owed,
  (SELECT MIN(p.due_on) FROM instalment p WHERE p.contract_id = k.id AND p.paid < p.amount) AS next_due
  FROM contract k LEFT JOIN agent g ON g.id = k.agent_id JOIN customer c ON c.id = k.customer_id
  JOIN appliance i ON i.id = k.appliance_id LEFT JOIN device d ON d.id = k.device_id
  WHERE k.id > $1 AND k.sold_on >= $3 AND k.sold_on <= $4 ORDER BY k.id LIMIT $2"""
CONTRACT_MONEY = ("price", "down", "owed", "day_price", "minimum", "commission")
# Tokens and answers are people's own: the text of a message is not exported.
RECEIVED_SQL = """SELECT id, received_at AS at, phone, '' AS kind, gateway, state, outcome, error, '' AS parts,
  '' AS cost, '' AS tries FROM inbox
  WHERE id > $1 AND received_at >= $3 AND received_at < $4 ORDER BY id LIMIT $2"""
SENT_SQL = """SELECT id, created_at AS at, phone, kind, gateway, state, '' AS outcome, error, parts, cost, tries
  FROM outbox WHERE id > $1 AND created_at >= $3 AND created_at < $4 ORDER BY id LIMIT $2"""


async def pages(statement: str, bounds: Sequence[object]) -> AsyncIterator[dict[str, Any]]:
    """All rows of a statement that takes the last id, a count and two bounds, a page at a time."""
    last = 0
    while rows := await execute(connection(), statement, [last, PAGE, *bounds]):
        for row in rows:
            yield row
        last = rows[-1]["id"]


async def _sales(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(SALES_SQL, dates.utc):
        units = f"{row['units'] // 10}.{row['units'] % 10}" if row["unit"] == "energy" else row["units"]
        names = ("amount", "commission", "recovered", "access")
        amount, *money = [figure(row[name], company) for name in names]
        contract = contract_number(row["contract_id"]) if row["contract_id"] else ""
        who = row["agent"], row["serial"], row["name"], row["surname"], row["phone"]
        price = [figure(row[name], company) for name in ("price", "components", "credit_before", "credit_after")]
        kept = row["tariff"], *price, row["provider"], "" if row["provider"] in IN_CASH else row["payment"]
        what = amount, row["unit"], units, *money, contract
        yield row["reference"], read_moment(row["created_at"]), *who, *what, *kept


async def _contracts(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(CONTRACTS_SQL, dates.days):
        row |= {name: figure(int(row[name]), company) for name in CONTRACT_MONEY}
        yield contract_number(row["id"]), *(row[name] for name in CONTRACTS.columns[1:])


async def _payments(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(PAYMENTS_SQL, dates.utc):
        amount, unapplied = figure(row["amount"], company), figure(row["unapplied"], company)
        times = read_moment(row["created_at"]), read_moment(row["paid_at"])
        payer = row["payer_phone"], row["payer_name"], row["account_text"]
        yield (
            row["provider"],
            row["reference"],
            times[0],
            amount,
            row["agent"],
            row["sale"],
            times[1],
            *payer,
            unapplied,
        )


async def _handed_in(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(HANDED_IN_SQL, dates.utc):
        money = [figure(row[name], company) for name in ("amount", "commission")]
        yield row["reference"], read_moment(row["created_at"]), row["agent"], *money, row["actor"], row["corrects"]


async def _tickets(_company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(TICKETS_SQL, dates.utc):
        who = [row[name] for name in ("serial", "customer", "name", "surname", "phone", "reporter", "agent", "staff")]
        times = [row[name] and read_moment(row[name]) for name in ("opened_at", "due_at", "closed_at")]
        yield f"K{row['id']}", row["state"], row["category"], *times, *who, row["text"]


async def _messages(_company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    """What came in, then what goes out; an id is of its direction, as on the office's page."""
    for direction, statement in (("in", RECEIVED_SQL), ("out", SENT_SQL)):
        async for row in pages(statement, [ms_of(bound) for bound in dates.utc]):
            row |= {"direction": direction, "time": datetime.fromtimestamp(row["at"] / 1000, UTC)}
            yield tuple(row[name] for name in MESSAGES.columns)


async def _audit(_company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for note in read_notes(*dates.utc):
        yield (
            note["created_at"],
            *(note[name] for name in ("actor", "action", "subject", "detail", "old", "new", "whence")),
        )


SALES = HistoryKind(
    columns=(
        *("reference", "time", "agent", "serial", "name", "surname", "phone", "amount", "unit", "units", "commission"),
        *("recovered", "access", "contract", "tariff", "price", "components", "credit_before", "credit_after"),
        *("provider", "payment"),
    ),
    rows=_sales,
)
CONTRACTS = HistoryKind(
    columns=(
        *("number", "sold_on", "agent", "customer", "name", "surname", "phone", "appliance", "serial", "terms"),
        *("price", "down", "count", "period", "day_price", "minimum", "owed", "next_due", "ended_on", "commission"),
    ),
    rows=_contracts,
)
PAYMENTS = HistoryKind(
    columns=(
        *("provider", "reference", "time", "amount", "agent", "sale"),
        *("paid_at", "payer_phone", "payer_name", "account", "unapplied"),
    ),
    rows=_payments,
)
MESSAGES = HistoryKind(
    columns=(
        *("direction", "id", "time", "phone", "kind", "gateway", "state", "outcome", "error"),
        *("parts", "cost", "tries"),
    ),
    rows=_messages,
)
HANDED_IN = HistoryKind(
    columns=("reference", "time", "agent", "amount", "commission", "by", "corrects"), rows=_handed_in
)
TICKETS = HistoryKind(
    columns=(
        *("number", "state", "category", "opened", "due", "closed"),
        *("serial", "customer", "name", "surname", "phone", "reporter", "agent", "staff", "text"),
    ),
    rows=_tickets,
)
AUDIT = HistoryKind(columns=("time", "by", "action", "subject", "detail", "old", "new", "from"), rows=_audit)
