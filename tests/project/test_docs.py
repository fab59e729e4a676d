"""The documents tell what is: tables are the code's, links lead somewhere, commands exist, the first sale goes as
written."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import time_machine

from bot.config import SECRETS, Config, load
from bot.runtime import Metrics
from bot.server import Server
from bot.setting_files import REFERRED
from bot.text import plain
from models.selling.requests import PaymentRequest
from tests.project.pages import MADE, PAGES, README, REFERENCE, ROOT, commands, renewed
from tests.project.pictures import FOLDER, LARGEST, PICTURES
from tests.world.mobile_money import M_PESA, by_phone
from tests.world.people import PEOPLE, Phones
from tests.world.templates import FOUNDED

DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text() for path in (*PAGES, ROOT / "CHANGELOG.md", ROOT / "Makefile")
}
TEXTS = {name: text for name, text in DOCUMENTS.items() if name.endswith(".md")}
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = "bot|handlers|models|tests|docs|\\.ci"


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)}


@pytest.mark.parametrize("part", MADE)
def test_a_table_is_made_from_the_code_and_stands_in_one_page(part: str) -> None:
    [text] = [page.read_text() for page in PAGES if f"<!-- {part} -->" in page.read_text()]
    assert MADE[part]() in text, "run `make docs`"
    assert renewed(text) == text


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_setting_is_in_the_reference(name: str) -> None:
    assert f"| `MWANGA_{name.upper()}` |" in REFERENCE.read_text()


@pytest.mark.parametrize("name", TEXTS)
def test_every_setting_that_a_document_names_exists(name: str) -> None:
    for setting in re.findall(r"\bMWANGA_([A-Z_]*[A-Z])(_…)?", TEXTS[name]):
        begins = setting[0].lower()
        if begins == "config" or begins.removesuffix("_file") in SECRETS:
            continue
        known = [field for field in Config.model_fields if field == begins or (setting[1] and field.startswith(begins))]
        assert known, setting


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    for link in LINK.findall(FENCED.sub("", TEXTS[name])):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in LINK.findall(README.read_text()) if not link.startswith("http")}
    assert {page for page in PAGES if page != README} <= linked


def test_every_picture_is_shown_is_taken_by_the_command_and_is_small() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(page.read_text())}
    files = {*FOLDER.iterdir()}
    assert files <= shown
    assert {file.stem for file in files} == PICTURES.keys(), "run `make pictures`"
    assert [file.name for file in files if file.stat().st_size > LARGEST] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_make_target_that_a_document_names_exists(name: str) -> None:
    for target in re.findall(r"(?:`|^    )(?:MWANGA_\S+ )*make ([a-z]+)", TEXTS[name], re.MULTILINE):
        assert re.search(rf"^{target}:", DOCUMENTS["Makefile"], re.MULTILINE), target


@pytest.mark.parametrize("name", TEXTS)
def test_every_file_that_a_document_names_exists(name: str) -> None:
    for path in re.findall(rf"`((?:{FOLDERS})/[\w/.-]*)`", TEXTS[name]):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_that_a_document_names_exists(name: str) -> None:
    known = {
        tuple(re.findall(r"[a-z-]+", row)) for row in re.findall(r"^\| `mwanga ([a-z -]+)", commands(), re.MULTILINE)
    }
    groups = {words[0] for words in known if len(words) > 1}
    for line in re.findall(r"(?:`|^    |bin/)mwanga ([a-z][a-z-]*(?: [a-z-]+)?)", TEXTS[name], re.MULTILINE):
        words = line.split()
        assert tuple(words[: 2 if words[0] in groups else 1]) in known, line


def test_what_a_command_does_is_told_to_its_end() -> None:
    does = [row.split(" | ")[1] for row in commands().splitlines()[2:]]
    assert [sentence for sentence in does if not sentence.endswith(".")] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_figure_for_prometheus_that_a_document_names_exists(name: str) -> None:
    shown = Metrics().text().decode()
    for figure in re.findall(r"`(mwanga_\w+)", TEXTS[name]):
        assert f"# TYPE {figure} " in shown, figure


CONFIGURATIONS = [
    pytest.param(block, id=f"{name}-{n}")
    for name, text in TEXTS.items()
    for n, block in enumerate(re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL), 1)
]


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_every_configuration_that_a_document_shows_can_be_read(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MWANGA_")]:
        monkeypatch.delenv(name)
    for name in REFERRED.findall(block):
        monkeypatch.setenv(name, "k" * 16)
    (tmp_path / "mwanga.toml").write_text(block)
    monkeypatch.chdir(tmp_path)
    config = load()
    assert config.model_fields_set == tomllib.loads(block).keys()
    assert config.described[1] == []


BLOCKS = re.findall(r"```text\n(.*?)```", README.read_text(), re.DOTALL)
IN_THE_PHONE = re.compile(r"\[M-Pesa\] Pay (.+) to (.+) for (\S+)\?")
# References and codes are drawn, and counts go on from sale to sale.
DRAWN = re.compile(r"\b(?:Ref|ref) \w{5}|\b(?:\d{3} ){2}\d{3}\b")


def without_drawn(said: str) -> str:
    return DRAWN.sub("(drawn)", plain(said))


def holds(line: str, answers: list[str]) -> bool:
    """Whether one of the messages has these words of the README."""
    words = without_drawn(line.removeprefix("< ").strip())
    return any(words in without_drawn(text) for text in answers)


@time_machine.travel(FOUNDED, tick=False)
async def test_the_first_minute_of_the_readme_goes_as_written(mwanga: Server) -> None:
    """The lines `> ` of the first block are texted as Asha, those of the second as Baraka, whose phone rings then; what
    he reads after his PIN is the third. The messages have to hold the words that the README shows."""
    phones, company = Phones(mwanga), mwanga.company
    object.__setattr__(company, "mobile_money", (M_PESA,))
    answers: list[str] = []
    for name, block in zip(("Asha", "Baraka"), BLOCKS, strict=False):
        for line in block.splitlines():
            if line.startswith("> "):
                answers = [text for _name, text in await phones.text(name, line[2:])]
            elif prompt := IN_THE_PHONE.fullmatch(line):
                push = await PaymentRequest.get(phone=PEOPLE[name])
                assert prompt.groups() == (company.money(push.amount), company.name, push.account)
            else:
                assert holds(line, answers), (line, answers)
    async with mwanga.database.work():
        await by_phone("Baraka pays", mwanga)
    came = [text for name, text in await phones.news() if name == "Baraka"]
    assert [line for line in BLOCKS[2].splitlines() if not holds(line, came)] == [], came


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 220


def test_the_changelog_speaks_in_imperatives() -> None:
    lines = [line for line in DOCUMENTS["CHANGELOG.md"].splitlines() if line.startswith("- ")]
    assert lines
    assert all(re.match(r"- [A-Z][a-z]+ ", line) for line in lines)


def test_no_document_names_this_machine() -> None:
    assert [name for name, text in DOCUMENTS.items() if str(Path.home()) in text] == []
