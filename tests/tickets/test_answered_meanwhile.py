"""A customer answers while silence is about to end the question, on a PostgreSQL: the answer counts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.server import Server
from handlers.tickets.fixed import close_silent
from models.tickets import Ticket, TicketEvent, TicketState, tickets
from tests.world.people import Phones

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("before", "meanwhile", "state"),
    [
        ([], [("Baraka", "2")], TicketState.OPEN),
        ([("Baraka", "call me please")], [("Baraka", "1")], TicketState.CLOSED),
        ([], [("Baraka", "2"), ("Asha", "DONE K1")], TicketState.ASKED),
    ],
)
async def test_who_answers_in_the_last_moment_was_not_silent(
    mwanga: Server,
    monkeypatch: pytest.MonkeyPatch,
    before: list[tuple[str, str]],
    meanwhile: list[tuple[str, str]],
    state: TicketState,
) -> None:
    phones, found, go_on, look = Phones(mwanga), asyncio.Event(), asyncio.Event(), tickets._words_since_asked

    async def look_later(ticket: Ticket) -> str:
        words = await look(ticket)
        found.set()
        await go_on.wait()
        return words

    async def end_silent() -> object:
        async with mwanga.database.work():
            return await close_silent(mwanga.company, 10)

    with time_machine.travel(NOON, tick=False) as clock:
        for name, text in [("Asha", "FIX SHS0283 no power"), ("Asha", "DONE K1"), *before]:
            await phones.text(name, text)
        clock.shift(timedelta(days=3))
        monkeypatch.setattr(tickets, "_words_since_asked", look_later)
        ending = asyncio.create_task(end_silent())
        async with asyncio.timeout(60):
            await found.wait()
            for name, text in meanwhile:
                await phones.text(name, text)
            go_on.set()
            assert await ending == []
    assert (await Ticket.get()).state == state
    assert not await TicketEvent.filter(actor="silence").exists()
