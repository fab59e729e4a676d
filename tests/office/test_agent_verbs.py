"""What the office's pages do with agents and registrations, on both engines, also twice and at once."""

import asyncio

import pytest

from bot.server import Server
from handlers.account.agent_phone import change_agent_phone
from handlers.account.new_agent import add_with_pin_by_sms
from handlers.account.retire import retire
from handlers.customers.office_registration import register_by_office, request_of
from models.audit import Audit
from models.customers.registration import Form, InUse, Registration
from models.devices import Device, Kind
from models.messages.tables import Outbox
from models.money.ledger import AccountKind, Posting, post
from models.office.agents import list_by_risk
from models.office.held import held_by_agent
from models.people import Agent, Customer, MiniGrid, OfficeUser, Village
from models.people.agents import AgentExists, ChangedMeanwhile, change_agent, lock_agent, retire_agent, version_of
from models.people.pins import RetiredBefore
from tests.world.people import PEOPLE

ACTOR = "grace"


async def add(mwanga: Server, number: int) -> Agent:
    async with mwanga.database.work():
        return await add_with_pin_by_sms(
            phone=f"+25571200{number:04}",
            name=f"Agent Number{number}",
            language="en",
            mini_grid="Masasi",
            cash_limit=100_000_00,
            company=mwanga.company,
            composer=mwanga.composer,
            actor=ACTOR,
        )


async def test_the_list_goes_on_where_it_stopped_and_names_each_once(mwanga: Server) -> None:
    for number in range(5):
        agent = await add(mwanga, number)
        async with mwanga.database.work():
            cash = number // 2 * 10_000_00 + 1_00
            lines = [Posting(AccountKind.CASH, agent.id, cash), Posting(AccountKind.ENERGY, 0, -cash)]
            await post(f"taken {number}", lines, actor="test")
    whole = [(one.risk, one.id) for one in await list_by_risk()]
    assert len(whole) == await Agent.all().count() and whole == sorted(whole, reverse=True)
    found, before = [], ""
    while page := await list_by_risk(before=before, most=2):
        found += [(one.risk, one.id) for one in page]
        before = page[-1].place
    assert found == whole
    masasi = await MiniGrid.get(name="Masasi")
    assert {one.mini_grid for one in await list_by_risk(mini_grid=masasi.id)} == {"Masasi"}
    assert await list_by_risk(before="no.place") == await list_by_risk()


async def test_who_is_retired_gets_no_other_number(mwanga: Server) -> None:
    place = {"company": mwanga.company, "composer": mwanga.composer, "actor": ACTOR}
    async with mwanga.database.work():
        await retire_agent(await Agent.get(phone=PEOPLE["Juma"]), actor=ACTOR)
        juma = await Agent.get(phone=PEOPLE["Juma"])
        with pytest.raises(RetiredBefore):
            await change_agent_phone(juma, "+255712000009", **place)
    assert not await Outbox.exists(phone="+255712000009")


async def test_a_number_is_one_agent_s_also_when_two_take_it_at_once(mwanga: Server) -> None:
    place = {"company": mwanga.company, "composer": mwanga.composer, "actor": ACTOR}

    async def take(name: str) -> bool:
        async with mwanga.database.work():
            return await change_agent_phone(await Agent.get(phone=PEOPLE[name]), "+255712000009", **place)

    done = await asyncio.gather(take("Asha"), take("Juma"), return_exceptions=True)
    assert done.count(True) == 1 and await Agent.filter(phone="+255712000009").count() == 1
    taken = await Agent.get(phone="+255712000009")
    numbers = [held.phone for held in await held_by_agent(taken)]
    assert numbers == ["+255712000009", PEOPLE["Asha" if taken.id == 1 else "Juma"]]
    with pytest.raises(AgentExists):
        await take("Zuhura")
    assert await Outbox.all().count() == 2


async def test_the_second_of_two_who_edit_is_told(mwanga: Server) -> None:
    asha = await Agent.get(phone=PEOPLE["Asha"])
    seen = version_of(asha)

    async def edit(limit: int) -> None:
        async with mwanga.database.work():
            await change_agent(await lock_agent(asha.id, seen), cash_limit=limit, mini_grid="Masasi", actor=ACTOR)

    done = await asyncio.gather(edit(1_00), edit(2_00), return_exceptions=True)
    assert sorted(type(one) for one in done if one) == [ChangedMeanwhile]
    rows = await Audit.all().order_by("id").values_list("action", "old", "new")
    assert rows[0] == ("agent mini-grid", "Mtwara North", "Masasi") and len(rows) == 2


async def test_who_is_retired_by_two_at_once_is_retired_once(mwanga: Server) -> None:
    """Each of them had the page open: the first one says when it was."""
    one, other = await Agent.get(phone=PEOPLE["Juma"]), await Agent.get(phone=PEOPLE["Juma"])
    async with mwanga.database.work():
        await retire(one, actor=ACTOR)
    since = (await Agent.get(id=one.id)).retired_at
    async with mwanga.database.work():
        await retire(other, actor="henry")
    assert (await Agent.get(id=one.id)).retired_at == since
    assert await Audit.filter(action="agent retired").values_list("actor", flat=True) == [ACTOR]


async def test_who_changes_one_thing_keeps_what_somebody_else_changed_in_the_same_moment(mwanga: Server) -> None:
    """As the prompt does beside the page: it names what it changes, and nothing more is changed."""
    one, other = await Agent.get(phone=PEOPLE["Asha"]), await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await change_agent(one, commission=500, actor=ACTOR)
    async with mwanga.database.work():
        await change_agent(other, cash_limit=1_00, cashier=False, actor=ACTOR)
    asha = await Agent.get(phone=PEOPLE["Asha"])
    assert (asha.commission, asha.cash_limit) == (500, 1_00)
    assert await Audit.all().order_by("id").values_list("action", flat=True) == ["agent commission", "agent cash_limit"]


def form(mwanga: Server, village: Village, serial: str = "", *, phone: str = "+255713000444") -> Form:
    """Halima Musa, as the page fills her in."""
    kind = Kind.SHS if serial else None
    return Form(
        customer=None,
        name="Halima",
        surname="Musa",
        phone=phone,
        language="en",
        village=village,
        kind=kind,
        serial=serial,
        model=None,
        tariff=None,
        labels=None,
        consent="",
        request=request_of(mwanga.company, "Halima", "Musa", phone, kind or "none", serial or village.name),
        today=mwanga.company.today(),
    )


async def test_a_registration_is_done_once_and_a_device_given_once(mwanga: Server) -> None:
    village, user = (await Village.all())[0], await OfficeUser.create(name=ACTOR, password_hash="none")
    free = await Device.filter(kind="shs", customer_id=None, tariff_id__not_isnull=True).first()
    if free is None:
        owned = await Device.get(serial="SHS0283")
        free = await Device.create(
            serial="SHS0999", kind="shs", issuer=owned.issuer, key=owned.key, count=1, tariff_id=1, divider=1
        )
    place = {"company": mwanga.company, "composer": mwanga.composer}

    async def register(key: str, phone: str = "+255713000444") -> bool:
        async with mwanga.database.work():
            wanted = form(mwanga, village, free.serial, phone=phone)
            return (await register_by_office(wanted, key, user, **place)).new

    done = await asyncio.gather(*(register("form 1") for _ in range(3)), return_exceptions=True)
    assert done.count(True) == 1
    assert await register("form 1") is False and await register("form 2") is False, "the same request"
    halima = await Customer.get(surname="Musa")
    assert (halima.mini_grid_id, halima.village_id) == (village.mini_grid_id, village.id)
    assert (await Device.get(id=free.id)).customer_id == halima.id
    [row] = await Registration.all()
    assert (row.agent_id, row.consent) == (None, "2")
    assert await Outbox.filter(phone=halima.phone).count() == 1
    assert await Audit.filter(actor=ACTOR, action="registered", subject=f"customer {halima.id}").count() == 1
    with pytest.raises(InUse):
        await register("form 3", "+255713000555")
