"""What happened with a person: all kinds in one order, page by page, none twice and none left out."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from bot.server import Server
from handlers.customers.phone import change_phone
from models.audit import record
from models.office import timeline
from models.office.held import held_by_agent, held_by_customer
from models.office.timeline import SOURCES, Place, Whose, read_place, read_timeline
from models.people import Agent, Customer
from models.people.agents import change_number, retire_agent
from models.sql import connection, execute, insert, ms_of
from tests.world.ownership import sold
from tests.world.people import NOON, PEOPLE, Phones

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


async def baraka(mwanga: Server) -> Whose:
    """Baraka after a day with all that can happen."""
    phones = Phones(mwanga)
    await sold(mwanga, "BUY SHS0283 8000")
    await phones.text("Baraka", "BAL")
    await phones.text("Baraka", "FIX it hums")
    customer = await Customer.get(phone=PEOPLE["Baraka"])
    async with mwanga.database.work():
        await record("grace", "customer name", f"customer {customer.id}", "Baraka Petr -> Baraka Peter")
        await record("grace", "payments park", str(customer.id), "is another thing")
    await insert(
        "ussdsession",
        gateway="test",
        service_code="*384*20#",
        session_id="1",
        phone=PEOPLE["Baraka"],
        transcript_length=0,
        transcript_mac="",
        talk="",
        pin_given=False,
        open=False,
        started_at=ms_of(AT),
        updated_at=ms_of(AT),
    )
    return await whose_is(customer, "SHS0283")


async def whose_is(customer: Customer, *serials: str) -> Whose:
    held = await held_by_customer(customer)
    return Whose(id=customer.id, held=held, subjects=[f"customer {customer.id}", str(customer.id), *serials])


async def test_all_that_happened_stands_in_one_order(mwanga: Server) -> None:
    events, older = await read_timeline(await baraka(mwanga))
    assert {event.kind for event in events} == {"change", "ticket", "contract", "dialled", "in", "sale", "out"}
    assert [event.place for event in events] == sorted((event.place for event in events), reverse=True)
    assert older == "" and all(event.row["action"] == "customer name" for event in events if event.kind == "change")
    [dialled] = [event for event in events if event.kind == "dialled"]
    assert dialled.moment == AT and dialled.ms == ms_of(AT)


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_have_each_event_once(mwanga: Server, size: int) -> None:
    whose = await baraka(mwanga)
    whole, _older = await read_timeline(whose, count=1000)
    pages, before = [], None
    while True:
        page, older = await read_timeline(whose, before, size)
        pages += page
        before = read_place(older)
        if before is None:
            break
    assert [event.place for event in pages] == [event.place for event in whole] and len(whole) > 6


async def test_events_of_one_moment_are_parted_well(mwanga: Server) -> None:
    customer = await Customer.get(phone=PEOPLE["Neema"])
    for number in range(5):
        await execute(
            connection(),
            "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, "
            "state, outcome, error) VALUES ('test', $1, $2, 'number', '', '', 'hello', $3, 'done', '', '')",
            [f"id {number}", customer.phone, ms_of(AT)],
        )
    whose, seen, before = await whose_is(customer), [], None
    for _page in range(3):
        page, older = await read_timeline(whose, before, 2)
        seen += [event.place.id for event in page]
        before = read_place(older)
    assert len(seen) == len(set(seen)) == 5 and seen == sorted(seen, reverse=True)


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


async def move(mwanga: Server, name: str, phone: str) -> None:
    """The office gives a customer this number."""
    customer = await Customer.get(name=name)
    async with mwanga.database.work():
        await change_phone(customer, phone, company=mwanga.company, composer=mwanga.composer, actor="grace")


async def texts_of(whose: Whose) -> list[str]:
    """What came in from somebody, the oldest first, page by page."""
    texts, before = list[str](), None
    while True:
        page, older = await read_timeline(whose, before, 2)
        texts += [str(event.row["text"]) for event in page if event.kind == "in"]
        before = read_place(older)
        if before is None:
            return texts[::-1]


async def test_texts_of_former_numbers_are_theirs_while_they_had_them(mwanga: Server, clock: Any) -> None:
    phones = Phones(mwanga)
    other = PEOPLE["Rehema"]
    for name, text in (("Baraka", "BAL"), ("Rehema", "nobody had this yet")):
        await phones.text(name, text)
    clock.shift(60)
    await move(mwanga, "Baraka", other)
    await phones.text("Rehema", "BAL please")
    clock.shift(60)
    await move(mwanga, "Neema", PEOPLE["Baraka"])
    await phones.text("Baraka", "TOKEN")
    clock.shift(60)
    await move(mwanga, "Baraka", PEOPLE["Salma"])
    clock.shift(60)
    await phones.text("Rehema", "whoever has it now")
    await phones.text("Salma", "HELP")
    assert await texts_of(await whose_is(await Customer.get(name="Baraka"))) == ["BAL", "BAL please", "HELP"]
    assert await texts_of(await whose_is(await Customer.get(name="Neema"))) == ["TOKEN"]


async def test_a_number_that_comes_back_is_theirs_twice(mwanga: Server, clock: Any) -> None:
    phones, own = Phones(mwanga), PEOPLE["Baraka"]
    for text, phone in (("BAL", PEOPLE["Rehema"]), ("HELP", own), ("PLAN", "")):
        await phones.text("Baraka", text)
        clock.shift(60)
        if phone:
            await move(mwanga, "Baraka", phone)
            clock.shift(60)
    assert await texts_of(await whose_is(await Customer.get(name="Baraka"))) == ["BAL", "PLAN"]


async def test_who_registers_with_a_number_that_another_left_has_nothing_of_him(mwanga: Server, clock: Any) -> None:
    phones, own = Phones(mwanga), PEOPLE["Baraka"]
    await phones.text("Baraka", "BAL")
    clock.shift(60)
    await move(mwanga, "Baraka", PEOPLE["Rehema"])
    clock.shift(60)
    grid = (await Customer.get(name="Baraka")).mini_grid_id
    upendo = await Customer.create(name="Upendo", surname="Mosi", phone=own, mini_grid_id=grid)
    await phones.text("Baraka", "HELP")
    assert await texts_of(await whose_is(upendo)) == ["HELP"]
    shared = await Customer.create(name="Salma", surname="Mosi", phone=own, mini_grid_id=grid)
    await move(mwanga, "Upendo", PEOPLE["Salma"])
    assert await texts_of(await whose_is(shared)) == ["HELP"], "who shared the number had it all the time"


async def test_an_agent_has_the_texts_and_notes_of_his_numbers_alone(mwanga: Server, clock: Any) -> None:
    phones, new = Phones(mwanga), PEOPLE["Rehema"]
    asha, juma = await Agent.get(phone=PEOPLE["Asha"]), await Agent.get(phone=PEOPLE["Juma"])
    await phones.text("Asha", "CASH")
    await phones.text("Juma", "STMT")
    clock.shift(60)
    async with mwanga.database.work():
        await change_number(asha, new, actor="grace")
    clock.shift(60)
    async with mwanga.database.work():
        await change_number(juma, PEOPLE["Asha"], actor="grace")
    clock.shift(60)
    await phones.text("Asha", "LIST")
    await phones.text("Rehema", "HELP")
    found = {}
    for agent in await Agent.filter(id__in=[asha.id, juma.id]):
        whose = Whose(id=agent.id, held=await held_by_agent(agent), owner="agent_id")
        changes = [event.row for event in (await read_timeline(whose))[0] if event.kind == "change"]
        assert {row["new"] for row in changes if row["action"] == "agent phone"} == {agent.phone}
        found[agent.id] = await texts_of(whose)
    assert found == {asha.id: ["CASH", "HELP"], juma.id: ["STMT", "LIST"]}


async def test_a_new_agent_has_nothing_of_a_retired_one(mwanga: Server, clock: Any) -> None:
    phones, juma = Phones(mwanga), await Agent.get(phone=PEOPLE["Juma"])
    await phones.text("Juma", "CASH")
    clock.shift(60)
    async with mwanga.database.work():
        await retire_agent(juma, actor="grace")
    clock.shift(60)
    juma = await Agent.get(id=juma.id)
    async with mwanga.database.work():
        new = await Agent.create(
            phone=juma.phone, name="Upendo Mosi", mini_grid_id=juma.mini_grid_id, pin_hash="", cash_limit=0
        )
        await record("grace", "agent", new.phone, new.name)
    await phones.text("Juma", "HELP")
    texts = [await texts_of(Whose(id=a.id, held=await held_by_agent(a), owner="agent_id")) for a in (juma, new)]
    assert texts == [["CASH"], ["HELP"]]


@pytest.mark.parametrize("text", ["", "1.2", "a.b.c", "1.2.3.4", "-1.2.3", "1.2." + "9" * 30, "1.2.\u0663"])
def test_a_strange_place_is_none(text: str) -> None:
    assert read_place(text) is None
    assert read_place(str(Place(7, 1, 3))) == Place(7, 1, 3)


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL chooses by its statistics, and these tables are small
async def test_each_kind_walks_an_index(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[str, list[object]]]()

    async def noted(db, statement, values=()):  # type: ignore[no-untyped-def]
        asked.append((statement, values))
        return await execute(db, statement, values)

    whose = await baraka(mwanga)
    monkeypatch.setattr(timeline, "execute", noted)
    await read_timeline(whose)
    for rank in range(len(SOURCES)):
        await read_timeline(whose, Place(ms_of(AT) * 1000, rank, 3))
    assert len(asked) > len(SOURCES)
    for statement, values in asked:
        plan = [str(row["detail"]) for row in await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)]
        assert not [step for step in plan if step.startswith("SCAN")], (statement, plan)
