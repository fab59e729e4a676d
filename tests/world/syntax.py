"""Python files of this project as syntax trees, for the tests that read them. Of a tree that is large only what several
tests ask for is kept."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Head:
    """What a file says of itself, and what it takes from others."""

    docstring: str
    taken: tuple[ast.ImportFrom, ...]
    imported: frozenset[str]  # modules, however they are imported


@cache
def head(path: Path) -> Head:
    tree = ast.parse(path.read_text())
    all_nodes = tuple(ast.walk(tree))
    taken = tuple(node for node in all_nodes if isinstance(node, ast.ImportFrom))
    whole = {alias.name for node in all_nodes if isinstance(node, ast.Import) for alias in node.names}
    return Head(ast.get_docstring(tree) or "", taken, frozenset(whole | {str(node.module) for node in taken}))


def nodes(path: Path) -> Iterator[ast.AST]:
    """All of it, from the outside in."""
    return ast.walk(ast.parse(path.read_text()))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))
