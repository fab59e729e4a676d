"""The README tells what is: its tables are the code's, its commands exist, its sale goes as written."""

import re
from pathlib import Path

import pytest
import time_machine

from bot.config import Config
from bot.server import Server
from bot.text.gsm import plain
from tests.project.readme import MADE, README, renewed
from tests.world.people import Phones
from tests.world.templates import FOUNDED

ROOT = README.parent
TEXT = README.read_text()


@pytest.mark.parametrize("part", MADE)
def test_a_table_of_the_readme_is_made_from_the_code(part: str) -> None:
    assert f"<!-- {part} -->" in TEXT
    assert MADE[part]() in TEXT, "run `make docs`"
    assert renewed(TEXT) == TEXT


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"MWANGA_{name.upper()}" in TEXT


def test_every_make_target_that_the_documents_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"`make ([a-z]+)", (ROOT / document).read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (document, target)


def test_every_file_that_the_documents_name_exists() -> None:
    for document in ("README.md", "CONTRIBUTING.md"):
        for path in re.findall(r"`((?:bot|handlers|models|tests)/[\w/.-]*)`", (ROOT / document).read_text()):
            assert (ROOT / path).exists(), (document, path)


@time_machine.travel(FOUNDED, tick=False)
async def test_the_first_sale_of_the_readme_goes_as_written(mwanga: Server) -> None:
    """The lines `> ` are texted as Asha; the reply has to hold the words that the README shows."""
    phones = Phones(mwanga)
    block = re.search(r"```text\n(.*?)```", TEXT, re.S)
    assert block is not None
    answers: list[str] = []
    for line in block[1].splitlines():
        if line.startswith("> "):
            answers = [text for _name, text in await phones.text("Asha", line[2:])]
        else:
            words = re.sub(r"\b(Ref|ref) \w{5}", "Ref", plain(line.removeprefix("< ").strip()))
            assert any(words in re.sub(r"\b(Ref|ref) \w{5}", "Ref", text) for text in answers), (line, answers)


def test_the_changelog_speaks_in_imperatives() -> None:
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("- ")]
    assert lines
    assert all(re.match(r"- [A-Z][a-z]+ ", line) for line in lines)


def test_no_document_names_this_machine() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        assert str(Path.home()) not in (ROOT / document).read_text()
