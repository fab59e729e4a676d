"""What was on a screen, or in a text, when somebody answered: an answer is to that, whatever it would show by now."""

import json

import pytest

from bot.server import Server
from bot.talks.contacts import MOST_IN_A_ROW
from bot.text import SCREEN, septets
from models.devices import Device
from models.messages.tables import ContactRow, UssdSession
from models.people import Agent, Customer, Village
from models.selling import Appliance, PaymentPlan
from models.selling.sales import Sale
from models.sql import execute, now_ms
from tests.world.meanwhile import Meanwhile
from tests.world.people import MENU, PEOPLE, PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite

CHANGED = "Something changed. Once more, please."


@pytest.fixture
def phones(mwanga: Server) -> Phones:
    """Nobody's phone can be asked to pay: customers ask agents."""
    object.__setattr__(mwanga.company, "mobile_money", ())
    return Phones(mwanga)


async def test_a_key_chooses_the_box_that_was_shown_and_not_the_next_one(mwanga: Server, phones: Phones) -> None:
    """The first of the boxes is sold by somebody else while the agent looks at the list."""
    await Meanwhile(mwanga).stocks("SHS0285")
    await phones.choose("Asha", "Sell goods")
    await phones.enter("Asha", "2")
    shown = await phones.enter("Asha", (await phones.way("Asha", "Solar home"))[-1])
    assert "1. SHS0284\n2. SHS0285" in shown
    await phones.text("Juma", "SELL 1, Solar home, SHS0284")
    await phones.text("Juma", f"1 {PINS['Juma']}")
    assert (await phones.enter("Asha", "1"))[4:].startswith(f"Not sold. {CHANGED}")


@pytest.mark.parametrize("by_sms", [False, True])
async def test_a_line_of_a_list_that_is_gone_is_no_yes_to_the_one_request_that_is_left(
    phones: Phones, by_sms: bool
) -> None:
    """The question for that one was never seen, so no PIN is asked for either."""
    await phones.text("Baraka", "BUY 5000")
    await phones.text("Neema", "BUY 4000")
    if by_sms:
        [(_asha, listed)] = await phones.text("Asha", "REQUESTS")
    else:
        listed = await phones.choose("Asha", "Customers' requests")
    assert "1. C1 BARAKA P." in listed and "2. C2 NEEMA P." in listed
    await phones.text("Baraka", "NO")
    said = dict(await phones.text("Asha", "1"))["Asha"] if by_sms else await phones.enter("Asha", "1")
    if by_sms:
        assert said.startswith(f"Not sold. {CHANGED} Sell 2 days for TZS 4,000 to NEEMA P., EB100042?")
    else:
        assert said.startswith(f"CON Not sold. {CHANGED}\nMwanga Demo\n1. Sell power")
        await phones.enter("Asha", PINS["Asha"])
        assert await Sale.all().count() == 0


async def test_what_is_asked_anew_is_told_whatever_came_before(mwanga: Server, phones: Phones) -> None:
    """After a row of texts that say nothing no answer comes: the next answer would be to a question that nobody saw."""
    baraka = await Customer.get(name="Baraka")
    await Meanwhile(mwanga).stocks("SHS0285")
    await Device.filter(serial__in=["SHS0284", "SHS0285"]).update(customer_id=baraka.id)
    [(_baraka, listed)] = await phones.text("Baraka", "TOKEN")
    assert "1. SHS0283\n2. SHS0284\n3. SHS0285" in listed
    await execute(mwanga.database.client, f"UPDATE contact SET bad_count = {MOST_IN_A_ROW}, bad_since = {now_ms()}")
    await Device.filter(serial="SHS0283").update(customer_id=None)
    assert (await phones.text("Baraka", "1"))[0][1].startswith(f"{CHANGED} Which one?\n1. SHS0284")


async def test_the_line_of_a_ticket_is_not_kept_as_words_of_a_whole_way_that_is_dialled(phones: Phones) -> None:
    await phones.text("Asha", "FIX SHS0283 no power")
    await phones.choose("Asha", "Add to a ticket")
    way = phones.sessions["Asha"].transcript
    await phones.enter("Asha", "0")
    screen = await phones.dial("Asha", f"*384*20*{way}*1*1#")
    assert screen.startswith("CON Say it in a few words.\nYour message?")


async def test_new_begins_at_the_first_page_of_the_menu(phones: Phones) -> None:
    """The session broke off at the second page of a list."""
    for number in range(7):
        await Village.create(name=f"Village {number}", mini_grid_id=1)
    menu = await phones.dial("Asha", MENU)
    await phones.choose("Asha", "Register")
    for answer in ("Rehema Ali", "none", "1", "04123456792", "9"):
        await phones.enter("Asha", answer)
    assert "2. New" in await phones.dial("Asha", MENU)
    assert await phones.enter("Asha", "2") == menu


async def test_what_changed_is_told_above_the_first_page_of_the_menu(phones: Phones) -> None:
    """The customer goes elsewhere while an agent looks at the second page of a list."""
    for number in range(7):
        item = await Appliance.create(name=f"Item {number}", type="goods", price=100_00)
        await PaymentPlan.create(appliance=item, name="cash", terms="cash")
    menu = await phones.dial("Asha", MENU)
    await phones.choose("Asha", "Sell goods")
    for answer in ("2", "9"):
        await phones.enter("Asha", answer)
    await Customer.filter(id=2).update(mini_grid_id=2)
    assert await phones.enter("Asha", "1") == f"CON Not sold. {CHANGED}\n{menu[4:]}"


@pytest.mark.parametrize("language", ["fr", "sw"])
async def test_what_changed_fits_on_its_screen(phones: Phones, language: str) -> None:
    """In French there is no room for the menu below it: the session ends, and the agent dials again."""
    await Agent.all().update(language=language)
    for answer in ("1", "SHS0283", "8000"):
        await (phones.enter("Asha", answer) if "Asha" in phones.sessions else phones.dial("Asha", f"*384*20*{answer}#"))
    await Customer.filter(id=2).update(mini_grid_id=2)
    screen = await phones.enter("Asha", PINS["Asha"])
    assert septets(screen[4:]) <= SCREEN
    if language == "fr":
        assert screen == "END Pas vendu. Changement. Recommencez, svp."
    else:
        assert screen.startswith("CON Haikuuzwa. Kuna mabadiliko. Tafadhali rudia.\nMwanga Demo\n1. ")
    assert await Sale.all().count() == 0


async def test_what_was_begun_before_something_changed_can_be_gone_on_with(phones: Phones) -> None:
    """Also where no room was left for the menu, and the session has ended."""
    await Agent.all().update(language="fr")
    await phones.choose("Asha", "Inscrire")
    for answer in ("Rehema Ali", "none", "1", "04123456792", "1"):
        await phones.enter("Asha", answer)
    await Village.filter(name="Mtwara").update(name="Mikindani")
    assert await phones.enter("Asha", "1") == "END Pas inscrit. Changement. Recommencez, svp."
    assert "REHEMA A." in await phones.choose("Asha", "Inscrire")


@pytest.mark.parametrize("by_sms", [False, True])
async def test_a_question_from_before_the_update_is_answered_as_it_was_asked(phones: Phones, by_sms: bool) -> None:
    """The version before kept neither its name nor what its lines stood for."""
    await phones.text("Baraka", "BUY 5000")
    await phones.text("Neema", "BUY 4000")
    await (phones.text("Asha", "REQUESTS") if by_sms else phones.choose("Asha", "Customers' requests"))
    await _forget_what_was_shown(ContactRow if by_sms else UssdSession)
    said = dict(await phones.text("Asha", "2"))["Asha"] if by_sms else (await phones.enter("Asha", "2"))[4:]
    assert said.startswith("Sell 2 days for TZS 4,000 to NEEMA P., EB100042?")


async def _forget_what_was_shown(table: type[ContactRow] | type[UssdSession]) -> None:
    row = await table.get(phone=PEOPLE["Asha"])
    talk = json.loads(row.talk)
    state = talk.get("open", talk)
    assert state.pop("question") and state.pop("shown")
    await table.filter(pk=row.pk).update(talk=json.dumps(talk))
