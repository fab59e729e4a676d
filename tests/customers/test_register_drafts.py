"""A registration that is not finished: it is kept for a week, and goes on by either channel."""

from datetime import timedelta

import time_machine

from bot.app import PURGES
from bot.runtime import Housekeeping
from bot.server import Server
from models.sql import connection, execute
from tests.world.people import NOON, Phones
from tests.world.registering import said


async def test_a_draft_outlives_a_day_and_goes_on_by_any_channel(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False) as clock:
        assert (await said(phones, "REG Rehema Ali, 0713000111")).startswith("Which device?")
        clock.shift(timedelta(hours=23, minutes=59))
        assert await said(phones, "2") == "Serial number?"
        clock.shift(timedelta(days=2))
        unfinished = "Unfinished: REHEMA A.\n1. Continue\n2. New\n3. Drop"
        assert unfinished in await phones.choose("Asha", "Register")
        assert "Serial number?" in await phones.enter("Asha", "1")
        await phones.enter("Asha", "SHS0284")
        assert (await said(phones, "REG")).startswith("Unfinished: REHEMA A. SHS0284")
        assert (await said(phones, "1")).startswith("Village?")
        for answer in ("1", "1"):
            await phones.text("Asha", answer)
        assert (await said(phones, "1")).startswith("REGISTERED REHEMA A., customer 4, SHS0284")
        assert await execute(connection(), "SELECT 1 FROM draft") == []


async def test_drafts_are_listed_kept_apart_and_dropped(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "REG Rehema Ali, 0713000111")
    await phones.text("Asha", "REG Salum Omari, none")
    await phones.text("Asha", "REG Salum Omari, none")  # the same twice is one
    listed_ = await said(phones, "REG")
    assert sorted(line[3:] for line in listed_.split("\n")[1:]) == ["New", "REHEMA A.", "SALUM O."]
    chosen = next(line[0] for line in listed_.split("\n") if "SALUM" in line)
    assert await said(phones, chosen) == "SALUM O.\n1. Continue\n2. Drop"
    assert await said(phones, "2") == "Dropped."
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
