"""Statements that belong together: rows that point at one another, in one trip to PostgreSQL, all of them or none."""

from datetime import UTC, datetime

import pytest
from tortoise.exceptions import IntegrityError

from bot.server import Server
from models.devices import Device
from models.money.payments import Payment
from models.selling.sales import Sale, Token
from models.sql import IdOf, Steps
from tests.world.round_trips import counted

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
SALE = {
    "agent_id": 1,
    "customer_id": 2,
    "device_id": 2,
    "amount": 5,
    "unit": "days",
    "units": 1,
    "commission": 0,
    "created_at": NOW,
}
COUNT = 60_000  # more than any device of the demo has used
PAYMENT = {"provider": "cash", "amount": 5, "currency": "TZS", "paid_at": NOW, "created_at": NOW}


def of_a_sale(*, token: bool = True) -> tuple[Steps, IdOf]:
    """A payment; a sale of it whose key says both its number and what looks like a place for it; its token."""
    steps = Steps()
    paid = steps.add("payment", reference="{}", **PAYMENT)
    steps.change("device", 2, count=COUNT, access_due=5)
    sold = steps.add("sale", key=paid.within("of payment {}"), reference="RRRRR", payment_id=paid, **SALE)
    digits = "123 456 789" if token else None
    steps.add("token", sale_id=sold, device_id=2, count=7, digits=digits, created_at=NOW)
    return steps, sold


async def test_a_row_points_at_one_that_an_earlier_step_added(
    mwanga: Server, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted(monkeypatch) as trips:
        async with mwanga.database.work():
            steps, sold = of_a_sale()
            await steps.run()
    [asked] = trips.with_statement("INSERT INTO sale")
    assert len(asked) - 2 == (4 if engine == "sqlite" else 1)
    payment, sale, token = await Payment.get(), await Sale.get(), await Token.get()
    assert (payment.reference, sale.id, sale.payment_id) == ("{}", steps.ids[sold], payment.id)
    assert sale.key == f"of payment {payment.id}"
    assert (token.sale_id, token.digits) == (sale.id, "123 456 789")
    device = await Device.get(id=2)
    assert (device.count, device.access_due) == (COUNT, 5)


def test_a_row_that_is_changed_twice_is_refused_before_anything_runs() -> None:
    steps = Steps()
    steps.change("device", 2, count=COUNT)
    steps.change("device", 3, count=COUNT)
    steps.change("agent", 2, language="sw")
    with pytest.raises(ValueError, match="device 2 is changed twice"):
        steps.change("device", 2, paid_until=NOW)


async def test_when_one_step_is_refused_none_was_made(mwanga: Server) -> None:
    with pytest.raises(IntegrityError):
        async with mwanga.database.work():
            steps, _sold = of_a_sale(token=False)
            await steps.run()
    assert not await Payment.exists() and not await Sale.exists()
