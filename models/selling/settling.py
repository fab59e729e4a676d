"""Debts that a payment settles: its parts go to instalments, and a contract whose last one is paid has ended."""

from collections.abc import Collection
from datetime import date

from models.messages import withdrawal
from models.selling.catalogue import Terms
from models.selling.instalments import Part
from models.selling.quotes import Quote
from models.selling.sales import Sale
from models.sql import connection, execute, execute_many


async def settle(offer: Quote, sale: Sale) -> set[int]:
    """Pay the instalments; the contracts that the payment is for."""
    await _settle_instalments(sale, offer.parts)
    paid = {part.due.contract_id for part in offer.parts}
    await withdrawal.withdraw_reminders(paid)
    at = offer.standing
    if at.contract is None:
        await _end_paid_up(paid, at.today)
    elif at.contract.terms != Terms.SERVICE and offer.owed == 0:
        ended = "UPDATE contract SET ended_on = $2 WHERE id = $1"
        await execute(connection(), ended, [at.contract.id, at.today])
    return paid | ({at.contract.id} if at.contract else set())


async def _settle_instalments(sale: Sale, parts: tuple[Part, ...]) -> None:
    rows = [(sale.id, part.due.id, part.amount) for part in parts]
    statement = "INSERT INTO allocation (sale_id, instalment_id, amount) VALUES ($1, $2, $3)"
    await execute_many(connection(), statement, rows)


async def _end_paid_up(contracts: Collection[int], today: date) -> None:
    """Goods that a meter's payment has paid off."""
    for contract in sorted(contracts):
        await execute(
            connection(),
            "UPDATE contract SET ended_on = $2 WHERE id = $1 AND NOT EXISTS "
            "(SELECT 1 FROM instalment WHERE contract_id = $1 AND paid < amount)",
            [contract, today],
        )
