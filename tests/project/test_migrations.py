"""The tables that the migrations make are those that the models describe, and no others are used."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.operations import AlterModelOptions, RunPython
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_generator.state_apps import StateApps

from bot.runtime import Database, DatabaseError
from bot.runtime.database import APPS, TORTOISE
from bot.runtime.steps import Steps
from models.sql import execute
from tests.world.templates import EMPTY, Templates, address, postgres


async def test_the_migrations_have_all_that_the_models_have() -> None:
    """A docstring is no part of a table: tortoise would write each as a comment on it."""
    async with TortoiseContext() as context:
        await context.init(config=TORTOISE)
        assert context.apps
        changes = await MigrationAutodetector(context.apps, APPS).changes()
    wanted = [one for change in changes for one in change.operations if not isinstance(one, AlterModelOptions)]
    assert not wanted, "run makemigrations, as CONTRIBUTING.md says"


async def test_a_database_of_another_version_is_left_alone(database: Database) -> None:
    """One that was made before the tables got their names, or by a version that is still to come."""
    other = "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0002_guarantees', $1)"
    await execute(database.client, other, [datetime.now(UTC)])
    with pytest.raises(DatabaseError, match=r"it knows 0002_guarantees.* go back to a backup"):
        await database.migrate()


async def test_no_step_copies_the_models_that_it_does_not_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tortoise copies all of them before each step: four of the five seconds in which a database was begun."""
    monkeypatch.setattr(StateApps, "clone", refused)
    async with Database(f"sqlite://{tmp_path}/new.db") as database:
        await database.migrate()
        await database.check()


async def test_a_step_that_asks_for_the_models_before_it_gets_them(database: Database) -> None:
    steps = Steps(database.client, APPS)
    await steps.loader.build_graph()
    now = await steps._project_state(set(steps.loader.graph.nodes))
    before = now.clone()
    now.models.clear()
    assert "phone" in before.apps.get_model("models.Agent")._meta.fields_map


@pytest.fixture
async def server(engine: str) -> AsyncIterator[asyncpg.Connection]:
    """PostgreSQL itself, for what is no copy of a template."""
    if engine == "sqlite":
        pytest.skip("a file has neither an encoding of its own nor users")
    opened = await asyncpg.connect(postgres())
    yield opened
    await opened.close()


async def test_no_tables_are_made_where_letters_are_missing(server: asyncpg.Connection) -> None:
    """A text with one of them could not be stored, and its sender would hear nothing."""
    await server.execute("CREATE DATABASE western ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        async with Database(address(postgres(), "western")) as database:
            with pytest.raises(DatabaseError, match="is in LATIN1, which has not all letters"):
                await database.migrate()
            with pytest.raises(DatabaseError, match="has no tables of Mwanga"):
                await database.check()
    finally:
        await server.execute("DROP DATABASE western")


async def test_tables_that_a_user_may_not_read_are_not_taken_for_none(server: asyncpg.Connection, any_url: str) -> None:
    await server.execute("CREATE ROLE stranger LOGIN")
    try:
        async with Database(f"{any_url}&user=stranger") as database:
            for look in (database.check, database.migrate):
                with pytest.raises(DatabaseError, match="cannot be read: permission denied"):
                    await look()
    finally:
        await server.execute("DROP ROLE stranger")


async def test_tables_that_are_up_to_date_are_left_as_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MigrationExecutor, "migrate", refused)
    await database.migrate()


class PowerCut(BaseException):
    """No handler of errors sees it."""


@pytest.fixture
def any_url(engine: str, templates: Templates, tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/older.db" if engine == "sqlite" else templates.copy(engine, EMPTY)


@pytest.fixture
async def older(any_url: str) -> AsyncIterator[Database]:
    """A database that the first steps alone have made, and that has something in it."""
    async with Database(any_url) as database:
        if not database.embedded:
            await database.client.execute_script("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await Steps(database.client, APPS).migrate([MigrationTarget("models", "0010_counter")])
        await execute(database.client, "INSERT INTO setting (name, value) VALUES ('kept', 'all along')")
        yield database


async def all_that_is_there(database: Database) -> list[str]:
    """The steps that were taken, and by their names the tables, indexes and, on SQLite, triggers."""
    named = "SELECT name FROM sqlite_master" if database.embedded else "SELECT relname FROM pg_class"
    rows = await execute(database.client, f"SELECT name FROM tortoise_migrations UNION ALL {named} ORDER BY 1")
    return [row["name"] for row in rows]


def break_off(of: type, method: str, at: int, error: BaseException) -> Callable[..., Awaitable[None]]:
    """What takes the place of a method: the call of this number, among those that change the database, fails."""
    was, numbers = getattr(of, method), itertools.count(1)

    async def broken(*given: Any) -> None:
        if given[-1] is not None and next(numbers) == at:
            raise error
        await was(*given)

    return broken


@pytest.mark.parametrize(
    ("of", "method", "at"),
    [(RunPython, "database_forward", 2), (MigrationRecorder, "record_applied", 3)],
    ids=["in a step", "before the note of a step"],
)
async def test_a_server_that_dies_while_it_brings_tables_up_to_date_has_changed_nothing(
    older: Database, of: type, method: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one begins again, and the version before can go on."""
    before = await all_that_is_there(older)
    with monkeypatch.context() as dying, pytest.raises(PowerCut):
        dying.setattr(of, method, break_off(of, method, at, PowerCut()))
        await older.migrate()
    assert await all_that_is_there(older) == before
    await older.migrate()
    await older.check()
    assert await execute(older.client, "SELECT value FROM setting WHERE name = 'kept'") == [{"value": "all along"}]


@pytest.mark.parametrize("kind", [OperationalError, asyncpg.DiskFullError])
async def test_a_step_that_fails_is_told_of_and_has_changed_nothing(
    older: Database, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, full = await all_that_is_there(older), kind("disk is full\nHINT: make room")
    monkeypatch.setattr(RunPython, "database_forward", break_off(RunPython, "database_forward", 3, full))
    said = r"cannot be brought up to date \(disk is full\)\. Nothing is changed in it"
    with pytest.raises(DatabaseError, match=said):
        await older.migrate()
    assert await all_that_is_there(older) == before


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_slow_machine_may_take_its_time_between_two_steps(
    older: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends the work of whoever is silent within it, and each start would begin again in vain."""
    was, allowed = RunPython.database_forward, set[str]()

    async def looked_at(*given: Any) -> None:
        if given[-1] is not None:
            [row] = await execute(given[-1].client, "SHOW idle_in_transaction_session_timeout")
            allowed.add(row["idle_in_transaction_session_timeout"])
        await was(*given)

    monkeypatch.setattr(RunPython, "database_forward", looked_at)
    await older.migrate()
    [row] = await execute(older.client, "SHOW idle_in_transaction_session_timeout")
    assert (allowed, row["idle_in_transaction_session_timeout"]) == ({"0"}, "15s")


def refused(*_: object, **_more: object) -> None:
    raise AssertionError("this was not needed")
