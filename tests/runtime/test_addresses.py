"""What may stand in the address of a database, what of it reaches the driver, and what nobody is shown."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.config import ConfigError, load
from bot.runtime import Database, DatabaseError
from bot.runtime.addresses import KEYS, check_address, connect_arguments, most_connections, shown
from tests.world.certificates import make_certificate

SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL's protocol, 55.7: the first that a client says


@pytest.fixture
async def first_words() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port on which a PostgreSQL without TLS seems to be, and what its clients begin with."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(8))
        if heard[-1] == SSL_REQUEST:
            writer.write(b"N")
            await writer.drain()
            heard.append(await reader.read(8))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_no_word_is_said_without_tls_when_the_address_asks_for_it(
    mode: str, first_words: tuple[int, list[bytes]], tmp_path: Path
) -> None:
    port, heard = first_words
    root, _key = make_certificate(tmp_path, "localhost")
    with pytest.raises(DatabaseError, match=r"cannot be opened: .*SSL"):
        async with Database(f"postgres://mwanga:secret@127.0.0.1:{port}/mwanga?sslmode={mode}&sslrootcert={root}"):
            pass
    assert [words for words in heard if words] == [SSL_REQUEST]  # no name, no password after the refusal


async def test_a_certificate_that_is_not_there_is_named(first_words: tuple[int, list[bytes]]) -> None:
    port, heard = first_words
    with pytest.raises(DatabaseError, match=r"root\.crt"):
        async with Database(f"postgres://m@127.0.0.1:{port}/m?sslmode=verify-full&sslrootcert=/nowhere/root.crt"):
            pass
    assert not heard


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgres://m@h/m?sslmod=verify-full", "sslmod is nothing that .* may have: did you mean sslmode?"),
        ("postgres://m@h/m?statement_timeout=5", "statement_timeout is nothing that"),
        ("postgres://m@h/m?sslmode=verify_full", "sslmode is one of disable, allow"),
        ("postgres://m@h/m?maxsize=many", "maxsize is a number"),
        ("postgres://m@h/m?maxsize=0", "maxsize is a number"),
        ("postgres://m:a/b@h:x/m", "cannot be read"),
        ("sqlite://mwanga.db?mode=ro", "nothing may follow"),
        ("sqlite://", "an address is sqlite://FILE"),
        ("mysql://m@h/m", "an address is sqlite://FILE"),
        ("mwanga.db", "an address is sqlite://FILE"),
    ],
)
def test_an_address_that_cannot_be_is_refused(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"MWANGA_DATABASE: .*{said}"):
        load(database=address)


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("maxsize", "sslmode", "port")])
def test_every_known_key_may_stand_there(key: str) -> None:
    check_address(f"postgres://m@h/m?{key}=x")
    check_address("postgres://m@h:5433/m?maxsize=16&sslmode=verify-full")


@pytest.mark.parametrize(
    ("address", "user", "password", "database", "dsn"),
    [
        ("postgres://m:p%40q@h/d", "m", "p@q", "d", "postgresql://h"),
        ("postgresql://h", "postgres", None, "mwanga", "postgresql://h"),
        ("postgres://m@%2Frun%2Fpostgresql:5433/d", "m", None, "d", "postgresql://%2Frun%2Fpostgresql:5433"),
        ("postgres://m@/d?host=/run/postgresql", "m", None, "d", "postgresql:///?host=%2Frun%2Fpostgresql"),
        ("postgres://h/d?user=m&password=p&maxsize=9&sslmode=require", "m", "p", "d", "postgresql://h?sslmode=require"),
    ],
)
def test_what_the_driver_is_told(address: str, user: str, password: str | None, database: str, dsn: str) -> None:
    told = connect_arguments(address)
    assert (told["user"], told["password"], told["database"]) == (user, password, database)
    assert told["dsn"].replace("postgresql://?", "postgresql:///?") == dsn


def test_a_server_has_eight_connections_unless_the_address_says_more() -> None:
    assert (most_connections("postgres://h/d"), most_connections("postgres://h/d?maxsize=16")) == (8, 16)


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("sqlite://mwanga.db", "sqlite://mwanga.db"),
        ("postgres://m:secret@h/d", "postgres://m:***@h/d"),
        ("postgres://m@h/d?password=secret&sslpassword=secret", "postgres://m@h/d?password=***&sslpassword=***"),
    ],
)
def test_nobody_is_shown_a_password(address: str, seen: str) -> None:
    assert shown(address) == seen
