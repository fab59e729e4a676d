"""A registration in one line: how it is parted into pieces, and what each of them may be."""

import pytest

from bot.server import Server
from bot.text import normalise
from bot.text.grammar import listed
from models.people import Customer
from tests.world.people import Phones
from tests.world.registering import METER, said

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("REG Amina Juma, 0712 345 678,meter", ["Amina Juma", "0712 345 678", "meter"]),
        ("reg, Amina Juma;0712345678", ["Amina Juma", "0712345678"]),
        ("REG Amina Juma\n0712345678\n", ["Amina Juma", "0712345678"]),
        ("REG Amina Juma,, AB/12:3", ["Amina Juma", "AB/12:3"]),
        (",REG: Amina,", ["Amina"]),
        ("REG Amina Juma 0712345678", []),
        ("REG*Amina Juma, Mtwara*0712345678", []),
        ("REG", []),
        (",", []),
    ],
)
def test_commas_or_lines_keep_a_name_together(text: str, pieces: list[str]) -> None:
    assert listed(normalise(text)) == pieces


async def test_without_commas_a_name_ends_where_the_phone_begins(mwanga: Server) -> None:
    phones = Phones(mwanga)
    ready = await said(phones, METER)
    for written in (
        METER.replace(",", ""),
        METER.replace(", ", "*").replace("REG ", "REG*"),
        METER.replace(", ", "\n"),
    ):
        assert await said(phones, written) == ready


@pytest.mark.parametrize("kind", ["shs", "ebike"])
async def test_a_serial_longer_than_any_is_answered(kind: str, mwanga: Server) -> None:
    answer = await said(Phones(mwanga), f"REG Rehema Ali, none, {kind}, {'S' * 33}, Mtwara")
    assert answer.startswith("Not registered. SSSSSSSSSSSSSSSSSSSS is not in stock.")


@pytest.mark.parametrize("piece", ["abc", "Mtwara", "no", "shs"])
async def test_a_piece_that_is_no_phone_never_becomes_part_of_the_name(piece: str, mwanga: Server) -> None:
    answer = await said(Phones(mwanga), f"REG Rehema Ali, {piece}, 0713000111, shs, SHS0284, Mtwara")
    assert answer.startswith(f"Not registered. {piece} is not a phone number.")


@pytest.mark.parametrize("phone", ["none", "0710 000 001", "0713000111"])
async def test_one_line_may_name_the_language_whoever_it_is(phone: str, mwanga: Server) -> None:
    phones = Phones(mwanga)
    asked = await said(phones, f"REG Hassan Juma, {phone}, shs, SHS0284, Mtwara, fr")
    if "Same person?" in asked:
        asked = await said(phones, "2")
    assert asked.startswith("Register HASSAN J., SHS0284?")
    assert (await said(phones, "1")).startswith("REGISTERED HASSAN J.")
    assert (await Customer.get(name="Hassan")).language == "fr"


@pytest.mark.parametrize("name", ["swahili", "Kiswahili", "SW", "swah", "suaíli"])
async def test_a_language_has_its_name_in_every_language(name: str, mwanga: Server) -> None:
    phones = Phones(mwanga)
    await said(phones, f"REG Hassan Juma, 0713000111, shs, SHS0284, Mtwara, {name}")
    await said(phones, "1")
    assert (await Customer.get(name="Hassan")).language == "sw"
    assert await said(phones, f"LANG {name}") == "Tayari. Sasa tunaandika kwa Kiswahili."
