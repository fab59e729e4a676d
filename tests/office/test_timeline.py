"""What happened with a person: all kinds in one order, page by page, none twice and none left out."""

from datetime import UTC, datetime

import pytest

from bot.server import Server
from models.audit import record
from models.office import timeline
from models.office.timeline import SOURCES, Place, Whose, read_place, read_timeline
from models.people import Customer
from models.sql import connection, execute, insert, ms_of, on_postgres
from tests.world.ownership import sold
from tests.world.people import PEOPLE, Phones

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
    return Whose(
        id=customer.id, phone=customer.phone, subjects=[f"customer {customer.id}", str(customer.id), "SHS0283"]
    )


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
    whose, seen, before = Whose(id=customer.id, phone=customer.phone), [], None
    for _page in range(3):
        page, older = await read_timeline(whose, before, 2)
        seen += [event.place.id for event in page]
        before = read_place(older)
    assert len(seen) == len(set(seen)) == 5 and seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("text", ["", "1.2", "a.b.c", "1.2.3.4", "-1.2.3", "1.2." + "9" * 30, "1.2.\u0663"])
def test_a_strange_place_is_none(text: str) -> None:
    assert read_place(text) is None
    assert read_place(str(Place(7, 1, 3))) == Place(7, 1, 3)


async def test_each_kind_walks_an_index(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    if on_postgres():
        pytest.skip("PostgreSQL chooses by its statistics, and these tables are small")
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
