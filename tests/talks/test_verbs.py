"""A talk asks and ends by the verbs of its chat: what stands behind them is for bot/talks alone (design 2)."""

import ast

from bot.talks import signals
from tests.world.syntax import ROOT, head, name_of, nodes

SIGNALS = {name for name, value in vars(signals).items() if isinstance(value, type) and issubclass(value, Exception)}
HANDLERS = sorted((ROOT / "handlers").rglob("*.py"))
RAISE, CATCH = {"bot/talks/turn.py", "bot/talks/chat.py"}, {"bot/talks/replay.py"}


def names_in(node: ast.AST | None) -> set[str]:
    """The names that an expression consists of: those of `except (Back, Left)` as well."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} if node else set()


def test_a_talk_knows_no_signal() -> None:
    assert len(HANDLERS) > 100
    assert [name_of(path) for path in HANDLERS if "bot.talks.signals" in head(path).imported] == []


def test_a_talk_touches_nothing_private_of_its_chat_and_sets_nothing() -> None:
    of_chat = [
        (name_of(path), each)
        for path in HANDLERS
        for each in nodes(path)
        if isinstance(each, ast.Attribute) and names_in(each.value) & {"chat", "turn"}
    ]
    assert any(each.attr == "confirm" for _path, each in of_chat)
    assert [(path, ast.unparse(each)) for path, each in of_chat if each.attr.startswith("_")] == []
    assert [(path, ast.unparse(each)) for path, each in of_chat if isinstance(each.ctx, ast.Store | ast.Del)] == []


def test_chat_raises_the_signals_and_replay_alone_catches_them() -> None:
    raised, caught = set(), set()
    for path in (*(ROOT / "bot").rglob("*.py"), *HANDLERS):
        if not any(signal in path.read_text() for signal in SIGNALS):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Raise) and names_in(node.exc) & SIGNALS:
                raised.add(name_of(path))
            if isinstance(node, ast.ExceptHandler) and names_in(node.type) & SIGNALS:
                caught.add(name_of(path))
    assert len(SIGNALS) == 6
    assert raised == RAISE
    assert caught == CATCH
