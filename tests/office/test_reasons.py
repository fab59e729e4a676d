"""Why rows of a file are refused, in the reader's language, beside the lines that have it."""

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import FormData

from bot.config import Config
from bot.text.i18n import Reason
from handlers.exchange import group_problems
from handlers.exchange.sheet import Problem
from handlers.office.frame.reasons import say_problems
from handlers.office.frame.words import LANGUAGE, _
from models.people import OfficeRole, OfficeUser
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
EXCHANGE = Path(__file__).parents[2] / "handlers/exchange"
NAMELESS = Reason("{column} is empty", column="name")


@pytest.fixture
def in_french() -> Iterator[None]:
    token = LANGUAGE.set("fr")
    yield
    LANGUAGE.reset(token)


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


@pytest.mark.usefixtures("in_french")
def test_a_reason_is_said_with_what_the_row_has() -> None:
    wrong = Reason("{column} is no phone number: {said}", column="phone", said="'x{1}'")
    assert wrong.to(_) == "phone n'est pas un numéro de téléphone : 'x{1}'"
    assert str(wrong) == wrong.to() == "phone is no phone number: 'x{1}'", "in English for the prompt and the log"


@pytest.mark.usefixtures("in_french")
def test_a_reason_within_a_reason_is_said_too() -> None:
    none = Reason("there is no group called {name}", name="'Shop'")
    near = Reason("{wrong}: did you mean {near}?", wrong=none, near="'Shops'")
    assert near.to(_) == "il n'y a pas de groupe nommé 'Shop' : vouliez-vous dire 'Shops' ?"
    assert str(near) == "there is no group called 'Shop': did you mean 'Shops'?"


@pytest.mark.usefixtures("in_french")
def test_lines_are_named_in_the_same_language() -> None:
    problems = [Problem(line, NAMELESS) for line in range(2, 10)]
    problems.append(Problem(12, Reason("{column} is empty", column="pin")))
    assert say_problems(problems) == [
        "lignes 2, 3, 4, 5, 6 et 3 de plus: name est vide",
        "ligne 12: pin est vide",
    ]


def test_in_english_nothing_is_other_than_at_the_prompt() -> None:
    LANGUAGE.set("en")
    problems = [Problem(2, NAMELESS), Problem(3, Reason("down is more than the price"))]
    assert say_problems(problems) == group_problems(problems)


def test_each_reason_of_a_file_is_a_sentence_of_the_catalogue() -> None:
    """Whoever adds a reason marks it, and tests/office/test_sentences.py asks for its translations."""
    raised, unmarked = 0, []
    for path in sorted(EXCHANGE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            raised += node.func.id == "Reason"
            if node.func.id == "ValueError" or (node.func.id == "Reason" and isinstance(node.args[0], ast.Constant)):
                unmarked.append(f"{path.name}:{node.lineno}")
    assert raised > 60 and not unmarked


@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        ("tariffs", "name,unit\nA,days\n", "ligne 1: la colonne price manque"),
        ("tariffs", 'name,unit,price\n"A"B,days,1\n', "un guillemet est seul dans une cellule"),
        ("tariffs", "name,unit,price,access_rate\nA,days,1,5\n", "access_days est vide à côté d&#39;un access_rate"),
        ("customers", "name,surname,minigrid\n", "manque : minigrid ressemble à mini_grid"),
        ("customers", "name,surname,mini_grid\nAnna,Peter,Mtwara Nort\n", "vouliez-vous dire &#39;Mtwara North&#39; ?"),
        ("connections", "type,sub_type,group\n,,none\n", "type et group sont vides"),
        ("devices", "serial,plan,name,surname\nSHS9,x,A,B\n", "SHS9 n&#39;est pas en stock"),
        ("stock", "serial number,kind,key\nX1,shs,a29ab82edc5fbbc41ec9530f6dac86b1\n", "key est l&#39;exemple publié"),
    ],
)
async def test_a_page_says_it_in_the_language_of_its_reader(office: Office, kind: str, file: str, said: str) -> None:
    await office.become(OfficeRole.OWNER)
    await OfficeUser.all().update(language="fr")
    form = FormData({"csrf": await office.csrf(f"/settings/prices/{kind}")})
    form.add_field("file", file.encode(), filename="rows.csv", content_type="text/csv")
    answer = await office.client.post(f"/settings/prices/{kind}/file", data=form, allow_redirects=False)
    assert answer.status == 422
    assert said in await answer.text()
