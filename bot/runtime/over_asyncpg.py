"""tortoise's PostgreSQL client with all of an address: tortoise passes on a few of its parts alone. (tortoise finds its
migration dialect by the word asyncpg in the module's name.)"""

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient

# Statements that a connection keeps prepared. A server at work asks some two hundred different ones; with asyncpg's
# hundred they drive each other out, and each has to be read and planned anew.
PREPARED = 500


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Is given back as it is: a unit of work leaves no setting, cursor or lock behind that its commit has not ended, so
    asking the server to clear them would be one more trip for nothing."""

    def get_reset_query(self) -> str:
        return ""


class ServedClient(AsyncpgDBClient):
    """Hands the address `dsn` to asyncpg, which reads TLS and all else from it."""

    connection_class = _Connection

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await asyncpg.create_pool(**kwargs, statement_cache_size=PREPARED)


client_class = ServedClient  # where tortoise looks for an engine named by its module
