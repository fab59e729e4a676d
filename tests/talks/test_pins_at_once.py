"""However many PINs are tried at once, five are compared, each at its full cost."""

import asyncio

import pytest

from bot.inbound import worker
from bot.message import Inbound
from bot.runtime import Database
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from models.people import Agent, pins
from models.people.agents import give_pin
from models.people.pins import TRIES, Verdict
from models.sql import execute
from models.vault import Vault
from tests.world.at_once import do_meanwhile
from tests.world.people import GATEWAY, PEOPLE, PINS, Phones


def test_a_pin_is_hashed_at_its_full_cost() -> None:
    """Two passes over 1 MiB, in one lane: a millisecond (models/vault.py)."""
    assert ".$argon2id$v=19$m=1024,t=2,p=1$" in Vault("k" * 32).hash_pin("482915")


@pytest.mark.parametrize("engine", ["postgres"])  # the embedded database has one writer
async def test_many_wrong_pins_at_once_are_five_tries(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, vault, compared = await Agent.get(phone=PEOPLE["Asha"]), mwanga.company.vault, 0
    check_pin = Vault.check_pin

    def counting(self: Vault, pin: str, hashed: str | None) -> bool:
        nonlocal compared
        compared += 1
        return check_pin(self, pin, hashed)

    async def guess(database: Database) -> Verdict:
        async with database.work():
            return (await pins.check(agent, "111213", vault)).verdict

    monkeypatch.setattr(Vault, "check_pin", counting)
    verdicts = await asyncio.gather(*(guess(mwanga.database) for _ in range(4 * TRIES)))
    assert (compared, verdicts.count(Verdict.WRONG)) == (TRIES, TRIES - 1)


@pytest.fixture
def phones(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> Phones:
    monkeypatch.setattr(worker, "SLICE_S", 60.0)  # a batch that waits for a busy machine is one batch all the same
    return Phones(mwanga)


async def test_tries_of_one_batch_are_counted_one_by_one(phones: Phones) -> None:
    begun = "BUY SHS0283 8000"
    [_question, *said] = await texts_at_once(phones, begun, "1 111213", "1 111214")
    assert [text.split(" Reply")[0] for text in said] == ["Wrong PIN, 4 tries left.", "Wrong PIN, 3 tries left."]
    said = await texts_at_once(phones, f"{begun} ", "1 111215", "1 111216", "1 111217", f"1 {PINS['Asha']}")
    assert said[1].startswith("Wrong PIN, 2 tries left.") and said[2].startswith("Wrong PIN, 1 try left.")
    assert said[3].startswith("Locked: too many wrong PINs.")
    assert not await execute(phones.mwanga.database.client, "SELECT 1 FROM sale")


async def test_a_right_pin_of_the_same_batch_gives_all_tries_back(phones: Phones) -> None:
    await phones.text("Asha", "BUY SHS0283 8000")
    [wrong, sold] = await texts_at_once(phones, "1 111213", f"1 {PINS['Asha']}")
    assert wrong.startswith("Wrong PIN, 4 tries left") and sold.startswith("SOLD")
    assert (await Agent.get(phone=PEOPLE["Asha"])).wrong_pins == 0


async def test_a_new_pin_counts_from_the_next_text_of_the_batch_on(phones: Phones) -> None:
    change, begun = f"PIN {PINS['Asha']} 730582", "BUY SHS0283 8000"
    said = await texts_at_once(phones, change, begun, f"1 {PINS['Asha']}", "1 730582")
    assert said[0].startswith("PIN changed") and said[2].startswith("Wrong PIN, 4 tries left")
    assert said[3].startswith("SOLD")


async def test_a_lock_by_another_phone_counts_from_the_next_text_of_the_batch_on(phones: Phones) -> None:
    await phones.text("Asha", "BUY SHS0283 8000")
    arriving = [("Neema", f"LOCK 0700000001 {PINS['Asha']}"), ("Asha", f"1 {PINS['Asha']}")]
    senders = {name: Sender(SenderKind.NUMBER, PEOPLE[name]) for name, _text in arriving}
    texts = [Inbound(GATEWAY, f"lock {name}", senders[name], text) for name, text in arriving]
    await asyncio.gather(*map(phones.mwanga.inbox.record, texts))
    await phones.handled()
    assert (await Agent.get(phone=PEOPLE["Asha"])).locked_at
    assert not await execute(phones.mwanga.database.client, "SELECT 1 FROM sale")


async def texts_at_once(phones: Phones, *texts: str) -> list[str]:
    """What Asha reads, who sends these in the same moment."""
    await phones.news()
    asha = Sender(SenderKind.NUMBER, PEOPLE["Asha"])
    arriving = [Inbound(GATEWAY, f"at once {text}", asha, text) for text in texts]
    await asyncio.gather(*map(phones.mwanga.inbox.record, arriving))
    await phones.handled()
    return [text for name, text in await phones.news() if name == "Asha"]


@pytest.mark.parametrize("engine", ["postgres"])  # the embedded database has one writer
async def test_a_pin_that_the_office_gives_meanwhile_is_the_one_that_counts(mwanga: Server) -> None:
    seen, vault = await Agent.get(phone=PEOPLE["Asha"]), mwanga.company.vault

    async def office() -> None:
        await give_pin(seen, "730582", vault=vault, actor="rehema")

    async def sale() -> tuple[Verdict, Verdict]:
        await pins.hold_ahead([seen])
        pins.compare_ahead([(seen, PINS["Asha"])], vault)
        before = await pins.check(seen, PINS["Asha"], vault)
        return before.verdict, (await pins.check(seen, "730582", vault)).verdict

    assert await do_meanwhile(mwanga, office, sale) == (Verdict.WRONG, Verdict.RIGHT)
