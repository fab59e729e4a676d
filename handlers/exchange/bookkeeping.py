"""The books, to be read elsewhere: the journal, what funders ask for, the lines of statements, and closed days."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from bot.company import Company
from handlers.exchange.cells import figure
from handlers.exchange.dates import Dates
from handlers.exchange.exports import pages
from handlers.exchange.sheet import HistoryKind
from models.devices import Unit
from models.selling.contracts import contract_number
from models.sql import read_day, read_moment

# Entries by their number, each with all its lines, the debits first. Whose an account is stands in other tables, by its
# kind: agents, customers, contracts, devices, payments, providers.
JOURNAL_SQL = """SELECT e.id, e.key, e.effective_at, e.created_at, e.actor, e.reason, r.key AS reverses, a.kind,
  a.owner, a.currency, l.amount, g.name AS agent, g.phone, c.name, c.surname, d.serial, p.provider, p.reference,
  v.name AS who
  FROM (SELECT id, key, effective_at, created_at, actor, reason, reverses_id FROM entry
    WHERE id > $1 AND effective_at >= $3 AND effective_at < $4 ORDER BY id LIMIT $2) e
  JOIN line l ON l.entry_id = e.id JOIN account a ON a.id = l.account_id LEFT JOIN entry r ON r.id = e.reverses_id
  LEFT JOIN agent g ON g.id = a.owner AND a.kind IN ('cash', 'commission', 'wallet')
  LEFT JOIN customer c ON c.id = a.owner AND a.kind IN ('credit', 'claim')
  LEFT JOIN device d ON d.id = a.owner AND a.kind = 'access due'
  LEFT JOIN payment p ON p.id = a.owner AND a.kind = 'unapplied'
  LEFT JOIN provider v ON v.id = a.owner AND a.kind = 'clearing'
  ORDER BY e.id, CASE WHEN l.amount > 0 THEN 0 ELSE 1 END, l.id"""
# What was taken back, or done again for the right device, is no claim.
CLAIM_WHO = ("customer", "name", "surname", "gender", "phone", "village", "mini_grid", "latitude", "longitude")
CLAIMS_SQL = """SELECT s.id, d.serial, d.kind, c.id AS customer, c.name, c.surname, c.gender, c.phone,
  w.name AS village, c.latitude, c.longitude,
  g.name AS mini_grid, COALESCE(i.name, m.name, d.kind) AS product, m.manufacturer, k.terms, s.unit, s.contract_id,
  s.key, s.amount, s.created_at, s.reference, p.provider, p.reference AS payment
  FROM sale s JOIN customer c ON c.id = s.customer_id JOIN minigrid g ON g.id = c.mini_grid_id
  JOIN payment p ON p.id = s.payment_id
  LEFT JOIN village w ON w.id = c.village_id LEFT JOIN device d ON d.id = s.device_id
  LEFT JOIN devicemodel m ON m.id = d.model_id LEFT JOIN contract k ON k.id = s.contract_id
  LEFT JOIN appliance i ON i.id = k.appliance_id
  WHERE s.id > $1 AND s.created_at >= $3 AND s.created_at < $4
  AND NOT EXISTS (SELECT 1 FROM void x WHERE x.sale_id = s.id AND x.state = 'done')
  AND NOT EXISTS (SELECT 1 FROM sale r WHERE r.replaces_id = s.id) ORDER BY s.id LIMIT $2"""
LINES_SQL = """SELECT l.id, l.provider, l.reference, l.direction, l.at, l.amount, l.payer, l.account_text, l.details,
  l.settled, l.settled_by, l.note, s.reference AS sale FROM statement_line l
  LEFT JOIN sale s ON s.id = (SELECT MIN(id) FROM sale WHERE payment_id = l.payment_id)
  WHERE l.id > $1 AND l.at >= $3 AND l.at < $4 ORDER BY l.id LIMIT $2"""
CLOSED_SQL = """SELECT id, day, subject, actor, created_at, figures FROM day_close
  WHERE id > $1 AND day >= $3 AND day <= $4 ORDER BY id LIMIT $2"""


async def _journal(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(JOURNAL_SQL, dates.utc):
        debit, credit = [figure(one, company) if one > 0 else "" for one in (row["amount"], -row["amount"])]
        times = read_moment(row["effective_at"]), read_moment(row["created_at"])
        account = row["kind"], _owner(row), row["currency"], debit, credit
        yield row["id"], row["key"], *times, *account, row["actor"], row["reason"], row["reverses"]


def _owner(row: dict[str, Any]) -> str:
    """Whose an account is, as people name it; an empty text for the company's own."""
    if row["agent"]:
        return f"{row['agent']}, {row['phone']}"
    if row["name"]:
        return f"#{row['owner']} {row['name']} {row['surname']}"
    if row["kind"] == "debt":
        return contract_number(row["owner"])
    if row["provider"]:
        return f"{row['provider']} {row['reference']}"
    return str(row["serial"] or row["who"] or row["owner"] or "")


async def _claims(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(CLAIMS_SQL, dates.utc):
        what = row["product"], row["manufacturer"], row["kind"], _payment_type(row), row["provider"]
        who = [row[name] for name in CLAIM_WHO]
        paid = figure(row["amount"], company), company.currency, read_moment(row["created_at"])
        contract = contract_number(row["contract_id"]) if row["contract_id"] else ""
        yield row["serial"], *who, *what, *paid, contract, row["reference"], row["payment"]


def _payment_type(row: dict[str, Any]) -> str:
    """How the product is paid: at once, by instalments, as a service by the day, or as it is used."""
    if row["terms"]:
        return (
            "down payment" if str(row["key"]).startswith("down payment ") and row["terms"] != "cash" else row["terms"]
        )
    return "energy" if row["unit"] == Unit.ENERGY else "days"


async def _lines(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    async for row in pages(LINES_SQL, dates.utc):
        said = row["provider"], row["reference"], row["direction"], read_moment(row["at"])
        texts = row["payer"], row["account_text"], row["details"]
        settled = row["settled"], row["settled_by"], row["note"], row["sale"]
        yield *said, figure(row["amount"], company), *texts, *settled


async def _closed(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
    """A row for each figure of each day: an agent's, a provider's, or one of a kind of account."""
    async for row in pages(CLOSED_SQL, dates.days):
        who = read_day(row["day"]), row["subject"] or "all", row["actor"], read_moment(row["created_at"])
        for name, value in json.loads(row["figures"]).items():
            of_kind = [(f"{name}, {part}", one) for part, one in value.items()] if isinstance(value, dict) else []
            for figure_of, minor in of_kind or [(name, value)]:
                yield *who, figure_of, figure(minor, company)


JOURNAL = HistoryKind(
    columns=(
        *("entry", "key", "effective", "posted", "account", "owner", "currency", "debit", "credit"),
        *("actor", "reason", "reverses"),
    ),
    rows=_journal,
)
CLAIMS = HistoryKind(
    columns=(
        *("serial", *CLAIM_WHO),
        *("product", "manufacturer", "kind", "payment_type", "paid_by", "amount", "currency", "date"),
        *("contract", "reference", "payment"),
    ),
    rows=_claims,
)
STATEMENT_LINES = HistoryKind(
    columns=(
        *("provider", "reference", "direction", "time", "amount", "payer", "account", "details"),
        *("settled", "by", "note", "sale"),
    ),
    rows=_lines,
)
CLOSED_DAYS = HistoryKind(columns=("day", "subject", "by", "closed", "figure", "amount"), rows=_closed)
