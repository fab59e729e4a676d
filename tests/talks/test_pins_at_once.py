"""However many PINs are tried at once, five are compared."""

import asyncio

import pytest

from bot.runtime import Database
from bot.server import Server
from models.people import Agent, pins
from models.people.pins import TRIES, Verdict
from models.vault import Vault
from tests.world.people import PEOPLE


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
