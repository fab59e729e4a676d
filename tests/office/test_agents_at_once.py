"""Two of the office do something with the same agent at this moment, on PostgreSQL."""

import pytest

from bot.config import Config
from handlers.account.retire import retire
from models.people import Agent, pins
from models.sql import now_ms
from tests.world.at_once import happen_meanwhile
from tests.world.browser import open_office
from tests.world.office_forms import send

JUMA = "/people/agents/2"


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("verb", "typed"), [("unlock", {"reason": "found again"}), ("pin", {"sure": "y"})])
async def test_who_is_retired_meanwhile_is_not_let_in_again(config: Config, verb: str, typed: dict[str, str]) -> None:
    async with open_office(config) as office:
        juma = await Agent.get(id=2)
        async with office.mwanga.database.work():
            await pins.lock(juma, "test", "a phone was lost")
        await office.sign_in()
        before = now_ms()
        status, said = await happen_meanwhile(
            office.mwanga,
            lambda: retire(juma, actor="rehema"),
            lambda: send(office, f"{JUMA}/{verb}", JUMA, **typed),
        )
        assert status == 409 and "Juma Said is retired." in said
        left = await Agent.get(id=2)
        assert left.retired_at and left.locked_at and left.pin_hash == juma.pin_hash
        told = await office.ask("SELECT 1 FROM outbox WHERE phone = $1 AND created_at >= $2", juma.phone, before)
        assert not told
