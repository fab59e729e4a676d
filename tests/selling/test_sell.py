"""Selling an appliance as an agent does: one line, a dialogue and a dialled session end in the same rows, and a yes
is to what the question showed."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.server import Server
from models.devices import Device, DeviceModel
from models.people import Agent, Customer
from models.selling import Appliance, Contract, PaymentPlan
from models.selling.contracts import Instalment
from models.sql import connection, execute
from tests.world.books import check_ledger
from tests.world.people import NOON, Phones
from tests.world.templates import Templates

PIN = "482915"
# Each sale in three ways. Dialling begins behind the choice of the talk in the menu.
WAYS = {
    "goods": (
        ["SELL 2, Radio, 3 monthly", f"1 {PIN}"],
        ["SELL", "0710 000 002", "radio", "3 monthly", f"1 {PIN}"],
        ["Baraka", "2", "2", "1", PIN],
    ),
    "only plan": (
        ["SELL Amina, Solar lamp", f"1 {PIN}"],
        ["SELL", "#1", "Solar lamp", f"1 {PIN}"],
        ["04123456784", "4", "1", PIN],
    ),
    "device": (
        ["SELL 1 Solar home SHS0284", f"1 {PIN}"],
        ["SELL", "1", "3", "0284", f"1 {PIN}"],
        ["1", "3", "1", "1", PIN],
    ),
}
CHANCE = {"key", "reference", "created_at", "paid_until"}  # what two sales never share
TABLES = ("contract", "instalment", "payment", "sale", "token", "account", "entry", "line", "device")


async def business() -> dict[str, list[dict[str, object]]]:
    return {
        table: [
            {name: value for name, value in row.items() if name not in CHANCE}
            for row in await execute(connection(), f"SELECT * FROM {table} ORDER BY id")
        ]
        for table in TABLES
    }


async def by_text(phones: Phones, texts: list[str]) -> None:
    for text in texts:
        await phones.text("Asha", text)


async def by_dialling(phones: Phones, answers: list[str]) -> None:
    await phones.choose("Asha", "Sell goods")
    for answer in answers:
        screen = await phones.enter("Asha", answer)
    assert screen.startswith("END SOLD"), screen


@pytest.fixture
def urls(engine: str, templates: Templates) -> list[str]:
    """A demo database for each way."""
    return [templates.copy(engine, "demo") for _way in range(3)]


@pytest.mark.parametrize("sale", WAYS)
async def test_one_line_dialogue_and_dialling_end_in_the_same_rows(sale: str, urls: list[str]) -> None:
    written = []
    for url, way, say in zip(urls, WAYS[sale], (by_text, by_text, by_dialling), strict=True):
        with time_machine.travel(NOON, tick=False):
            async with assembled(load(database=url), serving=False) as mwanga:
                before = await Contract.all().count()
                await say(Phones(mwanga), way)
                assert await Contract.all().count() == before + 1, way
                await check_ledger(mwanga)
                written.append(await business())
    assert written[0] == written[1] == written[2]


async def _dearer(_phones: Phones) -> None:
    await Appliance.filter(name="Solar home").update(price=120_000_000)


async def _other_plan(_phones: Phones) -> None:
    await PaymentPlan.filter(name="156 weekly").update(count=100)


async def _taken(phones: Phones) -> None:
    await phones.text("Juma", "UZA 3, Solar home, 0284")
    await phones.text("Juma", "1 739164")


async def _full(_phones: Phones) -> None:
    await Agent.filter(id=1).update(cash_limit=699_900)


@pytest.mark.parametrize("dialled", [False, True], ids=["sms", "ussd"])
@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (_dearer, "The price has just changed"),
        (_other_plan, "The price has just changed"),
        (_taken, "was just given to somebody else"),
        (_full, "your limit is 6,999"),
    ],
)
async def test_a_yes_to_what_is_no_longer_so_sells_nothing(
    meanwhile: Callable[[Phones], Awaitable[None]], why: str, dialled: bool, mwanga: Server
) -> None:
    phones = Phones(mwanga)
    if dialled:
        with pytest.raises(AssertionError, match="CON"):
            await by_dialling(phones, ["1", "3", "1"])
    else:
        await phones.text("Asha", "SELL 1, Solar home, 0284")
    await meanwhile(phones)
    before = await business()
    said = await phones.text("Asha", f"1 {PIN}") if not dialled else [("Asha", await _answers(phones, ["1", PIN]))]
    assert len(said) == 1 and "Not sold." in said[0][1] and why in said[0][1], said
    assert await business() == before
    await check_ledger(mwanga)


async def _answers(phones: Phones, answers: list[str]) -> str:
    screen = ""
    for answer in answers:
        if not screen.startswith("END"):
            screen = await phones.enter("Asha", answer)
    return screen


async def test_a_sale_confirmed_after_midnight_is_of_the_day_on_which_it_was_asked(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(datetime(2027, 1, 30, 20, 55, tzinfo=UTC), tick=False) as clock:  # 23:55 in Mtwara
        [(_name, question)] = await phones.text("Asha", "SELL 1, Radio, 3 monthly")
        assert "from 28/2" in question
        clock.move_to(datetime(2027, 1, 30, 21, 2, tzinfo=UTC))
        await phones.text("Asha", f"1 {PIN}")
    dues = await Instalment.filter(contract__appliance__name="Radio").order_by("number")
    assert [str(due.due_on) for due in dues] == ["2027-02-28", "2027-03-30", "2027-04-30"]


async def test_a_customer_number_comes_before_the_end_of_a_phone(mwanga: Server) -> None:
    asha = await Agent.get(id=1)
    for number, name, phone in ((1001, "Salum", "+255710004444"), (1002, "Halima", "+255710001001")):
        await Customer.create(id=number, name=name, surname="Omari", phone=phone, mini_grid_id=asha.mini_grid_id)
    phones = Phones(mwanga)
    for words, owner in (("1001", "SALUM O."), ("0710 001 001", "HALIMA O."), ("4444", "SALUM O.")):
        [(_name, question)] = await phones.text("Asha", f"SELL {words}, Radio, cash")
        assert owner in question
    [(_name, asked)] = await phones.text("Asha", "SELL Omari, Radio, cash")
    assert asked == "Which one?\n1. Salum Omari #1001\n2. Halima Omari #1002\n0. Back"
    [(_name, question)] = await phones.text("Asha", "2")
    assert question.startswith("Sell Radio to HALIMA O. for TZS 15,000")


async def test_an_item_of_one_model_takes_no_device_of_another(mwanga: Server) -> None:
    """The office said which model a catalogue item is."""
    model = await DeviceModel.create(kind="shs", manufacturer="Jua", name="Sunny 50")
    await Appliance.filter(name="Solar home").update(model_id=model.id)
    phones = Phones(mwanga)
    [(_name, refused)] = await phones.text("Asha", "SELL 1, Solar home, 0284")
    assert refused == "Not sold. No Solar home is in stock. Call +255700000000."
    await Device.filter(serial="SHS0284").update(model_id=model.id)
    [(_name, question)] = await phones.text("Asha", "SELL 1, Solar home, 0284")
    assert question.startswith("Sell Solar home SHS0284 to AMINA J.?")


async def test_a_word_for_a_plan_that_is_not_allowed_is_not_taken_for_a_serial(mwanga: Server) -> None:
    phones = Phones(mwanga)
    [(_name, refused)] = await phones.text("Asha", "SELL 1, Solar home, cash")
    assert refused.startswith("Not sold. cash? Send one of: 156 weekly.")
    [(_name, refused)] = await phones.text("Asha", "SELL 1, Solar home, SHS0999")
    assert refused.startswith("Not sold. SHS0999 is not in stock.")
