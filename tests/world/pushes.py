"""Phones of the demo world that are asked to pay: what tests of mobile money have in common."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from models.devices import Device
from models.selling.contracts import contract_of
from models.selling.requests import PaymentRequest, Wanted, ask_to_pay
from tests.emulators.daraja import Emulator
from tests.world.people import PEOPLE
from tests.world.server import Serving, serving

SERIAL = "SHS0283"


@asynccontextmanager
async def selling(demo_url: str, **settings: object) -> AsyncIterator[tuple[Serving, Emulator]]:
    """A server whose M-Pesa is the emulator."""
    async with Emulator() as daraja, serving(demo_url, daraja_url=daraja.url, **settings) as at:
        yield at, daraja


@dataclass(frozen=True)
class PushClock:
    """A clock that stands still while nobody moves it."""

    forward: Callable[[float], None]  # by so many seconds


async def written(
    amount: int = 5_000_00, key: str = "sms 1", person: str = "Baraka", provider: str = "daraja"
) -> PaymentRequest:
    """Somebody wants to pay by the phone, in the caller's unit of work."""
    device = await Device.get(serial=SERIAL)
    contract = await contract_of(device)
    wanted = Wanted(
        provider=provider,
        phone=PEOPLE[person],
        language="en",
        amount=amount,
        account=SERIAL,
        customer_id=device.customer_id,
        device_id=device.id,
        contract_id=contract.id if contract else None,
    )
    return await ask_to_pay(wanted, key=key)


async def asked(
    at: Serving,
    amount: int = 5_000_00,
    key: str = "sms 1",
    person: str = "Baraka",
    *,
    provider: str = "daraja",
    notify: bool = True,
) -> PaymentRequest:
    """Somebody wants to pay by the phone, and is committed to it."""
    async with at.mwanga.database.work():
        request = await written(amount, key, person, provider)
    if notify:
        at.mwanga.payments.notify()
    return request


async def becomes(at: Serving, state: str) -> dict[str, Any]:
    """The newest request once it is in this state."""
    async with asyncio.timeout(60):
        while True:
            rows = await at.rows("SELECT * FROM payment_request ORDER BY id DESC LIMIT 1")
            if rows and rows[0]["state"] == state:
                return rows[0]
            await asyncio.sleep(0)


async def payments(at: Serving, provider: str = "daraja") -> list[tuple[str, int]]:
    """Reference and amount of each that was booked."""
    rows = await at.rows("SELECT reference, amount FROM payment WHERE provider = $1 ORDER BY id", [provider])
    return [(row["reference"], row["amount"]) for row in rows]


async def settled(at: Serving) -> None:
    """Returns once every notice is handled, or waits for a person."""
    async with asyncio.timeout(60):
        while await at.rows("SELECT 1 FROM notice WHERE done_at = 0 AND tries < 10"):
            await asyncio.sleep(0)


async def waits_for(at: Serving, statement: str) -> None:
    """Returns once this finds a row."""
    async with asyncio.timeout(60):
        while not await at.rows(statement):
            await asyncio.sleep(0)


async def alerts(at: Serving) -> list[str]:
    """What the office was told."""
    return [row["sentence"] for row in await at.rows("SELECT sentence FROM alert ORDER BY id")]
