"""What is kept of what people wrote: every byte of a database, and the digits that can still be read."""

import asyncio
import re
import unicodedata
from pathlib import Path

from bot.inbound.inbox import Inbox
from bot.message import Inbound
from tests.world.server import query

# A PIN's digits stand there by chance: milliseconds since 1970, the fraction of a second in a date, and what is drawn
# or hashed. SQLite puts a row's columns one behind the other, with nothing between.
CHANCE = re.compile(rb"(?<!\d)1[5-9]\d{11}(?!\d)|(?<=:\d\d)\.\d+|(?=[0-9]*[a-f])[0-9a-f]{16,}")


async def store(inbox: Inbox, came: Inbound) -> None:
    """Have an inbox store a message while nothing is handled."""
    recording = asyncio.create_task(inbox.record(came))
    await asyncio.sleep(0)  # it waits to be stored
    await inbox._store()
    await recording


def remaining(text: str) -> str:
    """The digits that can still be read, of any script."""
    return "".join(str(unicodedata.digit(letter)) for letter in text if unicodedata.digit(letter, None) is not None)


async def everything(url: str, engine: str) -> bytes:
    """Every byte of the database but what is digits by chance: its files, or each row of each table as text."""
    if engine == "sqlite":
        path = url.partition("://")[2]
        files = [Path(path + suffix) for suffix in ("", "-wal")]
        return CHANCE.sub(b"", b"".join(file.read_bytes() for file in files if file.exists()))
    tables = await query(url, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    texts = [
        row["text"] for table in tables for row in await query(url, f'SELECT t::text AS text FROM "{table["name"]}" t')
    ]
    return CHANCE.sub(b"", "\n".join(texts).encode())
