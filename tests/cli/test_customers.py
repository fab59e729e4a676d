"""Customers at a prompt: found, shown to who takes a call, given another phone number, of which both are told."""

import asyncio
import re

import pytest

from bot.app import assembled
from bot.config import demo_world, load
from handlers.customers.ownership import retire_device
from models.people import OfficeUser
from models.tokens.openpaygo import group
from tests.world.ownership import device, means, sold, swap
from tests.world.people import PEOPLE, Phones
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite


def test_a_customer_gets_another_number_and_both_are_told(run: Run, demo_url: str) -> None:
    result = run("customer", "phone", 2, "0754 000 222")
    assert result.exit_code == 0 and "Baraka Peter has +255754000222 now." in result.output
    assert query(demo_url, "SELECT phone FROM customer WHERE id = 2") == [{"phone": "+255754000222"}]
    told = {str(row["phone"]): str(row["text"]) for row in query(demo_url, "SELECT phone, text FROM outbox")}
    assert "codes for BARAKA P. do not come to this number any more." in told[PEOPLE["Baraka"]]
    assert "codes for BARAKA P. come to this number now." in told["+255754000222"]
    noted = query(demo_url, "SELECT old, new FROM audit")
    assert noted == [{"old": PEOPLE["Baraka"], "new": "+255754000222"}]
    assert "already" in run("customer", "phone", 2, "+255754000222").output
    assert run("customer", "phone", 2, "none").exit_code == 0
    assert query(demo_url, "SELECT phone FROM customer WHERE id = 2") == [{"phone": None}]
    texts = [str(row["text"]) for row in query(demo_url, "SELECT text FROM outbox")]
    assert len(texts) == 3 and "another number" not in str(texts), "who has no phone is told nothing"


@pytest.mark.parametrize("words", [(99, "0754000222"), (2, "12"), (2, "")])
def test_no_customer_and_no_phone_are_one_sentence(run: Run, demo_url: str, words) -> None:
    result = run("customer", "phone", *words)
    assert result.exit_code == 1 and result.output.count("\n") == 1
    assert query(demo_url, "SELECT id FROM audit") == []


BARAKA = "#2 Baraka Peter, +255710000002, Mtwara North, SHS0283\n"


@pytest.mark.parametrize(
    "words",
    [
        "2",
        "#2",
        "0710 000 002",
        "+255710000002",
        "SHS0283",
        "shs 0283",
        "0283",
        "0002",
        "Baraka",
        "peter baraka",
        "arak",
    ],
)
def test_a_customer_is_found_however_named(run: Run, words: str) -> None:
    result = run("customer", "find", *words.split())
    assert result.exit_code == 0 and BARAKA in result.output


def test_all_mini_grids_are_looked_at_and_several_are_listed(run: Run) -> None:
    run("customer", "phone", 1, "0754 000 222")
    run("customer", "phone", 2, "0754 000 222")
    found = run("customer", "find", "0754000222").output
    assert found.splitlines() == [
        "#1 Amina Juma, +255754000222, Mtwara North, 04123456784",
        "#2 Baraka Peter, +255754000222, Mtwara North, SHS0283",
    ]
    shown = run("customer", "show", "0754000222")
    assert shown.exit_code == 1 and "Which one? Show it by its number." in shown.output
    assert "#1 Amina Juma" in shown.output


def test_nobody_is_one_sentence(run: Run) -> None:
    for command in ("find", "show"):
        result = run("customer", command, "Zawadi")
        assert result.exit_code == 1 and result.output.startswith("Nobody is found by Zawadi:")
        assert result.output.count("\n") == 1


def test_who_takes_a_call_sees_the_customer(run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)

    async def sell() -> None:
        async with assembled(demo_world(load()), serving=False) as mwanga:
            phones = Phones(mwanga)
            await phones.text("Asha", "BUY SHS0283 8000")
            await phones.text("Asha", "1 482915")
            await phones.text("Baraka", "FIX SHS0283 my \x1b]0;lamp is dark")

    asyncio.run(sell())
    shown = run("customer", "show", "baraka")
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[0] == BARAKA.strip()
    assert lines[1].startswith("Language en, ")
    assert lines[2].startswith("shs SHS0283: ") and "S1001 Solar home: Owed 1,084,000." in lines[2]
    assert re.fullmatch(
        r"  last token 20\d\d-\d\d-\d\d \d\d:\d\d, TZS 8,000 for \d+ days, sold by Asha Mushi, ref \w{5}: \*[* -]+",
        lines[3],
    )
    assert "Ticket K1, open: " in lines[4] and "\x1b" not in shown.output
    assert any(" wrote: FIX SHS0283" in line for line in lines) and any(" got (waiting): " in line for line in lines)
    assert not re.search(r"\d{3}-\d{3}-\d{3}|\d{3} \d{3} \d{3}", shown.output), "the digits are the customer's"
    before = [row["action"] for row in query(demo_url, "SELECT action FROM audit")]
    told = run("customer", "show", "2", "--token").output
    [row] = query(demo_url, "SELECT digits FROM token")
    assert str(row["digits"]) in re.sub(r"\D", "", told)
    noted = query(demo_url, "SELECT actor, action, subject, detail FROM audit ORDER BY id")[len(before) :]
    assert noted == [{"actor": "command line", "action": "token shown", "subject": "customer 2", "detail": "SHS0283"}]


def test_who_takes_a_call_sees_the_code_that_a_device_came_with(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)

    async def change() -> None:
        async with assembled(demo_world(load()), serving=False) as mwanga:
            await sold(mwanga, "BUY EB100042 6000")
            await swap(mwanga, "EB100042", "EB100043")
            async with mwanga.database.work():
                grace = OfficeUser(name="grace")
                await retire_device(await device("04123456784"), grace, "burnt", **means(mwanga))

    asyncio.run(change())
    [row] = query(demo_url, "SELECT digits FROM device_swap")
    shown = run("customer", "show", "3", "--token").output
    [line] = [line for line in shown.splitlines() if line.startswith("  token ")]
    assert line.endswith(f", in the place of EB100042: {group(row['digits'])}")
    assert group(row["digits"]) not in run("customer", "show", "3").output
    assert run("customer", "show", "1").output.splitlines()[2].endswith(", out of use")
