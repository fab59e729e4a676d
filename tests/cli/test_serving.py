"""What `mwanga demo` and `mwanga serve` load, refuse and say."""

import asyncio
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tortoise import models as of_tortoise

from bot import setting_files
from bot.app import assembled
from bot.cli import serving
from bot.config import ConfigError, load
from models.audit import record
from models.people import Customer, MiniGrid
from models.people.office_users import add_user
from models.vault import Vault
from tests.world.prompt import do_in_one_work, mwanga_command, query
from tests.world.server import ROOT

Made = Callable[[], None]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases that would be served; nothing is."""
    found: list[str] = []
    monkeypatch.setattr(serving, "_serve", lambda config, *, load_demo: found.append(config.database))
    return found


async def _customer() -> None:
    await Customer.create(name="A", surname="B", phone="+255710000009", mini_grid=await MiniGrid.create(name="Kilwa"))


BEGUN = {
    "an office user": lambda: add_user("rehema", "long enough", vault=Vault("k" * 32), actor="test"),
    "a mini-grid": lambda: MiniGrid.create(name="Kilwa"),
    "a customer": _customer,
    "a row of the audit": lambda: record("test", "outgoing", "off"),
}


@pytest.mark.parametrize("what", BEGUN)
def test_the_demo_is_loaded_only_where_nothing_is(what: str, empty_url: str) -> None:
    do_in_one_work(empty_url, BEGUN[what])

    async def begin() -> None:
        async with assembled(load(database=empty_url), load_demo=True, serving=False):
            pass

    with pytest.raises(ConfigError, match="is in use and no demo world: nothing was loaded into it"):
        asyncio.run(begin())
    assert query(empty_url, "SELECT name FROM agent") == []
    assert query(empty_url, "SELECT name FROM setting WHERE name = 'demo'") == []


def test_the_demo_goes_on_with_a_demo_world(demo_url: str) -> None:
    async def begin() -> bool:
        async with assembled(load(database=demo_url), load_demo=True, serving=False) as server:
            return server.simulated

    assert asyncio.run(begin())


def test_the_demo_never_takes_the_database_of_the_file(served: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mwanga.toml").write_text('database = "sqlite:///srv/real.db"\n')
    mwanga_command("demo")
    mwanga_command("demo", "--database", "sqlite:///srv/named.db")
    monkeypatch.setenv("MWANGA_DATABASE", "sqlite:///srv/environment.db")
    mwanga_command("demo")
    assert served[0].endswith("/demo.db") and "/srv/" not in served[0]
    assert served[1:] == ["sqlite:///srv/named.db", "sqlite:///srv/environment.db"]


def test_the_demo_never_takes_the_gateways_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that serves real customers, everybody may try the demo in any folder."""
    found = []
    monkeypatch.setattr(serving, "_serve", lambda config, *, load_demo: found.append(config.kannel_url))
    setting_files.OF_SYSTEM.parent.mkdir(parents=True)
    setting_files.OF_SYSTEM.write_text('kannel_url = "http://127.0.0.1:13013/cgi-bin/sendsms"\n')
    mwanga_command("demo")
    mwanga_command("serve")
    assert found == ["", "http://127.0.0.1:13013/cgi-bin/sendsms"]


@pytest.mark.parametrize(
    "settings",
    [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "192.168.1.5"}, {"public_url": "https://mwanga.example.org"}],
)
@pytest.mark.everyday_on_sqlite
def test_a_demo_world_is_served_on_this_machine_alone(demo_url: str, settings: dict[str, str]) -> None:
    async def begin(**more: object) -> str:
        async with assembled(load(database=demo_url, **settings, **more), handling=False) as server:
            return server.config.host

    with pytest.raises(ConfigError, match="its passwords and PINs are published"):
        asyncio.run(begin())
    assert asyncio.run(begin(demo_in_public=True)) == settings.get("host", "127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_what_is_this_machine(host: str) -> None:
    assert load(host=host).on_loopback


def test_both_addresses_are_said() -> None:
    public = load(public_url="https://mwanga.example.org", host="::1")
    assert serving.say_addresses(public) == (
        "Mwanga listens on http://[::1]:8080. Its public address is https://mwanga.example.org"
    )
    assert serving.say_addresses(load()) == "Mwanga listens on http://127.0.0.1:8080"


def test_the_demo_shows_no_password_of_a_database() -> None:
    said = serving._welcome(load(database="postgres://mwanga:S3CRET@localhost/mwanga"))
    assert "S3CRET" not in said and "postgres://mwanga:***@localhost/mwanga" in said


def test_the_demo_says_what_to_try_only_when_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a port that is taken nobody reads addresses first."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = mwanga_command("demo", "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert "is taken. Choose another one" in result.output and "/simulator" not in result.output


def test_the_version_is_said() -> None:
    result = mwanga_command("--version")
    assert (result.exit_code, result.output) == (0, "Mwanga 0.1.0\n")


def test_the_file_is_named_by_an_option(tmp_path: Path) -> None:
    file = tmp_path / "office.toml"
    file.write_text("compnay = 'x'")
    result = mwanga_command("--config", file, "check")
    assert result.exit_code == 1 and "did you mean company?" in result.output


def test_no_database_is_made_where_somebody_happens_to_be() -> None:
    result = mwanga_command("phone", "list")
    assert result.exit_code == 1
    assert result.output.startswith(f"There is no mwanga.toml in {Path.cwd()} and no ")
    assert "`mwanga init`" in result.output
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.slow
def test_what_a_command_makes_is_readable_by_its_user_alone(tmp_path: Path) -> None:
    """With the usual umask, as a process of its own."""
    environment = {"PATH": os.environ["PATH"], "MWANGA_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}
    for words in (["migrate"], ["card", "--output", "card.html"]):
        subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=environment | {"PYTHONPATH": str(ROOT)},
            umask=0o022,
            check=True,
            capture_output=True,
        )
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {
        "mwanga.db": 0o600,
        "card.html": 0o600,
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_command(shell: str) -> None:
    environment = os.environ | {"_MWANGA_COMPLETE": f"source_{shell}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "bot"], env=environment, capture_output=True, text=True, check=True)
    assert "_MWANGA_COMPLETE=complete_" in done.stdout


# What is large and of use only later, or never to this server: the SDK of a gateway by which it does not send, Markdown
# at the first page of help, other commands.
NOT_TO_LISTEN = ("africastalking", "requests", "urllib3", "markdown_it", "playwright", "tests", "pytest")
WHAT_IS_THERE = """
import asyncio, sys
from bot.app import assembled, build_app
from bot.config import load
import bot.cli.main, bot.cli.serving

async def main():
    config = load()
    build_app(config)
    async with assembled(config, load_demo=True, serving=False):
        print(*sys.modules)

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_server_listens_before_it_has_imported_what_it_needs_only_later(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MWANGA_DATABASE": f"sqlite://{tmp_path}/m.db"}
    ran = subprocess.run(
        [sys.executable, "-c", WHAT_IS_THERE], env=environment, capture_output=True, text=True, check=True
    )
    there = set(ran.stdout.split())
    packages = {name.partition(".")[0] for name in there}
    assert {"bot", "handlers", "aiohttp"} <= packages
    assert not packages & set(NOT_TO_LISTEN)
    commands = {name for name in there if name.startswith("bot.cli.")}
    assert commands == {f"bot.cli.{name}" for name in ("lasting", "main", "places", "prompt", "serving")}


def test_no_table_is_looked_through_for_comments() -> None:
    """tortoise would parse the file of each of our tables again: a third of the time until a server listens."""
    assert of_tortoise._get_comments(Customer) == {}
    assert not [file for file in (ROOT / "models").glob("*/**/*.py") if "#:" in file.read_text()]


def test_more_files_are_open_than_a_shell_allows() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_000, most))
        serving._allow_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(65_536, most), most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
