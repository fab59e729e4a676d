"""A talk asks and ends by the verbs of its chat: what stands behind them is for bot/talks alone (design 2)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.talks import signals

ROOT = Path(__file__).resolve().parent.parent.parent
SIGNALS = {name for name, value in vars(signals).items() if isinstance(value, type) and issubclass(value, Exception)}
HANDLERS = sorted((ROOT / "handlers").rglob("*.py"))
RAISE, CATCH = {"bot/talks/turn.py", "bot/talks/chat.py"}, {"bot/talks/replay.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def names_in(node: ast.AST | None) -> set[str]:
    """The names that an expression consists of: those of `except (Back, Left)` as well."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} if node else set()


@pytest.mark.parametrize("path", HANDLERS, ids=name_of)
def test_a_talk_knows_no_signal(path: Path) -> None:
    imported = {each.module for each in nodes(path) if isinstance(each, ast.ImportFrom)}
    imported |= {alias.name for each in nodes(path) if isinstance(each, ast.Import) for alias in each.names}
    assert "bot.talks.signals" not in imported


@pytest.mark.parametrize("path", HANDLERS, ids=name_of)
def test_a_talk_touches_nothing_private_of_its_chat_and_sets_nothing(path: Path) -> None:
    of_chat = [
        each for each in nodes(path) if isinstance(each, ast.Attribute) and names_in(each.value) & {"chat", "turn"}
    ]
    assert [ast.unparse(each) for each in of_chat if each.attr.startswith("_")] == []
    assert [ast.unparse(each) for each in of_chat if isinstance(each.ctx, ast.Store | ast.Del)] == []


def test_chat_raises_the_signals_and_replay_alone_catches_them() -> None:
    raised, caught = set(), set()
    for path in (*(ROOT / "bot").rglob("*.py"), *HANDLERS):
        for node in nodes(path):
            if isinstance(node, ast.Raise) and names_in(node.exc) & SIGNALS:
                raised.add(name_of(path))
            if isinstance(node, ast.ExceptHandler) and names_in(node.type) & SIGNALS:
                caught.add(name_of(path))
    assert len(SIGNALS) == 6
    assert raised == RAISE
    assert caught == CATCH
