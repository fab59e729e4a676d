"""The whole purchase: a customer texts BUY, her phone rings, she pays, and the code comes by SMS; and the whole top-up
of an agent's wallet. Real servers on loopback on all sides."""

import pytest

from models.devices import Device
from models.devices.keys import open_key, seal_key
from tests.world.people import PEOPLE
from tests.world.pushes import SERIAL, PushClock, alerts, becomes, payments, selling, settled
from tests.world.server import Serving

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
        await registered(at)
        baraka = PEOPLE["Baraka"]
        assert await daraja.pay_bill("shs 0283", "5000.00", phone=baraka[1:]) == "0"
        assert "5,000" in await at.emulator.read(baraka)
        assert await daraja.pay_bill("SHS9999", "5000.00", phone=baraka[1:]) == "C2B00012"
        assert await daraja.pay_bill("SHS0283", "1.00", phone=baraka[1:]) == "C2B00013"


@pytest.mark.parametrize("first", ["push", "confirmation"])
async def test_an_agent_fills_her_wallet_by_text(demo_url: str, first: str) -> None:
    """The callback of a push names no account, and a confirmation no whole phone: of the same money either may be the
    first."""
    async with selling(demo_url) as (at, daraja):
        await registered(at)
        asha, wallet = PEOPLE["Asha"], await prepaid(at)
        assert await at.emulator.sms(asha, "WALLET 50000") == 200
        assert "M-Pesa PIN" in await at.emulator.read(asha)
        [push] = await daraja.wait_for(1)
        assert (push.phone, push.amount, push.fields["AccountReference"]) == (asha[1:], 50_000, wallet)
        await becomes(at, "asked")
        receipt = daraja.new_receipt()

        async def pay() -> None:
            await daraja.pay(push, receipt)

        async def confirm() -> None:
            assert await daraja.pay_bill(wallet, "50000.00", receipt=receipt) == "0"

        for step in [pay, confirm, pay] if first == "push" else [confirm, pay, confirm]:
            await step()
            await settled(at)
        told = await at.emulator.read(asha)
        assert told.startswith("TOPPED UP TZS 50,000. Wallet before 0, now 50,000."), told
        await becomes(at, "paid")
        assert await payments(at) == [(receipt, 50_000_00)] and await in_wallets(at) == [(wallet, 50_000_00)]
        assert await told_of_money(at, asha) == [told]
        assert await at.rows("SELECT 1 FROM sale UNION ALL SELECT 1 FROM suspense") == []


async def test_a_wallet_that_is_filled_by_a_confirmation_waits_for_no_receipt(
    demo_url: str, push_clock: PushClock
) -> None:
    async with selling(demo_url) as (at, daraja):
        await registered(at)
        asha, wallet = PEOPLE["Asha"], await prepaid(at)
        assert await at.emulator.sms(asha, "WALLET 50000") == 200
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        assert await daraja.pay_bill(wallet, "50000.00") == "0"
        await settled(at)
        push.result = "0"  # its callback never comes
        push_clock.forward(181)
        at.mwanga.payments.notify()
        await becomes(at, "paid")
        assert await in_wallets(at) == [(wallet, 50_000_00)] and await alerts(at) == []


@pytest.mark.parametrize("phone", ["2547 ***** 126", PEOPLE["Baraka"]], ids=["masked", "whole"])
async def test_a_push_for_a_serial_that_is_longer_than_a_phone_shows_is_validated_and_bought(
    demo_url: str, phone: str
) -> None:
    """Daraja takes twelve characters of an account, and tells and asks us of those."""
    async with selling(demo_url) as (at, daraja):
        await registered(at)
        baraka = PEOPLE["Baraka"]
        await name_anew(at, "SOLARHOME20260283")
        assert await at.emulator.sms(baraka, "BUY 5000") == 200
        [push] = await daraja.wait_for(1)
        await becomes(at, "asked")
        shown = push.fields["AccountReference"]
        assert shown == "SOLARHOME202"
        assert await daraja.pay_bill(shown, "6000.00") == "C2B00012"
        assert await daraja.pay_bill(shown[:11], "5000.00") == "C2B00012"
        assert await daraja.pay_bill(shown, "5000.00", receipt="UKS0000009", phone=phone) == "0"
        await settled(at)
        await daraja.pay(push, "UKS0000009")
        await becomes(at, "paid")
        assert len(await at.rows("SELECT 1 FROM sale")) == 1 and await alerts(at) == []
        assert await at.rows("SELECT 1 FROM suspense") == []


async def test_money_for_a_serial_that_nobody_has_is_booked_and_waits(demo_url: str) -> None:
    """Where the pay bill asks nobody before, what is confirmed was paid."""
    async with selling(demo_url) as (at, daraja):
        await registered(at)
        baraka, door = PEOPLE["Baraka"], daraja.registered["ConfirmationURL"]
        said = daraja.confirmed("SHS9999", "5000.00", "UKS0000077", baraka[1:])
        for _again in range(2):
            assert await daraja.post(door, said) == 200
            await settled(at)
        told = await at.emulator.read(baraka)
        assert told == "We have your TZS 5,000 (ref UKS0000077). The office finds where it belongs."
        assert await payments(at) == [("UKS0000077", 5_000_00)] and await told_of_money(at, baraka) == [told]
        [waits] = await at.rows(
            "SELECT s.why, s.closed_at, -a.balance AS there FROM suspense s"
            " JOIN account a ON a.kind = 'unapplied' AND a.owner = s.payment_id"
        )
        assert waits == {"why": "nobody", "closed_at": None, "there": 5_000_00}
        assert await at.rows("SELECT 1 FROM sale") == []


async def name_anew(at: Serving, serial: str) -> None:
    """The device that Baraka has goes by this serial."""
    async with at.mwanga.database.work():
        device, vault = await Device.get(serial=SERIAL), at.mwanga.company.vault
        sealed = seal_key(serial, open_key(device, vault), vault)
        await Device.filter(id=device.id).update(serial=serial, sealed_key=sealed)


async def registered(at: Serving) -> None:
    """Daraja knows where we confirm payments."""
    await at.mwanga.payments.providers["daraja"].register()  # type: ignore[attr-defined]


async def prepaid(at: Serving) -> str:
    """Asha sells from a wallet: what it goes by."""
    [row] = await at.rows("UPDATE agent SET prepaid = $1 WHERE phone = $2 RETURNING id", [True, PEOPLE["Asha"]])
    return f"W{row['id']}"


async def in_wallets(at: Serving) -> list[tuple[str, int]]:
    rows = await at.rows("SELECT owner, -balance AS there FROM account WHERE kind = 'wallet'")
    return [(f"W{row['owner']}", row["there"]) for row in rows]


async def told_of_money(at: Serving, phone: str) -> list[str]:
    """What this phone was told of money that came, sent or not."""
    rows = await at.rows("SELECT text FROM outbox WHERE phone = $1 ORDER BY id", [phone])
    return [row["text"] for row in rows if row["text"].startswith(("TOPPED UP", "We have"))]
