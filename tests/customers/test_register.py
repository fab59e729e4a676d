"""Registering by one message, by a dialogue and by dialling: the same rows, each device asked what it needs."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import time_machine
from tortoise.exceptions import IntegrityError, OperationalError

from bot.app import PURGES, assembled
from bot.config import load
from bot.runtime import Housekeeping
from bot.server import Server
from handlers.account.agent_phone import change_agent_phone
from models.customers import registration
from models.customers.registration import Form, Registration
from models.demo.world import STS_KEY
from models.devices import Device, DeviceModel, Kind
from models.devices.connections import ConnectionType, SubConnectionType
from models.devices.meters import VENDING_KEY
from models.people import Agent, Customer, MiniGrid, Village
from models.settings import Setting
from models.sql import connection, execute
from models.tokens import sts
from tests.world.people import NOON, PEOPLE, Phones
from tests.world.registering import EBIKE, METER, PERSON, SHS, by_one_message, said
from tests.world.templates import Templates

# The four registrations with each answer on its own; the person first, the language last where there is a phone.
STEPS = {
    METER: ["Rehema Ali", "0713 000 111", "1", "0412 345 6792", "1", "1", "1", "1"],
    SHS: ["Rehema Ali", "+255713000111", "2", "0284", "1", "1", "1"],
    EBIKE: ["Rehema Ali", "none", "3", "EB100043", "2", "1"],
    PERSON: ["Rehema Ali", "713000111", "4", "1", "1", "1"],
}
ROWS = (
    "SELECT name, surname, phone, language, mini_grid_id, village_id FROM customer ORDER BY id",
    "SELECT serial, kind, issuer, count, customer_id, tariff_id, model_id FROM device ORDER BY serial",
    "SELECT device_id, meter_type_id, group_id, type_id, sub_type_id FROM connection",
    "SELECT agent_id, customer_id, device_id, consent FROM registration",
)


async def rows() -> list[list[dict[str, object]]]:
    return [await execute(connection(), statement) for statement in ROWS]


async def by_dialogue(phones: Phones, command: str) -> str:
    await phones.text("Asha", "REG")
    for step in STEPS[command]:
        answer = await said(phones, step)
    return answer


async def by_dialling(phones: Phones, command: str) -> str:
    await phones.choose("Asha", "Register")
    for step in STEPS[command]:
        screen = await phones.enter("Asha", step)
    return screen.removeprefix("END ")


@pytest.fixture
def three_urls(engine: str, templates: Templates) -> list[str]:
    return [templates.copy(engine, "demo") for _ in range(3)]


@pytest.mark.parametrize("command", [METER, SHS, EBIKE, PERSON], ids=["meter", "shs", "ebike", "person"])
async def test_one_message_a_dialogue_and_dialling_end_in_the_same_rows(command: str, three_urls: list[str]) -> None:
    ends = []
    for way, url in zip((by_one_message, by_dialogue, by_dialling), three_urls, strict=True):
        async with assembled(load(database=url, languages="en,sw,fr,pt,ha"), serving=False) as mwanga:
            before = await rows()
            answer = await way(Phones(mwanga), command)
            ends.append((answer, await rows()))
            assert ends[-1][1] != before
    assert ends[0] == ends[1] == ends[2]
    assert ends[0][0].startswith("REGISTERED REHEMA A., customer 4")


async def test_only_a_meter_is_asked_for_the_five_labels(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for command in (SHS, EBIKE):
        await by_one_message(phones, command)
    assert await execute(connection(), "SELECT 1 FROM connection") == []
    await by_one_message(phones, METER.replace("0713000111", "none"))
    [labels] = await execute(connection(), ROWS[2])
    assert [name for name, value in labels.items() if value is None] == ["sub_type_id"]


async def test_a_registered_meter_is_sold_to_at_once(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await by_one_message(phones, METER)
    await phones.text("Asha", "BUY 04123456792 3500")
    receipt = await said(phones, "1 482915")
    code = "".join(receipt.split("Code ")[1].split("\n")[0].split())
    vending = sts.VendingKey(sgc="123457", krn=1, secret=bytes.fromhex(str(STS_KEY["secret"])))
    assert sts.decode(sts.derive_key(vending, "04123456792"), code).tenths == 100


async def test_the_welcome_comes_in_the_chosen_language(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", f"{SHS}, sw")
    told = dict(await phones.text("Asha", "1"))
    assert "SHS0284" in told["Rehema"] and told["Rehema"].startswith("Karibu Mwanga Demo!")


async def test_consent_is_stored_with_time_agent_and_version(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False):
        await phones.text("Asha", SHS)
        before = await rows()
        assert await said(phones, "2") == "Not registered."
        assert await rows() == before
        await by_one_message(phones, SHS)
    registration = await Registration.get().select_related("agent", "customer", "device")
    assert (registration.agent.name, registration.consent) == ("Asha Mushi", "2")
    assert registration.created_at == registration.customer.created_at == NOON
    assert registration.device.serial == "SHS0284"
    for statement in ("UPDATE registration SET consent = '2'", "DELETE FROM registration"):
        with pytest.raises((OperationalError, asyncpg.RaiseError), match="append only"):
            await execute(mwanga.database.client, statement)


async def test_the_same_registration_has_the_same_answer_and_another_has_not(mwanga: Server) -> None:
    phones = Phones(mwanga)
    first = await by_one_message(phones, METER)
    before = await rows()
    assert await said(phones, METER) == first
    assert await said(phones, METER.replace(" Ali", "  ALI").replace("0713000111", "+255 713 000 111")) == first
    for other in (METER.replace("Ali", "Omari"), METER.replace("0713000111", "none")):
        answer = await said(phones, other)
        assert answer.startswith("Not registered. 04123456792 is in use already.") and "REHEMA" not in answer
    assert (await said(phones, METER, "Juma")).startswith("Haikusajiliwa. 04123456792 tayari inatumika.")
    assert await rows() == before


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("serial", ["04123456784", "SHS0283", "SHS 0283", "EB100042"])
async def test_a_serial_in_use_is_refused_whatever_the_kind_and_names_nobody(serial: str, mwanga: Server) -> None:
    phones = Phones(mwanga)
    for kind in ("shs", "ebike") if serial[0] != "0" else ("meter",):
        answer = await said(phones, f"REG Rehema Ali, none, {kind}, {serial}, Mtwara")
        assert "in use already" in answer
        assert not any(name in answer for name in ("AMINA", "BARAKA", "NEEMA"))


async def test_a_meter_number_is_checked_before_anything_else(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await Setting.filter(name=VENDING_KEY).delete()
    for number in ("04123456785", "0412345678", "SHS0284"):
        assert "no meter number" in await said(phones, METER.replace("04123456792", number))
    assert "not in stock" in await said(phones, METER)


async def test_a_device_that_nobody_could_pay_for_is_not_registered(mwanga: Server) -> None:
    await Device.filter(serial="SHS0284").update(tariff_id=None)
    before = await rows()
    assert await said(Phones(mwanga), SHS) == (
        "Not registered. SHS0284 has no price yet. Call +255700000000. Send REG name, phone, kind, serial, village"
    )
    assert await rows() == before


async def test_a_meter_from_stock_keeps_its_own_key(mwanga: Server) -> None:
    await Setting.filter(name=VENDING_KEY).delete()
    await Device.create(serial="04123456792", kind="meter", issuer="sts", sealed_key="its own")
    assert (await by_one_message(Phones(mwanga), METER)).startswith("REGISTERED")
    assert (await Device.get(serial="04123456792")).sealed_key == "its own"


async def test_a_known_phone_asks_for_the_person_and_only_within_the_mini_grid(mwanga: Server) -> None:
    phones = Phones(mwanga)
    command = "REG Amina Juma, 0710 000 001, {}, {}, Mtwara"
    assert "Same person?\n1. Amina Juma #1\n2. Somebody else" in await said(phones, command.format("shs", "SHS0284"))
    await phones.text("Asha", "1")
    assert "customer 1," in await said(phones, "1")
    await Village.create(name="Mtwara", mini_grid=await MiniGrid.get(name="Lindi South"))
    asked = await said(phones, command.format("ebike", "EB100043"), "Zuhura")
    assert asked.startswith("Register AMINA J., EB100043?")
    await phones.text("Zuhura", "1")
    [first, second] = await Customer.filter(phone="+255710000001").order_by("id")
    assert first.mini_grid_id != second.mini_grid_id


async def test_two_who_share_a_phone_are_told_apart_also_by_the_same_initials(mwanga: Server) -> None:
    phones, mother = Phones(mwanga), await Customer.get(phone=PEOPLE["Amina"])
    place = {"mini_grid_id": mother.mini_grid_id, "village_id": mother.village_id}
    await Customer.create(name="Amina", surname="Jabiri", phone=mother.phone, **place)
    asked = await said(phones, "REG Amina Jabiri, 0710 000 001, shs, SHS0284, Mtwara")
    assert "Same person?\n1. Amina Juma #1\n2. Amina Jabiri #4\n3. Somebody else" in asked
    await phones.text("Asha", "2")
    assert "customer 4, SHS0284" in await said(phones, "1")


async def test_a_sub_connection_type_is_asked_of_types_that_have_some(mwanga: Server) -> None:
    business = await ConnectionType.get(name="Business")
    for name in ("Mill", "Shop"):
        await SubConnectionType.create(name=name, type=business)
    phones, command = Phones(mwanga), METER.replace("household", "business")
    assert await said(phones, command) == "Sub connection type?\n1. Mill\n2. Shop\n0. Back"
    assert (await said(phones, f"{command}, shop")).startswith("Register REHEMA A., 04123456792, Business 420?")
    await phones.text("Asha", "1")
    [labels] = await execute(connection(), ROWS[2])
    assert labels["sub_type_id"] == (await SubConnectionType.get(name="Shop")).id


async def test_the_model_is_asked_when_more_than_one_fits(mwanga: Server) -> None:
    for name, prefix in (("Sun 40", "SHS"), ("Sun 60", "SHS"), ("Mini 10", "MINI")):
        await DeviceModel.create(name=name, manufacturer="Jua", kind="shs", prefix=prefix)
    phones = Phones(mwanga)
    assert await said(phones, SHS) == "Model?\n1. Jua Sun 40\n2. Jua Sun 60\n0. Back"
    await phones.text("Asha", "2")
    await phones.text("Asha", "1")
    await phones.text("Asha", "1")
    assert (await Device.get(serial="SHS0284").select_related("model")).model.name == "Sun 60"


async def test_the_same_words_a_day_later_may_mean_somebody_else(mwanga: Server) -> None:
    """Without a device nothing tells two people of one name from one."""
    phones, alone = Phones(mwanga), "REG Neema Sanga, none, none, Mtwara"
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Asha", alone)
        assert (await said(phones, "1")).startswith("REGISTERED NEEMA S., customer 4.")
        clock.shift(timedelta(hours=23))
        assert (await said(phones, alone)).startswith("REGISTERED NEEMA S., customer 4.")
        clock.shift(timedelta(hours=2))
        assert (await said(phones, alone)).startswith("Register NEEMA S.?")
        assert (await said(phones, "1")).startswith("REGISTERED NEEMA S., customer 5.")


async def test_a_meter_is_not_registered_where_no_tariff_says_what_energy_costs(mwanga: Server) -> None:
    await execute(connection(), "UPDATE tariff SET unit = 'days' WHERE unit = 'energy'")
    assert "has no price yet" in await said(Phones(mwanga), METER)


# Two agents register the same device at once: one of them has it, the other one's customer is not even made.


@pytest.mark.parametrize(
    ("kind", "serial"), [(Kind.METER, "04123456792"), (Kind.SHS, "SHS0284")], ids=["new meter", "from stock"]
)
async def test_two_agents_at_once_register_a_device_once(kind: Kind, serial: str, mwanga: Server) -> None:
    village = await Village.get(name="Mtwara")
    who: dict[str, Any] = {"customer": None, "surname": "Omari", "phone": None, "language": "en", "village": village}
    device: dict[str, Any] = {
        "kind": kind,
        "serial": serial,
        "model": None,
        "tariff": None,
        "labels": None,
        "consent": "1",
    }

    async def attempt(name: str) -> bool:
        agent = await Agent.get(name=name)
        form = Form(**who, **device, name="Rehema", request=name, today=mwanga.company.today())
        try:
            async with mwanga.database.work():
                await registration.register(form, agent=agent, key=name, vault=mwanga.company.vault)
        except IntegrityError:  # a meter that nobody had heard of: the worker handles such a message once more, alone
            return await attempt(name)
        except registration.InUse:
            return False
        return True

    assert sorted(await asyncio.gather(attempt("Asha Mushi"), attempt("Juma Said"))) == [False, True]
    assert await Registration.filter(device=await Device.get(serial=serial)).count() == 1
    assert await Customer.filter(surname="Omari").count() == 1


# A registration that is not finished: it is kept for a week, and goes on by either channel.


async def test_a_draft_outlives_a_day_and_goes_on_by_any_channel(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        assert (await said(phones, "REG Rehema Ali, 0713000111")).startswith("Which device?")
        clock.shift(timedelta(hours=23, minutes=59))
        assert await said(phones, "2") == "Serial number?"
        clock.shift(timedelta(days=2))
        unfinished = "Unfinished: REHEMA A.\n1. Continue\n2. New\n3. Delete"
        assert unfinished in await phones.choose("Asha", "Register")
        assert "Serial number?" in await phones.enter("Asha", "1")
        await phones.enter("Asha", "SHS0284")
        assert (await said(phones, "REG")).startswith("Unfinished: REHEMA A. SHS0284")
        assert (await said(phones, "1")).startswith("Village?")
        for answer in ("1", "1"):
            await phones.text("Asha", answer)
        assert (await said(phones, "1")).startswith("REGISTERED REHEMA A., customer 4, SHS0284")
        assert await execute(connection(), "SELECT 1 FROM draft") == []


async def test_a_draft_goes_along_with_its_agent_and_stays_with_nobody_else(mwanga: Server) -> None:
    phones, means = Phones(mwanga), {"company": mwanga.company, "composer": mwanga.composer, "actor": "grace"}
    await phones.text("Asha", "REG Rehema Ali, 0713000111")
    async with mwanga.database.work():
        await change_agent_phone(await Agent.get(phone=PEOPLE["Asha"]), PEOPLE["Salma"], **means)
    async with mwanga.database.work():
        await change_agent_phone(await Agent.get(phone=PEOPLE["Juma"]), PEOPLE["Asha"], **means)
    await phones.news()
    assert (await said(phones, "REG", "Salma")).startswith("Unfinished: REHEMA A.")
    assert (await said(phones, "REG", "Asha")).startswith("Jina na ukoo?"), "which is Juma's by now"


async def test_drafts_are_listed_kept_apart_and_dropped(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "REG Rehema Ali, 0713000111")
    await phones.text("Asha", "REG Salum Omari, none")
    await phones.text("Asha", "REG Salum Omari, none")  # the same twice is one
    listed_ = await said(phones, "REG")
    assert sorted(line[3:] for line in listed_.split("\n")[1:]) == ["New", "REHEMA A.", "SALUM O."]
    chosen = next(line[0] for line in listed_.split("\n") if "SALUM" in line)
    assert await said(phones, chosen) == "SALUM O.\n1. Continue\n2. Delete\n0. Back"
    assert await said(phones, "2") == "Deleted."
    assert (await said(phones, "REG")).startswith("Unfinished: REHEMA A.")
    assert await said(phones, "2") == "Name and surname?"
    await phones.text("Asha", "Upendo Ally")
    assert "REHEMA A." in (again := await said(phones, "REG")) and "UPENDO A." in again
    assert (await said(phones, "SAJILI", "Juma")).startswith("Jina na ukoo?")


async def test_a_draft_is_forgotten_after_a_week(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Asha", "REG Rehema Ali, 0713000111")
        clock.shift(timedelta(days=7, seconds=1))
        assert (await said(phones, "REG")).startswith("Name and surname?")
        await Housekeeping(mwanga.database, 365, PURGES).purge()
    assert await execute(connection(), "SELECT 1 FROM draft") == []
