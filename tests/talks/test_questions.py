"""Every question of every talk is on a way of tests/world/routes.py, and digits of other scripts answer it."""

import ast
import asyncio
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bot.app import assembled
from bot.config import load
from bot.talks import Channel
from tests.world.first_question import begun
from tests.world.routes import BEHIND, ways
from tests.world.templates import Templates
from tests.world.walk import Question

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = (
    "handlers",
    "handlers/fields",
    "handlers/selling",
    "handlers/customers",
    "handlers/tickets",
    "handlers/account",
)
ASKERS = [
    *(path for room in ROOMS for path in sorted((ROOT / "handlers" / room).glob("*.py"))),
    ROOT / "bot" / "talks" / "drafts.py",
]
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.mark.slow
async def test_every_question_is_reached_and_answered_in_digits_of_other_scripts(templates: Templates) -> None:
    """Phones set to Arabic write ٨٠٠٠ for 8000; on both channels that is what it means."""
    reached: set[Question] = set()
    for route, channel in ways():
        url = await asyncio.to_thread(templates.copy, "sqlite", "demo")
        async with assembled(load(database=url, languages="en,sw,fr,pt,ha"), serving=False) as mwanga:
            walk = await begun(mwanga, route, channel)
            met = []
            while walk.open:
                met.append(walk.question)
                await walk.say(walk.good_answer.translate(ARABIC))
                assert not walk.open or walk.question != met[-1], (str(route), met[-1], walk.answer)
            assert set(route.asks) <= {question.name for question in met}, (str(route), channel, met)
            reached.update(map(plain, met))
            if channel is Channel.SMS and route.talk in BEHIND:
                await walk.say(f"{walk.one.words['en'][0]} {BEHIND[route.talk]}")
                assert f"Send {walk.one.words['en'][0]}" not in walk.answer
                reached.update(map(plain, walk.questions))
    written = {question for path in ASKERS for question in written_in(path)}
    assert written - reached == set(), "add a route to tests/world/routes.py that leads there"
    assert {one for one in reached if one.asker in {each.asker for each in written}} <= written


def plain(question: Question) -> Question:
    """Lists that load themselves block by block number their questions."""
    return question._replace(name=question.name.rstrip("0123456789 "))


def written_in(path: Path) -> Iterator[Question]:
    """The questions that a file asks, as its calls of the chat say."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    tree = ast.parse(path.read_text())
    made = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="chat"), attr="ask"), args=[field]):
                field = made[field.id] if isinstance(field, ast.Name) else field
                yield Question(str(evaluated(field.func, module).name), "ask", module.__name__)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="chat"), attr="choose"), args=[name, *_]):
                if not isinstance(name, ast.Name):  # else a helper passes on what it was called with
                    yield Question(said(name, module), "choose", module.__name__)
            case ast.Call(func=ast.Name(), args=[ast.Name(id="chat"), ast.Constant(value=str(name)), *_]):
                yield Question(name, "choose", module.__name__)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="chat"), attr="confirm")):
                with_pin = any(keyword.arg == "pin" for keyword in call.keywords)
                yield Question("confirm with PIN" if with_pin else "confirm", "confirm", module.__name__)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="chat"), attr="pin")):
                yield Question("pin", "pin", module.__name__)


def said(name: ast.expr, module: ModuleType) -> str:
    if isinstance(name, ast.JoinedStr):
        return said(name.values[0], module).strip()
    return str(evaluated(name, module))


def evaluated(expression: ast.expr, module: ModuleType) -> object:
    return eval(compile(ast.Expression(expression), module.__name__, "eval"), vars(module))
