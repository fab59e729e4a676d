"""Serials with marks between letters and digits, as factories print them, in every way to write them by text."""

import pytest

from bot.server import Server
from models.devices import Device, Kind, Tariff
from tests.world.people import Phones

pytestmark = pytest.mark.everyday_on_sqlite

SECRET = {"secret": "0123456789abcdef0123456789abcdef", "starting_code": 987654321, "divider": 1}


@pytest.fixture
async def marked(mwanga: Server) -> Server:
    """AB/12_3.4-5 is Baraka's, CD/99_1 is in stock."""
    plan = await Tariff.get(name="E-bike, 2,000 a day")
    async with mwanga.database.work():
        for serial, owner in (("AB/12_3.4-5", 2), ("CD/99_1", None)):
            sealed = mwanga.company.vault.seal_json({**SECRET, "restricted_digits": False}, f"device {serial}")
            await Device.create(
                serial=serial,
                kind=Kind.SHS,
                issuer="openpaygo",
                sealed_key=sealed,
                count=1,
                tariff=plan,
                customer_id=owner,
            )
    return mwanga


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("BUY AB/12_3.4-5 2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB/12_3.4-5?"),
        ("buy ab/12_3.4-5,2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB/12_3.4-5?"),
        ("BUY/AB/12_3.4-5/2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB/12_3.4-5?"),
        ("BUY*AB/12_3.4-5*2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB/12_3.4-5?"),
        ("BUY 4-5 2000", "Not sold. 4-5 not found."),
        ("BUY 3.4-5 2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB/12_3.4-5?"),
        ("TOKEN AB/12_3.4-5", "No token yet for AB/12_3.4-5."),
        ("FIX AB/12_3.4-5 no light", "Ticket K1"),
        ("FIND AB/12_3.4-5", "Baraka Peter"),
        ("REG Zuwena Ali, none, shs, CD/99_1, Mtwara", "CD/99_1"),
        ("REG Zuwena Ali none shs CD/99_1 Mtwara", "CD/99_1"),
    ],
)
async def test_a_serial_with_marks_is_read(marked: Server, text: str, answer: str) -> None:
    [(_name, said), *_others] = await Phones(marked).text("Asha", text)
    assert answer in said


async def test_a_serial_with_marks_answers_a_question(marked: Server) -> None:
    phones = Phones(marked)
    await phones.text("Asha", "BUY")
    await phones.text("Asha", "AB/12_3.4-5")
    [(_name, said)] = await phones.text("Asha", "2000")
    assert "AB/12_3.4-5?" in said


async def test_a_customer_names_one_of_two_devices(marked: Server) -> None:
    [(_name, said)] = await Phones(marked).text("Baraka", "TOKEN AB/12_3.4-5")
    assert said.startswith("No token yet for AB/12_3.4-5. To buy: send BUY")


@pytest.fixture
async def numbered(marked: Server) -> Server:
    """Devices of Amina's whose serials read as one of Baraka's, or as a sale, and what would stand behind it."""
    plan = await Tariff.get(name="E-bike, 2,000 a day")
    owners = {"AB12": 1, "AB12000": 1, "AB1": 2, "02838000": 1, "S10018000": 1, "CD12": None}
    async with marked.database.work():
        for serial, owner in owners.items():
            sealed = marked.company.vault.seal_json({**SECRET, "restricted_digits": False}, f"device {serial}")
            await Device.create(
                serial=serial,
                kind=Kind.SHS,
                issuer="openpaygo",
                sealed_key=sealed,
                count=1,
                tariff=plan,
                customer_id=owner,
            )
    return marked


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("BUY AB1 2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB1?"),
        ("BUY 0283 8000", "Sell 8 days for TZS 8,000 to BARAKA P., SHS0283?"),
        ("PAY S1001 8000", "Sell 8 days for TZS 8,000 to BARAKA P., SHS0283?"),
        ("FIX AB1 2 lamps are dark", "BARAKA P., AB1: 2 lamps are dark."),
        ("BUY AB 1 2000", "Sell 1 day for TZS 2,000 to BARAKA P., AB1?"),
        ("BUY AB 12 2000", "Sell 1 day for TZS 2,000 to AMINA J., AB12?"),
        ("BUY 0412 3456 784 5000", "to AMINA J., 04123456784?"),
        ("REG Zuwena Ali none shs CD 12 Mtwara", "CD12"),
    ],
)
async def test_what_is_a_serial_by_itself_is_not_joined_with_what_follows(
    numbered: Server, text: str, answer: str
) -> None:
    [(_name, said), *_others] = await Phones(numbered).text("Asha", text)
    assert answer in said
