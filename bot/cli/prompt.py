"""What every command of `mwanga` needs: the configuration, the database, and one sentence when it fails."""

import asyncio
import io
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

import typer
from tortoise.exceptions import OperationalError

from bot import setting_files
from bot.changeable import Changeable, merge
from bot.company import Company
from bot.config import Config, checked, demo_world, load
from bot.configured import check_key, company_of
from bot.runtime import Database, DatabaseAway, DatabaseError
from bot.runtime.addresses import is_embedded, sqlite_file
from bot.setting_files import ConfigError
from bot.text import numbers
from models.demo import world
from models.people.office_users import PROMPT
from models.settings import read_settings

ACTOR = PROMPT  # whom the audit names
LONGEST_NAME = 100  # as the columns of names
CONFIG_FILE: ContextVar[Path | None] = ContextVar("the file that --config names", default=None)


@asynccontextmanager
async def open_database(config: Config) -> AsyncIterator[tuple[Database, Company]]:
    """The configured database, up to date, with the keys that fit it."""
    if not config.secret_key.get_secret_value() and not has_database(config):
        raise ConfigError(say_unconfigured(config))  # before a stray database is made where somebody happens to be
    async with Database(config.database) as database:
        await database.migrate()
        fitting = demo_world(config) if await world.is_demo() else config
        if not fitting.secret_key.get_secret_value():
            checked(fitting)
        company = company_of(fitting)
        await check_key(database, company)
        await Changeable(fitting, company.live).refresh()
        yield database, company


async def read_office(config: Config) -> Config:
    """The configuration with what the office has set, where there is a database to ask."""
    if not has_database(config):
        return config
    try:
        async with Database(config.database, read_only=True):
            return merge(config, await read_settings())
    except (DatabaseError, OperationalError):  # it is away, or of an older version
        return config


def has_database(config: Config) -> bool:
    """Whether there is a database to open; opening an embedded one would make it."""
    return not is_embedded(config.database) or sqlite_file(config.database).exists()


def say_unconfigured(config: Config) -> str:
    """What is missing before there is anything to work on, in sentences."""
    if config.file is None:
        return (
            f"There is no mwanga.toml in {Path.cwd()} and no {setting_files.OF_SYSTEM}. Name yours by --config,"
            " or write one: `mwanga init`."
        )
    return "\n".join(config.problems())


def e164(phone: str, config: Config) -> str:
    """A phone number as it is kept, of one in any spelling."""
    try:
        return numbers.parse(phone, config.country)
    except ValueError as error:
        fail(str(error))


def tidy_name(name: str) -> str:
    """A name as it is kept and looked for: one space between words, none around them."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        fail(f"A name has 1 to {LONGEST_NAME} characters.")
    return name


def load_config(*, of_system: bool = True, **overrides: object) -> Config:
    """The configuration, with these settings in place of its own; not the one `of_system`, unless it is named."""
    try:
        return load(CONFIG_FILE.get(), of_system=of_system, **overrides)
    except ConfigError as error:
        fail(str(error))


def perform(work: Coroutine[Any, Any, None]) -> None:
    """Do the work of a command; what goes wrong with it is one sentence."""
    try:
        with in_one_sentence():
            asyncio.run(work)
    except ValueError as error:
        fail(str(error))


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """End the command with a sentence when the configuration or the database is not what it should be."""
    try:
        yield
    except (ConfigError, DatabaseError) as error:
        fail(str(error))
    except (DatabaseAway, OperationalError, sqlite3.OperationalError) as error:
        fail(f"The database was busy or went away, so this was not finished ({error}). Run it once more.")
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # the others of this kind are faults of the program
            raise
        fail(f"The database is damaged ({error}): go back to a backup.")


@contextmanager
def asking() -> Iterator[None]:
    """While somebody is asked, Ctrl-C ends the command at once: asyncio would only note it, and wait for the answer."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def write_as_utf8() -> None:
    """Have standard output be as the mark at the beginning of a file says, whatever the terminal has."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def fail(sentence: str) -> NoReturn:
    """End the command with a sentence on standard error and exit code 1."""
    typer.echo(sentence, err=True)
    sys.exit(1)
