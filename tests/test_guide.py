"""The exercise in CONTRIBUTING.md works as written: it is done in a copy of the project, and tested there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.db")
TESTED = ["dialogs", "talks", "bad_input", "mini_grids", "longest", "layers"]
CHOSEN = "(outage and not postgres) or translated or at_the_longest_values and not message"


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A copy of the project in which somebody has done the exercise."""
    copy = tmp_path / "mwanga"
    copy.mkdir()
    for name in ("bot", "handlers", "models", "tests", "pyproject.toml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
    shutil.copy(ROOT / "README.md", copy)
    for kind, path, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text()):
        file = copy / path
        match kind:
            case "diff":
                file.write_text(patched(file.read_text(), text))
            case "po":
                file.write_text(f"{file.read_text()}\n{text}")
            case _:
                assert not file.exists(), path
                file.write_text(text)
    return copy


def patched(text: str, diff: str) -> str:
    """Each added line stands before the last place where the unchanged line behind it stands."""
    unchanged = ""
    for line in reversed(diff.splitlines()):
        if line.startswith("+"):
            before, at, behind = text.rpartition(f"\n{unchanged}\n")
            assert at, unchanged
            text = f"{before}\n{line[1:]}{at}{behind}"
        elif line.strip():
            unchanged = line[1:]
    return text


def test_the_exercise_takes_one_file_its_translations_and_a_transcript() -> None:
    kinds = [kind for kind, _path, _text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())]
    assert kinds == ["python", "diff", "po", "po", "po", "po", "text"]


@pytest.mark.slow
def test_the_exercise_works_as_written(done: Path) -> None:
    files = [f"tests/test_{name}.py" for name in TESTED]
    ran = run(
        done, "pytest", "-p", "no:cacheprovider", "-vv", "--basetemp", str(done.parent / "inner"), "-k", CHOSEN, *files
    )
    assert "test_the_talk_goes_as_written[sqlite-outage-sms] PASSED" in ran


def test_the_exercise_is_written_as_we_write(done: Path) -> None:
    run(done, "ruff", "check", "--no-cache", "handlers/outage.py")
    run(done, "ruff", "format", "--check", "--no-cache", "handlers/outage.py")


def run(folder: Path, module: str, *words: str) -> str:
    """What a tool says in this folder; it has to succeed."""
    ran = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    return ran.stdout
