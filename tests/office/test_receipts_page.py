"""Texts of operators that wait, on the office's page: what it shows, who may decide, and what is booked then."""

from collections.abc import AsyncIterator

import pytest
from tortoise.exceptions import OperationalError

from bot.config import Config
from models.money import receipt_texts
from models.people import OfficeUser
from tests.world.books import check_ledger
from tests.world.browser import Office, open_office
from tests.world.people import NOON
from tests.world.receipt_texts import Till, open_till, personal

pytestmark = pytest.mark.everyday_on_sqlite

OLD = personal("DKN1234567", 5_000, 15_000, NOON)  # it comes another day
READ = {"provider": "mpesa-tz", "reference": "DKN1234567", "amount": "5,000"}


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    """One text of M-Pesa waits; the office is signed in."""
    async with open_office(config) as office:
        till = await open_till(office.mwanga, balance=10_000)
        await till.hears(OLD)
        await office.html()
        yield office


def till_of(office: Office) -> Till:
    return Till(office.mwanga, None)  # type: ignore[arg-type]


async def does(office: Office, what: str, path: str = "/money/receipts/1", **fields: str) -> int:
    """Send one of the page's forms; the status."""
    return (await office.post(path, do=what, csrf=await office.csrf("/money/receipts"), **fields)).status


async def test_what_waits_is_shown_with_its_reason_and_what_is_read_in_it(office: Office) -> None:
    page = await office.page("/money/receipts")
    assert "Texts of operators that wait: 1" in page and "came at another time" in page
    assert OLD in page and "To Till phone, SIM 1. Rule: mpesa-tz personal, of M-Pesa (Tanzania)." in page
    html = await office.html("/money/receipts")
    assert 'value="DKN1234567"' in html and 'value="5,000"' in html and "<option selected>mpesa-tz</option>" in html


async def test_only_who_is_signed_in_decides_and_by_our_own_forms(config: Config) -> None:
    async with open_office(config) as office:
        till = await open_till(office.mwanga, balance=10_000)
        await till.hears(OLD)
        response = await office.get("/money/receipts")
        assert response.status == 303 and response.headers["Location"] == "/login?next=/money/receipts"
        assert (await office.post("/money/receipts/1", do="refuse")).status == 403
        await office.html()
        assert (await office.post("/money/receipts/1", do="accept", seen="yes", **READ)).status == 403
        assert await till.states() == "waiting" and await till.paid() == []


async def test_a_text_is_booked_by_name_once_somebody_saw_the_money(office: Office) -> None:
    till = till_of(office)
    assert await does(office, "accept", **READ) == 422 and await till.paid() == []
    assert await does(office, "accept", seen="yes", **READ) == 303
    assert await till.paid() == [5_000]
    [(state, why)] = await till.texts()
    assert state == "paid" and why.startswith("by ") and why != "by "
    noted = await office.ask("SELECT actor, subject FROM audit WHERE action = 'receipt accepted'")
    assert [tuple(row.values()) for row in noted] == [(why.removeprefix("by "), "DKN1234567")]
    assert "Texts of operators that wait: 0" in await office.page("/money/receipts")
    assert await does(office, "accept", seen="yes", **READ) == 422, "it waits no more"
    assert await till.paid() == [5_000]
    await check_ledger(office.mwanga)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"amount": "5k"}, "5k is no amount of money."),
        ({"amount": "0"}, "The amount is nothing."),
        ({"amount": ""}, "The amount is missing."),
        ({"provider": "mpesa"}, "mpesa is none of airtel, mixx, mpesa-tz."),
    ],
)
async def test_what_is_filled_in_wrong_is_said_and_changes_nothing(
    office: Office, fields: dict[str, str], said: str
) -> None:
    csrf = await office.csrf("/money/receipts")
    response = await office.post("/money/receipts/1", do="accept", csrf=csrf, seen="yes", **READ | fields)
    assert response.status == 422 and f"Nothing was changed. {said}" in await response.text()
    assert await till_of(office).states() == "waiting"


async def test_it_is_said_in_the_language_of_the_reader(office: Office) -> None:
    csrf = await office.csrf("/money/receipts")
    await OfficeUser.all().update(language="fr")
    response = await office.post("/money/receipts/1", do="accept", csrf=csrf, seen="yes", **READ | {"reference": "-"})
    assert response.status == 422 and "pas de référence" in await response.text()


async def test_what_the_person_fills_in_is_booked(office: Office) -> None:
    fields = {"provider": "mpesa-tz", "reference": "dkn 1234568", "amount": "4,500.50", "serial": "SHS0283"}
    assert await does(office, "accept", seen="yes", **fields) == 303
    [row] = await office.ask("SELECT reference, amount, account_text FROM payment WHERE provider = 'mpesa-tz'")
    assert tuple(row.values()) == ("DKN1234568", 4_500_50, "SHS0283")
    assert await office.ask("SELECT 1 FROM outbox WHERE text LIKE '%Code %'"), "the owner has the code"


async def test_what_crosses_with_others_is_tried_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two units of work that want the same rows: one of them is undone."""
    hold, crossed = receipt_texts.hold_waiting, iter([True])

    async def crosses_once(text_id: int) -> receipt_texts.ReceiptText:
        if next(crossed, False):
            raise OperationalError("deadlock detected")
        return await hold(text_id)

    monkeypatch.setattr(receipt_texts, "hold_waiting", crosses_once)
    assert await does(office, "accept", seen="yes", **READ) == 303
    assert await till_of(office).paid() == [5_000]


async def test_a_text_is_refused(office: Office) -> None:
    assert await does(office, "refuse") == 303
    assert await till_of(office).states() == "refused"
    assert await does(office, "refuse") == 422
    assert await does(office, "something") == 400
    assert await does(office, "refuse", "/money/receipts/999") == 422


async def test_a_text_is_tried_out_and_nothing_is_changed(office: Office) -> None:
    before = await office.ask("SELECT id, state FROM receipt_text")
    csrf = await office.csrf("/money/receipts")
    response = await office.post(
        "/money/receipts", csrf=csrf, text=OLD.replace("balance is", "<b>balance"), sender="M-PESA"
    )
    html = await response.text()
    assert response.status == 200 and "No rule fits it." in html and "Nearest is mpesa-tz personal" in html
    assert "<b>balance" not in html
    assert await office.ask("SELECT id, state FROM receipt_text") == before


async def test_why_a_text_waits_and_what_became_of_one_are_in_the_readers_language(office: Office) -> None:
    await office.ask("UPDATE officeuser SET language = 'sw'")
    page = await office.page("/money/receipts")
    assert "na ulikuja wakati mwingine." in page and "Kanuni: mpesa-tz personal, ya M-Pesa (Tanzania)." in page
    for path, tried in (("/money/receipts", "/money/receipts"), ("/settings/receipts", "/settings/receipts/try")):
        csrf = await office.csrf(path)
        page = await (await office.post(tried, csrf=csrf, text=OLD, sender="M-PESA")).text()
        assert "Ungesubiri mtu:" in page and "It would" not in page
    [(state, why)] = await till_of(office).texts()
    assert state == "waiting" and why.endswith("and came at another time."), "kept as it was"
