"""Rows are held in one order, by the verbs of models/sql.py: what goes round them waits out of order, and the unit of
work does not know of it. Read from the source."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Where the ORM may hold rows, and why nobody ends in a deadlock there.
MAY = {
    "bot/payments/wire.py": "the token that servers share, in a unit of work of its own that holds nothing else",
}


def test_rows_are_held_by_the_verbs_that_know_the_order() -> None:
    files = [path for room in ("bot", "handlers", "models") for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 300
    held = {str(path.relative_to(ROOT)) for path in files if held_by_the_orm(path)}
    assert held == set(MAY), "lock_rows and lock_all of models/sql.py hold rows in the order of LOCKS"


def held_by_the_orm(path: Path) -> bool:
    """Whether a query of the ORM holds its rows."""
    names = (one.attr for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Attribute))
    return "select_for_update" in names
