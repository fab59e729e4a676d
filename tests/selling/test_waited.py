"""Payments that waited for something that passes by itself: they are applied once, when it is over, and told."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from bot.app import assembled
from bot.config import load
from bot.server import Server
from handlers.selling.received import assign, book_payment
from models.devices import Device
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, Suspense, Why
from models.people import OfficeUser
from models.selling import voids
from models.selling.sales import Sale, Token
from models.settings import switch_sales
from models.sql import execute
from tests.world.books import check_ledger
from tests.world.people import NOON, PEOPLE


async def pay(mwanga: Server, account: str, reference: str = "RKL51ZDR4F") -> Payment:
    """Neema pays 5,000 in her phone's own menu."""
    incoming = Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference=reference,
        amount=5_000_00,
        paid_at=datetime.now(UTC),
        payer_phone=PEOPLE["Neema"],
        account_text=account,
    )
    async with mwanga.database.work():
        received, told = await book_payment(incoming, mwanga.company)
        for origin, copies in told:
            await mwanga.composer.tell(origin, copies)
    return received.payment


async def switch(mwanga: Server, *, on: bool) -> None:
    async with mwanga.database.work():
        await switch_sales(on, actor="grace", reason="a test")


async def messages(mwanga: Server) -> list[tuple[str, str]]:
    rows = await execute(mwanga.database.client, "SELECT phone, text FROM outbox ORDER BY id")
    return [(row["phone"], row["text"]) for row in rows]


async def test_when_sales_are_on_again_the_customer_gets_the_code(mwanga: Server) -> None:
    await switch(mwanga, on=False)
    payment = await pay(mwanga, "SHS0283")
    before = await messages(mwanga)
    await mwanga.watch.chores()
    assert not await Sale.exists()
    await switch(mwanga, on=True)
    await mwanga.watch.chores()
    sale, token = await Sale.get(), await Token.get()
    assert (sale.payment_id, sale.amount, sale.device_id) == (payment.id, 5_000_00, token.device_id)
    assert (await Suspense.get(payment_id=payment.id)).closed_at
    told = (await messages(mwanga))[len(before) :]
    assert sorted(phone for phone, _text in told) == sorted([PEOPLE["Baraka"], PEOPLE["Neema"]])
    assert all(token.digits in text.replace(" ", "") for _phone, text in told)
    for _again in range(2):
        await mwanga.watch.chores()
    assert await Sale.all().count() == 1 and len(await messages(mwanga)) == len(before) + 2
    await check_ledger(mwanga)


async def test_who_waits_on_is_told_no_more_and_keeps_nobody_behind_from_a_turn(mwanga: Server) -> None:
    await switch(mwanga, on=False)
    await Device.filter(serial="EB100042").update(count=65_535)  # its codes are used up
    for number, account in enumerate(("EB100042", "EB100042", "SHS0283")):
        await pay(mwanga, account, f"RKL5{number}ZDR4F")
    await switch(mwanga, on=True)
    before = len(await messages(mwanga))
    for _again in range(2):
        await mwanga.watch.chores()
    assert (await Sale.get().prefetch_related("device")).device.serial == "SHS0283"
    waits = await Suspense.filter(closed_at=None)
    assert [one.why for one in waits] == [Why.ISSUER_AWAY] * 2
    assert len(await messages(mwanga)) == before + 2  # owner and payer of the one that was sold


async def office_assigned(mwanga: Server) -> None:
    """Half of it is for another device, by the office."""
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "EB100042", "grace", mwanga.company, amount=2_500_00)


async def taken_back(mwanga: Server) -> None:
    """The office assigned it, took that sale back, and sales went off before it was assigned again."""
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "EB100042", "grace", mwanga.company)
    sale = await Sale.get()
    async with mwanga.database.work():
        await voids.approve(sale, OfficeUser(name="grace"), "wrong bike", today=NOON.date())
        await voids.approve(sale, OfficeUser(name="henry"), today=NOON.date())


@pytest.mark.parametrize("office_did", [office_assigned, taken_back])
async def test_what_the_office_did_with_it_stays(
    mwanga: Server, office_did: Callable[[Server], Awaitable[None]]
) -> None:
    await switch(mwanga, on=False)
    payment = await pay(mwanga, "SHS0283")
    await switch(mwanga, on=True)
    await office_did(mwanga)
    await Suspense.filter(payment_id=payment.id).update(why=Why.SALES_OFF, closed_at=None)
    sales = await Sale.all().count()
    await mwanga.watch.chores()
    assert await Sale.all().count() == sales


async def test_what_the_office_chose_while_sales_were_off_is_not_undone(mwanga: Server) -> None:
    """The device that the payer typed gets nothing, when the office has said that it was for another."""
    await switch(mwanga, on=False)
    payment = await pay(mwanga, "SHS0283")
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "EB100042", "grace", mwanga.company)
    await switch(mwanga, on=True)
    await mwanga.watch.chores()
    assert not await Sale.exists() and (await Suspense.get(payment_id=payment.id)).closed_at is None
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "EB100042", "grace", mwanga.company)
    assert (await Sale.get().prefetch_related("device")).device.serial == "EB100042"
    await check_ledger(mwanga)


async def test_what_is_for_nobody_waits_on(mwanga: Server) -> None:
    payment = await pay(mwanga, "0712")
    await mwanga.watch.chores()
    assert (await Suspense.get(payment_id=payment.id)).closed_at is None


async def test_two_servers_apply_each_once(demo_url: str) -> None:
    async with AsyncExitStack() as stack:
        config = load(database=demo_url)
        first = await stack.enter_async_context(assembled(config, serving=False, handling=False))
        if first.database.embedded:
            pytest.skip("an embedded database has one server")
        second = await stack.enter_async_context(assembled(config, serving=False, handling=False))
        await switch(first, on=False)
        for number in range(6):
            await pay(first, ("SHS0283", "EB100042")[number % 2], f"RKL5{number}ZDR4F")
        await switch(first, on=True)
        before = len(await messages(first))
        await asyncio.gather(first.watch.chores(), second.watch.chores())
        sold = await execute(first.database.client, "SELECT payment_id FROM sale")
        assert len(sold) == len({row["payment_id"] for row in sold}) == 6
        assert len(await messages(first)) == before + 3 * 2 + 3  # the motorcycle is Neema's own
        await check_ledger(first)
