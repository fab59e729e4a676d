"""What one token of a device can carry, and how many it takes: said before any money is taken."""

from datetime import UTC, datetime

import pytest

from bot.server import Server
from models.devices import Device
from models.devices.keys import open_key, seal_key
from models.people import Agent
from models.selling import Contract, PaymentPlan, Sale
from models.tokens.sts import MAX_LEAD_MINUTES, minutes_to_wait, next_tid
from tests.world.books import check_ledger
from tests.world.people import PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite

YES = f"1 {PINS['Asha']}"


@pytest.fixture
async def phones(mwanga: Server) -> Phones:
    await Agent.all().update(cash_limit=2_000_000_00)
    return Phones(mwanga)


async def divided(mwanga: Server, serial: str, divider: int) -> None:
    """The device counts time in parts of a day: one token carries fewer days."""
    device = await Device.get(serial=serial)
    purpose = f"device {serial}"
    key = mwanga.company.vault.open_json(device.sealed_key, purpose) | {"divider": divider}
    await Device.filter(id=device.id).update(sealed_key=mwanga.company.vault.seal_json(key, purpose))


async def said(phones: Phones, text: str) -> str:
    return dict(await phones.text("Asha", text))["Asha"]


@pytest.mark.parametrize(
    ("serial", "divider", "too_much", "most", "limit"),
    [
        ("SHS0283", 4, 248_001, 248_000, "248 days at most: up to TZS 248,000."),
        ("EB100042", 24, 82_001, 82_000, "41 days at most: up to TZS 82,000."),
    ],
)
async def test_a_device_that_counts_in_parts_of_a_day_is_sold_fewer_days_at_once(
    serial: str, divider: int, too_much: int, most: int, limit: str, mwanga: Server, phones: Phones
) -> None:
    await divided(mwanga, serial, divider)
    assert await said(phones, f"BUY {serial} {too_much}") == f"Not sold. One token carries {limit}"
    await said(phones, f"BUY {serial} {most}")
    assert (await said(phones, YES)).startswith(f"SOLD TZS {most:,}, ")
    await check_ledger(mwanga)


@pytest.mark.parametrize(
    ("least", "too_little", "sold", "left"),
    [
        # The device has ten days in a code, the office wants thirty paid at once.
        (30_000_00, 20_000, "10 days for TZS 30,000", "TZS 1,082,000 stays owed, 20,000 as credit."),
        # The coins have become larger since the plan was signed.
        (7_000_50, 7_000, "7 days for TZS 7,001", "TZS 1,085,000 stays owed, 1 as credit."),
    ],
)
async def test_the_least_payment_on_a_plan_can_be_paid(
    least: int, too_little: int, sold: str, left: str, mwanga: Server, phones: Phones
) -> None:
    await divided(mwanga, "SHS0283", 99)
    await Contract.filter(id=1).update(minimum=least)
    named = sold.rsplit(maxsplit=1)[-1]
    assert await said(phones, f"BUY SHS0283 {too_little}") == f"Not sold. The least is TZS {named}."
    asked = await said(phones, f"BUY SHS0283 {named.replace(',', '')}")
    assert asked.startswith(f"Sell {sold} to BARAKA P., SHS0283? {left} Reply 1"), asked


async def test_a_down_payment_for_more_days_than_a_token_carries_is_not_offered(mwanga: Server, phones: Phones) -> None:
    await divided(mwanga, "SHS0284", 4)
    await PaymentPlan.filter(name="156 weekly").update(down=300_000_00)
    answer = await said(phones, "SELL 1, Solar home, 0284")
    assert answer == "Not sold. Solar home is not offered like this. Call +255700000000."


async def test_a_meter_that_got_a_token_each_minute_of_the_next_hour_says_when_to_come_again(
    mwanga: Server, phones: Phones
) -> None:
    """A meter takes a token for a replay when its minute is not later than the last one's."""
    last = next_tid(datetime.now(UTC), None, 2014) + MAX_LEAD_MINUTES + 3
    await Device.filter(serial="04123456784").update(count=last)
    answer = await said(phones, "BUY 04123456784 3000")
    assert answer.startswith("Not sold. 04123456784 got too many codes just now. Try again in ")
    assert await Sale.all().count() == 0
    await check_ledger(mwanga)


def test_a_meter_rests_until_its_next_identifier_is_an_hour_ahead() -> None:
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    clock = next_tid(now, None, 2014)
    assert minutes_to_wait(now, None, 2014) == minutes_to_wait(now, clock + MAX_LEAD_MINUTES - 1, 2014) == 0
    assert minutes_to_wait(now, clock + MAX_LEAD_MINUTES, 2014) == 1
    assert next_tid(now, clock + MAX_LEAD_MINUTES - 1, 2014) == clock + MAX_LEAD_MINUTES


async def test_a_limit_is_told_in_the_question_before_pin_and_cash(mwanga: Server, phones: Phones) -> None:
    await Agent.all().update(cash_limit=5_000_00)
    for text in ("BUY SHS0283 7000", "SELL 1, Radio, cash"):
        answer = await said(phones, text)
        assert answer == "Not sold. You hold 0, your limit is 5,000. Hand in cash first, then sell. Help +255700000000"


@pytest.mark.parametrize(
    ("serial", "changed"),
    [("SHS0283", {"count": 65_534}), ("SHS0283", {"count": 65_535}), ("04123456784", {"base_year": 1993})],
)
async def test_a_device_without_tokens_left_says_so_in_the_question(
    serial: str, changed: dict[str, int], mwanga: Server, phones: Phones
) -> None:
    device = await Device.get(serial=serial)
    if "count" in changed:
        await Device.filter(id=device.id).update(**changed)
    else:
        key = seal_key(serial, {**open_key(device, mwanga.company.vault), **changed}, mwanga.company.vault)
        await Device.filter(id=device.id).update(sealed_key=key)
    answer = await said(phones, f"BUY {serial} 7000")
    assert answer == f"Not sold. {serial} can take no more codes. Call +255700000000."
    assert await Sale.all().count() == 0


async def test_a_device_at_its_last_count_is_not_sold_with_an_appliance(phones: Phones) -> None:
    await Device.filter(serial="SHS0284").update(count=65_534)
    answer = await said(phones, "SELL 1, Solar home, 0284")
    assert answer == "Not sold. SHS0284 can take no more codes. Call +255700000000."
