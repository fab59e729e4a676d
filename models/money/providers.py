"""Who has the money that customers pay by phone: each provider has a number, by which the ledger names its account."""

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, execute


class Provider(Model):
    """A name of bot/payments that ever had money of ours."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(20, unique=True)


async def provider_id(name: str) -> int:
    """The number of a provider, which it has from its first payment on."""
    find = "SELECT id FROM provider WHERE name = $1"
    # Two may add it at once; an INSERT that finds it there would use up a number all the same.
    add = "INSERT INTO provider (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id"
    rows = await execute(connection(), find, [name]) or await execute(connection(), add, [name])
    rows = rows or await execute(connection(), find, [name])
    return int(rows[0]["id"])
