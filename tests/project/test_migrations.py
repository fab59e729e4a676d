"""The tables that the migrations make are those that the models describe."""

from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.operations import AlterModelOptions

from bot.runtime.database import APPS, TORTOISE


async def test_the_migrations_have_all_that_the_models_have() -> None:
    """A docstring is no part of a table: tortoise would write each as a comment on it."""
    async with TortoiseContext() as context:
        await context.init(config=TORTOISE)
        assert context.apps
        changes = await MigrationAutodetector(context.apps, APPS).changes()
    wanted = [one for change in changes for one in change.operations if not isinstance(one, AlterModelOptions)]
    assert not wanted, "run makemigrations, as CONTRIBUTING.md says"
