"""Texts of an operator to a gateway phone: which become payments by themselves, which wait, and what a person says."""

from collections.abc import Iterator

import pytest
import time_machine

from bot.server import Server
from tests.world.books import check_ledger
from tests.world.people import NOON
from tests.world.receipt_texts import merchant, open_till


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


async def test_a_text_that_fits_is_a_payment_once(mwanga: Server) -> None:
    till = await open_till(mwanga, balance=10_000)
    await till.hears(merchant("DKN1234567", 5_000, 15_000, NOON))
    assert await till.texts() == [("paid", "")]
    assert await till.paid() == [5_000]
    await check_ledger(mwanga)
