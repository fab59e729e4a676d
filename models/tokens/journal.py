"""The token journal: which tokens were made, in files beside the database that a backup does not take back with it.

A device takes no token whose count it has seen, so a database that was restored from a backup must go on behind the
last token that was made since. Each line is written and synced before the commit of its sale: a line too many, of a
sale that was then undone, only leaves out a count, which devices allow.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.sql import unit_of_work

HEADER = "# made_at serial key count token sale"


class JournalFault(Exception):
    """The journal cannot be written; so nothing may be sold."""


@dataclass(frozen=True)
class Made:
    """One token that was made."""

    at: datetime
    serial: str
    key: str  # a mark of the device's key: another key counts anew
    count: int  # that it used up: an OpenPAYGO count, or an STS token identifier
    token: str  # a keyed hash of its digits
    sale: str  # the sale's reference

    def line(self) -> str:
        at = f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return f"{at} {self.serial} {self.key} {self.count} {self.token} {self.sale}\n"


class Journal:
    """The journal of this process. There is one, whatever the number of servers in it."""

    def __init__(self) -> None:
        self._places: Sequence[Path] = ()

    def begin(self, places: Sequence[Path]) -> None:
        """From now on write to these places: each is the path of a file, to which the month is added. With none nothing
        is written. Raises JournalFault for a folder in which nothing can be written."""
        self._places = places
        for fault in find_faults(places):
            raise JournalFault(fault)

    def note(self, made: Made) -> None:
        """Write down a token, together with the others of this unit of work, before its commit."""
        if not self._places:
            return
        if unit := unit_of_work():
            unit.at_end("token journal", self._write).append(made)
        else:
            self._append([made])

    async def _write(self, tokens: Sequence[Made]) -> None:
        self._append(tokens)

    def _append(self, tokens: Sequence[Made]) -> None:
        text, month, failed = "".join(map(Made.line, tokens)), f"{tokens[-1].at:%Y-%m}", ""
        for place in self._places:
            try:
                append(place.with_name(f"{place.name}-{month}"), text)
            except OSError as error:
                failed = f"The token journal {place} cannot be written: {error.strerror}."
        if failed:  # outside of the handler: an OSError behind it would look like a database that is away
            raise JournalFault(failed)


JOURNAL = Journal()


def find_faults(places: Iterable[Path]) -> list[str]:
    """A sentence for each place in whose folder nothing can be written."""
    shut = (place.parent for place in places if not os.access(place.parent, os.W_OK | os.X_OK))
    return [f"The token journal cannot be written in {folder}." for folder in shut]


def append(file: Path, text: str) -> None:
    """Add lines to a file that only its owner reads, and sync them. One write, so that lines of several processes do
    not mix."""
    new = not file.exists()
    opened = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(opened).st_size
        torn = size > 0 and os.pread(opened, 1, size - 1) != b"\n"  # a power cut has left half a line
        data = (f"{HEADER}\n" if new else "\n" if torn else "").encode() + text.encode()
        if os.write(opened, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(opened)
    finally:
        os.close(opened)
    if new:
        sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make sure that a file's name survives a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read(files: Iterable[Path]) -> Iterator[Made]:
    """All tokens in these files, in any order; a line that was cut off by a power cut is passed over."""
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield from filter(None, map(_parse, lines))


def _parse(line: str) -> Made | None:
    fields = line.split()
    if line.startswith("#") or len(fields) != len(HEADER.split()) - 1 or not line.endswith("\n"):
        return None
    try:
        at, count = datetime.fromisoformat(fields[0]), int(fields[3])
    except ValueError:
        return None
    return Made(at, fields[1], fields[2], count, fields[4], fields[5])
