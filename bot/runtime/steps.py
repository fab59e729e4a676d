"""The steps that make the tables, taken without tortoise's copy of all models before each of them: that was nearly all
of the time that somebody waits who begins a database."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps


class WhenAsked:
    """The models as they were before a step. Most steps run SQL and never ask: they are made when one does."""

    def __init__(self, models: dict[tuple[str, str], ModelState], apps: StateApps) -> None:
        self._models, self._source = models, apps

    @cached_property
    def _made(self) -> StateApps:
        return self._source.clone(model_states=self._models)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


@dataclass
class Now(State):
    """How the models are by now."""

    def clone(self) -> State:
        models = {key: model.clone() for key, model in self.models.items()}
        return State(models, WhenAsked(models, self.apps))  # type: ignore[arg-type]


class Steps(MigrationExecutor):
    """tortoise's own, but for that copy. `_project_state` is a private name: where tortoise renames it, the steps are
    as slow as its own again."""

    async def take_all(self) -> None:
        """Take all that are missing, in the caller's transaction. The table of what was taken is made before somebody
        looks into it: PostgreSQL ends a transaction that asks for a table that is not there."""
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))
        await self.migrate()

    async def _project_state(self, applied: set[MigrationKey], *, upto: MigrationKey | None = None) -> State:
        state = await super()._project_state(applied, upto=upto)
        return Now(state.models, state.apps)
