"""Callers, servers and PostgreSQL on cores of their own: on cores that they share two servers show little of what the
second one brings."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

FEWEST = 6
TWO_EACH = 8  # from so many on a server has a second one, for the PINs that it compares beside its loop


class Cores(NamedTuple):
    """Who has which."""

    callers: set[int]
    servers: tuple[set[int], set[int]]
    database: set[int]


CORES: ContextVar[Cores | None] = ContextVar("the cores that each is held to", default=None)


def usable() -> list[int]:
    """The cores that this process may use, as the system or taskset has it."""
    return sorted(os.sched_getaffinity(0))


def shared_out(cores: Sequence[int]) -> Cores:
    """One for the callers, who have one thread, one or two for each of two servers, the rest for PostgreSQL. Raises
    ValueError when they are too few."""
    if len(cores) < FEWEST:
        raise ValueError(
            f"--cores needs {FEWEST} cores, one for callers, one for each of two servers and three for PostgreSQL; "
            f"there are {len(cores)} here"
        )
    each = 2 if len(cores) >= TWO_EACH else 1
    rest = 1 + 2 * each
    return Cores(set(cores[:1]), (set(cores[1 : 1 + each]), set(cores[1 + each : rest])), set(cores[rest:]))


@contextmanager
def held(servers: Sequence[int], database: Iterable[int]) -> Iterator[None]:
    """These processes, and this one with the callers, are on cores of their own meanwhile, when such were given; what
    they start is where they are."""
    if not (cores := CORES.get()):
        yield
        return
    database, before = list(database), os.sched_getaffinity(0)
    _hold([os.getpid()], cores.callers)
    _hold(database, cores.database)
    for server, own in zip(servers, cores.servers, strict=False):
        _hold([server], own)
    try:
        yield
    finally:
        _hold([os.getpid(), *database], before)


def _hold(processes: Iterable[int], cores: set[int]) -> None:
    for process in processes:
        for thread in Path(f"/proc/{process}/task").glob("*"):
            with suppress(ProcessLookupError):  # it has just ended
                os.sched_setaffinity(int(thread.name), cores)
