"""What of one line waits in the database for the answer to "Which one?"."""

import re

import pytest

from bot.server import Server
from models.people import Agent
from tests.world.meanwhile import Meanwhile
from tests.world.people import PEOPLE, PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite

PIN = PINS["Juma"]
# What is texted, and what stands in the answer to the choice.
LINES = {
    f"CASHIN Asha 50000 {PIN}": "Upokee TZS 50,000 kutoka Asha Mushi?",
    f"CASHIN Asha 50000 TENA {PIN}": "Upokee TZS 50,000 kutoka Asha Mushi?",
    f"CASHIN Asha 50000 PIN{PIN}": "PIN ina tarakimu sita.",
    f"CASHIN Asha 50000 {PIN[:3]} {PIN[3:]}": "Upokee TZS 50,000 kutoka Asha Mushi?",
    f"CASHIN Asha 150000 {PIN}": "Upokee TZS 150,000 kutoka Asha Mushi?",
    "CASHIN Asha 150000": "Upokee TZS 150,000 kutoka Asha Mushi?",
    f"BUY Baraka 5000 {PIN}": "Uza siku 5 (TZS 5,000) kwa BARAKA P., SHS0283?",
    "BUY Baraka 150000/=": "Uza siku 150 (TZS 150,000) kwa BARAKA P., SHS0283?",
    f"CASHIN Asha 150000/= {PIN}": "Upokee TZS 150,000 kutoka Asha Mushi?",
    "BUY Baraka for Tsh 140000": "Uza siku 140 (TZS 140,000) kwa BARAKA P., SHS0283?",
    f"CASHIN Asha TZS50000 {PIN[:3]} {PIN[3:]}": "Upokee TZS 50,000 kutoka Asha Mushi?",
    f"CASHIN Asha 50k {PIN[:3]} {PIN[3:]}": "50k si wazi: andika 50000.",
    f"FIX Baraka no light pin {PIN[:3]} {PIN[3:]}": "no light pin ******",
    f"FIX Baraka no light, my pin is {PIN}, since monday": "no light my pin is ******",
}


def holds_pin(kept: str) -> bool:
    """Whether it has the digits of the PIN one after the other, whatever stands between them."""
    return PIN in re.sub(r"[^0-9a-z]", "", kept.lower())


@pytest.mark.parametrize("line", LINES)
async def test_no_pin_is_kept_while_it_is_asked_who_is_meant(mwanga: Server, line: str) -> None:
    """The amount is; the PIN comes with the yes."""
    phones, world = Phones(mwanga), Meanwhile(mwanga)
    await Agent.filter(phone=PEOPLE["Juma"]).update(cashier=True)
    await Agent.filter(phone=PEOPLE["Zuhura"]).update(name="Asha Zuberi", mini_grid_id=1)
    async with mwanga.database.work():
        await world.holds("Asha", "200000")
        await world.limit("Juma", "200000")
        await world.gives("EB100043", "Baraka")
    [(_juma, asked)] = await phones.text("Juma", line)
    assert asked.startswith("Kipi?")
    assert not holds_pin((await phones.conversation("Juma")).dump())
    said = dict(await phones.text("Juma", "1"))["Juma"]
    assert LINES[line] in said
    assert not holds_pin((await phones.conversation("Juma")).dump())
