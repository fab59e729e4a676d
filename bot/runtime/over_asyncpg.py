"""tortoise's PostgreSQL client with all of an address: tortoise passes on a few of its parts alone. (tortoise finds its
migration dialect by the word asyncpg in the module's name.)"""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

# Statements that a connection keeps prepared. A day has some 480 different ones (tests/runtime/test_plans.py); with
# asyncpg's hundred they drive each other out, and each has to be read and planned anew.
PREPARED = 500
# A machine that vanishes ends no connection: where nothing comes from it any more we do so after 25 s, and after 20 s
# where it does not confirm what we sent. The kernel alone would wait for a quarter of an hour, or for ever. Names of
# what not every system has are looked up.
HOST_SIGNS = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}  # s, s, times, ms

CLOSE_S = 1.0  # in which connections say goodbye: nothing is under way on them any more, or it was given up


class _Context(TransactionContextPooled):
    """A transaction, also on a connection that breaks as it begins or ends. tortoise 1.1 then leaves the broken one as
    that which this task works with for ever, and in use, so that the pool would run out."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        self.client._connection = connection = await self.client._parent._pool.acquire()
        try:
            await self.client.begin()
        except BaseException:
            with suppress(asyncpg.InterfaceError):  # the pool was closed meanwhile, and the connection with it
                connection.terminate()
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client

    async def __aexit__(self, failed: Any, *_about: Any) -> None:
        try:
            await (self.client.rollback() if failed else self.client.commit())
        finally:
            try:
                if pool := self.client._parent._pool:  # it may have been closed meanwhile
                    await pool.release(self.client._connection)
            finally:
                get_connections().reset(self.token)


class ServedClient(AsyncpgDBClient):
    """Hands the address `dsn` to asyncpg, which reads TLS and all else from it."""

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            **kwargs, statement_cache_size=PREPARED, reset=leave_as_it_is, init=miss_its_host
        )

    async def _close(self) -> None:
        """Close all connections. tortoise 1.1 would wait ten seconds for one that hangs, as each does whose machine has
        vanished, beside all that a stop takes before."""
        if pool := self._pool:
            try:
                await asyncio.wait_for(pool.close(), CLOSE_S)
            except TimeoutError:
                pool.terminate()
            self._pool = None

    def _in_transaction(self) -> TransactionContext:
        return _Context(TransactionWrapper(self), self._pool_init_lock)


async def leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """What a connection gets when it goes back to the pool, beside the end of a transaction that is still open. asyncpg
    would send it four statements that take back settings, cursors, subscriptions and locks of a session: one round trip
    more for each unit of work, and we use none of these outside of a transaction."""


async def miss_its_host(connection: asyncpg.Connection) -> None:
    """Let a connection break when the machine at its other end has vanished, and the pool take another one."""
    opened = connection._transport.get_extra_info("socket")
    if opened.family not in (socket.AF_INET, socket.AF_INET6):
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in HOST_SIGNS.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


client_class = ServedClient  # where tortoise looks for an engine named by its module
