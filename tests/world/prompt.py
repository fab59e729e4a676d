"""The `mwanga` command as somebody types it, and the database that it works on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from typer.testing import CliRunner, Result

from bot.cli.main import cli
from bot.runtime import Database
from models.sql import execute

Run = Callable[..., Result]


def mwanga_command(*words: object, **options: Any) -> Result:
    """Type `mwanga` and these words; `input=` is what it reads."""
    return CliRunner().invoke(cli, [str(word) for word in words], **options)


def query(url: str, statement: str) -> list[dict[str, Any]]:
    """What is committed."""

    async def ask() -> list[dict[str, Any]]:
        async with Database(url) as database:
            return await execute(database.client, statement)

    return asyncio.run(ask())


def do_in_one_work(url: str, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something in a unit of work of its own."""

    async def alone() -> Any:
        async with Database(url) as database, database.work():
            return await work()

    return asyncio.run(alone())
