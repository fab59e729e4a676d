"""How many screens it takes by dialling: each costs a tired agent time, and the networks end a session after three
minutes. The screen behind the last answer counts too."""

import re

import pytest

from bot.server import Server
from models.devices.connections import Connection
from models.people import Customer, Role, Village
from tests.world.people import MENU, PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite


async def dialled(phones: Phones, name: str, code: str, *answers: str) -> list[str]:
    """All screens of a session; an answer in brackets is the line of a list."""
    screens = [await phones.dial(name, code)]
    for answer in answers:
        screens.append(await phones.enter(name, key_of(answer, screens[-1])))
    assert [screen[:3] for screen in screens] == ["CON"] * len(answers) + ["END"], screens
    return screens


def key_of(answer: str, screen: str) -> str:
    if not answer.startswith("("):
        return answer
    found = re.search(rf"^(\d)\. {re.escape(answer.strip('()'))}", screen, re.MULTILINE)
    assert found, (answer, screen)
    return found[1]


async def test_a_sale_by_menu_takes_five_screens(mwanga: Server) -> None:
    """The PIN is the yes."""
    screens = await dialled(Phones(mwanga), "Asha", MENU, "1", "0283", "8000", PINS["Asha"])
    assert len(screens) == 5
    assert screens[-1].startswith("END SOLD TZS 8,000")


async def test_a_sale_by_deep_dial_takes_two(mwanga: Server) -> None:
    screens = await dialled(Phones(mwanga), "Asha", "*384*20*1*0283*8000#", PINS["Asha"])
    assert len(screens) == 2
    assert screens[-1].startswith("END SOLD TZS 8,000")


@pytest.mark.parametrize("yes", [("1", PINS["Asha"]), (f"1 {PINS['Asha']}",), (f"1{PINS['Asha']}",)])
async def test_a_yes_before_the_pin_sells_too(mwanga: Server, yes: tuple[str, ...]) -> None:
    screens = await dialled(Phones(mwanga), "Asha", MENU, "1", "0283", "8000", *yes)
    assert screens[-1].startswith("END SOLD TZS 8,000")


async def test_what_is_no_pin_sells_nothing_and_is_no_try(mwanga: Server) -> None:
    """A slip of the thumb, a six-digit number that is none of ours, and the no."""
    phones = Phones(mwanga)
    question = (await phones.dial("Asha", "*384*20*1*0283*8000#"))[4:]
    for slip in ("3", "48291", "4829155", "48 29", " "):
        assert (await phones.enter("Asha", slip))[4:] == f"A PIN has six digits.\n{question}"
    assert (await phones.enter("Asha", "000000"))[4:] == f"Wrong PIN, 4 tries left.\n{question}"
    assert await phones.enter("Asha", "2") == "END Not sold."
    assert not await phones.news()


async def test_a_customer_who_was_found_is_sold_to_without_being_named_again(mwanga: Server) -> None:
    """The order of the trade: the customer, the amount, the PIN, the token. Find is the third line of the menu."""
    phones = Phones(mwanga)
    screens = await dialled(phones, "Asha", MENU, "3", "Baraka", "1", "8000", PINS["Asha"])
    assert [screens[2][4:].split("\n")[:3], screens[3][4:].split("\n")[0]] == [
        ["Baraka Peter #2", "SHS0283 solar", f"1. {label_of(mwanga, 'buy')}"],
        "Amount paid?",
    ]
    assert screens[-1].startswith("END SOLD TZS 8,000, 8 days\nBARAKA P. SHS0283")
    assert [name for name, _text in await phones.news()] == ["Asha", "Baraka"]


def label_of(mwanga: Server, talk: str) -> str:
    return next(text.to("en") for name, text in mwanga.commands.menu(Role.AGENT) if name == talk)


@pytest.mark.parametrize(
    ("key", "answers", "last"),
    [
        ("2", [PINS["Asha"]], "END No token yet for SHS0283."),
        ("3", ["1", "1", "1"], "END Problem saved. Ticket K1. BARAKA P., SHS0283"),
        ("5", ["(Radio)", "1", PINS["Asha"]], "END SOLD"),
        ("6", [PINS["Asha"]], "END S1001 Solar home SHS0283, BARAKA P."),
    ],
)
async def test_a_customer_of_the_list_leads_on_to_everything(
    mwanga: Server, key: str, answers: list[str], last: str
) -> None:
    screens = await dialled(Phones(mwanga), "Asha", "*384*20*9*1*1#", "2", key, *answers)
    assert screens[-1].startswith(last), screens


async def test_what_is_known_of_a_customer_needs_the_pin_once_and_leads_on(mwanga: Server) -> None:
    """The PIN that was given for the details signs the sale as well; and 0 leads back to the steps, and to the list."""
    phones = Phones(mwanga)
    screens = await dialled(
        phones, "Asha", "*384*20*9*1*1#", "2", "4", PINS["Asha"], "0", "0", "2", "4", "1", "8000", "1"
    )
    assert "0710 000 002, Mtwara" in screens[3] and "1. " in screens[3]
    assert screens[4] == screens[1] and screens[5] == screens[0]
    assert screens[7] == screens[3], "the PIN is asked for once in a session"
    assert screens[-1].startswith("END SOLD TZS 8,000")


async def test_a_sale_that_began_at_a_customer_is_offered_again_and_the_look_is_not(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.dial("Asha", "*384*20*3#")
    await phones.enter("Asha", "Baraka")
    menu = await phones.dial("Asha", MENU)
    assert menu.startswith("CON Mwanga Demo\n1. " + label_of(mwanga, "buy"))
    for key in ("3", "Baraka", "1"):
        await phones.enter("Asha", key)
    assert await phones.dial("Asha", MENU) == f"CON Mwanga Demo\n1. Continue: {label_of(mwanga, 'buy')}\n2. New"
    assert (await phones.enter("Asha", "1"))[4:].startswith("Amount paid?")


async def test_a_list_by_sms_leads_on_and_back(mwanga: Server) -> None:
    """After a look at one customer the next is two texts away, and a sale three."""
    phones = Phones(mwanga)
    [(_name, listed)] = await phones.text("Asha", "LIST")
    [(_name, shown)] = await phones.text("Asha", "2")
    assert shown.split("\n")[0].startswith("Baraka Peter #2, 0710 000 002")
    assert shown.split("\n")[-4:] == [
        f"1. {label_of(mwanga, 'buy')}", f"2. {label_of(mwanga, 'tokens')}", f"3. {label_of(mwanga, 'fix')}", "0. Back",
    ]  # fmt: skip
    assert await phones.text("Asha", "0") == [("Asha", listed)]
    await phones.text("Asha", "3")
    await phones.text("Asha", "1")
    [(_name, question)] = await phones.text("Asha", "2000")
    assert question.startswith("Sell 1 day for TZS 2,000 to NEEMA P., EB100042?")
    said = dict(await phones.text("Asha", f"1 {PINS['Asha']}"))
    assert said["Asha"].startswith("SOLD TZS 2,000") and "Code" in said["Neema"]


async def test_a_customer_without_a_device_leads_on_to_an_appliance(mwanga: Server) -> None:
    await Customer.create(name="Tatu", surname="Omari", mini_grid_id=1, village_id=1)
    screens = await dialled(Phones(mwanga), "Asha", "*384*20*3*Tatu#", "1", "(Radio)", "1", PINS["Asha"])
    assert screens[0].startswith("CON Tatu Omari #4\nNo device.\n1. ")
    assert screens[-1].startswith("END SOLD")


REHEMA = ("Rehema Ali", "0713000111", "1", "04123456792", "1")


async def test_a_meter_is_registered_in_ten_screens(mwanga: Server) -> None:
    """Thirteen were too many for the three minutes of a session. The household stands first, and what is usual for a
    connection is one choice, the same as by SMS: REG … household."""
    label = label_of(mwanga, "register")
    screens = await dialled(Phones(mwanga), "Asha", MENU, f"({label})", *REHEMA, "1", "2", "1")
    assert len(screens) == 10
    assert screens[6][4:] == (
        "Connection?\n1. Household, usual (350, Single phase 60A, Residential)\n"
        "2. Business, usual (420, Three phase 100A, Commercial)\n3. Other\n0. Back"
    )
    [one] = await Connection.all().select_related("meter_type", "group", "type", "device__tariff")
    assert [one.meter_type.name, one.group.name, one.type.name, one.device.tariff.name] == [
        "Single phase 60A", "Residential", "Household", "Household 350",
    ]  # fmt: skip


async def test_what_is_unusual_is_asked_for_step_by_step(mwanga: Server) -> None:
    label = label_of(mwanga, "register")
    unusual = ("(Other)", "(Household)", "(Business 420)", "(Three phase)", "(Commercial)")
    await dialled(Phones(mwanga), "Asha", MENU, f"({label})", *REHEMA, *unusual, "2", "1")
    [one] = await Connection.all().select_related("meter_type", "group", "type", "device__tariff")
    assert [one.meter_type.name, one.group.name, one.type.name, one.device.tariff.name] == [
        "Three phase 100A", "Commercial", "Household", "Business 420",
    ]  # fmt: skip


async def test_the_only_village_is_not_asked_for(mwanga: Server) -> None:
    await Village.filter(name="Naliendele").delete()
    label = label_of(mwanga, "register")
    screens = await dialled(Phones(mwanga), "Asha", MENU, f"({label})", *REHEMA[:-1], "1", "2", "1")
    assert len(screens) == 9 and screens[-1].startswith("END REGISTERED")
