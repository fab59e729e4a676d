"""The table `gatewaystate`, one row for each gateway. Only this file writes it, and
`models/demo/phones.py` two rows of a demo that begins. Times are milliseconds (UTC).

    columns                          who writes them, and by which verb
    heard_at                         whoever heard the gateway: note_heard
    sent_at, last_word, failures,    the server that sends by it: write_sending
      failed_at                      what a phone reports: note_sent, note_failure, note_word
                                     the office, which lets a phone send again: reset_failures
    paused_until, alert              the server that sends by it: write_sending
                                     the office, which has mended what was wrong: try_again
    told, told_at                    the alerts, each of these steps once:
                                       '' --tell_down--> 'down' --tell_well--> ''
    tested_at, returned_at,          the test messages:
      round_trip, lost_tests           untested --plan_first_test--> idle --begin_test--> under way
                                       under way --end_test--> idle          it came back
                                       under way --begin_test--> under way   it did not; another one is
                                       under way --try_again--> idle         the office has mended the gateway
    airtime, airtime_at              what the operator writes in an SMS: note_airtime

A row begins with the first that is known of its gateway; the other columns have the database's defaults. Several
servers write at once: where only one of them may do a thing, its verb says whether it was we.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tortoise.backends.base.client import BaseDBAsyncClient

from models.sql import cut, execute, execute_many, on_postgres

# Two servers that write of the same gateways hold them in one order, so that there is no deadlock.
HOLD = "SELECT 1 FROM gatewaystate WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE"

HEARD = """INSERT INTO gatewaystate (name, heard_at) VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET heard_at = excluded.heard_at"""

# Another server may send by the same gateway. The later of two times counts, unless it is still to come: then a clock
# was set back. $8 is now.
SENDING = """INSERT INTO gatewaystate (name, sent_at, last_word, paused_until, alert, failures, failed_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET last_word = excluded.last_word,
  sent_at = CASE WHEN gatewaystate.sent_at BETWEEN excluded.sent_at AND $8 THEN gatewaystate.sent_at
    ELSE excluded.sent_at END,
  paused_until = excluded.paused_until, alert = excluded.alert, failures = excluded.failures,
  failed_at = CASE WHEN gatewaystate.failed_at BETWEEN excluded.failed_at AND $8 THEN gatewaystate.failed_at
    ELSE excluded.failed_at END"""
PAUSES = "SELECT name, paused_until, alert FROM gatewaystate WHERE paused_until > 0"

SENT = "UPDATE gatewaystate SET sent_at = $2, last_word = 'sent', failures = 0 WHERE name = $1"
FAILED = "UPDATE gatewaystate SET last_word = $2, failures = failures + 1, failed_at = $3 WHERE name = $1"
WORD = "UPDATE gatewaystate SET last_word = $2 WHERE name = $1"
RESET_FAILURES = "UPDATE gatewaystate SET failures = 0 WHERE name = $1"
TRY_AGAIN = """UPDATE gatewaystate SET paused_until = 0, alert = '', failures = 0, lost_tests = 0,
    returned_at = CASE WHEN returned_at < tested_at THEN tested_at ELSE returned_at END
  WHERE name = $1"""

TELL_DOWN = """INSERT INTO gatewaystate (name, told, told_at) VALUES ($1, 'down', $2)
  ON CONFLICT (name) DO UPDATE SET told = 'down', told_at = $2 WHERE gatewaystate.told <> 'down' RETURNING name"""
TELL_WELL = "UPDATE gatewaystate SET told = '', told_at = $2 WHERE name = $1 AND told = 'down' RETURNING name"

PLAN_FIRST_TEST = """INSERT INTO gatewaystate (name, tested_at, returned_at) VALUES ($1, $2, $2)
  ON CONFLICT (name) DO UPDATE SET tested_at = $2, returned_at = $2 WHERE gatewaystate.tested_at = 0"""
BEGIN_TEST = """UPDATE gatewaystate SET tested_at = $2,
    returned_at = CASE WHEN returned_at >= $2 THEN $2 - 1 ELSE returned_at END,
    lost_tests = CASE WHEN returned_at < tested_at THEN lost_tests + $4 ELSE 0 END
  WHERE name = $1 AND tested_at > 0 AND ABS($2 - tested_at) >= $3 RETURNING name"""
END_TEST = """UPDATE gatewaystate SET returned_at = $2, round_trip = $4, lost_tests = 0
  WHERE name = $1 AND tested_at = $3 AND returned_at < tested_at"""

AIRTIME = """INSERT INTO gatewaystate (name, airtime, airtime_at) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET airtime = excluded.airtime, airtime_at = excluded.airtime_at"""


@dataclass(frozen=True, slots=True)
class Sending:
    """How the sending by one gateway goes, as the server knows it that sends by it."""

    gateway: str
    sent_at: int  # when it last took a message
    last_word: str  # its last answer
    paused_until: int  # nothing is sent by it before this time
    alert: str  # the sentence why it is paused, where somebody has to do something
    failures: int  # how often in a row nothing could be handed to it
    failed_at: int  # when that happened last


async def hold(db: BaseDBAsyncClient, gateways: Collection[str]) -> None:
    """Keep other servers from writing of these until the end of the caller's unit of work."""
    if len(gateways) > 1 and on_postgres():
        await execute(db, HOLD, [sorted(gateways)])


async def note_heard(db: BaseDBAsyncClient, heard: Mapping[str, int]) -> None:
    """These gateways were heard, each at this time."""
    await execute_many(db, HEARD, list(heard.items()))


async def write_sending(db: BaseDBAsyncClient, gateways: Sequence[Sending], now: int) -> None:
    """Write how the sending goes. What a gateway answered is cut to its column."""
    rows = [
        (
            each.gateway,
            each.sent_at,
            cut(each.last_word, 200),
            each.paused_until,
            each.alert,
            each.failures,
            each.failed_at,
            now,
        )
        for each in gateways
    ]
    await execute_many(db, SENDING, rows)


async def pauses(db: BaseDBAsyncClient) -> dict[str, tuple[int, str]]:
    """The gateways that are paused, or were and have not sent since: until when, and the alert."""
    return {row["name"]: (row["paused_until"], row["alert"]) for row in await execute(db, PAUSES)}


async def note_sent(db: BaseDBAsyncClient, gateway: str, now: int) -> None:
    """A phone has sent a message."""
    await execute(db, SENT, [gateway, now])


async def note_failure(db: BaseDBAsyncClient, gateway: str, error: str, now: int) -> None:
    """A phone could not send a message, for a reason that is the phone's."""
    await execute(db, FAILED, [gateway, error, now])


async def note_word(db: BaseDBAsyncClient, gateway: str, word: str) -> None:
    """A phone refused one message, or asks us to wait: it works all the same."""
    await execute(db, WORD, [gateway, word])


async def reset_failures(db: BaseDBAsyncClient, gateway: str) -> None:
    """The office has settled what made a gateway fail."""
    await execute(db, RESET_FAILURES, [gateway])


async def try_again(db: BaseDBAsyncClient, gateway: str) -> None:
    """The office has mended what was wrong with a gateway: nothing that was holds it up any more."""
    await execute(db, TRY_AGAIN, [gateway])


async def tell_down(db: BaseDBAsyncClient, gateway: str, now: int) -> bool:
    """The office is told that a gateway is down. False when it has been told, perhaps by another server."""
    return bool(await execute(db, TELL_DOWN, [gateway, now]))


async def tell_well(db: BaseDBAsyncClient, gateway: str, now: int) -> bool:
    """The office is told that a gateway is well again. False when it has been told, perhaps by another server."""
    return bool(await execute(db, TELL_WELL, [gateway, now]))


async def plan_first_test(db: BaseDBAsyncClient, gateway: str, now: int) -> None:
    """A gateway is new: its first test is due as if one had come back now."""
    await execute(db, PLAN_FIRST_TEST, [gateway, now])


async def begin_test(db: BaseDBAsyncClient, gateway: str, now: int, *, every_ms: int, lost: bool) -> bool:
    """A test message leaves now; `lost` says that the one before it counts as lost if it has not come back. False when
    the last one left less than `every_ms` ago, perhaps from another server. One that left in a time to come was sent
    before the clock was set back."""
    return bool(await execute(db, BEGIN_TEST, [gateway, now, every_ms, int(lost)]))


async def end_test(db: BaseDBAsyncClient, gateway: str, now: int, *, tested_at: int, round_trip: int) -> None:
    """The test message that left at `tested_at` has come back after `round_trip`. It counts once, and only the last."""
    await execute(db, END_TEST, [gateway, now, tested_at, round_trip])


async def note_airtime(db: BaseDBAsyncClient, gateway: str, left: str, now: int) -> None:
    """An operator wrote what airtime is left. It is cut to its column."""
    await execute(db, AIRTIME, [gateway, cut(left, 40), now])
