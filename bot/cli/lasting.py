"""What a program imports stays until its end, so the garbage collector need not look through it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Make something that stays. Else the collector would go through all of it again and again while more is made: a
    seventh of the time until a server listens."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
