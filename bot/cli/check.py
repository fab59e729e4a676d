"""`mwanga check`: names everything that is misconfigured, a sentence each, and changes nothing."""

import asyncio
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from pydantic import SecretStr

from bot.changeable import CHANGEABLE, merge_to_start
from bot.cli import reach
from bot.cli.prompt import has_database, load_config
from bot.config import DEMO_IN_PUBLIC, SECRETS, Config, demo_world, is_demo_secret
from bot.configured import NOT_REKEYED, WRONG_KEY, company_of, journal_places, say_other_currency
from bot.runtime import Database, DatabaseError
from bot.runtime.addresses import connect_arguments, is_embedded, sqlite_file
from bot.text.gsm import FREE_ACCENTS, SINGLE, parts
from models.clock import BEHIND, read_last
from models.demo import world
from models.devices.meters import has_published_key
from models.money.books import find_fault, must_return_to_zero
from models.money.ledger import AccountKind
from models.people import OfficeUser
from models.settings import fits_key, kept_currency, read_settings
from models.tokens.journal import find_faults
from models.vault import Vault

ACCENTS = (
    f"Accents: {' '.join(sorted(FREE_ACCENTS))} go out as they are and cost nothing. All others, like ê ç ã, are left"
    f" out: with one of them a full message would be {parts('ê' * SINGLE)} SMS instead of 1."
)
DEMO = "This is the demo world: its passwords and PINs are published. Begin with an empty database."
LATE_CLOCK = (
    "The clock is behind: a server was at work at {last:%Y-%m-%d %H:%M}, which by it is still to come. Nothing is sold."
    " Set it; or, if it is right, run: mwanga clock right"
)
# Different characters in a secret. A good generator puts 10 or more into 32 digits of any kind.
FEWEST = {"secret_key": 8} | {name: 4 for name in SECRETS if name.endswith(("_secret", "_token"))}
UNSAFE = (
    "PostgreSQL has synchronous_commit off: what is changed by other tools can be lost with the power. Mwanga's own"
    " commits wait for the disk."
)
OTHERS = stat.S_IRWXO
NOT_OWNER = stat.S_IRWXG | stat.S_IRWXO


def check(
    books: Annotated[bool, typer.Option("--books", help="add up the books as well: all of history")] = False,
) -> None:
    """Name everything that is misconfigured; exit 1 when anything is."""
    config = load_config()
    set_by_office: dict[str, str] = {}
    problems = asyncio.run(_find_problems(config, set_by_office, books=books))
    for problem in problems:
        typer.echo(problem)
    if not problems:
        typer.echo("All is well.")
    for sentence in _say_origins(config, set_by_office):
        typer.echo(sentence)
    if problems:
        raise typer.Exit(1)
    if config.accents:
        typer.echo(ACCENTS)


def _say_origins(config: Config, set_by_office: Mapping[str, str]) -> list[str]:
    """What the office has set, which counts before the configuration."""
    return [
        f"Set in the office: {name} is {value or 'empty'}. The configuration says {getattr(config, name) or 'nothing'}."
        for name, value in sorted(set_by_office.items())
        if name in CHANGEABLE
    ]


async def _find_problems(config: Config, set_by_office: dict[str, str], *, books: bool = False) -> list[str]:
    """A sentence for each; what the office has set is put where it is told to."""
    files = [*_find_open_files(config), *_find_shut_folders(config)]
    if not has_database(config):
        of_database = [f"There is no database {sqlite_file(config.database)} yet: `mwanga migrate` makes it."]
        return [*await _find_in_settings(config, simulated=False), *files, *of_database]
    try:
        async with Database(config.database, read_only=True) as database:
            await database.check()
            simulated = await world.is_demo()
            set_by_office.update(await read_settings())
            config = merge_to_start(config, set_by_office)
            of_database = await _find_in_database(demo_world(config) if simulated else config, simulated)
            of_database += await _find_in_books(config) if books else []
            if not database.embedded:
                of_database += [*filter(None, [await database.find_encoding_fault()]), *await _find_unsafe(config)]
    except DatabaseError as error:
        simulated, of_database = False, [str(error)]
    return [*await _find_in_settings(config, simulated), *files, *of_database]


async def _find_in_settings(config: Config, simulated: bool) -> list[str]:
    if simulated:  # what is not set there is invented, and nobody is written to
        open_to_all = not (config.on_loopback or config.demo_in_public)
        return [DEMO_IN_PUBLIC.format(address=config.address) if open_to_all else DEMO]
    found = config.problems() + _find_published(config) + reach.find_bad_addresses(config)
    return found + await reach.find_silent_gateways(config)


def _find_published(config: Config) -> list[str]:
    """Secrets that everybody can know."""
    values = {name: getattr(config, name) for name in SECRETS}
    secrets = {name: value.get_secret_value() for name, value in values.items() if isinstance(value, SecretStr)}
    published = [name for name, secret in secrets.items() if is_demo_secret(secret)]
    simple = [name for name, fewest in FEWEST.items() if 0 < len({*secrets[name]}) < fewest and name not in published]
    return [
        *(f"MWANGA_{name.upper()} is the published one of the demo world: take another one." for name in published),
        *(f"MWANGA_{name.upper()} can be guessed: it has too few different characters." for name in simple),
    ]


def _find_open_files(config: Config) -> list[str]:
    """Files with secrets or with customers' data that other users of this machine can read."""
    secret = [(file, OTHERS) for file in (config.file, *config.secret_files) if file]
    data: list[tuple[Path, int]] = []
    if is_embedded(config.database):
        file = sqlite_file(config.database)
        data = [(file.with_name(file.name + ending), NOT_OWNER) for ending in ("", "-wal", "-shm", ".lock")]
        data += [(journal, NOT_OWNER) for journal in sorted(file.parent.glob(f"{file.name}-tokens-*"))]
    return [
        f"Other users of this machine can read {file}: chmod {'o=' if mask == OTHERS else '600'} {file}"
        for file, mask in (*secret, *data)
        if file.exists() and file.stat().st_mode & mask
    ]


def _find_shut_folders(config: Config) -> list[str]:
    """Folders in which nothing can be written: without the token journal no server starts."""
    found = find_faults(journal_places(config))
    if (folder := config.backup_folder) and not os.access(folder, os.W_OK | os.X_OK):
        found.append(f"The office cannot have the database copied into {folder}: nothing can be written there.")
    return found


async def _find_in_database(config: Config, simulated: bool) -> list[str]:
    if not config.secret_key.get_secret_value():
        return []
    company = company_of(config)
    vault = company.vault
    if not await fits_key(vault):
        return [NOT_REKEYED if vault.former and await fits_key(vault.former) else WRONG_KEY]
    currency, _, decimals = (await kept_currency()).partition(" ")
    if currency and (currency, int(decimals)) != (company.currency, company.exponent):
        return [say_other_currency(company, currency, int(decimals))]
    return [] if simulated else [*await _find_late_clock(config), *await _find_open_doors(vault)]


async def _find_late_clock(config: Config) -> list[str]:
    """A clock that is behind what this database knows to be over. That one is ahead only who serves can tell."""
    last = (await read_last()).at
    if last is None or datetime.now(UTC) >= last - BEHIND:
        return []
    return [LATE_CLOCK.format(last=last.astimezone(config.zone))]


async def _find_in_books(config: Config) -> list[str]:
    """What does not add up, and money that waits longer than it should."""
    fault, company = await find_fault(), company_of(config)
    found = [f"The books do not add up: {fault}"] if fault else []
    late = datetime.now(UTC) - timedelta(days=config.suspense_days)
    for each in await must_return_to_zero():
        if each.since < late:
            amount, since = company.money(abs(each.balance)), company.day(each.since)
            where = "with the provider" if each.kind == AccountKind.CLEARING else "and nobody applied it"
            found.append(f"Money waits since {since}, {where}: {each.whose}, {amount}.")
    return found


async def _find_unsafe(config: Config) -> list[str]:
    """What PostgreSQL would lose with the power that it said was committed. Our own connections ask it to wait."""
    opened = await asyncpg.connect(**connect_arguments(config.database))
    try:
        kept = await opened.fetchval("SHOW synchronous_commit")
    finally:
        await opened.close()
    return [UNSAFE] if kept == "off" else []


async def _find_open_doors(vault: Vault) -> list[str]:
    """Who can get in whom nobody knows, and whether anybody can whom somebody does."""
    found = [
        f"The {who} has the published password or PIN of the demo world: give a new one."
        for who in await world.find_published(vault)
    ]
    if await has_published_key(vault):
        found.append(
            "The vending key of meters is published for tests: everybody can make tokens. `mwanga vending-key`"
        )
    if not await OfficeUser.exists(removed_at=None):
        found.append("Nobody can sign in to the office's page: `mwanga admin add NAME`.")
    return found
