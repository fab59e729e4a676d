"""By night reminders rest, wherever they wait; tokens and answers go out."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.config import Config
from bot.configured import company_of
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import HOUR, MINUTE, START, Bench

COMPANY = company_of(Config(secret_key="k" * 32))
ZONE = ZoneInfo("Africa/Dar_es_Salaam")  # three hours ahead


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "morning"),
    [
        (ms(2026, 11, 24, 4, 59), ms(2026, 11, 24, 5)),
        (ms(2026, 11, 24, 5, 0), 0),
        (ms(2026, 11, 24, 15, 59), 0),
        (ms(2026, 11, 24, 16, 0), ms(2026, 11, 25, 5)),
        (ms(2026, 12, 31, 20, 30), ms(2027, 1, 1, 5)),
        (ms(2026, 12, 31, 22, 0), ms(2027, 1, 1, 5)),
    ],
)
def test_the_day_goes_from_eight_to_seven_in_the_operators_zone(now: int, morning: int) -> None:
    assert replace(COMPANY, zone=ZONE).until_morning(now) == morning


def test_a_clock_that_is_changed_by_night_moves_no_morning() -> None:
    """Egypt goes an hour ahead in the night to 24 April 2026, and back in the one to 30 October."""
    cairo = replace(COMPANY, zone=ZoneInfo("Africa/Cairo"))
    assert cairo.until_morning(ms(2026, 4, 23, 18)) == ms(2026, 4, 24, 5)
    assert cairo.until_morning(ms(2026, 10, 29, 18)) == ms(2026, 10, 30, 6)


async def test_by_night_a_token_goes_and_a_reminder_waits_for_the_morning(database: Database) -> None:
    bench = Bench(database, order=["africastalking"])
    morning = START + 3 * HOUR
    outbox = bench.new_outbox()
    outbox.until_morning = lambda now: morning if now < morning else 0
    for kind in MessageKind:
        await bench.enqueue(kind.value, kind=kind)
    await bench.settle(outbox)
    assert bench.gateway.texts == ["token", "reply"]
    states = await bench.states()
    assert states["reminder"] == states["office"] == states["broadcast"] == "scheduled"
    bench.clock.now = morning + MINUTE
    await bench.settle(outbox)
    assert bench.gateway.texts == ["token", "reply", "office", "reminder", "broadcast"]


async def test_a_test_message_goes_by_night_as_well(database: Database) -> None:
    """Else every gateway would be taken for dead in the morning."""
    bench = Bench(database, order=["africastalking"])
    outbox = bench.new_outbox()
    outbox.until_morning = lambda now: now + HOUR
    await bench.enqueue("canary africastalking 1", kind=MessageKind.REMINDER)
    await bench.settle(outbox)
    assert bench.gateway.texts == ["canary africastalking 1"]
