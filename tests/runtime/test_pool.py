"""PostgreSQL's pool: what goes over the wire when a connection comes back to it."""

import re
from pathlib import Path

import pytest

from bot.runtime import Database
from models.sql import execute

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_unit_of_work_sends_what_it_says_and_nothing_more(database: Database) -> None:
    sent: list[str] = []
    async with database.client.acquire_connection() as connection:
        connection._con.add_query_logger(lambda query: sent.append(query.query))
    async with database.work() as db:
        await execute(db, "SELECT 1 AS one")
    assert sent == ["BEGIN;", "SELECT 1 AS one", "COMMIT;"]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_transaction_that_somebody_left_open_is_undone(database: Database) -> None:
    async with database.client.acquire_connection() as connection:
        await connection.execute("BEGIN; INSERT INTO setting (name, value) VALUES ('half', 'done')")
    assert not await execute(database.client, "SELECT 1 FROM setting WHERE name = 'half'")


OF_A_SESSION = re.compile(
    r"""["']\s*(SET (?!LOCAL)[a-z_]+ (=|TO)|LISTEN |DECLARE |SELECT pg_advisory_lock|SELECT set_config)"""
)
OWN_CONNECTION = ["SELECT pg_advisory_lock"]  # while the tables are made, on a connection that is in no pool


def test_no_statement_changes_a_connection_for_whoever_gets_it_next() -> None:
    files = [path for top in ("bot", "handlers", "models") for path in (ROOT / top).rglob("*.py")]
    assert [found[1] for path in files for found in OF_A_SESSION.finditer(path.read_text())] == OWN_CONNECTION
