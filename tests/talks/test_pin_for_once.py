"""A PIN that the office sends is for once: its owner chooses an own one before anything else."""

from datetime import timedelta

import pytest
import time_machine

from bot.server import Server
from handlers.account.one_time_pin import send_pin
from models.audit import Audit
from models.messages.tables import Outbox
from models.office.outgoing import mask
from models.people import Agent, pins
from models.sql import execute
from tests.world.people import NOON, PEOPLE, Phones

FIRST = "First choose your own PIN, nothing was done. Send: PIN old new"


async def given(mwanga: Server) -> str:
    """The PIN that Asha finds on her phone."""
    async with mwanga.database.work():
        asha = await Agent.get(phone=PEOPLE["Asha"])
        await send_pin(asha, company=mwanga.company, composer=mwanga.composer, actor="rehema")
    message = await Outbox.filter(phone=PEOPLE["Asha"]).order_by("-id").first()
    assert message and message.kind == "token"
    pin = message.text.split(": ")[1].split(".")[0]
    assert not pins.is_weak(pin) and pin not in mask(message.text)
    assert len(message.text) <= 160
    return pin


async def test_it_has_to_be_changed_before_anything_is_sold(mwanga: Server) -> None:
    pin = await given(mwanga)
    phones = Phones(mwanga)
    await phones.news()
    await phones.text("Asha", "BUY SHS0283 8000")
    assert await phones.text("Asha", f"1 {pin}") == [("Asha", FIRST)]
    assert not await execute(mwanga.database.client, "SELECT 1 FROM sale")
    [(_asha, same)] = await phones.text("Asha", f"PIN {pin} {pin}")
    assert same.startswith("PIN not changed. This is the PIN from the office. Choose another one.")
    [(_asha, changed)] = await phones.text("Asha", f"PIN {pin} 730582")
    assert changed.startswith("PIN changed.")
    await phones.text("Asha", "BUY SHS0283 8000")
    assert (await phones.text("Asha", "1 730582"))[0][1].startswith("SOLD")


@pytest.mark.everyday_on_sqlite
async def test_it_is_over_after_a_day_and_counts_no_wrong_try(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        pin = await given(mwanga)
        clock.shift(timedelta(hours=25))
        phones = Phones(mwanga)
        await phones.news()
        [(_asha, said)] = await phones.text("Asha", f"PIN {pin} 730582")
        assert said.startswith("This PIN is over. Nothing was done.")
    assert (await Agent.get(phone=PEOPLE["Asha"])).wrong_pins == 0


@pytest.mark.everyday_on_sqlite
async def test_it_lets_a_locked_agent_in_and_nobody_reads_it_in_the_audit(mwanga: Server) -> None:
    async with mwanga.database.work():
        await pins.lock(await Agent.get(phone=PEOPLE["Asha"]), "rehema", "lost")
    pin = await given(mwanga)
    assert (await Agent.get(phone=PEOPLE["Asha"])).locked_at is None
    rows = await Audit.filter(subject=PEOPLE["Asha"]).values_list("action", "detail")
    assert [action for action, _detail in rows] == ["lock", "pin for once", "unlock"]
    assert not any(pin in detail for _action, detail in rows)
    phones = Phones(mwanga)
    await phones.news()
    [(_asha, said)] = await phones.text("Asha", "CASH")
    assert said.startswith("You hold")
