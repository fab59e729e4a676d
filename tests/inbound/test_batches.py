"""What waits together: each text of a phone meets the person as the one before left her, and many messages by one
gateway do not stand before those of the others."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.inbound import Inbox, worker
from bot.inbound.worker import MOST
from bot.message import Inbound
from bot.runtime import Database, Metrics
from bot.server import Server
from bot.text.numbers import sender
from bot.text.redact import Redactor
from models.people import Agent, Customer, pins
from models.selling.prices import seller_for
from models.sql import execute, expect, lock_rows, now_ms
from models.vault import Vault
from tests.world.people import PEOPLE, PINS, Dialled, Phones
from tests.world.receipt_texts import open_till, personal


async def all_at_once(mwanga: Server, name: str, *texts: str) -> list[str]:
    """What this phone reads when all of its texts wait already when the first one is handled."""
    said = await Phones(mwanga).text_together(*((name, text) for text in texts))
    return [text for receiver, text in said if receiver == name]


async def test_texts_that_wait_together_are_answered_in_the_language_that_the_first_one_asks_for(
    mwanga: Server,
) -> None:
    answers = await all_at_once(mwanga, "Asha", "LANG sw", "CASH")
    assert answers[0].startswith("Tayari") and answers[1].startswith("Una TZS 0")


async def test_a_locked_agent_does_nothing_that_waited_behind_the_lock(mwanga: Server) -> None:
    answers = await all_at_once(mwanga, "Asha", "LOCK 0700000001 482915", "FIX SHS0283 no power")
    assert answers[0].startswith("LOCKED.") and answers[1].startswith("You are locked. Nothing was done.")
    assert await execute(mwanga.database.client, "SELECT 1 FROM ticket") == []


async def test_an_agent_whom_another_phone_has_locked_does_nothing_that_waited_behind_it(mwanga: Server) -> None:
    lost = ("Stranger", f"LOCK {PEOPLE['Asha']} {PINS['Asha']}")
    said = await Phones(mwanga).text_together(lost, ("Asha", "FIX SHS0283 no power"))
    assert [text for name, text in said if name == "Asha"][-1].startswith("You are locked. Nothing was done.")
    assert await execute(mwanga.database.client, "SELECT 1 FROM ticket") == []


async def test_no_customer_is_told_to_pay_an_agent_who_was_locked_in_the_same_moment(mwanga: Server) -> None:
    """Though it was asked before for all whom they pay."""
    amina, baraka = [await Customer.get(phone=PEOPLE[name]) for name in ("Amina", "Baraka")]
    async with mwanga.database.work():
        expect("customer", [amina.id, baraka.id])
        first = await seller_for(amina)
        assert first is not None
        await pins.lock(first, PEOPLE["Asha"], "lost")
        second = await seller_for(baraka)
    assert second is not None and second.phone == PEOPLE["Juma"] != first.phone


async def test_an_agent_whom_one_session_has_locked_sees_nobody_in_another_of_the_same_moment(mwanga: Server) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(wrong_pins=4)
    phones, selling = Phones(mwanga), Dialled(mwanga, PEOPLE["Asha"], "selling", "*384*20*1*SHS0283*8000#")
    assert "How does the name begin?" in await phones.choose("Asha", "Find a customer")
    assert "Your PIN" in await selling.enter("")
    screens = await asyncio.gather(selling.enter("111111"), phones.enter("Asha", "Baraka"))
    assert [screen[:10] for screen in screens] == ["END Locked", "END You ar"]


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [("BAL", "nothing paid yet", "8 days left"), ("TOKEN", "No token yet", "SHS0283, newest first")],
)
async def test_what_was_read_ahead_for_others_counts_no_more_once_somebody_has_sold(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, question: str, before: str, after: str
) -> None:
    """Neema's text asks for the devices of all who wait, and for their codes; what Baraka reads is as the sale has left
    it."""
    monkeypatch.setattr(worker, "SLICE_S", 60.0)  # a batch that waits for a busy machine is one batch all the same
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    said = await phones.text_together(("Neema", question), ("Asha", f"1 {PINS['Asha']}"), ("Baraka", question))
    assert before in said[0][1] and said[1][1].startswith("SOLD")
    assert said[-1][0] == "Baraka" and after in said[-1][1]


async def test_what_was_read_ahead_counts_no_more_once_a_receipt_has_sold(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Baraka pays by phone between Neema's text and his own: he reads the code that came of it."""
    monkeypatch.setattr(worker, "SLICE_S", 60.0)
    phones, till = Phones(mwanga), await open_till(mwanga, balance=0)
    receipt = personal("DKN1234567", 8_000, 8_000, datetime.now(UTC), PEOPLE["Baraka"].lstrip("+"))
    messages = [
        Inbound("africastalking", "m1", sender(PEOPLE["Neema"], "TZ"), "TOKEN"),
        Inbound(till.phone.gateway, "m2", sender("M-PESA", "TZ"), receipt, "SIM 1", sim=1, reached_at=now_ms()),
        Inbound("africastalking", "m3", sender(PEOPLE["Baraka"], "TZ"), "TOKEN"),
    ]
    await phones.news()
    await asyncio.gather(*map(mwanga.inbox.record, messages))
    await phones.handled()
    assert "SHS0283, newest first" in [text for name, text in await phones.news() if name == "Baraka"][-1]


@pytest.mark.parametrize("text", ["BUY 5000", "TOKEN", "hello"])
@pytest.mark.parametrize("wrote_before", [False, True])
async def test_whoever_is_registered_is_a_customer_to_what_waits_behind_it(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, text: str, wrote_before: bool
) -> None:
    """Also when she wrote as a stranger before, who is told once a day that nobody knows the number."""
    monkeypatch.setattr(worker, "SLICE_S", 60.0)
    phones = Phones(mwanga)
    if wrote_before:
        await phones.text("Rehema", "hello")
    await phones.text("Asha", "REG Rehema Ali, 0713000111, shs, SHS0284, Mtwara")
    said = await phones.text_together(("Asha", "1"), ("Rehema", text))
    answers = [answer for name, answer in said if name == "Rehema"]
    assert any(answer.startswith("REGISTERED REHEMA A.") for _name, answer in said)
    assert len(answers) == 2, "a welcome and an answer"
    assert not [answer for answer in answers if "does not know" in answer]


async def test_what_waits_behind_it_is_also_for_who_comes_to_a_shared_phone(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone is theirs as well: what it asks for is asked of both."""
    monkeypatch.setattr(worker, "SLICE_S", 60.0)
    phones = Phones(mwanga)
    for text in ("REG Rehema Ali, 0710000002, shs, SHS0284, Mtwara", "2"):  # somebody else than Baraka
        await phones.text("Asha", text)
    said = await phones.text_together(("Asha", "1"), ("Baraka", "TOKEN"))
    assert "SHS0284" in [answer for name, answer in said if name == "Baraka"][-1]


@pytest.mark.parametrize("engine", ["postgres"])  # the embedded database has one writer
async def test_an_agent_whom_somebody_holds_keeps_no_other_waiting(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones, sold, report = Phones(mwanga), asyncio.Event(), worker.Worker._report_done

    def reports(self: worker.Worker, batch: worker._Batch) -> None:
        report(self, batch)
        if any(handled.outcome == "sold" for handled in batch.results):
            sold.set()

    monkeypatch.setattr(worker.Worker, "_report_done", reports)
    for name, serial in (("Asha", "SHS0283"), ("Juma", "EB100042")):
        await phones.text(name, f"BUY {serial} 8000")
    messages = [
        Inbound("africastalking", f"m {name}", sender(PEOPLE[name], "TZ"), f"1 {PINS[name]}")
        for name in ("Asha", "Juma")
    ]
    async with asyncio.timeout(60), mwanga.database.work():
        await lock_rows("agent", "phone = $1", [PEOPLE["Juma"]])
        await asyncio.gather(*map(mwanga.inbox.record, messages))
        await sold.wait()
    await phones.handled()
    assert len(await execute(mwanga.database.client, "SELECT 1 FROM sale")) == 2


# In a flood

FLOOD = 100
WRITE = """INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state,
  outcome, error) VALUES ($1, $2, $3, 'number', '', '', $4, 0, 'new', '', '')"""


async def write(database: Database, gateway: str, phones: list[str]) -> None:
    async with database.work() as db:
        for number, phone in enumerate(phones):
            await execute(db, WRITE, [gateway, f"{gateway} {phone} {number}", phone, "TOKEN"])


async def claimed(database: Database, most: int) -> list[tuple[str, str]]:
    inbox = Inbox(database=database, vault=Vault("k" * 32), redactor=Redactor([], [], []), metrics=Metrics())
    async with database.work():
        return [(each.gateway, each.sender.value) for each in await inbox.in_order(await inbox.claim(most), full=True)]


async def test_those_of_other_gateways_come_before_a_flood(database: Database) -> None:
    flooders = [f"+25572{number:07d}" for number in range(FLOOD)]
    await write(database, "phone-1", flooders)
    await write(database, "kannel", ["+255710000001", "+255710000002"])
    others = [("kannel", "+255710000001"), ("kannel", "+255710000002")]
    assert await claimed(database, 10) == [*others, *(("phone-1", each) for each in flooders[:8])]


async def test_two_floods_share_what_is_handled(database: Database) -> None:
    await write(database, "phone-1", [f"+25572{number:07d}" for number in range(FLOOD)])
    await write(database, "phone-2", [f"+25573{number:07d}" for number in range(FLOOD)])
    assert [gateway for gateway, _ in await claimed(database, 10)] == ["phone-2"] * 5 + ["phone-1"] * 5


async def test_nobody_is_answered_before_what_he_wrote_by_the_flooded_gateway(database: Database) -> None:
    early, late = "+255720000001", "+255720000099"
    await write(database, "phone-1", [f"+25572{number:07d}" for number in range(FLOOD)])
    await write(database, "kannel", [early, late, "+255710000001"])
    found = await claimed(database, 10)
    assert [each for each in found if each[1] == early] == [("phone-1", early), ("kannel", early)]
    assert late not in [phone for _gateway, phone in found]
    assert ("kannel", "+255710000001") in found


async def test_few_messages_come_as_they_came(database: Database) -> None:
    await write(database, "phone-1", ["+255720000001"])
    await write(database, "kannel", ["+255710000001"])
    await write(database, "phone-1", ["+255720000002"])
    assert [gateway for gateway, _ in await claimed(database, 10)] == ["phone-1", "kannel", "phone-1"]


async def test_all_is_handled_when_somebody_wrote_by_two_gateways_in_a_flood(mwanga: Server) -> None:
    """What has to wait for an older message is one less in a full batch, after which there is more all the same."""
    phones = [f"+25572{number:07d}" for number in range(FLOOD)]
    await write(mwanga.database, "phone-1", phones)
    await write(mwanga.database, "kannel", [phones[MOST - 1]])
    mwanga.worker.notify()
    async with asyncio.timeout(60):
        await Phones(mwanga).handled()


async def test_all_is_handled_when_three_gateways_bring_much_at_once(mwanga: Server) -> None:
    for number in range(MOST // 2):
        for gateway in ("phone-1", "phone-2", "phone-3"):
            await write(mwanga.database, gateway, [f"+2557{gateway[-1]}{number:07d}"])
    mwanga.worker.notify()
    async with asyncio.timeout(60):
        await Phones(mwanga).handled()


async def test_a_batch_is_full_whoever_brings_most(database: Database) -> None:
    for number in range(10):
        for gateway in ("phone-1", "phone-2", "phone-3"):
            await write(database, gateway, [f"+2557{gateway[-1]}{number:07d}"])
    assert len(await claimed(database, 10)) == 10
