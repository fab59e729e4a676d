"""Forms of the office that were sent: one that comes a second time does nothing."""

from tortoise import fields
from tortoise.models import Model

from models.sql import DAY_MS, connection, execute, now_ms

KEPT_MS = 3 * DAY_MS  # nobody sends a form that is older
TAKE = "INSERT INTO form_once (key, taken_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING RETURNING key"
PURGE = "DELETE FROM form_once WHERE key IN (SELECT key FROM form_once WHERE taken_at < $1 LIMIT $2) RETURNING key"


class FormOnce(Model):
    """A form that was sent, by the key that was drawn into it."""

    key = fields.CharField(64, primary_key=True)
    taken_at = fields.BigIntField()  # milliseconds

    class Meta:
        table = "form_once"


async def take(key: str) -> bool:
    """Whether the form comes for the first time; in the unit of work that does what it asks for. Who sends it twice at
    once waits here for the first one, and is told False when that one is committed."""
    return bool(await execute(connection(), TAKE, [key[:64], now_ms()]))
