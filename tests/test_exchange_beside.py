"""An import beside a server at work, which goes on selling and registering meanwhile."""

import asyncio
import sqlite3

import pytest

from bot import cli
from tests.test_exchange import imported, run

__all__ = ["run"]  # a fixture


def test_others_get_the_database_between_two_portions(run, demo_url: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """SQLite has one lock, and who waits for it looks again each 0.1 s: without a pause they hardly ever get it."""
    if not demo_url.startswith("sqlite"):
        pytest.skip("PostgreSQL locks rows")
    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        with sqlite3.connect(demo_url.partition("://")[2], timeout=0) as other:
            other.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr(asyncio, "sleep", pause)
    many = "mini_grid,village\n" + "".join(f"Masasi,Village {number}\n" for number in range(3 * cli.SOME))
    assert " new or changed." in imported(run, "villages", many).output
    assert len(pauses) == 2 and min(pauses) > 0.1
