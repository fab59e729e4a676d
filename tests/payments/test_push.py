"""A push goes out after the commit, the customer pays, and what comes back is booked once: a whole server, and an
emulator of Daraja, both real ones on loopback."""

import pytest

from tests.world.people import PEOPLE
from tests.world.pushes import asked, becomes, payments, selling

pytestmark = pytest.mark.everyday_on_sqlite


async def test_a_customer_is_asked_and_pays(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        await asked(at)
        [push] = await daraja.wait_for(1)
        assert (push.phone, push.amount) == (PEOPLE["Baraka"][1:], 5_000)
        await becomes(at, "asked")
        receipt = await daraja.pay(push)
        request = await becomes(at, "paid")
        assert await payments(at) == [(receipt, 5_000_00)]
        [payment] = await at.rows("SELECT id, payer_phone FROM payment WHERE provider = 'daraja'")
        assert request["payment_id"] == payment["id"] and payment["payer_phone"] == PEOPLE["Baraka"]
