"""What agents earn: on the money of each payment, and on an appliance as its price is paid."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from models.money.ledger import AccountKind, Entry, NewEntry, Posting, post
from models.people import Agent
from models.selling.catalogue import Terms
from models.selling.contracts import Contract
from models.selling.sales import Sale
from models.sql import IdOf, connection, execute, marks

# Paid is what is not owed any more; on a service, which is never owed, what the days cost so far.
EARNING = """SELECT c.id, c.agent_id, c.terms, c.price, c.commission, c.earned,
  (SELECT COALESCE(SUM(i.amount - i.paid), 0) FROM instalment i WHERE i.contract_id = c.id) AS owed,
  (SELECT COALESCE(SUM(s.amount), 0) FROM sale s WHERE s.contract_id = c.id AND NOT EXISTS
    (SELECT 1 FROM void v WHERE v.sale_id = s.id AND v.state = 'done')) AS paid
  FROM contract c WHERE c.id IN ({}) AND c.commission > 0 ORDER BY c.id"""
# What the seller of a sale `s` earned by it, in minor units, as the agent was told: on the payment, and on appliances
# as far as it paid their prices. What was taken back since counts all the same.
EARNED_BY_SALE = """s.commission + (SELECT COALESCE(-SUM(l.amount), 0) FROM entry e JOIN line l ON l.entry_id = e.id
  JOIN account a ON a.id = l.account_id AND a.kind = 'commission' AND a.owner = s.agent_id
  WHERE e.key IN ('sale ' || s.id || ' goods commission',
    CASE WHEN s.key LIKE 'down payment %' THEN 'contract ' || s.contract_id || ' commission' END))"""


def commission_on(sale: IdOf, commission: int, agent: Agent | None) -> list[NewEntry]:
    """The entry by which the agent is owed the commission (minor units) on the payment of a sale; none where there is
    nothing to owe."""
    if agent is None or not commission:
        return []
    return [NewEntry(key=sale.within("sale {} commission"), postings=_owed({agent.id: commission}), actor=agent.phone)]


def _owed(earned: dict[int, int]) -> list[Posting]:
    """So much to each agent; below 0 it is taken back."""
    lines = [Posting(AccountKind.COMMISSION, agent, -amount) for agent, amount in sorted(earned.items()) if amount]
    return [Posting(AccountKind.COMMISSION_COST, 0, sum(earned.values())), *lines]


def _earned_by_now(row: dict[str, Any]) -> int:
    """Of the commission on a price, what the part of it that is paid earned."""
    paid = int(row["paid"]) if row["terms"] == Terms.SERVICE else int(row["price"]) - int(row["owed"])
    paid = max(min(paid, int(row["price"])), 0)
    return int(row["commission"]) * paid // int(row["price"]) if row["price"] else int(row["commission"])


async def earn_on_goods(sale: Sale, contracts: Collection[int], actor: str) -> bool:
    """Owe the agents who sold these appliances what this payment on them earns, after it was allocated. Whether it
    earns anything."""
    rows = [row for row in await _earning(contracts) if _earned_by_now(row) > row["earned"]]
    await _move(f"sale {sale.id} goods commission", rows, actor)
    return bool(rows)


async def _earning(contracts: Collection[int]) -> list[dict[str, Any]]:
    return await execute(connection(), EARNING.format(marks(len(contracts))), sorted(contracts)) if contracts else []


async def _move(key: str, rows: Sequence[dict[str, Any]], actor: str, *, reason: str = "") -> None:
    """Write what is earned by now on each of these contracts, and owe the difference."""
    earned: Counter[int] = Counter()
    for row in rows:
        by_now = _earned_by_now(row)
        earned[int(row["agent_id"])] += by_now - int(row["earned"])
        await execute(connection(), "UPDATE contract SET earned = $2 WHERE id = $1", [row["id"], by_now])
    if any(earned.values()):
        await post(key, _owed(earned), actor=actor, reason=reason)


async def earn_at_signing(contract: Contract, actor: str) -> None:
    """Owe the whole commission on an appliance at once, whatever is paid of its price."""
    if contract.commission and contract.agent_id:
        await post(f"contract {contract.id} commission", _owed({contract.agent_id: contract.commission}), actor=actor)
        await execute(connection(), "UPDATE contract SET earned = commission WHERE id = $1", [contract.id])


async def claw_back(sale: Sale, actor: str) -> None:
    """Take back what a sale earned that is void now: the seller's commission on the payment, and that on appliances,
    as far as their prices are not paid any more. Call it after the allocations of the sale were taken back; once. What
    was paid out already is owed to the company: the agent's commission due falls below nothing."""
    reason = f"sale {sale.reference} void"
    if sale.commission and sale.agent_id:
        await post(f"sale {sale.id} claw-back", _owed({sale.agent_id: -sale.commission}), actor=actor, reason=reason)
    if await Entry.exists(key=f"sale {sale.id} goods commission"):
        rows = [row for row in await _earning(await _contracts_paid_by(sale)) if _earned_by_now(row) < row["earned"]]
        await _move(f"sale {sale.id} goods claw-back", rows, actor, reason=reason)


async def _contracts_paid_by(sale: Sale) -> set[int]:
    rows = await execute(
        connection(),
        "SELECT DISTINCT i.contract_id FROM allocation a JOIN instalment i ON i.id = a.instalment_id "
        "WHERE a.sale_id = $1",
        [sale.id],
    )
    return {int(row["contract_id"]) for row in rows} | ({sale.contract_id} if sale.contract_id else set())
