"""What must hold of the books of the demo world, whatever happened."""

from collections.abc import Sequence
from typing import Any

from tortoise.transactions import in_transaction

from bot.server import Server
from models.money.ledger import AccountKind, Posting, balance, post
from models.sql import connection, execute
from tests.world.people import PEOPLE

LIMITS = {"Asha": 20_000_000, "Juma": 5_000_000}  # minor units, as in the demo world
FIRST_COUNTS = {"SHS0283": 1, "EB100042": 10, "04123456784": 0}
DEVICES = tuple(FIRST_COUNTS)


async def rows(mwanga: Server, statement: str, *values: object) -> list[dict[str, Any]]:
    return await execute(mwanga.database.client, statement, values)


async def book(key: str, *postings: Posting) -> None:
    """An entry in a transaction of its own, for a test that needs money to be somewhere."""
    async with in_transaction():
        await post(key, postings, actor="test")


async def owe_instalments() -> None:
    """Book what the instalments of each contract say is owed, for a test that wrote them by hand."""
    owed = "SELECT contract_id, SUM(amount - paid) AS sum FROM instalment GROUP BY contract_id"
    for row in await execute(connection(), owed):
        contract = int(row["contract_id"])
        if more := int(row["sum"]) - await balance(AccountKind.DEBT, contract):
            lines = Posting(AccountKind.DEBT, contract, more), Posting(AccountKind.GOODS, 0, -more)
            await book(f"owed on contract {contract}", *lines)


async def check_money(mwanga: Server) -> int:
    """Everything that must hold of the books at any moment. Returns the number of sales."""
    await check_ledger(mwanga)
    sales = await rows(
        mwanga,
        "SELECT s.id, s.key, s.reference, s.amount, s.commission, s.units, a.phone AS agent, p.reference AS paid_for, "
        "p.amount AS paid, t.count, t.id AS token_id, d.serial, d.count AS last_count FROM sale s "
        "JOIN agent a ON a.id = s.agent_id LEFT JOIN payment p ON p.id = s.payment_id "
        "LEFT JOIN token t ON t.sale_id = s.id LEFT JOIN device d ON d.id = s.device_id ORDER BY s.id",
    )
    for sale in sales:
        assert (sale["paid_for"], sale["paid"]) == (sale["key"], sale["amount"])
        assert sale["commission"] * 10 == sale["amount"]
        assert (sale["token_id"] is None) == (sale["serial"] is None)
    for table, count in (("payment", len(sales)), ("token", sum(sale["serial"] is not None for sale in sales))):
        assert (await rows(mwanga, f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"] == count
    keys = [key for sale in sales for key in (f"sale {sale['id']} payment", f"sale {sale['id']} commission")]
    assert sorted(keys) == sorted(
        row["key"] for row in await rows(mwanga, "SELECT key FROM entry WHERE key LIKE 'sale %'")
    )
    check_counts(sales)
    await check_cash(mwanga, sales)
    await check_texts(mwanga, sales)
    return len(sales)


async def check_ledger(mwanga: Server) -> None:
    """Each entry adds up to nothing, and what is kept of sums is the sum."""
    assert not await rows(mwanga, "SELECT entry_id FROM line GROUP BY entry_id HAVING SUM(amount) <> 0")
    assert not await rows(mwanga, "SELECT id FROM entry WHERE id NOT IN (SELECT entry_id FROM line)")
    assert not await rows(
        mwanga,
        "SELECT a.id FROM account a LEFT JOIN line l ON l.account_id = a.id "
        "GROUP BY a.id, a.balance HAVING a.balance <> COALESCE(SUM(l.amount), 0)",
    )
    assert not await rows(
        mwanga,
        "SELECT i.contract_id FROM instalment i JOIN account a ON a.kind = 'debt' AND a.owner = i.contract_id "
        "GROUP BY i.contract_id, a.balance HAVING a.balance <> SUM(i.amount - i.paid)",
    )
    assert not await rows(
        mwanga,
        "SELECT i.id FROM instalment i LEFT JOIN allocation a ON a.instalment_id = i.id "
        "GROUP BY i.id, i.paid HAVING i.paid <> COALESCE(SUM(a.amount), 0)",
    )

    # A customer's credit is what the newest sale left, unless something else moved it.
    assert not await rows(
        mwanga,
        "SELECT s.id FROM sale s LEFT JOIN account a ON a.kind = 'credit' AND a.owner = s.customer_id "
        "WHERE s.id = (SELECT MAX(m.id) FROM sale m WHERE m.customer_id = s.customer_id) "
        "AND s.credit_after <> -COALESCE(a.balance, 0) AND NOT EXISTS (SELECT 1 FROM line l "
        "JOIN entry e ON e.id = l.entry_id WHERE l.account_id = a.id AND e.key NOT LIKE 'sale % payment')",
    )


def check_counts(sales: Sequence[dict[str, Any]]) -> None:
    """Each device's counts only rise, in the order in which its tokens were made, and the last is remembered."""
    for serial, first in FIRST_COUNTS.items():
        tokens = sorted((sale["token_id"], sale["count"]) for sale in sales if sale["serial"] == serial)
        counts = [first, *(count for _, count in tokens)]
        assert counts == sorted(set(counts))
        assert {sale["last_count"] for sale in sales if sale["serial"] == serial} <= {counts[-1]}


async def check_cash(mwanga: Server, sales: Sequence[dict[str, Any]]) -> None:
    for name, limit in LIMITS.items():
        amounts = [sale["amount"] for sale in sales if sale["agent"] == PEOPLE[name]]
        (account,) = await rows(
            mwanga,
            "SELECT COALESCE(SUM(CASE kind WHEN 'cash' THEN balance ELSE 0 END), 0) AS held, "
            "COALESCE(SUM(CASE kind WHEN 'commission' THEN balance ELSE 0 END), 0) AS due FROM account "
            "WHERE owner = (SELECT id FROM agent WHERE phone = $1)",
            PEOPLE[name],
        )
        assert account["held"] == sum(amounts) <= limit
        assert -account["due"] * 10 == sum(amounts)


async def check_texts(mwanga: Server, sales: Sequence[dict[str, Any]]) -> None:
    """Every sale was told to its owner once and to its seller at least once; nothing else was called sold."""
    texts = await rows(mwanga, "SELECT phone, text FROM outbox WHERE kind = 'token'")
    for sale in sales:
        told = [row["phone"] for row in texts if f" {sale['reference']}." in row["text"].replace("\n", " ")]
        owners = [phone for phone in told if phone != sale["agent"]]
        assert sale["agent"] in told
        assert len(owners) == 1
    told_sold = [row["text"] for row in texts if row["text"].startswith(("SOLD", "IMEUZWA"))]
    assert all(any(f" {sale['reference']}." in text for sale in sales) for text in told_sold)
