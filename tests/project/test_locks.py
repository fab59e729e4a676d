"""Rows are held in one order, by the verbs of models/sql.py: what goes round them waits out of order, and the unit of
work does not know of it. Read from the source."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Where the ORM may hold rows, and why nobody ends in a deadlock there.
MAY = {
    "bot/android/linking.py": "one phone, the last of LOCKS, by a call that holds nothing else by then",
    "bot/payments/wire.py": "the token that servers share, in a unit of work of its own that holds nothing else",
}


def test_rows_are_held_by_the_verbs_that_know_the_order() -> None:
    files = [path for room in ("bot", "handlers", "models") for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 300
    elsewhere = {
        name: lines
        for path in files
        if (name := str(path.relative_to(ROOT))) not in MAY and (lines := held_by_the_orm(path))
    }
    assert not elsewhere, "lock_rows and lock_all of models/sql.py hold rows in the order of LOCKS"


def held_by_the_orm(path: Path) -> list[int]:
    """The lines in which a query of the ORM holds its rows."""
    tree = ast.parse(path.read_text())
    return [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Attribute) and one.attr == "select_for_update"]
