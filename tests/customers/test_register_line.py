"""A registration in one line: its pieces, what each may be, and what stays when a serial was taken meanwhile."""

import pytest

from bot.server import Server
from bot.text import normalise
from bot.text.grammar import listed
from handlers.customers.register import register
from models.devices import Device
from models.people import Customer, MiniGrid
from models.sql import connection, execute
from models.tokens.sts import is_meter_number
from tests.world.people import PINS, Phones
from tests.world.registering import METER, SHS, by_one_message, said

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


# What may be said in each place, and what of it stays when a serial was taken meanwhile.

TAKEN = "Not registered. SHS0284 is in use already. Serial number?"


async def sold_meanwhile(phones: Phones) -> None:
    await phones.text("Juma", "SELL 2, Solar home, 0284")
    await phones.text("Juma", f"1 {PINS['Juma']}")


async def test_a_serial_that_was_taken_meanwhile_is_asked_again_and_the_rest_is_kept(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await said(phones, SHS)
    await sold_meanwhile(phones)
    before = await execute(connection(), "SELECT id FROM customer")
    assert await said(phones, "1") == TAKEN
    assert await execute(connection(), "SELECT id FROM customer") == before
    await Device.filter(serial="EB100043").update(kind="shs")
    assert (await said(phones, "EB100043")).startswith("Village?")
    for answer in ("2", "1"):
        question = await said(phones, answer)
    assert question.startswith("Register REHEMA A., EB100043?")
    assert (await said(phones, "1")).startswith("REGISTERED REHEMA A., customer 4, EB100043")
    assert await execute(connection(), "SELECT 1 FROM draft") == []


async def test_what_is_kept_of_it_is_a_draft(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await said(phones, SHS)
    await sold_meanwhile(phones)
    await said(phones, "1")
    await said(phones, "CASH")
    assert (await said(phones, "REG")).startswith("Unfinished: REHEMA A.\n1. Continue")
    assert await said(phones, "1") == "Serial number?"


async def test_a_serial_that_was_taken_meanwhile_is_asked_again_on_the_screen(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "REG Salum Omari, none, shs, SHS0284, Mtwara")
    await phones.choose("Asha", "Register")
    screen = await phones.enter("Asha", "1")  # continue
    assert "Register SALUM O., SHS0284?" in screen
    await sold_meanwhile(phones)
    assert await phones.enter("Asha", "1") == "CON " + TAKEN.replace(" Serial", "\nSerial") + "\n0. Back"


@pytest.mark.parametrize(("number", "asked"), [("#2", "#2 is known. Same person?\n1. Baraka Peter #2"), ("#4", "")])
async def test_a_customer_is_named_by_the_number_in_the_own_mini_grid_alone(
    number: str, asked: str, mwanga: Server
) -> None:
    """Customer 4 belongs to others."""
    lindi = await MiniGrid.get(name="Lindi South")
    await Customer.create(id=4, name="Salma", surname="Bakari", phone="+255713000777", mini_grid=lindi)
    answer = await said(Phones(mwanga), f"REG Baraka Peter, {number}, shs, SHS0284, Mtwara")
    assert answer.startswith(asked or "Not registered. No customer of yours has the number #4.")
    assert "SALMA" not in answer


async def test_a_person_named_by_the_number_gets_the_device(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "REG Baraka Peter, #2, shs, SHS0284, Mtwara")
    await phones.text("Asha", "1")
    assert (await said(phones, "1")).startswith("REGISTERED BARAKA P., customer 2, SHS0284")
    assert await Customer.all().count() == 3
    assert (await said(phones, "REG Baraka Peter, #2, shs, SHS0284, Mtwara")).startswith("REGISTERED BARAKA P.")


@pytest.mark.parametrize(
    ("word", "serial"),
    [
        ("meter", "04123456792"), ("mita", "04123456792"), ("compteur", "04123456792"), ("contador", "04123456792"),
        ("SHS", "SHS0284"), ("solar", "SHS0284"), ("sola", "SHS0284"), ("kit solaire", "SHS0284"),
        ("solaire", "SHS0284"), ("kit solar", "SHS0284"), ("sola na gida", "SHS0284"), ("e-bike", "EB100043"),
        ("baiskeli", "EB100043"), ("velo", "EB100043"), ("vélo électrique", "EB100043"), ("bicicleta", "EB100043"),
        ("babur", "EB100043"),
    ],
)  # fmt: skip
async def test_the_words_for_a_device_are_understood_in_every_language(word: str, serial: str, mwanga: Server) -> None:
    labels = ", household" if serial[0] == "0" else ""
    answer = await said(Phones(mwanga), f"REG Rehema Ali, none, {word}, {serial}, Mtwara{labels}")
    assert answer.startswith(f"Register REHEMA A., {serial}")


@pytest.mark.parametrize("word", ["none", "hakuna", "aucun", "nenhum", "babu", "hana kifaa", "Pas encore d'appareil"])
async def test_that_there_is_no_device_is_understood_in_every_language(word: str, mwanga: Server) -> None:
    assert (await said(Phones(mwanga), f"REG Rehema Ali, none, {word}, Mtwara")).startswith("Register REHEMA A.? ")


@pytest.mark.parametrize("number", ["0412-3456-792", "0412 3456 792", "0412-3456 792", "04123456-792", "0412–3456–792"])
async def test_a_meter_number_is_read_in_groups(number: str, mwanga: Server) -> None:
    phones = Phones(mwanga)
    for command in (METER, METER.replace(",", "")):
        answer = await said(phones, command.replace("04123456792", number))
        assert answer.startswith("Register REHEMA A., 04123456792")
    await by_one_message(phones, METER)
    assert (await said(phones, f"BUY {number} 3500")).startswith("Sell 10 kWh for TZS 3,500 to REHEMA A., 04123456792?")
    assert "04123456792" in await said(phones, f"FIND {number}")


def test_the_example_is_a_meter_number_that_nobody_has() -> None:
    serial = register.example.to("en").split(", ")[3]
    assert is_meter_number(serial) and serial != "04123456784"
