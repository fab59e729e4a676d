"""What every test stands on: a fresh database on each engine, the demo world, and a closed network."""

import gc
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings

from bot import probes, setting_files
from bot.app import assembled
from bot.config import Config, load
from bot.inbound import callbacks
from bot.payments import door
from bot.runtime import Database
from bot.runtime.logs import JsonFormatter
from bot.server import Server
from handlers.office.money import close
from handlers.office.settings import backup
from models.clock import CLOCK, Clock
from models.money.references import ALPHABET
from models.tokens.journal import JOURNAL, Journal
from tests.emulators.android.clock import Clock as PhoneClock
from tests.world import light_passwords, models_once, pages_once, slowness
from tests.world.people import NOON
from tests.world.prompt import Run, mwanga_command
from tests.world.pushes import PushClock
from tests.world.server import PATIENCE_S
from tests.world.templates import FOUNDED, Templates, close_folder, open_folder

ENGINES = ("sqlite", "postgres")
DEMO = {"sender_cap": 200}

# The same examples in each run, however slow the machine is. `--hypothesis-profile default` looks for new ones.
settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    models_once.install()
    light_passwords.install()
    pages_once.install()
    if who := config.getoption("--slow"):
        slowness.install(who)
    if not hasattr(config, "workerinput"):
        open_folder()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave PostgreSQL's turn of what is marked `everyday_on_sqlite` to the slow tests, and of what is marked
    `first_on_postgres` all but the first."""
    had_its_turn = set()
    for item in items:
        if not hasattr(item, "callspec") or item.callspec.params.get("engine") != "postgres":
            continue
        test = item.nodeid.partition("[")[0]
        later = item.get_closest_marker("first_on_postgres") and test in had_its_turn
        had_its_turn.add(test)
        if later or item.get_closest_marker("everyday_on_sqlite"):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What is imported by now stays, and what a test leaves lies about for a while: looking for garbage at every turn
    was a fifth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        close_folder()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write what was answered into tests/dialogs/*.txt")
    parser.addoption("--slow", choices=sorted(slowness.SLOW), help="what waits at random: tests/world/slowness.py")
    parser.addoption("--inputs", type=int, default=30_000, help="how many tests/crashes/test_fuzz.py sends")
    parser.addoption("--seeds", type=int, default=2, help="how many days tests/crashes/test_chaos.py goes through")


@pytest.fixture(autouse=True)
def _closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaves this machine: a test that tries to is told so."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test wanted to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No MWANGA_ variable of whoever runs the tests, and no mwanga.toml. Sums are to the shilling here, whatever
    coin is usual (tests/selling/test_coins.py)."""
    import os

    for name in [name for name in os.environ if name.startswith("MWANGA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MWANGA_COIN", "1")
    monkeypatch.setattr(setting_files, "OF_SYSTEM", tmp_path / "etc/mwanga/mwanga.toml")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks, providers, watchers and the office's readers wait for seconds, and then go on without our answer. A
    busy machine may take longer; a test that is about those seconds sets its own."""
    monkeypatch.setattr(callbacks, "USSD_WITHIN_S", PATIENCE_S)
    monkeypatch.setattr(door, "ANSWER_WITHIN_S", PATIENCE_S)
    monkeypatch.setattr(probes, "TAKES_WRITES_S", PATIENCE_S)
    monkeypatch.setattr(backup, "WAIT_S", PATIENCE_S)
    monkeypatch.setattr(close, "PATIENCE_S", PATIENCE_S)


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command that serves sets up the log, on the standard error of its test: for each line of a later one Python
    wrote that this is closed, with all who called."""
    yield
    log = logging.getLogger()
    for handler in [one for one in log.handlers if isinstance(one.formatter, JsonFormatter)]:
        log.removeHandler(handler)
        log.setLevel(logging.WARNING)


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """What a server believes of its clock, and where it writes its token journal, is in its process: each test begins
    as one does in which no server was."""
    vars(CLOCK).update(vars(Clock()))
    vars(JOURNAL).update(vars(Journal()))


@pytest.fixture(scope="session")
def templates() -> Iterator[Templates]:
    templates = Templates()
    yield templates
    templates.close()


@pytest.fixture(autouse=True)
def _tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test its databases go: they lie in memory."""
    yield
    if "templates" in request.fixturenames:
        request.getfixturevalue("templates").drop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(engine: str, templates: Templates) -> str:
    return templates.copy(engine, "empty")


@pytest.fixture
def demo_url(engine: str, templates: Templates) -> str:
    return templates.copy(engine, "demo")


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The `mwanga` command, typed against the demo world."""
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    return mwanga_command


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """An open database with empty tables."""
    async with Database(empty_url) as opened:
        yield opened


@pytest.fixture
def config(demo_url: str) -> Config:
    return load(database=demo_url, languages="en,sw,fr,pt,ha")


@pytest.fixture
async def mwanga(config: Config) -> AsyncIterator[Server]:
    """The demo world at work, all but the sending: what would be sent waits in the outbox."""
    async with assembled(config, serving=False) as server:
        yield server


@pytest.fixture
def one_moment() -> Iterator[None]:
    """All of a test is at the same time, the true one: no day and no month ends meanwhile. By `usefixtures` it comes
    before the other fixtures of its test."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.fixture
def phone_clock() -> Iterator[PhoneClock]:
    """The time of emulated phones, which is the server's as well: it stands still while a test does not move it."""
    with time_machine.travel(FOUNDED, tick=False) as traveller:
        yield PhoneClock(FOUNDED.timestamp(), moved=traveller.move_to)


@pytest.fixture
def push_clock() -> Iterator[PushClock]:
    """The time of phones that are asked to pay, and of the server."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield PushClock(traveller.shift)


@pytest.fixture
def references(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """References of sales are RRRR2, RRRR3, … so that a transcript can name them, and the tokens of meters are the same
    each time."""

    numbers = iter(range(10_000))

    def next_letters() -> Iterator[str]:
        for number in numbers:
            yield from "RRR" + ALPHABET[number // len(ALPHABET)] + ALPHABET[number % len(ALPHABET)]

    letters = next_letters()
    monkeypatch.setattr("models.money.references.secrets.choice", lambda _letters: next(letters))
    monkeypatch.setattr("models.tokens.secrets.randbelow", lambda _below: 7)
    yield
