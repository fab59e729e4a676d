"""Copies of an embedded database while it is in use: whole, synced, and read again before they count."""

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.runtime.addresses import sqlite_file
from bot.runtime.aside import read_aside
from models.money.books import find_fault
from models.sql import now_ms
from models.tokens.journal import sync_folder

PAGES = 2_000  # copied at once: so soon does a server that stops end it
UNFINISHED = ".unfinished"  # the end of its name until it counts
# In plain SQL, for a database of another version of Mwanga is copied too.
NOTE = """INSERT INTO setting (name, value) VALUES ('last backup', ?)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value"""


class NotCopied(Exception):
    """There is no copy; the text says why."""


class Running(NotCopied):
    """Another copy is being made."""


@dataclass(frozen=True)
class Copied:
    """A copy that was read again and found whole, with books that add up."""

    file: Path
    size: int  # bytes
    at: int  # milliseconds


def copy_file(original: Path, copy: Path, given_up: threading.Event | None = None) -> None:
    """A copy in one file, without a -wal beside it, synced. Raises NotCopied when it is given up."""

    def look(*_: int) -> None:
        if given_up and given_up.is_set():
            raise NotCopied("it was stopped")

    with closing(sqlite3.connect(original, isolation_level=None)) as source, closing(sqlite3.connect(copy)) as target:
        source.execute("BEGIN")  # what is written meanwhile would have it begin again and again
        source.execute("SELECT 1 FROM sqlite_master").fetchall()
        source.backup(target, pages=PAGES, progress=look)
        target.execute("PRAGMA journal_mode=DELETE")
    copy.chmod(0o600)
    opened = os.open(copy, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


async def back_up(url: str, folder: Path, name: str = "") -> Copied:
    """Copy the database into a folder, under this name or one with the time, beside all work. Raises NotCopied, and
    Running when that is being done already."""
    original, now = sqlite_file(url), datetime.now(UTC)
    file = folder / (name or f"mwanga-{now:%Y%m%dT%H%M%SZ}.db")
    unfinished = file.with_name(file.name + UNFINISHED)
    with _alone(original):
        if file.exists():
            raise Running(f"{file} has just been made.")
        unfinished.unlink(missing_ok=True)  # a power cut may have left half of one
        try:
            await _copy(original, unfinished)
            await _verify(unfinished)
            unfinished.rename(file)
        except BaseException as error:
            unfinished.unlink(missing_ok=True)  # half a copy is none
            if isinstance(error, (sqlite3.Error, OSError, NotCopied)):
                raise NotCopied(f"There is no copy: {error}.".replace("..", ".")) from error
            raise
        return await asyncio.to_thread(_finish, original, file)


async def _copy(original: Path, unfinished: Path) -> None:
    """Copy in a thread. Whoever is cancelled ends it, and waits until it has."""
    given_up = threading.Event()
    copying = asyncio.ensure_future(asyncio.to_thread(copy_file, original, unfinished, given_up))
    try:
        await asyncio.shield(copying)
    except asyncio.CancelledError:
        given_up.set()
        with suppress(sqlite3.Error, OSError, NotCopied):
            await copying
        raise


def _finish(original: Path, file: Path) -> Copied:
    """A copy that was read again is there after a power cut as well, and the database knows of it."""
    sync_folder(file.absolute().parent)
    copied = Copied(file, file.stat().st_size, now_ms())
    with suppress(sqlite3.Error):  # the copy counts, whether the office sees when it was made or not
        note(original, copied)
    return copied


async def _verify(copy: Path) -> None:
    """Raises NotCopied for a copy that is damaged, or whose books do not add up."""
    async with read_aside(f"sqlite://{copy}") as ask:
        [found] = await ask("PRAGMA integrity_check(1)")
        if found["integrity_check"] != "ok":
            raise NotCopied(str(found["integrity_check"]))
        if fault := await find_fault(ask):
            raise NotCopied(fault)


def note(database: Path, copied: Copied) -> None:
    """Keep in the database when it was copied last. Raises sqlite3.Error."""
    with closing(sqlite3.connect(database, timeout=10)) as opened, opened:
        opened.execute(NOTE, [f"{copied.at} {copied.size} {copied.file.name}"[:200]])


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Raises Running while somebody else copies this database, and NotCopied where nothing can be written beside it."""
    file = database.with_name(f"{database.name}.backup-lock")
    try:
        opened = file.open("w")
    except OSError as error:
        raise NotCopied(f"There is no copy: {file} cannot be written: {error.strerror}.") from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Running("A copy is being made already.") from error
        yield
