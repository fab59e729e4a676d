"""Statements that are read at the same time on PostgreSQL: each moves the sums of its days line by line, so one waits
for the other, whichever providers they are of, and neither ends in a deadlock."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from bot.server import Server
from handlers.exchange import Table, import_table
from handlers.exchange.statements import StatementTable
from handlers.selling.statement_lines import take_line
from models.money import reconciling
from models.money.statements import HOLD, StatementLine
from models.sql import execute

WAITS = """SELECT COUNT(*) FROM pg_stat_activity
  WHERE wait_event_type = 'Lock' AND datname = current_database()"""
FILE = b"""Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance
B1,2026-11-26 10:15:32,Organization Settlement Account to Bank,Completed,,-900.00,0.00
"""


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def read(mwanga: Server) -> None:
    place = {"database": mwanga.database, "company": mwanga.company}
    table = StatementTable.within(Table.of(FILE))
    await import_table("statement of daraja", table, "november.csv", actor="rehema", **place)


async def match(mwanga: Server) -> None:
    async with mwanga.database.work():
        await reconciling.match(actor="rehema")


async def pay_out(mwanga: Server) -> None:
    async with mwanga.database.work():
        columns = "provider, reference, direction, amount, at, payer, account_text, details, created_at"
        at = "'2026-11-26 07:15:32+00:00'"
        values = f"'momo', 'A1', 'out', 50000, {at}, '', '', '', {at}"
        await execute(mwanga.database.client, f"INSERT INTO statement_line ({columns}) VALUES ({values})")
    async with mwanga.database.work():
        await reconciling.pay_out(await StatementLine.get(reference="A1"), actor="rehema")


async def take(mwanga: Server) -> None:
    """Somebody takes a line for a payment of which nobody told."""
    async with mwanga.database.work():
        columns = "provider, reference, direction, amount, at, payer, account_text, details, created_at"
        at = "'2026-11-26 07:15:32+00:00'"
        values = f"'momo', 'A2', 'in', 50000, {at}, '', '', '', {at}"
        await execute(mwanga.database.client, f"INSERT INTO statement_line ({columns}) VALUES ({values})")
    async with mwanga.database.work():
        line = await StatementLine.get(reference="A2")
        await take_line(line, "rehema", company=mwanga.company, composer=mwanga.composer)


@pytest.mark.parametrize("does", [read, match, pay_out, take])
async def test_who_reads_matches_or_settles_payouts_waits_for_who_reads(
    does: Callable[[Server], Awaitable[None]], mwanga: Server, demo_url: str
) -> None:
    other, watch = [await asyncpg.connect(demo_url.removesuffix("&maxsize=6")) for _each in range(2)]
    try:
        async with asyncio.timeout(60):
            async with other.transaction():  # as whoever reads the statement of another provider
                await other.execute(HOLD)
                doing = asyncio.ensure_future(does(mwanga))
                while not doing.done() and not await watch.fetchval(WAITS):
                    await asyncio.sleep(0)
                assert not doing.done(), "it waits"
            await doing
    finally:
        await other.close()
        await watch.close()
    assert not await StatementLine.filter(direction="out", settled="").exists()
