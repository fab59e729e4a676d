"""PostgreSQL's pool: what goes over the wire when a connection comes back to it."""

import asyncio
import re
import socket
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bot.runtime import Database, over_asyncpg
from bot.runtime.over_asyncpg import HOST_SIGNS
from models.sql import execute

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_unit_of_work_sends_what_it_says_and_nothing_more(database: Database) -> None:
    sent: list[str] = []
    async with database.client.acquire_connection() as connection:
        connection._con.add_query_logger(lambda query: sent.append(query.query))
    async with database.work() as db:
        await execute(db, "SELECT 1 AS one")
    assert sent == ["BEGIN;", "SELECT 1 AS one", "COMMIT;"]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_transaction_that_somebody_left_open_is_undone(database: Database) -> None:
    async with database.client.acquire_connection() as connection:
        await connection.execute("BEGIN; INSERT INTO setting (name, value) VALUES ('half', 'done')")
    assert not await execute(database.client, "SELECT 1 FROM setting WHERE name = 'half'")


@pytest.mark.parametrize("engine", ["postgres"])
async def test_what_hangs_on_a_connection_does_not_keep_the_pool_open(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine has vanished, and it never comes back to the pool."""
    monkeypatch.setattr(over_asyncpg, "CLOSE_S", 0)
    async with Database(empty_url) as opened:
        hanging = (await opened.client._pool.acquire())._con
    assert hanging.is_closed()


@asynccontextmanager
async def by_tcp(url: str) -> AsyncIterator[str]:
    """An address by which a database at a Unix socket is reached by TCP."""
    [folder] = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["host"]

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65_536):
            writer.write(some)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, to_beyond = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        await asyncio.gather(carry(reader, to_beyond), carry(beyond, writer))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield re.sub("host=[^&]*", f"host=127.0.0.1&port={port}", url)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_each_connection_misses_a_host_that_has_vanished(database: Database) -> None:
    async with by_tcp(database.url) as url, Database(url) as served, AsyncExitStack() as taken:
        for _ in range(2):
            connection = await taken.enter_async_context(served.client.acquire_connection())
            opened = connection._con._transport.get_extra_info("socket")
            assert opened.family == socket.AF_INET
            assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            for name, value in HOST_SIGNS.items():
                assert opened.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value


OF_A_SESSION = re.compile(
    r"""["']\s*(SET (?!LOCAL)[a-z_]+ (=|TO)|LISTEN |DECLARE |SELECT pg_advisory_lock|SELECT set_config)"""
)
OWN_CONNECTION = ["SELECT pg_advisory_lock"]  # while the tables are made, on a connection that is in no pool


def test_no_statement_changes_a_connection_for_whoever_gets_it_next() -> None:
    files = [path for top in ("bot", "handlers", "models") for path in (ROOT / top).rglob("*.py")]
    assert [found[1] for path in files for found in OF_A_SESSION.finditer(path.read_text())] == OWN_CONNECTION
