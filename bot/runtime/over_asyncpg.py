"""tortoise's PostgreSQL client with all of an address: tortoise passes on a few of its parts alone. (tortoise finds its
migration dialect by the word asyncpg in the module's name.)"""

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient

# Statements that a connection keeps prepared. A server at work asks some two hundred different ones; with asyncpg's
# hundred they drive each other out, and each has to be read and planned anew.
PREPARED = 500


class ServedClient(AsyncpgDBClient):
    """Hands the address `dsn` to asyncpg, which reads TLS and all else from it."""

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await asyncpg.create_pool(**kwargs, statement_cache_size=PREPARED, reset=leave_as_it_is)


async def leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """What a connection gets when it goes back to the pool, beside the end of a transaction that is still open. asyncpg
    would send it four statements that take back settings, cursors, subscriptions and locks of a session: one round trip
    more for each unit of work, and we use none of these outside of a transaction."""


client_class = ServedClient  # where tortoise looks for an engine named by its module
