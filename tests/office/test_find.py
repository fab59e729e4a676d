"""The find box: what was typed, what it may be, and who goes by it."""

from datetime import UTC, datetime

import pytest

from bot.server import Server
from handlers.office.people.find import read_asked
from models.office import find
from models.office.find import Why
from models.people import Agent, Customer, OfficeUser
from models.people.agents import retire_agent
from models.selling import Sale
from models.selling.ownership import give_back
from models.sql import connection, execute
from models.tickets import Ticket
from tests.world.ownership import device, keep_names, sold, swap
from tests.world.people import PEOPLE, Phones


async def found(mwanga: Server, text: str) -> set[tuple[str, str]]:
    """Who is found, by name, and by what."""
    result = await find.find(read_asked(text, mwanga.company))
    named = set()
    for hit in result.hits:
        if hit.kind is find.Kind.CUSTOMER:
            one = await Customer.get(id=hit.id)
            named.add((f"{one.name} {one.surname}", hit.why.value))
        elif hit.kind is find.Kind.AGENT:
            named.add(((await Agent.get(id=hit.id)).name, hit.why.value))
        else:
            named.add((f"{hit.kind.value} {hit.said}", hit.why.value))
    return named


SPELLINGS = (
    "+255710000002",
    "0710000002",
    "0710 000 002",
    "255710000002",
    "00255710000002",
    "+255 (710) 000-002",
    "710000002",
)
FOUND = {
    "0700000001": {("Asha Mushi", "phone")},
    "SHS0283": {("Baraka Peter", "serial")},
    "shs 0283": {("Baraka Peter", "serial")},
    "SHS-O283": {("Baraka Peter", "serial")},
    "0283": {("Baraka Peter", "serial end")},
    "04123456784": {("Amina Juma", "serial")},
    "0412 3456 784": {("Amina Juma", "serial")},
    "S1001": {("Baraka Peter", "contract")},
    "s 1001": {("Baraka Peter", "contract")},
    "#2": {("Baraka Peter", "number")},
    "2": {("Baraka Peter", "number")},
    "#99": set(),
    "baraka": {("Baraka Peter", "name")},
    "Peter Baraka": {("Baraka Peter", "name")},
    "barka": {("Baraka Peter", "near name")},
    "asha": {("Asha Mushi", "name")},
    "mushy": {("Asha Mushi", "near name")},
    "juma": {("Amina Juma", "name"), ("Juma Said", "name")},
    "SHS0284": {("device SHS0284", "serial")},
    "0002": {("Baraka Peter", "phone end"), ("Juma Said", "phone end")},
    "K77": set(),
    "S1999": set(),
    "xyzzy": set(),
    "'; DROP TABLE customer; --": set(),
    "%": set(),
    "\u0661\u0662": set(),
    "x" * 100: set(),
}


async def test_a_phone_is_found_in_any_spelling(mwanga: Server) -> None:
    for typed in SPELLINGS:
        assert await found(mwanga, typed) == {("Baraka Peter", "phone")}, typed


async def test_what_was_typed_is_found(mwanga: Server) -> None:
    await keep_names(mwanga)
    assert {typed: await found(mwanga, typed) for typed in FOUND} == FOUND


@pytest.mark.usefixtures("references")  # by chance one of letters alone may be nearly somebody's name
async def test_references_and_tickets_are_found(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY SHS0283 8000")
    await Phones(mwanga).text("Baraka", "FIX it hums")
    ticket = await Ticket.all().first()
    assert ticket and await found(mwanga, ticket.number.lower()) == {(f"ticket {ticket.number}", "ticket")}
    assert await found(mwanga, sale.reference.lower()) == {("Baraka Peter", "sale")}
    values = ["RJK4X9ABCD", PEOPLE["Neema"]]
    await execute(
        connection(),
        "INSERT INTO payment (provider, reference, amount, currency, payer_phone, paid_at, created_at) "
        "SELECT 'mpesa', $1, 100, 'TZS', $2, created_at, created_at FROM sale",
        values,
    )
    assert await found(mwanga, "rjk4x9abcd") == {("payment RJK4X9ABCD", "payment")}
    assert await Sale.all().count() == 1


async def test_a_device_of_the_past_leads_to_who_had_it(mwanga: Server) -> None:
    await swap(mwanga, "SHS0283", "SHS0284")
    assert await found(mwanga, "SHS0283") == {("Baraka Peter", "replaced serial")}
    assert await found(mwanga, "SHS0284") == {("Baraka Peter", "serial")}
    async with mwanga.database.work():
        await give_back(await device("EB100042"), OfficeUser(name="grace"), "x", mwanga.company.today())
    assert await found(mwanga, "EB100042") == {("device EB100042", "serial")}


async def test_a_phone_that_several_share_finds_them_all(mwanga: Server) -> None:
    await Customer.filter(name="Neema").update(phone=PEOPLE["Baraka"])
    assert await found(mwanga, PEOPLE["Baraka"]) == {("Baraka Peter", "phone"), ("Neema Paulo", "phone")}


async def test_an_agent_who_is_retired_is_found_by_phone(mwanga: Server) -> None:
    await Agent.filter(name="Asha Mushi").update(retired_at=datetime.now(UTC))
    assert await found(mwanga, "0700000001") == {("Asha Mushi", "phone")}
    assert ("Asha Mushi", "phone end") in await found(mwanga, "00001")


async def test_an_agent_who_is_retired_is_found_by_name_behind_who_works_here(mwanga: Server) -> None:
    async with mwanga.database.work():
        await retire_agent(await Agent.get(phone=PEOPLE["Asha"]), actor="test")
        gone = await Agent.get(phone=PEOPLE["Asha"])
        fresh = await Agent.get(phone=PEOPLE["Juma"])
        await Agent.filter(id=fresh.id).update(name="Asha Rashidi")
    assert await found(mwanga, "asha mushi") == {("Asha Mushi", "name")}
    assert ("Asha Mushi", "near name") in await found(mwanga, "asha mushy")
    hits = (await find.find(read_asked("asha", mwanga.company))).hits
    assert [hit.id for hit in hits if hit.kind is find.Kind.AGENT] == [fresh.id, gone.id]


async def test_a_name_is_found_with_and_without_its_marks(mwanga: Server) -> None:
    """A phone writes the apostrophe of a typographer; and who calls says no hyphen."""
    await Customer.filter(phone=PEOPLE["Neema"]).update(surname="Ng'ombe")
    await Agent.filter(phone=PEOPLE["Juma"]).update(name="Jean-Marie N'Guessan")
    await keep_names(mwanga)
    for typed in ("Ng’ombe", "ng'ombe", "NGOMBE"):
        assert await found(mwanga, typed) == {("Neema Ng'ombe", "name")}, typed
    for typed in ("jean marie", "Jean-Marie", "N’Guessan", "nguessan"):
        assert await found(mwanga, typed) == {("Jean-Marie N'Guessan", "name")}, typed


async def test_a_customer_number_that_may_be_an_end_finds_both(mwanga: Server) -> None:
    await Customer.filter(name="Neema").update(phone="+255710991234")
    one = await Customer.create(id=1234, name="Zawadi", surname="Paulo", mini_grid_id=1)
    assert await found(mwanga, "1234") == {("Zawadi Paulo", "number"), ("Neema Paulo", "phone end")}
    assert await found(mwanga, f"#{one.id}") == {("Zawadi Paulo", "number")}


async def test_more_than_fit_are_said_to_be_more(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "MOST", 1)
    result = await find.find(read_asked("juma", mwanga.company))
    assert result.more and len(result.hits) == 1 and result.hits[0].why is Why.NAME


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL chooses by its statistics, and these tables are small
@pytest.mark.parametrize("typed", ["0710000002", "SHS0283", "0283", "S1001", "K5", "#2", "ABCDE", "1234567"])
async def test_finding_walks_indexes(mwanga: Server, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[str, list[object]]]()

    async def noted(db, statement, values=()):  # type: ignore[no-untyped-def]
        asked.append((statement, values))
        return await execute(db, statement, values)

    monkeypatch.setattr(find, "execute", noted)
    await find.find(read_asked(typed, mwanga.company))
    assert asked
    for statement, values in asked:
        if "FROM agent" in statement:  # there are few
            continue
        plan = [str(row["detail"]) for row in await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)]
        assert not [step for step in plan if step.startswith("SCAN")], (statement, plan)
