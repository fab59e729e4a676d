"""What a command says is true when it is read: it speaks after its commit, which may fail."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

BEGINS = re.compile(r"\.work\(\)|office_work\(")
CLI = Path(__file__).resolve().parent.parent.parent / "bot" / "cli"


def units_of_work(tree: ast.AST) -> Iterator[ast.AsyncWith]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncWith) and any(BEGINS.search(ast.unparse(item)) for item in node.items):
            yield node


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.stem)
def test_no_command_speaks_within_its_unit_of_work(path: Path) -> None:
    spoken = [
        ast.unparse(call)
        for unit in units_of_work(ast.parse(path.read_text()))
        for call in ast.walk(unit)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "typer.echo"
    ]
    assert not spoken
