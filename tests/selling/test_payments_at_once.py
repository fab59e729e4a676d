"""A provider tells of a payment again while the office decides about it, on two servers of one PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest

from bot.server import Server
from handlers.selling.received import book_payment
from models.devices import Device
from models.money.ledger import AccountKind, balance
from models.money.payments import Payment
from models.money.receiving import Incoming, Source
from models.people import Customer
from models.selling import applying, requests
from models.selling.requests import PaymentRequest, RequestState, Wanted
from models.selling.sales import Sale
from tests.world.money_life import Life

WAITS = """SELECT COUNT(*) FROM pg_stat_activity
  WHERE wait_event_type = 'Lock' AND datname = current_database()"""
TEXT = Incoming(
    source=Source.TEXT,
    provider="daraja",
    reference="RKL51ZDR4F",
    amount=5_000_00,
    paid_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
)


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def ask_and_hear(at: Server) -> None:
    """Baraka's phone is asked to pay; a gateway phone tells of the money, and nobody knows what it is for."""
    device = await Device.get(serial="SHS0283")
    wanted = Wanted(
        provider="daraja",
        phone="+255710000002",
        language="en",
        amount=5_000_00,
        account=device.serial,
        customer_id=device.customer_id,
        device_id=device.id,
    )
    await requests.ask_to_pay(wanted, key="asked")
    await book_payment(TEXT, at.company)


async def test_a_callback_that_comes_while_the_office_gives_the_money_away_sells_nothing(demo_url: str) -> None:
    life, decided, go_on = Life(), asyncio.Event(), asyncio.Event()

    async def give_away(at: Server) -> None:
        payment = await Payment.get(reference="RKL51ZDR4F")
        how = {"today": at.company.today(), "coin": at.company.coin, "vault": at.company.vault}
        await applying.assign(payment.id, await Customer.get(phone="+255710000002"), actor="rehema", key="given", **how)  # type: ignore[arg-type]
        decided.set()
        await go_on.wait()

    async def hear(at: Server) -> None:
        said = replace(TEXT, source=Source.CALLBACK)
        await book_payment(said, at.company, await PaymentRequest.get())

    await life.begin(demo_url, beside=True)
    watch = await asyncpg.connect(demo_url.removesuffix("&maxsize=6"))
    try:
        await life.do(ask_and_hear)
        async with asyncio.timeout(60):
            giving = asyncio.create_task(life.do(give_away))
            await decided.wait()
            hearing = asyncio.create_task(life.do(hear, server=1))
            while not hearing.done() and not await watch.fetchval(WAITS):
                await asyncio.sleep(0)
            go_on.set()
            await asyncio.gather(giving, hearing)
        async with life.servers[0].database.work():
            payment = await Payment.get(reference="RKL51ZDR4F")
            assert await Sale.all().count() == 0 and await balance(AccountKind.UNAPPLIED, payment.id) == 0
            assert (await PaymentRequest.get()).state == RequestState.PAID
    finally:
        await watch.close()
        await life.end()
