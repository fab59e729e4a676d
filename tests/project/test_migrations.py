"""The tables that the migrations make are those that the models describe, and no others are used."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.operations import AlterModelOptions
from tortoise.migrations.schema_generator.state_apps import StateApps

from bot.runtime import Database, DatabaseError
from bot.runtime.database import APPS, TORTOISE
from bot.runtime.steps import Steps
from models.sql import execute


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
    with pytest.raises(DatabaseError, match=r"Another version of Mwanga made this database \(it knows 0002_guarantees"):
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


async def test_tables_that_are_up_to_date_are_left_as_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MigrationExecutor, "migrate", refused)
    await database.migrate()


def refused(*_: object, **_more: object) -> None:
    raise AssertionError("this was not needed")
