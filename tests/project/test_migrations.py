"""The tables that the migrations make are those that the models describe, and no others are used."""

from datetime import UTC, datetime

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.operations import AlterModelOptions

from bot.runtime import Database, DatabaseError
from bot.runtime.database import APPS, TORTOISE
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
