"""The machine under the office: how full its disk is, which version runs and since when."""

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bot.runtime.addresses import is_embedded, sqlite_file
from bot.server import Server

FULL = 90  # percent
LITTLE = 500 * 2**20  # bytes: a small disk is full before a large one is
ENOUGH = 20 * 2**30  # bytes: a large disk is not full at 90 percent


@dataclass(frozen=True, slots=True)
class Machine:
    """What the page says of it."""

    version: str
    since: int  # when this server started (ms)
    used: int  # percent of the disk
    free: int  # bytes

    @property
    def is_nearly_full(self) -> bool:
        return self.free < LITTLE or (self.used >= FULL and self.free < ENOUGH)


def look_at_machine(server: Server) -> Machine:
    """The disk is the one that the embedded database is on, else the one that the server was started on."""
    url = server.config.database
    disk = shutil.disk_usage(sqlite_file(url).absolute().parent if is_embedded(url) else Path.cwd())
    used = 100 - 100 * disk.free // disk.total
    return Machine(version("mwanga"), server.outbox.started_at, used, disk.free)


def write_size(size: int) -> str:
    """31 MB, 2.4 GB."""
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if size >= length:
            figure = size / length
            return f"{figure:.1f} {unit}" if figure < 10 and unit == "GB" else f"{figure:.0f} {unit}"
    return f"{max(1, size // 1000)} kB"
