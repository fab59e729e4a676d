"""What is installed is what was tested: the lock fits pyproject.toml, has hashes alone, and no tests' libraries for
production."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUN, TEST = ROOT / ".ci/requirements.txt", ROOT / ".ci/requirements-test.txt"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)
# They stub or test, and come in by others' requirements.
STUBS = {"responses", "pyyaml", "pytest", "mock", "hypothesis", "time-machine"}


def versions(lock: Path) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PINNED.findall(lock.read_text())}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        (RUN, [*PROJECT["dependencies"], *EXTRAS["build"]]),
        (TEST, [*PROJECT["dependencies"], *EXTRAS["build"], *EXTRAS["test"]]),
    ],
    ids=["run", "test"],
)
def test_the_lock_has_what_the_project_wants(lock: Path, wanted: list[str]) -> None:
    locked = versions(lock)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), f"{requirement}: .ci/lock"


def test_what_runs_is_what_is_tested() -> None:
    run, test = versions(RUN), versions(TEST)
    assert {name: test.get(name) for name in run} == run


@pytest.mark.parametrize("lock", [RUN, TEST], ids=["run", "test"])
def test_everything_has_hashes_and_nothing_names_an_index(lock: Path) -> None:
    text = lock.read_text()
    for package in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in package, package
    assert not re.search(r"https?://|--(extra-)?index|--find-links|--trusted-host", text)


def test_production_has_no_library_of_tests() -> None:
    tests = {canonicalize_name(Requirement(line).name) for line in EXTRAS["test"]}
    assert not versions(RUN).keys() & (tests | STUBS)


def test_africas_talking_is_imported_without_the_library_that_it_is_tested_with() -> None:
    """`responses` is left out although the SDK lists it: nothing imports it."""
    blocked = "import sys; sys.modules |= {'responses': None, 'yaml': None}; import bot.gateways.africastalking_sdk"
    subprocess.run([sys.executable, "-c", blocked], check=True, cwd=ROOT)


def test_the_two_commands_install_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes -r .ci/requirements.txt" in makefile
    assert "--require-hashes -r .ci/requirements-test.txt" in makefile
    assert makefile.count("pip install") == 1 and "--no-deps" in makefile
    assert ".ci/lock --check" in (ROOT / ".ci/run").read_text()
