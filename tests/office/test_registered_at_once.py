"""A registration that is sent twice at once, on both engines."""

import asyncio

from bot.config import Config
from models.people import Customer
from tests.world.browser import open_office
from tests.world.office_forms import fields


async def test_a_registration_that_is_sent_twice_at_once_is_done_once(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
        typed = {"name": "Halima Musa", "phone": "0713 000 111", "village": str(village["id"]), "language": "sw"}
        typed |= {"kind": "none", "serial": "", "do": "register", "consent": "y"}
        form = await fields(office, "/register", "/register", **typed)
        both = await asyncio.gather(*(office.post("/register", **form) for _twice in range(2)))
        assert [response.status for response in both] == [200, 200]
        said = sorted([("Registered before: Halima Musa" in await response.text()) for response in both])
        assert said == [False, True]
        assert await Customer.filter(surname="Musa").count() == 1
