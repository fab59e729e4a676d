"""What the office has to be told at once: a row, written with what happened. bot/monitor tells it by SMS or webhook."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, cut, execute, for_update, insert, now_ms, on_postgres

LONGEST = 160  # one SMS
MOST = 20  # told at one look
UNTOLD = "SELECT id, sentence, created_at FROM alert WHERE told_at = 0 ORDER BY id LIMIT $1"
TOLD_SO = "SELECT 1 FROM alert WHERE sentence = $1 AND created_at > $2 AND created_at < $3 LIMIT 1"
# Somebody else who has it tells of the same at this moment.
TELL_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7269432)) AS ours"
TELL = "UPDATE alert SET told_at = $2 WHERE id = $1 AND told_at = 0"


class Alert(Model):
    id = fields.BigIntField(primary_key=True)
    sentence = fields.CharField(LONGEST)
    created_at = fields.BigIntField()
    told_at = fields.BigIntField(default=0, db_default=0)  # 0: not told yet


@dataclass(frozen=True)
class Untold:
    """An alert that nobody was told of yet."""

    id: int
    sentence: str
    created_at: int  # ms


async def raise_alert(sentence: str) -> None:
    """Have the office told; in the transaction of what happened, so that it is told of that alone, and once."""
    await insert("alert", sentence=cut(sentence, LONGEST), created_at=now_ms())


async def raise_alert_once(sentence: str, within_ms: int) -> None:
    """The same, unless the office was told so within this time: what goes wrong for each customer is one alert. What it
    was told in a time to come was before the clock was set back."""
    now, told = now_ms(), cut(sentence, LONGEST)
    if on_postgres() and not (await execute(connection(), TELL_ALONE, [told]))[0]["ours"]:
        return
    if not await execute(connection(), TOLD_SO, [told, now - within_ms, now + within_ms]):
        await raise_alert(sentence)


async def is_any_untold() -> bool:
    return bool(await execute(connection(), UNTOLD, [1]))


async def take_untold() -> list[Untold]:
    """The oldest alerts that nobody was told of, told from the end of the caller's unit of work on. Another server that
    looks at the same time gets others."""
    rows = await execute(connection(), UNTOLD + for_update(skip_locked=True), [MOST])
    for row in rows:
        await execute(connection(), TELL, [row["id"], now_ms()])
    return [Untold(row["id"], row["sentence"], row["created_at"]) for row in rows]
