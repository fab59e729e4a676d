"""The counter: register and sell from the office, and its till."""

import re

import pytest

from bot.config import Config
from models.money.till import in_till
from models.people import Customer
from models.selling import Sale
from tests.world.browser import Office, open_office
from tests.world.office_forms import fields, hidden_in, send
from tests.world.people import PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite


async def quoted(office: Office, **typed: str) -> dict[str, str]:
    """What the page sends that shows what a sale will do."""
    response = await office.post("/sell", **await fields(office, "/sell", "/sell", **typed))
    html = await response.text()
    assert response.status == 200, html
    return hidden_in(html, "/sell")


async def test_a_sale_is_shown_then_sold_and_its_code_is_shown_once(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        form = await quoted(office, what="shs 0283", amount="8,000")
        assert not await Sale.all().count() and form["what"] == "SHS0283"
        first = await (await office.post("/sell", **form)).text()
        [token] = await office.ask("SELECT digits FROM token")
        assert token["digits"] in re.sub(r"\D", "", first) and "Sold for TZS 8,000" in first
        second = await (await office.post("/sell", **form)).text()
        assert "This was sold before" in second and token["digits"] not in re.sub(r"[^\d]", "", second)
        assert await Sale.all().count() == 1 and await in_till() == 8_000_00
        due = "SELECT kind FROM outbox WHERE phone = $1 AND kind <> 'reminder'"  # one may be due by day
        [sms] = await office.ask(due, PEOPLE["Baraka"])
        assert sms["kind"] == "token"
        response = await office.post("/sell", **await fields(office, "/sell", "/sell", what="SHS0283", amount="8000"))
        html = await response.text()
        assert "The same was sold at the counter" in html
        held = hidden_in(html, "/sell")
        assert (await office.post("/sell", **held)).status == 409
        assert (await office.post("/sell", **held, again="y")).status == 200
        assert await in_till() == 16_000_00
        page = await office.page("/money/till")
        assert "Has to be in it TZS 16,000" in page and "sold at the counter" in page
        bring = await fields(office, "/money/till", "/money/till", amount="10000", reference="slip 7")
        for _sent_twice in range(2):
            assert (await office.post("/money/till", **bring)).status == 303
        page = await office.page("/money/till")
        assert "Has to be in it TZS 6,000" in page and "slip 7" in page
        assert (await send(office, "/money/till", "/money/till", amount="10000", reference="slip 8"))[0] == 409
        assert "another slip" not in page
        other = await fields(office, "/money/till", "/money/till", amount="1000", reference="Slip-7")
        response = await office.post("/money/till", **other)
        html = await response.text()
        assert response.status == 409 and "Nothing is booked: with this slip TZS 10,000 left the till on" in html
        assert await in_till() == 6_000_00
        assert (await office.post("/money/till", **other, again="y")).status == 303
        assert await in_till() == 5_000_00


@pytest.mark.parametrize(
    ("what", "amount", "said"),
    [
        ("SHS0283", "50", "The least is TZS 1,000."),
        ("SHS9999", "8000", "No device and no contract goes by SHS9999."),
        ("SHS0283", "much", "much is not clear"),
        ("", "8000", "Please fill this in."),
    ],
)
async def test_a_refusal_says_why_and_keeps_what_was_typed(config: Config, what: str, amount: str, said: str) -> None:
    async with open_office(config) as office:
        status, html = await send(office, "/sell", "/sell", what=what, amount=amount)
        assert status == 422 and said in html and f'value="{amount}"' in html


async def test_what_changed_between_question_and_answer_is_shown_again(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        form = await quoted(office, what="SHS0283", amount="8000")
        await office.post("/sell", **await quoted(office, what="SHS0283", amount="7000"))
        response = await office.post("/sell", **form)
        assert response.status == 409 and "Nothing is sold yet" in await response.text()
        assert await Sale.all().count() == 1


async def test_an_appliance_is_sold_on_a_plan(config: Config) -> None:
    async with open_office(config) as office:
        html = await office.html("/sell/goods?person=1")
        assert 'value="#1"' in html
        offers = re.findall(r'<option value="(\d+:\d+)">([^<]*)</option>', html)
        radio = next(value for value, label in offers if label.startswith("Radio") and "cash" not in label.lower())
        path = "/sell/goods"
        response = await office.post(path, **await fields(office, path, path, customer="#1", offer=radio, serial=""))
        html = await response.text()
        assert response.status == 200 and "Sell this?" in html and "All instalments" in html
        form = dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html.split(f'action="{path}"')[1])
        )
        for said in ("Sold: Radio", "This was sold before"):
            html = await (await office.post(path, **form)).text()
            assert said in html
        rows = await office.ask("SELECT agent_id, commission FROM contract WHERE key LIKE 'counter %'")
        assert rows == [{"agent_id": None, "commission": 0}]
        assert "the office's counter" in (await office.page("/money/collection")).replace("&#39;", "'")
        file = await (await office.get("/money/collection.csv")).text()
        assert ",the office's counter," in file
        status, html = await send(office, path, path, customer="#99", offer=radio, serial="")
        assert status == 422 and "There is no customer #99." in html


async def test_a_customer_is_registered_once_it_was_read_and_agreed(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
        typed = {
            "name": "Halima Musa",
            "phone": "0713 000 111",
            "village": str(village["id"]),
            "language": "sw",
            "kind": "none",
            "serial": "",
        }
        status, html = await send(office, "/register", "/register", **typed, do="check")
        assert status == 200 and "Register this customer?" in html and 'value="Halima Musa"' in html
        status, html = await send(office, "/register", "/register", **typed, do="register")
        assert status == 422 and "Without this nobody is registered." in html
        typed["name"] = "N\N{RIGHT SINGLE QUOTATION MARK}Dea Musa"  # as keyboards write it by themselves
        form = await fields(office, "/register", "/register", **typed, do="register", consent="y")
        for said, welcomed in (("Registered: N&#39;Dea Musa", True), ("Registered before: N&#39;Dea Musa", False)):
            html = await (await office.post("/register", **form)).text()
            assert said in html and ("A welcome goes to +255713000111 by SMS." in html) is welcomed
        halima = await Customer.get(surname="Musa")
        assert (halima.phone, halima.language, halima.village_id) == ("+255713000111", "sw", village["id"])
        assert len(await office.ask("SELECT 1 FROM outbox WHERE phone = $1", halima.phone)) == 1
        [row] = await office.ask("SELECT agent_id, consent FROM registration WHERE customer_id = $1", halima.id)
        assert row == {"agent_id": None, "consent": "2"}
        known = typed | {"name": "Halima Other", "do": "register", "consent": "y"}
        status, html = await send(office, "/register", "/register", **known)
        assert status == 422 and "This phone is known" in html and f"#{halima.id} N&#39;Dea Musa" in html


async def test_who_shares_the_phone_of_a_customer_that_is_named_by_the_number_is_somebody_else(config: Config) -> None:
    """Whoever is named so is proposed as the one who is registered, and not more: the list is what counts."""
    async with open_office(config) as office:
        await office.sign_in()
        [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
        typed = {"phone": "#2", "village": str(village["id"]), "language": "sw", "kind": "none", "serial": ""}
        status, html = await send(office, "/register", "/register", **typed, name="Halima Musa", do="check")
        assert status == 200 and re.search(r'<input[^>]*\bchecked\b[^>]*name="same"[^>]*value="2"', html)
        agreed = {"do": "register", "consent": "y"}
        status, html = await send(office, "/register", "/register", **typed, **agreed, name="Halima Musa", same="new")
        assert status == 200 and "Registered: Halima Musa" in html
        halima = await Customer.get(surname="Musa")
        assert (halima.id, halima.phone) != (2, None) and halima.phone == PEOPLE["Baraka"]
        status, html = await send(office, "/register", "/register", **typed, **agreed, name="Baraka Peter", same="2")
        assert status == 200 and "Registered: Baraka Peter" in html
        assert await Customer.filter(name="Baraka").count() == 1


async def test_who_was_chosen_for_another_phone_is_not_chosen_for_this_one(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
        typed = {"name": "Neema Paulo", "village": str(village["id"]), "language": "sw", "kind": "none", "serial": ""}
        agreed = {"do": "register", "consent": "y", "same": "2", "phone": PEOPLE["Neema"]}
        status, html = await send(office, "/register", "/register", **typed, **agreed)
        assert status == 422 and "Please choose one of the list." in html and "#3 Neema Paulo" in html
        assert await Customer.filter(name="Neema").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "X Y", "Name and surname, 3 letters or more each"),
        ("phone", "12", "12 is not a phone number."),
        ("serial", "04123456780", "is no meter number. Check each digit."),
        ("serial", "04123456784", "is in use already."),
        ("village", "", "Please choose one of the list."),
        ("village", "9" * 30, "Please choose one of the list."),
        ("kind", "spaceship", "Please choose one of the list."),
        ("serial", "9" * 60, "That is too long."),
        ("tariff", "9" * 30, "Please choose one of the list."),
    ],
)
async def test_a_registration_is_checked_in_the_words_of_the_talk(
    config: Config, field: str, value: str, said: str
) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
        [tariff] = (await office.ask("SELECT id FROM tariff WHERE unit = 'energy' ORDER BY id"))[:1]
        typed = {
            "name": "Halima Musa",
            "phone": "",
            "village": str(village["id"]),
            "language": "sw",
            "kind": "meter",
            "serial": "04700123450",
            "tariff": str(tariff["id"]),
        }
        status, html = await send(office, "/register", "/register", **typed, do="check")
        assert status == 200, html
        status, html = await send(office, "/register", "/register", **(typed | {field: value}), do="check")
        assert status == 422 and said in html
        assert "Halima Musa" in html or field == "name"


async def test_a_customer_s_page_leads_to_what_is_paid_for(config: Config) -> None:
    async with open_office(config) as office:
        assert 'value="SHS0283"' in await office.html("/sell?person=2")
        html = await office.html("/register?person=2")
        assert 'value="Baraka Peter"' in html and 'value="#2"' in html
        assert "Sell at the counter" in await office.page("/sell?person=99")
