"""A customer answers while silence is about to end the question, on a PostgreSQL: the answer counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bot.server import Server
from handlers.tickets.fixed import close_silent
from models.tickets import Ticket, TicketEvent, TicketState
from tests.world.people import Phones

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("before", "answer", "state", "then"),
    [
        ([], "2", TicketState.OPEN, 0),
        ([("Baraka", "call me please")], "1", TicketState.CLOSED, 0),
        ([], "call me please", TicketState.ASKED, 1),
    ],
)
async def test_who_answers_in_the_last_moment_was_not_silent(
    mwanga: Server,
    monkeypatch: pytest.MonkeyPatch,
    before: list[tuple[str, str]],
    answer: str,
    state: TicketState,
    then: int,
) -> None:
    phones, handled, go_on, write = Phones(mwanga), asyncio.Event(), asyncio.Event(), mwanga.worker._write

    async def write_later(batch: Any) -> None:
        handled.set()
        await go_on.wait()
        await write(batch)

    async def end_silent() -> list[Any]:
        async with mwanga.database.work():
            return list(await close_silent(mwanga.company, 10))

    with time_machine.travel(NOON, tick=False) as clock:
        for name, text in [("Asha", "FIX SHS0283 no power"), ("Asha", "DONE K1"), *before]:
            await phones.text(name, text)
        clock.shift(timedelta(days=3))
        monkeypatch.setattr(mwanga.worker, "_write", write_later)
        answering = asyncio.create_task(phones.text("Baraka", answer))
        async with asyncio.timeout(60):
            await handled.wait()
            assert await end_silent() == []
            go_on.set()
            await answering
        assert (await Ticket.get()).state == state
        assert not await TicketEvent.filter(actor="silence").exists()
        assert len(await end_silent()) == then
    assert (await Ticket.get()).state == (TicketState.OPEN if then else state)
