"""References of sales: five characters, six when those run out, and never a search without end."""

import secrets
from datetime import UTC, datetime

import pytest

from bot.server import Server
from models.devices import Device
from models.money import references
from models.money.payments import Payment
from models.money.references import NoReference, new_reference
from models.people import Agent
from models.selling import Sale
from tests.world.selling import Shop


async def sold(reference: str) -> None:
    payment = await Payment.create(
        provider="cash", reference=reference, amount=1, currency="TZS", paid_at=datetime.now(UTC)
    )
    seller = await Agent.get(id=1)
    about = {"amount": 1, "unit": "days", "units": 1, "commission": 0, "customer_id": 2, "device_id": 2}
    await Sale.create(reference=reference, key=reference, payment=payment, agent=seller, **about)


async def test_a_reference_has_a_letter_more_when_four_are_taken(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "choice", lambda letters: letters[0])
    assert await new_reference("sale") == "22222"
    await sold("22222")
    assert await new_reference("sale") == "222222"


async def test_a_sale_does_not_take_the_reference_of_another_one(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sold("22222")
    monkeypatch.setattr(secrets, "choice", lambda letters: letters[0])
    shop = Shop(mwanga)
    offer = await shop.quoted(await Device.get(serial="SHS0283"), 8_000)
    assert (await shop.takes(offer, "Asha", "k")).sale.reference == "222222"


async def test_the_search_for_a_reference_ends(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "ALPHABET", "2")
    for reference in ("22222", "222222"):
        await sold(reference)
    with pytest.raises(NoReference):
        await new_reference("sale")
