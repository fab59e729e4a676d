"""tortoise's PostgreSQL client with all of an address: tortoise passes on a few of its parts alone. (tortoise finds its
migration dialect by the word asyncpg in the module's name.)"""

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient


class ServedClient(AsyncpgDBClient):
    """Hands the address `dsn` to asyncpg, which reads TLS and all else from it."""

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await asyncpg.create_pool(**kwargs)


client_class = ServedClient  # where tortoise looks for an engine named by its module
