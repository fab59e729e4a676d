"""A server that is killed while it reads texts of an operator: each payment is booked once, and none is missing."""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest

from bot.app import assembled
from bot.config import load
from bot.message import Inbound
from bot.server import Server
from bot.text.numbers import sender
from models.money.ledger import AccountKind, balance
from models.money.providers import provider_id
from models.money.receipt_texts import ReceiptText
from models.sql import ms_of
from tests.world.books import check_ledger
from tests.world.receipt_texts import open_till, personal
from tests.world.server import ServerProcess, query
from tests.world.stored import store
from tests.world.templates import Templates

PAYMENTS = 100
LIFE_S = 0.3  # the longest that the first server lives after it began to listen; each lives a little longer

pytestmark = pytest.mark.slow


async def store_all(mwanga: Server, gateway: str, random: Random) -> None:
    """All texts, each twice, as the phone repeats them, and some before the one that they follow on."""
    at = datetime.now(UTC)
    texts = [personal(f"DK{n:08d}", 100 * n, 10_000 + 50 * n * (n + 1), at) for n in range(1, PAYMENTS + 1)]
    order = sorted(range(len(texts)), key=lambda n: n + random.uniform(0, 4))
    for number in (each for n in order for each in (n, n)):
        name = random.choice(["M-PESA", "M-Pesa", "MPESA"])
        came = Inbound(gateway, f"m{random.random()}", sender(name, "TZ"), texts[number], sim=1, reached_at=ms_of(at))
        await store(mwanga.inbox, came)


@pytest.mark.parametrize(("engine", "seed"), [("sqlite", 1), ("postgres", 2)])
async def test_however_often_it_is_killed_each_text_is_paid_once(engine: str, seed: int, templates: Templates) -> None:
    url, random = await asyncio.to_thread(templates.copy, engine, "demo"), Random(seed)
    async with assembled(load(database=url), serving=False, handling=False) as mwanga:
        till = await open_till(mwanga, balance=10_000)
        await store_all(mwanga, till.phone.gateway, random)
    kills = 0
    async with ServerProcess(url, log_level="ERROR") as server:
        while not kills or (await query(url, "SELECT COUNT(*) AS n FROM inbox WHERE state = 'new'"))[0]["n"]:
            await asyncio.sleep(random.uniform(0, LIFE_S * (1 + kills / 2)))  # the random instant is what is tested
            await server.kill()
            kills += 1
            await server.start()
    async with assembled(load(database=url), serving=False, handling=False) as mwanga:
        rows = await query(url, "SELECT reference, amount FROM payment WHERE provider = 'mpesa-tz'")
        assert {row["reference"]: row["amount"] for row in rows} == {
            f"DK{n:08d}": 100_00 * n for n in range(1, PAYMENTS + 1)
        }
        assert await ReceiptText.filter(state="paid").count() == PAYMENTS == len(rows)
        assert await ReceiptText.filter(state="seen").count() == PAYMENTS
        assert await balance(AccountKind.CLEARING, await provider_id("mpesa-tz")) == 50_00 * PAYMENTS * (PAYMENTS + 1)
        await check_ledger(mwanga)
