"""The whole purchase: a customer texts BUY, her phone rings, she pays, and the code comes by SMS. Real servers on
loopback on all sides."""

import pytest

from tests.world.people import PEOPLE
from tests.world.pushes import becomes, payments, selling

pytestmark = pytest.mark.everyday_on_sqlite


async def test_a_customer_buys_by_text_and_gets_her_code(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        baraka = PEOPLE["Baraka"]
        assert await at.emulator.sms(baraka, "BUY 5000") == 200
        asked = await at.emulator.read(baraka)
        if asked.endswith("?"):  # it is asked back before a phone rings
            await at.emulator.sms(baraka, "1")
            asked = await at.emulator.read(baraka)
        assert "M-Pesa PIN" in asked
        [push] = await daraja.wait_for(1)
        assert (push.phone, push.amount, push.fields["AccountReference"]) == (baraka[1:], 5_000, "SHS0283")
        await becomes(at, "asked")
        receipt = await daraja.pay(push)
        code = await at.emulator.read(baraka)
        [token] = await at.rows("SELECT digits FROM token ORDER BY id DESC LIMIT 1")
        assert token["digits"] in code.replace(" ", ""), code
        assert await payments(at) == [(receipt, 5_000_00)]


async def test_a_customer_pays_to_the_pay_bill_without_a_text_to_us(demo_url: str) -> None:
    async with selling(demo_url) as (at, daraja):
        provider = at.mwanga.payments.providers["daraja"]
        await provider.register()  # type: ignore[attr-defined]
        baraka = PEOPLE["Baraka"]
        assert await daraja.pay_bill("shs 0283", "5000.00", phone=baraka[1:]) == "0"
        assert "5,000" in await at.emulator.read(baraka)
        assert await daraja.pay_bill("SHS9999", "5000.00", phone=baraka[1:]) == "C2B00012"
        assert await daraja.pay_bill("SHS0283", "1.00", phone=baraka[1:]) == "C2B00013"
