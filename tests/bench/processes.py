"""What processes take of the machine."""

import os
import time
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")  # in a second: in them Linux tells of children that ended


def family(pid: int) -> list[int]:
    """A process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def cpu_seconds(pid: int) -> float:
    """How long all threads of a process have been at work, those that ended too."""
    return time.clock_gettime(~pid << 3 | 2)  # the number of its clock, as clock_getcpuclockid(3) makes it on Linux


def family_seconds(pid: int) -> float:
    """How long a process and its children have been at work, those that ended too."""
    seconds = 0.0
    for each in family(pid):
        with suppress(OSError):  # it has just ended
            seconds += cpu_seconds(each)
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
    return seconds + (int(user) + int(system)) / TICKS


def loop_seconds(pid: int) -> float:
    """How long the first thread of a process, in which its loop runs, has been at work."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
