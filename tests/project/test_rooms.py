"""Every file stands in a room and says what it is for. Who may use whom is held by import-linter: `make lint`."""

import ast
import importlib
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOPS = ("bot", "handlers", "models")
FILES = [
    path
    for top in TOPS
    for path in sorted((ROOT / top).rglob("*.py"))
    if "migrations" not in path.relative_to(ROOT).parts
]
ROOMS = [path.parent for path in FILES if path.name == "__init__.py"]
MOST_SHOWN = 10  # names: a room that shows more is two rooms
LONGEST_SENTENCE = 120


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> list[tuple[str, str]]:
    """Module and name of each `from … import …` of ours."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            if str(node.module).partition(".")[0] in TOPS:
                found += [(str(node.module), alias.name) for alias in node.names]
    return found


def shown_by(room: Path) -> list[str]:
    return list(getattr(importlib.import_module(".".join(room.relative_to(ROOT).parts)), "__all__", []))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a module says where it stands in the flow"


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_a_room_says_in_one_sentence_what_it_is_for(room: Path) -> None:
    said = (ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or "").partition("\n")[0]
    assert said.endswith(".") and len(said) <= LONGEST_SENTENCE, said


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_a_room_shows_ten_names_at_most(room: Path) -> None:
    assert len(shown_by(room)) <= MOST_SHOWN


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_a_room_shows_is_taken_from_its_door(path: Path) -> None:
    """One way to import a name: whoever is outside takes it from the room and not from a file in it."""
    for module, name in imported(path):
        room = ROOT / Path(*module.split("."))
        home = room.parent if room.with_suffix(".py").exists() else room
        if home in (ROOT, *(ROOT / top for top in TOPS)) or home in path.parents or home == room:
            continue
        assert name not in shown_by(home), f"take {name} from {name_of(home)}"


def test_the_floors_have_no_exceptions() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert {contract["type"] for contract in linter["contracts"]} == {"layers", "acyclic_siblings", "forbidden"}
    assert not [contract for contract in linter["contracts"] if "ignore_imports" in contract]
    assert "lint-imports" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("name", TOPS)
def test_our_three_names_are_this_checkout(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).parent.parent == ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=name_of)
def test_no_test_file_serves_as_a_library(path: Path) -> None:
    """What several tests share stands in tests/world/ or tests/emulators/."""
    modules = {str(node.module) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
    assert not [one for one in modules if one.startswith("tests.") and one.rpartition(".")[2].startswith("test_")]
