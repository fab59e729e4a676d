"""Customers at the office's desk: found, listed, seen whole, changed; and what happens to their devices."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape

import pytest
import time_machine

from bot.config import Config
from models.devices import Device
from models.devices.keys import open_key, seal_key
from models.money.books import find_fault
from models.money.ledger import AccountKind, balance
from models.people import Agent, Customer, MiniGrid, OfficeRole, Village
from models.selling import requests
from models.selling.requests import RequestState
from models.selling.swaps import DeviceSwap
from models.sql import now_ms
from models.tickets import Category
from models.tickets.tickets import assign, close, comment, open_ticket, reopen
from tests.world.browser import MINUTE, Office, open_office, receive_message
from tests.world.ownership import keep_names
from tests.world.people import NOON, PEOPLE
from tests.world.pushes import written

pytestmark = pytest.mark.everyday_on_sqlite

WEIGHT = 50_000  # bytes of a page at most
SEEN = re.compile(r'name="seen" value="([^"]*)"')
ONCE = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    """On the day of the demo's sales: what is owed falls due on fixed ones."""
    with time_machine.travel(NOON):
        async with open_office(config) as office:
            await office.html()
            yield office


async def device(serial: str) -> Device:
    return await Device.get(serial=serial)


async def where(office: Office, path: str) -> str:
    """Where a page sends on to; empty for one that stays."""
    return (await office.get(path)).headers.get("Location", "")


async def send(office: Office, path: str, form: str = "", **fields: str) -> tuple[int, str, str]:
    """Fill in the form of a page: the status, where it sends on to, and the words of what is drawn."""
    html = await office.html(form or path)
    csrf = re.findall(r'name="csrf" value="([0-9a-f]+)"', html)[0]
    there = (("seen", SEEN.findall(html)), ("once", ONCE.findall(html)))
    hidden = {name: unescape(found[0]) for name, found in there if found}
    response = await office.post(path, **hidden | {"csrf": csrf} | fields)
    text = " ".join(re.sub(r"<[^>]*>", " ", await response.text()).split())
    return response.status, response.headers.get("Location", ""), text


async def test_one_that_fits_is_shown_at_once(office: Office) -> None:
    await keep_names(office.mwanga)
    for typed, path in (
        ("0710%20000%20002", "/people/2"),
        ("%2B255710000002", "/people/2"),
        ("+255710000002", "/people/2"),  # a plus in an address is a space
        ("shs0283", "/people/2"),
        ("S1001", "/people/2"),
        ("barka+petr", "/people/2"),
        ("0700000001", "/people/agents/1"),
    ):
        assert await where(office, f"/find?q={typed}") == path, typed


async def test_the_end_of_two_phones_shows_both(office: Office) -> None:
    """One of a customer, one of an agent: neither is jumped to."""
    words = await office.page("/find?q=0002")
    assert "Baraka Peter" in words and "Agent Juma Said" in words and "(retired)" not in words
    await Agent.filter(name="Juma Said").update(retired_at=datetime.now(UTC))
    assert "(retired)" in await office.page("/find?q=0002")


async def test_several_are_listed_with_why(office: Office) -> None:
    await keep_names(office.mwanga)
    words = await office.page("/find?q=juma")
    assert "Amina Juma" in words and "Agent Juma Said" in words and words.count("the name") >= 2
    assert "Nothing is found for xyzzy." in await office.page("/find?q=xyzzy")
    assert "ticket as K12" in await office.page("/find?q=xyzzy")
    assert "Write what you know" in await office.page("/find")
    assert "Show names that are nearly so as well" in await office.page("/find?q=juma")
    await Customer.create(name="Jumaa", surname="Ali", mini_grid_id=1)
    assert "the name is nearly so" in await office.page("/find?q=jummaa&near=1")
    stored = await office.html("/find?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in stored and "&lt;script&gt;alert" in stored


async def test_villages_of_one_name_are_told_apart(office: Office) -> None:
    south = await MiniGrid.get(name="Lindi South")
    await Village.create(name="Naliendele", mini_grid=south)
    words = await office.page("/people")
    assert "Naliendele, Lindi South" in words and "Naliendele, Mtwara North" in words
    assert "Naliendele, " not in await office.page(f"/people?grid={south.id}"), "there it is one"


async def test_the_list_has_filters_and_a_file(office: Office) -> None:
    words = await office.page("/people")
    assert words.index("Neema Paulo") < words.index("Baraka Peter") < words.index("Amina Juma")
    assert "Neema" not in await office.page("/people?agent=1") and "SHS0283" in await office.page("/people?agent=1")
    assert "No customer fits." in await office.page("/people?overdue=1")
    assert "No customer fits." in await office.page("/people?tag=school&grid=1&village=x&before=zz")
    response = await office.get("/people?grid=1&csv=1")
    lines = (await response.read()).decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith("number,name,phone,language,mini_grid,village") and len(lines) == 5
    assert lines[2].startswith("2,Baraka Peter,") and "SHS0283" in lines[2]


async def test_a_customer_is_seen_whole(office: Office) -> None:
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    await office.sms("Baraka", "BAL", "blargh xx yy", "FIX it hums")
    words = await office.page("/people/2")
    for said in (
        *("Baraka Peter #2", "+255710000002", "Mtwara North", "Asha Mushi", "English"),
        *("SHS0283", "solar home system", "8 days left", "S1001", "owed", "next TZS"),
        *("wrote BAL", "not understood", "ticket K1 reported: it hums the customer"),
        "paid TZS 8,000 for SHS0283, 8 days",
        *("code *** *** ***", "to Asha Mushi, ref ", "Show the last code"),
    ):
        assert said in words, said
    assert len((await office.html("/people/2")).encode()) < WEIGHT
    [row] = await office.ask("SELECT digits FROM token")
    assert row["digits"] not in words.replace(" ", "")
    assert (await office.get("/people/99")).status == 404


async def test_a_ticket_and_its_steps_are_told_in_the_words_of_its_own_page(office: Office) -> None:
    """Dialled without a word more, `paid no code` is not `paid`; whose work it is no more is nobody's."""
    baraka, bike = await Customer.get(id=2), await device("SHS0283")
    async with office.mwanga.database.work():
        ticket = (await open_ticket(baraka, bike, Category.PAID, "", actor=baraka.phone or "", key="test")).ticket
        ticket = await assign(ticket, "grace")
        for words in ("office", PEOPLE["Juma"]):
            await comment(ticket, baraka.phone or "", words)
        await close(ticket, "silence")
    words = await office.page("/people/2")
    assert "ticket K1 given to: nobody grace" in words and "ticket K1 closed three days of silence" in words
    assert "ticket K1 added: office the customer" in words and f"ticket K1 added: {PEOPLE['Juma']}" in words
    async with office.mwanga.database.work():
        await reopen(ticket, "silence")
    assert "K1 , SHS0283: Paid, no code" in await office.page("/people/2")


@pytest.mark.parametrize(("at", "day"), [("2025-11-23T20:59", "23/11/2025"), ("2025-11-23T21:01", "24/11/2025")])
async def test_a_customer_is_one_since_a_day_of_the_companys_zone(office: Office, at: str, day: str) -> None:
    await Customer.filter(id=2).update(created_at=datetime.fromisoformat(f"{at}+00:00"))
    assert f"Customer since {day}" in await office.page("/people/2")


async def test_an_older_page_of_what_happened(office: Office) -> None:
    for number in range(40):
        await receive_message(office.db, now_ms() - number * MINUTE, number=number)
    html = await office.html("/people/2")
    before = re.findall(r'href="\?before=([0-9.]+)', html)
    assert before and len(html.encode()) < WEIGHT and "Newest" not in html
    older = await office.html(f"/people/2?before={before[0]}")
    assert "Newest" in older and html.count("<p>hello</p>") + older.count("<p>hello</p>") == 40
    assert "What happened" in await office.page("/people/2?before=nonsense")


async def test_a_code_is_shown_for_a_reason_and_noted(office: Office) -> None:
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    shs = await device("SHS0283")
    [row] = await office.ask("SELECT digits FROM token")
    status, _where, words = await send(office, "/people/2/code", "/people/2", device=str(shs.id), reason=" ")
    assert status == 422 and "Please say why" in words and row["digits"] not in words.replace(" ", "")
    status, _where, words = await send(office, "/people/2/code", "/people/2", device=str(shs.id), reason="lost the SMS")
    assert status == 200 and row["digits"] in words.replace(" ", "")
    notes = await office.ask("SELECT actor, subject, detail FROM audit WHERE action = 'token shown'")
    assert notes == [{"actor": "admin", "subject": "customer 2", "detail": "SHS0283: lost the SMS"}]
    again = await office.page("/people/2")
    assert row["digits"] not in again.replace(" ", "") and "SHS0283: lost the SMS" in again
    bike = await device("EB100042")
    assert (await send(office, "/people/2/code", "/people/2", device=str(bike.id), reason="lost"))[0] == 404
    assert (await send(office, "/people/3/code", "/people/3", device=str(bike.id), reason="lost"))[0] == 422


async def test_a_customer_is_changed_and_nothing_typed_is_lost(office: Office) -> None:
    wanted = {"name": "Neema", "surname": "Paul", "phone": "12", "village": "", "language": "sw"}
    status, _where, words = await send(office, "/people/3/change", **wanted)
    assert status == 422 and "phone number" in words
    status, to, _words = await send(office, "/people/3/change", **wanted | {"phone": "0713 000 111"})
    assert (status, to) == (303, "/people/3?done=changed")
    neema = await Customer.get(id=3)
    assert (neema.surname, neema.phone, neema.language) == ("Paul", PEOPLE["Rehema"], "sw")
    words = await office.page("/people/3?done=changed")
    assert "Changed." in words and "Neema Paulo \u2192 Neema Paul" in words
    assert (await send(office, "/people/3/change", **wanted | {"phone": neema.phone or ""}))[1].endswith("done=same")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("wa Kamau", "wa Kamau"),  # as it was registered: only the whole has three letters or more
        ("de  la Cruz", "de la Cruz"),
        ("N\N{RIGHT SINGLE QUOTATION MARK}Diaye", "N'Diaye"),  # as keyboards write it by themselves
    ],
)
async def test_a_customer_of_any_name_gets_another_phone(office: Office, typed: str, kept: str) -> None:
    await Customer.filter(id=3).update(surname=kept)
    wanted = {"name": "Neema", "surname": typed, "phone": "0713 000 111", "village": "", "language": "en"}
    assert (await send(office, "/people/3/change", **wanted))[1] == "/people/3?done=changed"
    neema = await Customer.get(id=3)
    assert (neema.surname, neema.phone) == (kept, PEOPLE["Rehema"])


async def test_the_second_of_two_is_told_and_keeps_the_text(office: Office) -> None:
    seen = SEEN.findall(await office.html("/people/3/change"))[0]
    await Customer.filter(id=3).update(surname="Pauline")
    wanted = {"name": "Neema", "surname": "Paulsen", "phone": PEOPLE["Neema"], "village": "", "language": "en"}
    csrf = await office.csrf("/people/3/change")
    response = await office.post("/people/3/change", csrf=csrf, seen=seen, **wanted)
    html = await response.text()
    assert response.status == 409 and 'value="Paulsen"' in html and "Somebody else changed this customer" in html
    assert "Neema Pauline" in html and (await Customer.get(id=3)).surname == "Pauline"
    response = await office.post("/people/3/change", csrf=csrf, seen=SEEN.findall(html)[0], **wanted)
    assert response.status == 303 and (await Customer.get(id=3)).surname == "Paulsen"


async def test_tags_are_put_on_and_taken_off(office: Office) -> None:
    assert (await send(office, "/people/3/tags", "/people/3", tag="Schöol"))[1] == "/people/3?done=tag#tags"
    assert "school" in await office.page("/people/3") and "Neema Paulo" in await office.page("/people?tag=school")
    assert (await send(office, "/people/3/tags", "/people/3", tag="--"))[0] == 422
    await send(office, "/people/3/tags", "/people/3", tag="school", do="remove")
    assert await office.ask("SELECT * FROM customer_tag") == []


async def test_a_device_is_given_to_who_is_meant_and_sure(office: Office) -> None:
    path = f"/people/2/devices/{(await device('SHS0283')).id}/give"
    assert "is still to be paid on it, and goes along." in await office.page(path)
    status, _to, words = await send(office, path, to="nobody at all", reason="sold it")
    assert status == 422 and "Nobody is found by this." in words
    await keep_names(office.mwanga)
    await Customer.create(name="Neema", surname="Ali", phone="+255710000088", mini_grid_id=1)
    status, _to, words = await send(office, path, to="neema", reason="sold it")
    assert status == 422 and "Several are found." in words and "Who is meant?" in words
    assert "Neema Paulo #3, +255710000003" in words and "Neema Ali" in words and "+255710000088" in words
    status, _to, words = await send(office, path, to="neema", reason="sold it", meant="#3")
    assert status == 200 and "To: Neema Paulo" in words and "Who is meant?" not in words
    status, _to, words = await send(office, path, to="0710000003", reason="sold it")
    assert status == 200 and "To: Neema Paulo" in words and (await device("SHS0283")).customer_id == 2
    status, _to, words = await send(office, path, to="#3", sure="3", reason="sold it")
    assert status == 422 and "S1001" in words
    form = {"to": "#3", "sure": "3", "reason": "sold it", "with_debt": "y", "once": "one and the same"}
    for _time in range(2):
        assert (await send(office, path, **form))[1] == "/people/2?done=proposed"
    assert (await device("SHS0283")).customer_id == 2, "a debt goes along, so another one has to agree"
    asked = await office.ask("SELECT what, with_debt, asked_by FROM proposal")
    assert [(row["what"], bool(row["with_debt"]), row["asked_by"]) for row in asked] == [("transfer", True, "admin")]
    status, _to, words = await send(office, path, **form | {"once": "another one"})
    assert status == 422 and "admin has asked for that already" in words


async def test_a_device_without_a_debt_is_given_at_once(office: Office) -> None:
    path = f"/people/3/devices/{(await device('EB100042')).id}/give"
    form = {"to": "#2", "sure": "2", "reason": "sold it", "once": "one and the same"}
    for _time in range(2):
        assert (await send(office, path, **form))[1] == "/people/2?done=given"
    assert (await device("EB100042")).customer_id == 2
    told = await office.ask("SELECT phone FROM outbox ORDER BY id")
    assert [row["phone"] for row in told] == [PEOPLE["Neema"], PEOPLE["Baraka"]]
    status, _to, words = await send(office, path, to="#2", sure="2", reason="again")
    assert status == 422 and "does not belong to this customer any more" in words
    assert "EB100042 to #2" in await office.page("/people/3")
    assert "device transferred: #3 \u2192 #2: sold it" in await office.page("/people/2")


async def test_a_device_comes_back_and_nothing_is_owed_any_more(office: Office) -> None:
    path = f"/people/2/devices/{(await device('SHS0283')).id}/return"
    await office.become(OfficeRole.SUPPORT)
    assert (await office.get(path)).status == 403 and "Take back" not in await office.page("/people/2")
    await office.become(OfficeRole.FINANCE)
    assert "Take back" in await office.page("/people/2")
    assert "TZS 1,092,000 that is open is owed no more." in await office.page(path)
    assert (await send(office, path, reason=""))[0] == 422 and (await device("SHS0283")).customer_id == 2
    form = {"reason": "moved away", "once": "one and the same"}
    for _time in range(2):
        assert (await send(office, path, **form))[1] == "/people/2?done=returned"
    assert (await device("SHS0283")).customer_id is None and await balance(AccountKind.DEBT, 1) == 0
    [told] = await office.ask("SELECT text FROM outbox")
    assert "owed no more" in told["text"] and await find_fault() == ""
    status, _to, words = await send(office, path, **form | {"once": "another"})
    assert status == 422 and "does not belong to this customer any more" in words


async def test_a_device_goes_out_of_use(office: Office) -> None:
    path = f"/people/3/devices/{(await device('EB100042')).id}/retire"
    assert (await send(office, path, reason=""))[0] == 422
    assert (await send(office, path, reason="burnt"))[1] == "/people/3?done=retired"
    assert (await device("EB100042")).retired_at and "out of use" in await office.page("/people/3")
    status, _to, words = await send(office, path, reason="burnt")
    assert status == 422 and "out of use already" in words
    shs = f"/people/2/devices/{(await device('SHS0283')).id}/retire"
    status, _to, words = await send(office, shs, reason="burnt")
    assert status == 422 and "is still to be paid on S1001" in words


async def test_a_device_is_swapped_under_warranty(office: Office) -> None:
    path = f"/people/2/devices/{(await device('SHS0283')).id}/swap"
    assert "SHS0284" in await office.html(path)
    for serial, said in (
        ("SHS9999", "is not in stock"),
        ("EB100043", "is another kind"),
        ("SHS0283", "is not in stock"),
    ):
        status, _to, words = await send(office, path, serial=serial, reason="battery")
        assert status == 422 and said in words, serial
    form = {"serial": "shs 0284", "reason": "battery", "once": "one and the same"}
    for _time in range(2):
        assert (await send(office, path, **form))[1] == "/people/2?done=swapped"
    assert await DeviceSwap.all().count() == 1 and (await device("SHS0284")).customer_id == 2
    words = await office.page("/people/2?done=swapped")
    assert "SHS0284" in words and "battery" in words and "Swapped." in words
    assert not re.search(r"count \d", words) and "device swapped: \u2192 SHS0284, of #2" in words
    assert await where(office, "/find?q=SHS0283") == "/people/2"


async def test_who_has_no_phone_is_not_said_to_be_told_of_a_swap(office: Office) -> None:
    await office.sms("Asha", "BUY EB100042 6000", "1 482915")
    await Customer.filter(id=3).update(phone=None)
    path = f"/people/3/devices/{(await device('EB100042')).id}/swap"
    [_status, to, _words] = await send(office, path, serial="EB100043", reason="battery")
    words = await office.page(to)
    assert "The customer has no phone: write the code down." in words and "told" not in words
    assert "Show the last code" in words


@pytest.mark.parametrize("what", ["return", "retire"])
async def test_who_has_no_phone_is_not_said_to_be_told_of_the_device(office: Office, what: str) -> None:
    for number, serial, said in ((1, "04123456784", "was told."), (3, "EB100042", "has no phone, and was not told.")):
        await Customer.filter(id=3).update(phone=None)
        path = f"/people/{number}/devices/{(await device(serial)).id}/{what}"
        [_status, to, _words] = await send(office, path, reason="burnt")
        assert said in await office.page(to)


async def test_a_meter_is_swapped_with_what_it_still_shows(office: Office) -> None:
    meter = await device("04123456784")
    spare = await Device.create(serial="04123456792", kind="meter", issuer="sts", sealed_key="")
    vault = office.mwanga.company.vault
    key = seal_key(spare.serial, open_key(meter, vault), vault)
    await Device.filter(id=spare.id).update(sealed_key=key)
    await office.sms("Asha", "BUY 04123456784 7000", "1 482915")
    path = f"/people/1/devices/{meter.id}/swap"
    assert "kWh that the old meter still shows" in await office.page(path)
    for shown, said in (("twelve", "like 12.5"), ("20.1", "This meter got 20 kWh in all"), ("-1", "like 12.5")):
        status, _to, words = await send(office, path, serial=spare.serial, shown=shown, reason="display dead")
        assert status == 422 and said in words, shown
    form = {"serial": spare.serial, "shown": "12,37 kWh", "reason": "display dead", "once": "one and the same"}
    for _time in range(2):
        assert (await send(office, path, **form))[1] == "/people/1?done=swapped"
    [swap] = await DeviceSwap.all()
    assert (swap.unit, swap.units) == ("energy", 123), "whole tenths, no more than it shows"
    assert "12.3 kWh" in await office.page("/people/1")


async def test_a_device_that_is_not_there_is_said_so(office: Office) -> None:
    for path in ("/people/2/devices/999/swap", "/people/999/devices/1/give", "/people/2/devices/999/retire"):
        assert (await office.get(path)).status == 404


async def test_what_phones_are_asked_for_stands_beside_what_is_owed(office: Office) -> None:
    said = "Phones are asked for TZS 5,000 of it"
    assert said not in await office.page("/people/2")
    async with office.mwanga.database.work():
        request = await written()
    assert said in await office.page("/people/2")
    async with office.mwanga.database.work():
        await requests.end(request, RequestState.FAILED, code="", reason="", now=now_ms())
    assert said not in await office.page("/people/2")


async def test_gender_and_position_are_written_at_the_desk(office: Office) -> None:
    at, whole = "/people/3/change", {"name": "Neema", "surname": "Paulo", "phone": PEOPLE["Neema"], "language": "en"}
    for wrong in ("Mtwara", "91, 0", "0 181", "-6,79 39,20", "1e1, 2"):
        status, _to, words = await send(office, at, **whole, village="", gender="female", position=wrong)
        assert status == 422 and "Write latitude and longitude like -6.79235, 39.20833." in words, wrong
    told = whole | {"village": "", "gender": "female", "position": "-10.312341 40.18333"}
    assert (await send(office, at, **told))[:2] == (303, "/people/3?done=changed")
    neema = await Customer.get(id=3)
    assert (neema.gender, neema.latitude, neema.longitude) == ("female", -10.31234, 40.18333)
    html = await office.html(at)
    assert 'value="-10.31234, 40.18333"' in html
    assert (await send(office, at, **told | {"position": "-10.31234, 40.18333"}))[1].endswith("done=same")
    changes = await office.ask(
        "SELECT action, old, new FROM audit WHERE action IN ('customer gender', 'customer position')"
    )
    assert sorted((each["action"], each["old"], each["new"]) for each in changes) == [
        ("customer gender", "", "female"),
        ("customer position", "", "-10.31234, 40.18333"),
    ]
    assert (await send(office, at, **told | {"gender": "", "position": ""}))[0] == 303
    neema = await Customer.get(id=3)
    assert (neema.gender, neema.latitude) == (None, None)


async def test_all_that_one_customer_paid_is_a_file(office: Office) -> None:
    """The same as at the prompt, a row for each payment."""
    await office.sms("Asha", "BUY EB100042 4000", "1 482915")
    assert 'href="/people/3/statement.csv"' in await office.html("/people/3")
    response = await office.get("/people/3/statement.csv")
    assert "statement-3-" in response.headers["Content-Disposition"]
    first, *rows = (await response.text()).lstrip("\ufeff").splitlines()
    assert first.startswith("time,reference,amount,paid_by") and len(rows) == 1
    assert ",4000,cash,,Asha Mushi,EB100042," in rows[0]
    assert len((await (await office.get("/people/1/statement.csv")).text()).splitlines()) == 1
