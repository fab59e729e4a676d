"""The exercises in CONTRIBUTING.md work as written: their steps are done one by one in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
TALK, GATEWAY = "An exercise: a new talk", "An exercise: a new gateway"
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TRANSLATED = re.compile(r'msgid "(.*)"\nmsgstr "(.*)"\n')
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.db")
COPIED = (
    "bot",
    "handlers",
    "models",
    "tests",
    "docs",
    ".ci",
    "pyproject.toml",
    "Makefile",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
DIALOGS = ["tests/dialogs", "-k", "not postgres"]
TESTED = [
    "talks/test_talks.py",
    "talks/test_bad_input.py",
    "talks/test_mini_grids.py",
    "talks/test_sentences.py",
    "talks/test_longest.py",
    "inbound/test_hot_path.py",
    "cli/test_card.py",
    "project/test_docs.py",
    "project/test_rooms.py",
]
CHOSEN = "(outage or docs or card or sentences or gives_one_short_reply or rooms) and not postgres"
TESTED_WITH_GATEWAY = [
    "gateways/test_pwani.py",
    "gateways/test_kinds.py",
    "project/test_config.py",
    "project/test_docs.py",
    "project/test_rooms.py",
]
MOST_LINES = 120  # of a new gateway with its test


@pytest.fixture
def copy(tmp_path: Path, exercise: str) -> Path:
    """A copy of the project in which somebody has written the files of the exercise and put them to the others."""
    copy = tmp_path / "mwanga"
    copy.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=NOT_COPIED)
        else:
            shutil.copy(ROOT / name, copy / name)
    for path, text in blocks(exercise, "python"):
        assert not (copy / path).exists(), path
        (copy / path).write_text(text)
    for path, text in blocks(exercise, "diff"):
        (copy / path).write_text(patched((copy / path).read_text(), text))
    return copy


def blocks(exercise: str, kind: str) -> list[tuple[str, str]]:
    """The files that an exercise shows, with what it shows of them."""
    return [(path, text) for found, path, text in shown_in(exercise) if found == kind]


def shown_in(exercise: str) -> list[tuple[str, str, str]]:
    """Kind, path and text of each block."""
    [section] = re.findall(rf"^## {exercise}\n(.*?)(?=^## )", GUIDE, re.MULTILINE | re.DOTALL)
    return BLOCK.findall(section)


def patched(text: str, diff: str) -> str:
    """The text with the lines that the hunks of a diff add; what is around them stands there once."""
    for hunk in diff.split("@@\n")[1:]:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] == " ")
        assert text.count(before) == 1, before
        text = text.replace(before, "".join(line[1:] for line in lines))
    return text


def test_a_talk_takes_one_file_its_translations_and_a_transcript() -> None:
    assert [kind for kind, _path, _text in shown_in(TALK)] == ["python", "diff", "po", "po", "po", "po", "text"]


def test_a_gateway_takes_one_file_a_line_with_its_import_and_its_test() -> None:
    assert [path for _kind, path, _text in shown_in(GATEWAY)] == [
        "bot/gateways/pwani.py",
        "bot/gateways/registered.py",
        "tests/gateways/test_pwani.py",
    ]
    added = re.findall(r"^\+.*$", blocks(GATEWAY, "diff")[0][1], re.MULTILINE)
    written = [line for _path, text in blocks(GATEWAY, "python") for line in text.splitlines()]
    assert len(added) == 2 and len(added) + len(written) <= MOST_LINES


@pytest.mark.parametrize("exercise", [TALK, GATEWAY])
def test_an_exercise_is_written_as_we_write(copy: Path) -> None:
    for check in (["check"], ["format", "--check"]):
        run(copy, sys.executable, "-m", "ruff", *check, "--no-cache", "bot/gateways", "handlers", "tests/gateways")


@pytest.mark.slow
@pytest.mark.parametrize("exercise", [TALK])
def test_a_new_talk_works_as_written(copy: Path, exercise: str) -> None:
    make(copy, "messages")
    for path, text in blocks(exercise, "po"):
        translate(copy / path, text)
    [(path, shown)] = blocks(exercise, "text")
    (copy / path).write_text("".join(line for line in shown.splitlines(keepends=True) if line[0] not in "< "))
    answered = pytest_in(copy, *DIALOGS, "--update", succeeds=False)
    played = "tests/dialogs/test_dialogs.py::test_the_talk_goes_the_same_way_in_each_language"
    assert f"FAILED {played}[sqlite-outage-ha]" in answered, "what was written had no answers yet"
    assert (copy / path).read_text() == shown
    make(copy, "docs")
    make(copy, "lint")
    pytest_in(copy, *DIALOGS)
    run_tests(copy, TESTED, CHOSEN)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", [GATEWAY])
def test_a_new_gateway_works_as_written(copy: Path) -> None:
    make(copy, "docs")
    reference = (copy / "docs/reference.md").read_text()
    for setting in ("URL", "TOKEN", "SENDER", "SECRET", "PER_SECOND"):
        assert f"| `MWANGA_PWANI_{setting}` |" in reference
    assert "Kannel, Pwani, others, phones" in reference
    make(copy, "lint")
    run_tests(copy, TESTED_WITH_GATEWAY, "not postgres")


def run_tests(folder: Path, files: list[str], chosen: str) -> None:
    """Run what is chosen of these test files, and see that it is something of each."""
    ran = pytest_in(folder, "-k", chosen, *(f"tests/{name}" for name in files))
    for name in files:
        assert f"tests/{name}" in ran, f"nothing of {name} was run"


def translate(catalogue: Path, block: str) -> None:
    """Fill in what `make messages` left open."""
    text = catalogue.read_text()
    for english, translation in TRANSLATED.findall(block):
        untranslated = f'msgid "{english}"\nmsgstr ""\n\n'
        assert text.count(untranslated) == 1, english
        text = text.replace(untranslated, f'msgid "{english}"\nmsgstr "{translation}"\n\n')
    catalogue.write_text(text)


def make(folder: Path, target: str) -> None:
    """A target of the copy's Makefile, with the tools of this environment."""
    installed = ["-o", ".venv/run.stamp", "-o", ".venv/test.stamp"]
    run(folder, "make", *installed, f"BIN={Path(sys.executable).parent}", target)


def pytest_in(folder: Path, *words: str, succeeds: bool = True) -> str:
    inner = ["-p", "no:cacheprovider", "-v", "--basetemp", str(folder.parent / "inner")]
    return run(folder, sys.executable, "-m", "pytest", *inner, *words, succeeds=succeeds)


def run(folder: Path, *command: str, succeeds: bool = True) -> str:
    """What a tool says in this folder, and whether it succeeds as expected."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1200, check=False)
    assert (ran.returncode == 0) is succeeds, ran.stdout[-3000:] + ran.stderr[-1000:]
    return ran.stdout
