"""The office changes a customer: each change with old and new in the audit; of two at once the second is told."""

import asyncio
from dataclasses import replace

import pytest

from bot.server import Server
from handlers.customers.changes import ChangedMeanwhile, Details, change_customer, details_of
from models.audit import Audit
from models.customers.tags import MOST, TooManyTags, add_tag, known_tags, remove_tag, tags_of, tidy_tag
from models.people import Agent, Customer, MiniGrid, Village
from models.tickets import Category, Ticket
from models.tickets.tickets import assign, close, find_for_office, open_ticket, reopen
from tests.world.ownership import told
from tests.world.people import PEOPLE


async def change(mwanga: Server, wanted: Details, seen: str) -> list[str]:
    async with mwanga.database.work():
        customer = await Customer.get(phone=PEOPLE["Neema"])
        means = {"company": mwanga.company, "composer": mwanga.composer}
        return await change_customer(customer, wanted, seen=seen, actor="grace", **means)


async def test_each_change_is_in_the_audit_with_old_and_new(mwanga: Server) -> None:
    neema = await Customer.get(phone=PEOPLE["Neema"])
    away = await Village.create(name="Mchinga", mini_grid=await MiniGrid.get(name="Lindi South"))
    seen, home = details_of(neema), await Village.get_or_none(id=neema.village_id)
    before = f"{home.name}, Mtwara North" if home else "Mtwara North"
    wanted = Details(name="Neema", surname="Paul", phone=PEOPLE["Rehema"], village_id=away.id, language="sw")
    assert await change(mwanga, wanted, seen.version) == ["name", "village", "language", "phone"]
    neema = await Customer.get(id=neema.id)
    assert details_of(neema) == wanted and neema.mini_grid_id == away.mini_grid_id
    notes = await Audit.all().order_by("id").values_list("actor", "action", "subject", "old", "new")
    subject = f"customer {neema.id}"
    assert notes == [
        ("grace", "customer name", subject, "Neema Paulo", "Neema Paul"),
        ("grace", "customer village", subject, before, "Mchinga, Lindi South"),
        ("grace", "customer language", subject, "en", "sw"),
        ("grace", "customer phone", subject, PEOPLE["Neema"], PEOPLE["Rehema"]),
    ]
    assert set(await told(mwanga)) == {"Neema", "Rehema"}


async def test_who_goes_to_another_mini_grid_leaves_no_ticket_with_an_agent_of_the_former_one(mwanga: Server) -> None:
    neema, zuhura = await Customer.get(phone=PEOPLE["Neema"]), await Agent.get(phone=PEOPLE["Zuhura"])
    for words in ("dark", "broken", "hot"):
        await open_ticket(neema, None, Category.POWER, words, actor=PEOPLE["Neema"], key=words)
    await close(await find_for_office(3), PEOPLE["Neema"])
    other = await Village.create(name="Mikindani", mini_grid_id=neema.mini_grid_id)
    await change(mwanga, replace(details_of(neema), village_id=other.id), details_of(neema).version)
    assert None not in await whose()
    await assign(await find_for_office(2), "grace", agent=zuhura)  # who is there where she goes
    away = await Village.create(name="Mchinga", mini_grid_id=zuhura.mini_grid_id)
    seen = details_of(await Customer.get(id=neema.id))
    await change(mwanga, replace(seen, village_id=away.id), seen.version)
    assert (await whose())[:2] == [None, zuhura.id]
    await reopen(await find_for_office(3), PEOPLE["Neema"])
    assert (await whose())[2] is None, "her former agent does not see it"


async def whose() -> list[int | None]:
    return list(await Ticket.all().order_by("id").values_list("agent_id", flat=True))


async def test_nothing_changed_is_nothing_noted(mwanga: Server) -> None:
    seen = details_of(await Customer.get(phone=PEOPLE["Neema"]))
    assert await change(mwanga, seen, seen.version.replace("\n", "\r\n")) == []
    assert not await Audit.all() and await told(mwanga) == {}


async def test_the_second_of_two_is_told(mwanga: Server) -> None:
    seen = details_of(await Customer.get(phone=PEOPLE["Neema"]))
    await change(mwanga, replace(seen, surname="Paul"), seen.version)
    with pytest.raises(ChangedMeanwhile) as refused:
        await change(mwanga, replace(seen, language="fr"), seen.version)
    assert refused.value.now.surname == "Paul" and (await Customer.get(phone=PEOPLE["Neema"])).language == "en"


async def test_of_two_at_once_one_is_told(mwanga: Server) -> None:
    seen = details_of(await Customer.get(phone=PEOPLE["Neema"]))
    wanted = [replace(seen, surname=name) for name in ("Paul", "Pauline")]
    done = await asyncio.gather(*(change(mwanga, each, seen.version) for each in wanted), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["ChangedMeanwhile", "list"]


async def test_a_tag_is_put_on_once_and_taken_off(mwanga: Server) -> None:
    neema, baraka = await Customer.get(phone=PEOPLE["Neema"]), await Customer.get(phone=PEOPLE["Baraka"])
    async with mwanga.database.work():
        assert await add_tag(neema, "school", "grace") and await add_tag(baraka, "school", "grace")
        assert await add_tag(neema, "clinic", "grace") and not await add_tag(neema, "clinic", "grace")
    assert await known_tags() == ["clinic", "school"]
    assert await tags_of([neema.id, baraka.id]) == {neema.id: ["clinic", "school"], baraka.id: ["school"]}
    async with mwanga.database.work():
        assert await remove_tag(neema, "clinic", "grace") and not await remove_tag(neema, "clinic", "grace")
    assert await known_tags() == ["school"]
    notes = await Audit.filter(action="customer tag").order_by("id").values_list("detail", flat=True)
    assert notes == ["+ school", "+ school", "+ clinic", "- clinic"]


async def test_a_customer_has_some_tags_and_no_more(mwanga: Server) -> None:
    neema = await Customer.get(phone=PEOPLE["Neema"])
    async with mwanga.database.work():
        for number in range(MOST):
            await add_tag(neema, f"tag {number}", "grace")
        with pytest.raises(TooManyTags):
            await add_tag(neema, "one more", "grace")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  School  of Arts ", "school of arts"), ("#École", "ecole"), ("---", ""), ("", ""), ("x" * 99, "x" * 30)],
)
def test_tags_are_written_one_way(typed: str, kept: str) -> None:
    assert tidy_tag(typed) == kept
