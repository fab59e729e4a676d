"""Tables with states are written in one room each, and the file that does it says at its head which
step may follow on which. Read from the source, so that no statement elsewhere goes round it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = [
    path
    for room in ("bot", "handlers", "models")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.parts
]


@dataclass(frozen=True)
class Owned:
    """A table, the class that stands for it, and the files that write it, each with its reason."""

    table: str
    row: str
    writers: dict[str, str]

    @property
    def statement(self) -> re.Pattern[str]:
        """A statement that writes the table, also one whose table stands in quotes or behind ONLY."""
        return re.compile(
            rf"\b(UPDATE(\s+OR\s+\w+)?(\s+ONLY)?|INSERT(\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|DELETE\s+FROM(\s+ONLY)?|"
            rf'MERGE\s+INTO|TRUNCATE(\s+TABLE)?)\s+"?{self.table}\b',
            re.IGNORECASE,
        )


TABLES = [
    Owned(
        "outbox",
        "Outbox",
        {
            "bot/outbound/enqueue.py": "adds the rows, and nothing else",
            "bot/outbound/queue.py": "takes them from state to state",
            "models/messages/withdrawal.py": "ends what need not go, in the transaction of what ended it",
            "models/demo/past.py": "writes what an invented mini-grid was sent before the demo began",
        },
    ),
    Owned(
        "gatewaystate",
        "GatewayState",
        {
            "bot/routing/states.py": "all of it",
            "models/demo/phones.py": "writes how invented phones were left before the demo began",
        },
    ),
    Owned("payment_request", "PaymentRequest", {"models/selling/requests.py": "all of it"}),
    Owned("notice", "Notice", {"models/money/notices.py": "all of it"}),
]
# How the ORM writes: by the class of a table, and by a row of it.
BY_CLASS = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete"}
BY_ROW = {"save", "delete"}


def constants(tree: ast.AST) -> Iterator[str]:
    """The texts of a file, those of an f-string with its values left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else " {} " for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names(node: ast.AST) -> set[str]:
    """All names and attributes in an expression."""
    inside = list(ast.walk(node))
    return {each.id for each in inside if isinstance(each, ast.Name)} | {
        each.attr for each in inside if isinstance(each, ast.Attribute)
    }


def writes(source: str, owned: Owned) -> list[str]:
    """What in a file writes this table."""
    if owned.table not in source.lower():
        return []
    tree = ast.parse(source)
    found = [text for text in constants(tree) if owned.statement.search(text)]
    has_rows = knows(tree, owned)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of_class = owned.row in names(node.func) and verb in BY_CLASS
        to_table = verb == "insert" and owned.table in {getattr(value, "value", "") for value in node.args}
        if of_class or to_table or (has_rows and verb in BY_ROW):
            found.append(ast.unparse(node))
    return found


def knows(tree: ast.AST, owned: Owned) -> bool:
    """Whether a file takes the table's class from models: then it may have rows, and no row is told from another."""
    return any(
        isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("models")
        and owned.row in {alias.name for alias in node.names}
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize("owned", TABLES, ids=lambda owned: owned.table)
def test_a_table_is_written_by_its_own_files_alone(owned: Owned) -> None:
    elsewhere = {
        name: found
        for path in FILES
        if (name := str(path.relative_to(ROOT))) not in owned.writers and (found := writes(path.read_text(), owned))
    }
    assert not elsewhere, f"{owned.table} is written by the verbs of {', '.join(owned.writers)}"


@pytest.mark.parametrize("owned", TABLES, ids=lambda owned: owned.table)
def test_a_file_that_may_write_a_table_does(owned: Owned) -> None:
    for name in owned.writers:
        assert writes((ROOT / name).read_text(), owned), f"{name} needs no exception any more"


@pytest.mark.parametrize(
    "source",
    [
        'GO = "UPDATE outbox SET state = $1"',
        'GO = f"""UPDATE outbox\n  SET state = {state}"""',
        'GO = f"INSERT INTO outbox ({columns}) VALUES (1)"',
        'GO = "insert or ignore into \\"outbox\\" (id) VALUES (1)"',
        'GO = "WITH old AS (SELECT 1) DELETE FROM outbox WHERE id IN (SELECT id FROM old)"',
        "await Outbox.create(origin='x')",
        "await Outbox.filter(id=1).exclude(id=2).update(state='sent')",
        "await tables.Outbox.all().delete()",
        "from models.messages.tables import Outbox\nrow = await Outbox.get(id=1)\nawait row.save()",
        "await insert('outbox', origin='x')",
    ],
)
def test_a_statement_elsewhere_is_found(source: str) -> None:
    assert writes(source, TABLES[0])
    assert not writes(source, TABLES[1])


@pytest.mark.parametrize(
    "source",
    [
        'GO = "SELECT id FROM outbox FOR UPDATE"',
        'GO = "UPDATE contact SET talk = (SELECT origin FROM outbox)"',
        "await Outbox.filter(id=1).first()",
        "from bot.outbound.outbox import Outbox\nawait Outbox(database).run()\nawait agent.save()",
    ],
)
def test_a_question_is_none(source: str) -> None:
    assert not writes(source, TABLES[0])
