"""The ORM looks for its models and builds them anew for each database that is opened: 30 of the 50 ms that a server
takes to start in a test. Tests open ten thousand, so models are found once, and built once for each engine."""

from functools import cache
from typing import Any

from tortoise import Model
from tortoise.apps import Apps

# What differs between the engines; all else is the same, or set anew by the ORM.
OF_ENGINE = (
    "filters",
    "db_native_fields",
    "db_default_fields",
    "db_complex_fields",
    "basetable",
    "basequery",
    "basequery_all_fields",
)
_build, _discover = Apps._build_initial_querysets, Apps._discover_models
_built: dict[tuple[type, frozenset[type[Model]]], dict[type[Model], dict[str, Any]]] = {}


def build_once(apps: Apps) -> None:
    """Instead of the ORM's own: build, or take what was built for the same models and engine."""
    models = [model for app in apps.apps.values() for model in app.values()]
    if not models:
        return
    key = models[0]._meta.db.executor_class, frozenset(models)
    if key not in _built:
        for model in models:  # what another engine has is not written over
            model._meta.filters = {}
            model._meta.db_native_fields, model._meta.db_default_fields, model._meta.db_complex_fields = [], [], []
        _build(apps)
        _built[key] = {model: {name: getattr(model._meta, name) for name in OF_ENGINE} for model in models}
    for model, kept in _built[key].items():
        for name, value in kept.items():
            setattr(model._meta, name, value)


@cache
def found_once(module: str, app: str) -> list[type[Model]]:
    """Instead of the ORM's own: the models of a module, which it adds to others and leaves as they are."""
    return _discover(module, app)


def install() -> None:
    """For all that follows in this process."""
    Apps._build_initial_querysets = build_once  # type: ignore[method-assign]
    Apps._discover_models = staticmethod(found_once)  # type: ignore[method-assign, assignment]
