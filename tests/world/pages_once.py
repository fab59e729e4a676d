"""Each server turns the templates of its pages into code anew, which is half of what it takes in a test to open one and
see its first page. Hundreds of tests open pages, so each template is turned into code once."""

from collections.abc import Hashable
from typing import Any

from jinja2 import Environment

_compile = Environment.compile
_compiled: dict[tuple[Hashable, ...], Any] = {}


def compile_once(
    environment: Environment, source: Any, name: Any = None, filename: Any = None, *others: Any, **named: Any
) -> Any:
    """Instead of jinja's own: compile, or take what came of the same text read in the same way."""
    key = source, name, filename, *_asked(environment), *others, *named.items()
    if key not in _compiled:
        _compiled[key] = _compile(environment, source, name, filename, *others, **named)
    return _compiled[key]


def _asked(environment: Environment) -> tuple[Hashable, ...]:
    """What compiling asks of an environment."""
    return (
        environment.lexer,  # the same one where signs and blanks are read in the same way
        environment.autoescape,
        environment.finalize,
        environment.is_async,
        tuple(environment.extensions),
        frozenset(environment.filters.items()),
        frozenset(environment.tests.items()),
    )


def install() -> None:
    """For all that follows in this process."""
    Environment.compile = compile_once  # type: ignore[method-assign, assignment]
