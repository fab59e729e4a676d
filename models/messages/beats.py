"""How each gateway was, by the hour: in how many minutes it worked, was down, or was paused. Only this file writes it.

A minute counts once, however many servers look: the statement itself refuses a second count within it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.sql import DAY_MS, HOUR_MS, MINUTE_MS, connection, execute, execute_many

HOURS = 24  # as many as the office's bar shows
KEPT_MS = 8 * DAY_MS
UP, DOWN, PAUSED = "up", "down", "paused"
# Looks are a few seconds apart: one that comes a bit early is the next minute's.
APART_MS = MINUTE_MS - 5_000

NOTE = """INSERT INTO gateway_beat (gateway, hour, up, down, paused, noted_at) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (gateway, hour) DO UPDATE SET up = gateway_beat.up + excluded.up,
    down = gateway_beat.down + excluded.down, paused = gateway_beat.paused + excluded.paused,
    noted_at = excluded.noted_at
  WHERE gateway_beat.noted_at <= $7"""
READ = "SELECT gateway, hour, up, down, paused FROM gateway_beat WHERE hour > $1 AND hour <= $2"
# For housekeeping (bot/runtime): up to $2 rows that are older than $1.
FORGET = """DELETE FROM gateway_beat WHERE id IN (SELECT id FROM gateway_beat WHERE hour < $1 ORDER BY hour LIMIT $2)
  RETURNING id"""


class GatewayBeat(Model):
    """One hour of one gateway, in minutes."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    hour = fields.BigIntField()  # when it began (ms)
    up = fields.SmallIntField()
    down = fields.SmallIntField()
    paused = fields.SmallIntField()
    noted_at = fields.BigIntField()  # when the last of these minutes was counted (ms)

    class Meta:
        table = "gateway_beat"
        unique_together = (("gateway", "hour"),)
        indexes = (("hour",),)


@dataclass(frozen=True, slots=True)
class Beat:
    """How a gateway was in one hour. All minutes are 0 for an hour in which no server looked."""

    hour: int  # when it began (ms)
    up: int = 0
    down: int = 0
    paused: int = 0

    @property
    def state(self) -> str:
        """The worst that was: `down`, `paused`, `up`, or nothing where nobody looked."""
        return DOWN if self.down else PAUSED if self.paused else UP if self.up else ""


async def note(states: Mapping[str, str], now: int) -> None:
    """Count this minute for these gateways, each in one of the three states, in the caller's transaction. A minute that
    was counted already, perhaps by another server, stays as it is."""
    hour = now - now % HOUR_MS
    rows = [
        (name, hour, int(state == UP), int(state == DOWN), int(state == PAUSED), now, now - APART_MS)
        for name, state in sorted(states.items())
    ]
    await execute_many(connection(), NOTE, rows)


async def write(gateway: str, hours: Sequence[Beat]) -> None:
    """Whole hours that are over, in the caller's transaction; those that are known stay."""
    rows = [(gateway, each.hour, each.up, each.down, each.paused, each.hour + HOUR_MS, -1) for each in hours]
    await execute_many(connection(), NOTE, rows)


async def read(now: int) -> dict[str, list[Beat]]:
    """The last 24 hours of each gateway of which anything is known, the oldest first, this hour included."""
    last = now - now % HOUR_MS
    found: dict[str, dict[int, Beat]] = {}
    for row in await execute(connection(), READ, [last - HOURS * HOUR_MS, last]):
        beat = Beat(row["hour"], row["up"], row["down"], row["paused"])
        found.setdefault(row["gateway"], {})[beat.hour] = beat
    hours = [last - back * HOUR_MS for back in reversed(range(HOURS))]
    return {name: [beats.get(hour, Beat(hour)) for hour in hours] for name, beats in found.items()}
