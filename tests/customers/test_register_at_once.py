"""Two agents register the same device at once: one of them has it, the other one's customer is not even made."""

import asyncio
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from bot.server import Server
from models.customers import registration
from models.customers.registration import Form, Registration
from models.devices import Device, Kind
from models.people import Agent, Customer, Village


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
        form = Form(**who, **device, name="Rehema", request=name)
        try:
            async with mwanga.database.work():
                await registration.register(form, agent=agent, key=name, vault=mwanga.company.vault)
        except IntegrityError:  # a meter that nobody had heard of: the pump runs such a message once more, alone
            return await attempt(name)
        except registration.InUse:
            return False
        return True

    assert sorted(await asyncio.gather(attempt("Asha Mushi"), attempt("Juma Said"))) == [False, True]
    assert await Registration.filter(device=await Device.get(serial=serial)).count() == 1
    assert await Customer.filter(surname="Omari").count() == 1
