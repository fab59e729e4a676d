"""models < bot < handlers < bot/app.py: who may import whom, read from the source (design 3)."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = [
    path
    for folder in ("bot", "handlers", "models")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
COMPOSITION = {"bot/app.py", "bot/cli/main.py", "bot/cli/data.py"}
OUTSIDE = {"aiohttp", "aiohttp_jinja2", "tortoise", "africastalking", "asyncpg", "aiosqlite"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield str(node.module)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_stands_below_it(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    room = name.split("/", maxsplit=1)[0]
    packages = {module.split(".")[0] for module in imported(path)}
    if room == "models":
        assert not packages & {"bot", "handlers", "aiohttp", "africastalking"}
    if room == "bot" and name not in COMPOSITION:
        assert "handlers" not in packages
    if room == "handlers":
        assert "bot.app" not in set(imported(path))
        if not name.startswith(("handlers/office/", "handlers/simulator/")):
            assert not packages & OUTSIDE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module says where it stands in the flow"


@pytest.mark.parametrize("name", ["bot", "handlers", "models"])
def test_our_three_names_are_this_checkout(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).parent.parent == ROOT
