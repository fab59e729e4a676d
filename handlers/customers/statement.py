"""All that one customer paid, what it bought, and what is left: to be read to the customer, or as a file."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bot.company import Company
from bot.text.controls import without_controls
from handlers.exchange import HistoryKind
from handlers.exchange.cells import figure
from handlers.exchange.dates import ALWAYS, Dates
from handlers.wording import access_owed, bought, owing
from models.devices import devices_of
from models.money.ledger import AccountKind, balance
from models.money.payments import IN_CASH
from models.people import Customer
from models.selling import contracts_of, total_left
from models.selling.contracts import contract_number, dues_by_contract
from models.sql import connection, execute, read_moment

SALES = """SELECT s.id, s.created_at AS at, s.reference, s.amount, s.unit, s.units, s.recovered, s.access, s.owed,
  s.credit_before, s.credit_after, s.contract_id, d.serial, i.name AS item, p.provider, p.reference AS payment,
  a.name AS agent, (SELECT COUNT(*) FROM void v WHERE v.sale_id = s.id AND v.state = 'done') AS taken_back,
  (SELECT COUNT(*) FROM sale r WHERE r.replaces_id = s.id) AS moved
  FROM sale s JOIN payment p ON p.id = s.payment_id LEFT JOIN agent a ON a.id = s.agent_id
  LEFT JOIN device d ON d.id = s.device_id LEFT JOIN contract k ON k.id = s.contract_id
  LEFT JOIN appliance i ON i.id = k.appliance_id
  WHERE s.customer_id = $1 AND s.created_at >= $2 AND s.created_at < $3 ORDER BY s.id"""
# Money that came from the customer's own phone and is for nothing yet.
WAITING = """SELECT p.paid_at AS at, p.provider, p.reference, -a.balance AS amount, p.account_text FROM payment p
  JOIN account a ON a.kind = 'unapplied' AND a.owner = p.id AND a.balance <> 0
  WHERE p.payer_phone = $1 ORDER BY p.id"""
COLUMNS = (
    *("time", "reference", "amount", "paid_by", "payment", "agent", "serial", "contract", "item", "unit", "units"),
    *("overdue_goods", "access_rate", "credit_used", "credit_after", "owed_after", "taken_back"),
)


def statement_kind(customer: Customer) -> HistoryKind:
    """The statement of one customer as a file: a row for each payment."""

    async def rows(company: Company, dates: Dates) -> AsyncIterator[Sequence[object]]:
        for row in await _sales(customer, dates):
            money = ("recovered", "access", "credit_before", "credit_after", "owed")
            units = f"{row['units'] // 10}.{row['units'] % 10}" if row["unit"] == "energy" else row["units"]
            who = row["provider"], "" if row["provider"] in IN_CASH else row["payment"], row["agent"]
            what = row["serial"], _contract(row), row["item"], row["unit"], units
            figures = [figure(row[name], company) for name in money]
            taken_back = "yes" if row["taken_back"] else "moved" if row["moved"] else "no"
            yield row["at"], row["reference"], figure(row["amount"], company), *who, *what, *figures, taken_back

    return HistoryKind(columns=COLUMNS, rows=rows)


async def statement_lines(customer: Customer, company: Company, dates: Dates = ALWAYS) -> list[str]:
    """The same to be read, a payment a line, with what waits, what is left as credit and what is owed."""
    sales = await _sales(customer, dates)
    lines = [f"#{customer.id} {customer.name} {customer.surname}, {customer.phone or 'no phone'}"]
    lines += [_line(row, company) for row in sales]
    kept = [row for row in sales if not row["taken_back"] and not row["moved"]]  # that money was somebody else's
    total = company.money(sum(row["amount"] for row in kept))
    lines.append(f"{len(kept)} payments, {total}." if len(kept) != 1 else f"1 payment, {total}.")
    lines += await _left(customer, company)
    return [without_controls(line) for line in lines]


async def _sales(customer: Customer, dates: Dates) -> list[dict[str, Any]]:
    rows = await execute(connection(), SALES, [customer.id, *dates.utc])
    return [row | {"at": read_moment(row["at"])} for row in rows]


def _line(row: dict[str, Any], company: Company) -> str:
    """One payment: when, how much, by whom or what, what for, and what is left then."""
    in_cash = row["provider"] in IN_CASH
    by = f"cash, {row['agent'] or 'the office'}" if in_cash else f"{row['provider']} {row['payment']}"
    what = " ".join(filter(None, (row["serial"] or _contract(row), row["item"])))
    got = [bought(row["unit"], row["units"], company).to("en")] if row["units"] else []
    got += ["unlocked"] if row["unit"] == "unlock" else []
    for name, column in (("overdue goods", "recovered"), ("access rate", "access"), ("credit", "credit_after")):
        got += [f"{name} {company.number(row[column])}"] if row[column] else []
    got += [f"left to pay {company.number(row['owed'])}"] if row["owed"] else []
    facts = f"{row['at'].astimezone(company.zone):%Y-%m-%d %H:%M} {company.number(row['amount'])} ({by}) for {what}"
    back = " TAKEN BACK" if row["taken_back"] else " MOVED TO ANOTHER DEVICE" if row["moved"] else ""
    return f"{facts}{': ' if got else ''}{', '.join(got)}, ref {row['reference']}{back}"


def _contract(row: dict[str, Any]) -> str:
    return contract_number(row["contract_id"]) if row["contract_id"] else ""


async def _left(customer: Customer, company: Company) -> list[str]:
    """What waits at the office, the credit, and what is owed: on each contract, of the access rate, and for power that
    somebody else had paid."""
    lines = []
    for row in await execute(connection(), WAITING, [customer.phone]) if customer.phone else []:
        paid = company.money(int(row["amount"]))
        lines.append(f"{paid} ({row['provider']} {row['reference']}) waits until the office knows what it is for.")
    if credit := -await balance(AccountKind.CREDIT, customer.id):
        lines.append(f"Credit: {company.money(credit)}.")
    contracts = await contracts_of([customer])
    dues = await dues_by_contract(contracts)
    for contract in contracts:
        if owed := dues[contract.id]:
            left = owing(total_left(owed), owed, company).to("en")
            lines.append(f"{contract.number} {contract.appliance.name}: {left}.")
    for device in await devices_of([customer]):
        lines += [f"{device.serial}: {text.to('en')}" for text in await access_owed(device, company)]
    if claim := await balance(AccountKind.CLAIM, customer.id):
        lines.append(f"{company.money(claim)} is owed for power that somebody else had paid.")
    return lines
