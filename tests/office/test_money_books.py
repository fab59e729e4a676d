"""Statements against the books, closed days, whether the books add up, collection and visits, on their pages."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from aiohttp import FormData

from bot.config import Config
from handlers.office.money import collection
from models.clock import CLOCK, Doubt
from models.money import day_close
from models.money.books import find_fault
from models.money.day_close import bounds_of, close_all
from models.money.ledger import AccountKind, Posting, post
from models.people import MiniGrid
from models.selling.collection import Counted, Part
from models.selling.contracts import Contract, Instalment
from models.sql import connection, execute
from tests.world.money_desk import Desk, open_desk
from tests.world.people import NOON

pytestmark = pytest.mark.everyday_on_sqlite
PAGE = "/money/reconcile"


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Desk]:
    """On the day of the demo's sales: what is owed falls due on fixed ones."""
    with time_machine.travel(NOON):
        async with open_desk(config) as desk:
            yield desk


def statement(desk: Desk, *lines: str) -> str:
    """Of an organisation's portal, of today."""
    today = desk.office.mwanga.company.today().strftime("%d-%m-%Y")
    header = "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Other Party Info,A/C No."
    return "\n".join([header, *(line.replace("TODAY", f"{today} 00:00:01") for line in lines)])


async def upload(desk: Desk, text: str, provider: str = "daraja", new: str = "") -> tuple[int, str]:
    """Send a statement as a browser does: the status, and the page or where it leads."""
    data = FormData()
    for name, value in (("csrf", await desk.office.csrf(PAGE)), ("provider", provider), ("new", new)):
        data.add_field(name, value)
    data.add_field("file", text.encode(), filename="november.csv", content_type="text/csv")
    response = await desk.office.client.post(PAGE, data=data, allow_redirects=False)
    return response.status, response.headers.get("Location") or await response.text()


LINES = (
    "RKL1,TODAY,Pay Bill,Completed,7000.00,,254710000002 - BARAKA PETER,SHS0283",
    "RKL2,TODAY,Pay Bill,Completed,2000.00,,254710000003 - NEEMA PAULO,EB100042",
    "RKL3,TODAY,Pay Bill,Completed,900.00,,254799999999 - SOMEBODY,rent",
    "RKL4,TODAY,Business to customer,Completed,,-500.00,254710000002 - BARAKA PETER,",
)


async def test_what_a_statement_has_and_is_left_out_is_said(desk: Desk) -> None:
    """Else a provider whose words for what went through are other ones would seem to have sent nothing."""
    lines = (
        "RKL8,TODAY,Pay Bill,Successful,7000.00,,254710000002 - BARAKA PETER,SHS0283",
        "RKL9,TODAY,Pay Bill,In doubt,900.00,,254710000002 - BARAKA PETER,SHS0283",
    )
    for _time in range(2):
        status, html = await upload(desk, statement(desk, *lines))
        assert status == 200 and "The statement is read." in html
        assert "&#39;In doubt&#39;: left out" in html
    assert [row["reference"] for row in await desk.ask("SELECT reference FROM statement_line")] == ["RKL8"]


async def test_a_statement_is_read_and_each_difference_mended_by_one_click(desk: Desk) -> None:
    await desk.paid("RKL1", 7000, "SHS0283")
    status, where = await upload(desk, statement(desk, *LINES))
    assert (status, where) == (303, f"{PAGE}?provider=daraja&done=read")
    page = await desk.page(where)
    assert "Fits 1 TZS 7,000" in page and "Money without a sale: 2, TZS 2,900" in page
    assert "nobody said what for: 1, TZS 500" in page
    lines = {
        row["reference"]: f"{PAGE}/lines/{row['id']}"
        for row in await desk.ask("SELECT id, reference FROM statement_line")
    }
    await desk.done(lines["RKL2"], at=PAGE, do="take")
    assert "Say why." in await desk.refused(lines["RKL3"], at=PAGE, do="leave")
    await desk.done(lines["RKL3"], at=PAGE, do="leave", why="rent of the shop")
    html = await desk.refused(lines["RKL4"], at=PAGE, do="back", payment="XX")
    assert "There is no payment XX of daraja." in html and 'value="XX"' in html, "what was typed is mended"
    assert "The money of RKL1 was used." in await desk.refused(lines["RKL4"], at=PAGE, do="back", payment="rkl 1")
    await desk.done(lines["RKL4"], at=PAGE, do="payout")
    assert "RKL2 is settled already." in await desk.refused(lines["RKL2"], at=PAGE, do="take")
    page = await desk.page(PAGE)
    assert "Fits 2 TZS 9,000" in page and "Money without a sale: 0" in page and "Left out 1 TZS 900" in page
    assert len(await desk.ask("SELECT 1 FROM sale")) == 2 and await find_fault() == ""
    settled = await desk.ask("SELECT subject FROM audit WHERE action = 'statement line settled' ORDER BY id")
    assert [row["subject"] for row in settled] == ["daraja RKL2", "daraja RKL4"]
    [noted] = await desk.ask("SELECT actor, subject FROM audit WHERE action = 'import'")
    assert (noted["actor"], noted["subject"]) == ("rehema", "statement of daraja from november.csv")


async def test_the_log_has_who_said_what_each_line_is(desk: Desk) -> None:
    """What is plain as it is read nobody says, and it is the import's."""
    await desk.paid("RKL5", 500, "nobody's")
    to_bank = "RKL6,TODAY,Merchant to bank,Completed,,-300.00,bank,"
    await upload(desk, statement(desk, *LINES[1:], "RKL5,TODAY,Pay Bill,Completed,500.00,,x,y", to_bank))
    await upload(desk, statement(desk, "SLIP7,TODAY,Cash,Completed,50.00,,x,y"), "bank")
    lines = await desk.ask("SELECT id, provider, reference FROM statement_line WHERE settled = '' ORDER BY id")
    said = {"RKL2": {"do": "take"}, "RKL3": {"do": "take"}, "RKL4": {"do": "back", "payment": "RKL5"}}
    said |= {"SLIP7": {"do": "deposit"}}
    for row in lines:
        at = f"{PAGE}?provider={row['provider']}"
        await desk.done(f"{PAGE}/lines/{row['id']}", at=at, **said[row["reference"]])
    noted = await desk.ask(
        "SELECT actor, subject, detail FROM audit WHERE action = 'statement line settled' ORDER BY id"
    )
    assert [tuple(row.values()) for row in noted] == [
        ("rehema", "daraja RKL2", "payment, 200000 minor units"),
        ("rehema", "daraja RKL3", "payment, 90000 minor units"),
        ("rehema", "daraja RKL4", "back, 50000 minor units of RKL5"),
        ("rehema", "bank SLIP7", "deposit, 5000 minor units"),
    ]
    assert "statement line settled" in await desk.page("/log")


async def test_a_statement_that_is_wrong_writes_nothing(desk: Desk) -> None:
    status, html = await upload(desk, statement(desk, "RKL1,yesterday,Pay Bill,Completed,70.00,,x,y", LINES[1]))
    assert status == 422 and "Nothing was written." in html and "yesterday" in html
    status, html = await upload(desk, "PK\x03\x04")
    assert status == 422 and "Line 1: this is a workbook: save it as CSV UTF-8." in html
    status, html = await upload(desk, "")
    assert status == 422 and "Choose the file." in html
    status, html = await upload(desk, statement(desk, *LINES), provider="", new="No Name!")
    assert status == 422 and "small letters and digits" in html and 'value="No Name!"' in html
    assert not await desk.ask("SELECT 1 FROM statement_line")


async def test_a_large_statement_is_taken_and_only_of_who_has_signed_in(desk: Desk) -> None:
    many = [LINES[1].replace("RKL2", f"RK{n:06d}") for n in range(1_500)]
    text = statement(desk, *many)
    assert len(text) > 100_000
    status, _where = await upload(desk, text)
    assert status == 303 and len(await desk.ask("SELECT 1 FROM statement_line")) == 1_500
    assert (await desk.office.get(PAGE)).status == 200
    csrf = await desk.office.csrf(PAGE)
    desk.office.client.session.cookie_jar.clear()
    data = FormData()
    data.add_field("csrf", csrf)
    data.add_field("file", text.encode(), filename="november.csv")
    response = await desk.office.client.post(PAGE, data=data, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, "/login")


async def test_money_that_never_came_is_taken_out_of_the_books(desk: Desk) -> None:
    payment = await desk.paid("RKL9", 500, "nobody's")
    tomorrow = (desk.office.mwanga.company.today() + timedelta(days=1)).strftime("%d-%m-%Y 00:00:01")
    await upload(desk, statement(desk, LINES[1]))
    path = f"{PAGE}/payments/{payment}"
    html = await desk.refused(path, at=PAGE, why="not there")
    assert "No statement that was read says that RKL9 never came." in html
    await upload(desk, statement(desk, LINES[1], LINES[2].replace("TODAY", tomorrow)))
    await desk.refused(path, at=f"{PAGE}?provider=daraja", why=" ")
    await desk.done(path, at=f"{PAGE}?provider=daraja", why="a forged text")
    assert "Waits TZS 0" in await desk.page(f"/money/payments/{payment}")
    assert "RKL9" not in await desk.page("/money/suspense") and await find_fault() == ""
    [entry] = await desk.ask("SELECT reason FROM entry WHERE key = $1", f"payment {payment} never came")
    assert entry["reason"] == "a forged text"
    for query in ("", "?provider=daraja"):
        assert "TZS 0 0 payments" in await desk.page(f"/money{query}"), "what never came was not paid"
    for path in (f"/money/payments/{payment}", "/money/payments"):
        assert "It is out of the books: no statement has it." in await desk.page(path)
    [_names, row] = (await (await desk.office.get("/money/payments.csv")).text()).splitlines()
    assert row.endswith(",,0")
    await desk.paid("RKL10", 700, "nobody's")
    assert "TZS 700 1 payment" in await desk.page("/money")
    [line] = (await (await desk.office.get("/money/days.csv")).text()).splitlines()[-1:]
    assert line.endswith(",1,700")


async def test_who_closes_a_day_reads_that_the_clock_seems_to_be_ahead(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_ahead() -> Doubt:
        return Doubt.AHEAD

    yesterday = desk.office.mwanga.company.today() - timedelta(days=1)
    monkeypatch.setattr(CLOCK, "doubt", is_ahead)
    html = await desk.refused("/money/close", at="/money/close", day=str(yesterday), subject="all")
    assert "is over a day ahead of the last sale" in html and "close it tomorrow" not in html


async def test_a_day_is_closed_once_it_is_over(desk: Desk) -> None:
    await desk.sold()
    today = desk.office.mwanga.company.today()
    at = f"/money/close?day={today}"
    assert "The day is not over yet" in await desk.page(at)
    html = await desk.refused("/money/close", at=at, day=str(today), subject="all")
    assert "close it tomorrow" in html
    yesterday = today - timedelta(days=1)
    page = await desk.page("/money/close")
    assert "Asha Mushi, +255700000001 open" in page
    await desk.done("/money/close", at="/money/close", day=str(yesterday), subject="agent 1")
    page = await desk.page(f"/money/close?day={yesterday}&of=agent+1")
    assert "closed by rehema" in page and "Handed in 0" in page
    html = await desk.refused("/money/close", at="/money/close", day=str(yesterday), subject="agent 999")
    assert "Choose whose day it is." in html
    await desk.done("/money/close", at="/money/close", day=str(yesterday), subject="all")
    assert f"{yesterday} is closed for the whole books, by rehema" in await desk.page("/money/close")
    figures = await desk.page(f"/money/close?day={today}&of=agent+1")
    assert "Taken 4,000" in figures and "After the day 4,000" in figures


async def test_a_day_that_was_not_closed_to_the_end_is_closed_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    server, actor = desk.office.mwanga, "rehema"
    yesterday = server.company.today() - timedelta(days=1)
    at, sold = f"/money/close?day={yesterday}", [Posting(AccountKind.CASH, 1, 5), Posting(AccountKind.DAYS, 0, -5)]
    async with server.database.work():
        await post("a sale", sold, actor=actor, effective_at=bounds_of(yesterday, server.company.zone)[0])

    async def stop(*_: object) -> None:
        raise LookupError

    with monkeypatch.context() as patch, pytest.raises(LookupError):
        patch.setattr(day_close, "_agent_figures", stop)
        await close_all(server.database.work, yesterday, server.company.zone, actor)
    page = await desk.page(at)
    assert f"{yesterday} is closed for the whole books" in page and "Asha Mushi, +255700000001 open" in page
    assert "Close the day of all" in page
    for _press in range(2):
        await desk.done("/money/close", at=at, day=str(yesterday), subject="all")
    page = await desk.page(at)
    assert "Asha Mushi, +255700000001 closed by rehema" in page and "Close the day of all" not in page


async def test_what_keeps_a_day_open_is_said(desk: Desk) -> None:
    await desk.paid("RKL1", 7000, "lost")
    today = desk.office.mwanga.company.today()
    assert "1 payments of which nobody knows what they are for" in await desk.page(f"/money/close?day={today}")


async def test_the_books_are_added_up_when_somebody_wants_it(desk: Desk) -> None:
    await desk.office.mwanga.books.check_now()  # a server that has just started adds them up by itself
    assert "Add them up now" in await desk.page("/money/close")
    response = await desk.send("/money/books", at="/money/close")
    assert response.status == 303
    assert "They add up:" in await desk.page("/money/close")


async def test_collection_and_the_visits_of_tomorrow(desk: Desk) -> None:
    contract = await Contract.get(key="demo SHS0283")
    today = desk.office.mwanga.company.today()
    await Instalment.filter(contract_id=contract.id, number=1).update(due_on=today - timedelta(days=40))
    await Instalment.filter(contract_id=contract.id, number=2).update(due_on=today)
    await execute(connection(), "UPDATE instalment SET due_on = due_on WHERE id = 0")
    page = await desk.page("/money/collection")
    assert "At risk, 30 days late 100 % TZS 1,092,000" in page and "At risk, 60 days late 0 %" in page
    assert "Paid of what fell due this month 0 % TZS 0 of TZS 7,000" in page
    assert "Mtwara Mtwara North 7,000 0 0" in page
    lines = (await (await desk.office.get("/money/collection.csv")).text()).splitlines()
    assert lines[1] == "Mtwara North,Mtwara,Asha Mushi,1,1,1092000,7000,0,1092000,0,0"
    page = await desk.page("/money/visits?agent=1")
    assert "Mtwara Customer" in page and "Baraka Peter +255710000002 Solar home, SHS0283 14,000" in page
    assert "41 days" in page
    lines = (await (await desk.office.get("/money/visits.csv?agent=1")).text()).splitlines()
    assert lines[1].startswith("Mtwara,2,Baraka,Peter,+255710000002,Solar home,SHS0283,14000,")
    assert "Nobody has anything to pay" in await desk.page("/money/visits?agent=2")


async def test_who_pays_off_two_things_is_one_customer_to_visit(desk: Desk) -> None:
    today = desk.office.mwanga.company.today()
    contract = await Contract.get(key="demo SHS0283")
    other = contract.clone()
    other.key, other.device_id = "another", None
    await other.save()
    await Instalment.filter(contract_id=contract.id, number=1).update(due_on=today)
    await Instalment.create(
        contract_id=other.id, appliance_id=other.appliance_id, number=1, due_on=today, amount=2000_00
    )
    assert "1 customer, TZS 9,000" in await desk.page("/money/visits?agent=1")


async def test_the_file_of_collection_has_the_mini_grid_that_was_chosen(desk: Desk) -> None:
    [here] = await desk.ask("SELECT id FROM minigrid WHERE name = 'Mtwara North'")
    other = await MiniGrid.create(name="Kilwa")
    assert f"/money/collection.csv?grid={here['id']}" in await desk.office.html(f"/money/collection?grid={here['id']}")
    for grid, rows in ((here["id"], 1), (other.id, 0)):
        file = await (await desk.office.get(f"/money/collection.csv?grid={grid}")).text()
        assert len(file.splitlines()) == 1 + rows


async def test_of_many_villages_those_with_most_at_risk_are_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of all of them would be megabytes; the file has them."""
    today = desk.office.mwanga.company.today()
    villages = [1, *range(1_000, 1_060)]
    parts = [Part(1, village, None, owed=100, risk_30=place) for place, village in enumerate(villages)]

    async def counted(_today: date) -> Counted:
        return Counted(parts, today, datetime.now(UTC))

    monkeypatch.setattr(collection, "read", counted)
    page = await desk.page("/money/collection")
    assert "These 50 have most at risk; the CSV file has all." in page and page.count("Mtwara North") == 50 + 1
    assert page.index("60 %") < page.index("59 %") < page.index("11 %") and " 10 %" not in page
    assert len((await (await desk.office.get("/money/collection.csv")).text()).splitlines()) == 1 + len(parts)
