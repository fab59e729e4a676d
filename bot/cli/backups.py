"""Copies of an embedded database, and the way back to one: `mwanga backup` and `mwanga restore`."""

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.devices import advance, journal_files, say_advanced
from bot.cli.prompt import fail, load_config, perform
from bot.config import Config, demo_world
from bot.configured import WRONG_KEY, company_of
from bot.runtime import Database, DatabaseError
from bot.runtime.addresses import is_embedded, sqlite_file
from bot.runtime.backups import NotCopied, back_up, copy_file
from bot.runtime.database import OneServer
from models.demo import world
from models.money.books import find_fault
from models.settings import fits_key
from models.tokens.journal import sync_folder

CLOCK_AFTER = (
    "After a backup of over a day ago the server may take the time since for a clock that is ahead, and sell nothing."
    " When the clock is right, run: mwanga clock right"
)
BESIDE = ("", "-wal", "-shm", "-journal")  # the files of an embedded database


def backup(file: Annotated[Path, typer.Argument(help="the file to write; it must not exist")]) -> None:
    """Copy an embedded database while it is in use, and make sure that the copy is whole."""
    config = load_config()
    if not is_embedded(config.database):
        fail("Only an embedded database is copied by this. Use pg_dump for PostgreSQL.")
    original = sqlite_file(config.database)
    if not original.exists():
        fail(f"There is no database {original}.")
    if file.exists():
        fail(f"{file} exists already.")

    async def work() -> None:
        try:
            await back_up(config.database, file.parent, file.name)
        except NotCopied as problem:
            fail(f"{file} is not written. {problem}")

    perform(work())
    typer.echo(f"Copied to {file}, read again and found whole; its books add up.")
    typer.echo("The secret key is not in it: keep both, apart from each other.")


def restore(
    file: Annotated[Path, typer.Argument(help="a file that `mwanga backup` wrote", exists=True, dir_okay=False)],
    journal: Annotated[
        list[Path] | None, typer.Option(help="a file of the token journal that is kept elsewhere; may be repeated")
    ] = None,
) -> None:
    """Go back to a backup of an embedded database, and move device counts on behind the tokens made since."""
    config = load_config()
    if not is_embedded(config.database):
        fail(
            "For PostgreSQL: stop all servers, fill an empty database by pg_restore, then run `mwanga devices advance`."
        )
    target = sqlite_file(config.database).resolve()  # where a link to it leads: the link stays
    if target.exists() and target.samefile(file):
        fail(f"{file} is the database itself.")
    restoring, folder = target.with_name(target.name + ".restoring"), target.parent

    async def work() -> None:
        await _verify(file, config)
        with OneServer(config.database):
            try:
                _clear(restoring)  # a power cut may have left half of one
                copy_file(file, restoring)
                copied = config.model_copy(update={"database": f"sqlite://{restoring}"})
                advanced = await advance(copied, [*(journal or []), *journal_files(config)])
            except BaseException:
                _clear(restoring)
                raise
            aside = _put_aside(target) if target.exists() else None
            restoring.replace(target)
            sync_folder(folder)
        typer.echo(f"{target} is as {file} was." + (f" What was there before is {aside}." if aside else ""))
        say_advanced(advanced)
        typer.echo(CLOCK_AFTER)

    try:
        perform(work())
    except (sqlite3.Error, OSError) as error:
        fail(f"Nothing is restored: {error}. {target} is as it was.")


def _clear(database: Path) -> None:
    """Remove a database with what belongs to it."""
    for ending in BESIDE:
        database.with_name(database.name + ending).unlink(missing_ok=True)


async def _verify(file: Path, config: Config | None = None) -> None:
    """Read a copy whole. Raises DatabaseError for one that is damaged, not ours, or whose books do not add up; with a
    configuration also for one with another secret key."""
    async with Database(f"sqlite://{file}", read_only=True) as database:
        await database.check(older=True)
        if fault := await find_fault():
            raise DatabaseError(f"{file}: {fault}")
        if config:
            fitting = demo_world(config) if await world.is_demo() else config
            if not await fits_key(company_of(fitting).vault):
                raise DatabaseError(f"{file}: {WRONG_KEY}")


def _put_aside(database: Path) -> Path:
    """Give a database that is about to be replaced a second name, and what belongs to it another one; that name. Until
    then it stays in its place, whole: whoever starts a server after a power cut finds it, and not an empty one."""
    aside = database.with_name(f"{database.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as opened:  # a damaged one stays as it is
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        os.link(database, aside)
    except OSError:  # a disk without second names
        database.rename(aside)
    for ending in BESIDE[1:]:
        part = database.with_name(database.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside
