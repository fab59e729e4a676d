"""Every file stands in a room and says what it is for. Who may use whom is held by import-linter: `make lint`."""

import ast
import importlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.world.syntax import ROOT, head, name_of, nodes

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
CALLED_BY_LIBRARIES = {  # what a class of ours puts in the place of a library's own
    *("_execute", "executescript", "create_connection"),  # tortoise-orm
    *("ngettext", "get_translations", "validate_text", "validate_reason"),  # WTForms
    "_make_request",  # africastalking
}
CALLED_BY_TESTS = {"wait_for_batch", "drain"}  # they wait for what a server does by itself


def imported(path: Path) -> list[tuple[str, str]]:
    """Module and name of each `from … import …` of ours."""
    found = []
    for node in head(path).taken:
        assert node.level == 0, f"{path}: imports are absolute"
        if str(node.module).partition(".")[0] in TOPS:
            found += [(str(node.module), alias.name) for alias in node.names]
    return found


def shown_by(room: Path) -> list[str]:
    return list(getattr(importlib.import_module(".".join(room.relative_to(ROOT).parts)), "__all__", []))


def test_each_file_says_what_it_is_for() -> None:
    """A module says where it stands in the flow."""
    assert len(FILES) > 300
    assert [name_of(path) for path in FILES if not head(path).docstring] == []


def test_a_room_says_in_one_sentence_what_it_is_for() -> None:
    said = {name_of(room): head(room / "__init__.py").docstring.partition("\n")[0] for room in ROOMS}
    bad = {room: text for room, text in said.items() if not text.endswith(".") or len(text) > LONGEST_SENTENCE}
    assert len(said) > 30 and not bad


def test_a_room_shows_ten_names_at_most() -> None:
    shown = {name_of(room): shown_by(room) for room in ROOMS}
    assert any(shown.values())
    assert {room: names for room, names in shown.items() if len(names) > MOST_SHOWN} == {}


def test_what_a_room_shows_is_taken_from_its_door() -> None:
    """One way to import a name: whoever is outside takes it from the room and not from a file in it."""
    assert [each for path in FILES for each in past_the_door(path)] == []


def past_the_door(path: Path) -> Iterator[str]:
    """What this file takes from another one that its room shows."""
    for module, name in imported(path):
        room = ROOT / Path(*module.split("."))
        home = room.parent if room.with_suffix(".py").exists() else room
        if home in (ROOT, *(ROOT / top for top in TOPS)) or home in path.parents or home == room:
            continue
        if name in shown_by(home):
            yield f"{name_of(path)}: take {name} from {name_of(home)}"


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


def test_no_test_file_serves_as_a_library() -> None:
    """What several tests share stands in tests/world/ or tests/emulators/."""
    taken = [
        (name_of(path), str(node.module))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in head(path).taken
    ]
    assert any(module.startswith("tests.world") for _file, module in taken)
    assert [one for one in taken if one[1].startswith("tests.") and one[1].rpartition(".")[2].startswith("test_")] == []


def test_each_function_has_a_user() -> None:
    """In the program itself, its pages and their scripts. What is decorated is called by whoever it is registered
    with."""
    texts = [
        path for top in TOPS for path in (ROOT / top).rglob("*") if path.suffix in (".py", ".html", ".js", ".toml")
    ]
    words = Counter(word for path in texts for word in re.findall(r"\w+", path.read_text()))
    defined = [
        node.name
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.decorator_list
        and not node.name.startswith("__")
    ]
    assert len(defined) > 2_000
    assert {name for name in defined if words[name] == 1} == {*CALLED_BY_LIBRARIES, *CALLED_BY_TESTS}
