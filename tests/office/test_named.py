"""What the database calls things has a name in each language: deeds in the log, roles, accounts, days and hours."""

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.config import Config
from bot.text.i18n import catalogue
from handlers.office.frame.named import ACCOUNTS, DEEDS, ROLES
from handlers.office.frame.times import age
from handlers.office.frame.words import LANGUAGE
from models.audit import record
from models.money.ledger import AccountKind
from models.people import OfficeRole, promotions
from models.selling.proposals import What
from models.tickets.tickets import Step
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("sw", "fr", "pt", "ha")


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


def deeds_of(source: str) -> Iterator[str]:
    """What a file records, where its whole name stands in the call."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record" and len(node.args) > 1:
            named = node.args[1]
            pieces = [] if isinstance(named, ast.JoinedStr) else ast.walk(named)
            yield from (one.value for one in pieces if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_each_deed_in_the_log_has_a_name() -> None:
    rooms = [path for room in ("bot", "handlers", "models") for path in (ROOT / room).rglob("*.py")]
    found = {deed for path in rooms if "record(" in (text := path.read_text()) for deed in deeds_of(text)}
    made = {f"{what} {end}" for what in What for end in ("asked", "refused")} | {f"ticket {step}" for step in Step}
    made |= {f"office {what} {end}" for what in promotions.What for end in ("asked", "agreed", "refused")}
    assert len(found) > 90 and sorted((found | made) - set(DEEDS)) == []


def test_each_role_and_account_has_a_name() -> None:
    assert set(ROLES) == {role.value for role in OfficeRole}
    assert set(ACCOUNTS) == {kind.value for kind in AccountKind}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_in_the_readers_language(language: str) -> None:
    named = catalogue(language, "office")
    same = {word for word in (*DEEDS, *ROLES, *ACCOUNTS) if named.get(word, word) == word}
    assert len(same) < 12, sorted(same)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_calls_the_page_of_what_waits_by_its_name(language: str) -> None:
    named = catalogue(language, "office")
    sentences = {english: said for english, said in named.items() if "To decide" in english}
    other = [said for said in sentences.values() if named["To decide"].lower() not in said.lower()]
    assert len(sentences) > 2 and other == []


def test_how_long_ago_is_in_the_readers_language() -> None:
    LANGUAGE.set("sw")
    spans = [age(ms, 0) for ms in (40_000, 90 * 60_000, 36 * 3_600_000, 72 * 3_600_000)]
    assert spans == ["sekunde 40", "dakika 90", "saa 36", "siku 3"]
    LANGUAGE.set("en")
    spans = [age(ms, 0) for ms in (40_000, 90 * 60_000, 36 * 3_600_000, 72 * 3_600_000)]
    assert spans == ["40 s", "90 min", "36 h", "3 days"]


async def test_the_log_and_the_head_of_the_page_are_in_the_readers_language(office: Office) -> None:
    await office.sign_in()
    async with office.mwanga.database.work():
        await record("admin", "agent prepaid", "+255700000001", old="False", new="True")
        await record("admin", "agent cash_limit", "+255700000001", old="1000", new="2000")
    await office.ask("UPDATE officeuser SET language = 'fr'")
    page = await office.page("/log")
    assert "admin, propriétaire" in page and "agent prépayé" in page and "non → oui" in page
    assert "limite d'espèces de l'agent" in page and "agent prepaid" not in page
    html = await office.html("/log?action=agent+prepaid")
    assert '<option value="agent prepaid" selected>agent prépayé</option>' in html
