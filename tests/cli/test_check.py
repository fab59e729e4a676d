"""`mwanga check` names everything that is misconfigured, a sentence each, and changes nothing."""

import asyncio
import hashlib
import ssl
from asyncio import StreamReader, StreamWriter, start_server
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from typer.testing import Result

from bot.cli import reach
from bot.config import DEMO_KEY, load
from bot.runtime import Database
from models.clock import note_seen
from models.demo import world
from models.devices.meters import keep_vending_key
from models.people.agents import add_agent
from models.people.office_users import add_user
from models.settings import compare_or_keep_currency, compare_or_keep_key
from models.vault import Vault
from tests.world.certificates import make_certificate
from tests.world.ports import free_port
from tests.world.prompt import do_in_one_work, mwanga_command, query

pytestmark = pytest.mark.everyday_on_sqlite

KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
GOOD = f'''secret_key = "{KEY}"
help_phone = "+255700000000"
public_url = "https://mwanga.example.org"
route = "phones"
trusted_proxies = "127.0.0.1"
'''


@pytest.fixture
def office_url(empty_url: str) -> str:
    """A database that is in use: it has its key and somebody who signs in."""
    vault = Vault(KEY)

    async def begin() -> None:
        await compare_or_keep_key(vault)
        await add_user("rehema", "long enough to keep", vault=vault, actor="test")

    do_in_one_work(empty_url, begin)
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite://")).chmod(0o600)
    return empty_url


def check(url: str, more: str = "", *, good: str = GOOD) -> Result:
    file = Path("mwanga.toml")
    file.write_text(f'database = "{url}"\n{good}{more}')
    file.chmod(0o600)
    return mwanga_command("check")


def lines(result: Result) -> list[str]:
    assert result.exit_code == 1, result.output
    return result.output.splitlines()


def test_nothing_is_wrong(office_url: str) -> None:
    result = check(office_url)
    assert (result.exit_code, result.output) == (0, "All is well.\n")


def test_what_accents_would_cost_is_told_where_they_are_wanted(office_url: str) -> None:
    result = check(office_url, "accents = true\n")
    assert result.exit_code == 0
    assert result.output.startswith("All is well.\n")
    assert "a full message would be 3 SMS instead of 1" in result.output


def test_nothing_is_changed(tmp_path: Path) -> None:
    """Neither a file that is there nor one that is not, with all tables out of date or no table at all."""
    file = tmp_path / "mwanga.db"
    assert lines(check(f"sqlite://{file}")) == [f"There is no database {file} yet: `mwanga migrate` makes it."]
    assert not file.exists()
    file.write_bytes(b"")
    file.chmod(0o600)
    assert lines(check(f"sqlite://{file}")) == [
        f"sqlite://{file} has no tables of Mwanga: `mwanga migrate` makes them."
    ]
    assert file.read_bytes() == b""
    assert {each.name for each in tmp_path.iterdir()} == {"mwanga.db", "mwanga.toml"}


def test_a_database_that_nobody_serves_is_left_as_it_is(office_url: str) -> None:
    if not office_url.startswith("sqlite"):
        pytest.skip("a session that may only read holds PostgreSQL to it: see the next test")
    file = Path(office_url.removeprefix("sqlite://"))
    before = hashlib.sha256(file.read_bytes()).digest()
    assert check(office_url).exit_code == 0
    assert hashlib.sha256(file.read_bytes()).digest() == before
    assert not list(file.parent.glob(f"{file.name}-*"))


async def test_a_database_that_is_looked_at_takes_no_write(empty_url: str) -> None:
    async with Database(empty_url, read_only=True) as database:
        with pytest.raises(Exception, match=r"readonly|read-only"):
            await database.client.execute_query("INSERT INTO setting (name, value) VALUES ('x', 'y')")


def test_a_database_of_another_version_is_named(office_url: str) -> None:
    later = "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '9999_later', '2030-01-01')"
    do_in_one_work(office_url, lambda: _run(later))
    [said] = lines(check(office_url))
    assert "Another version of Mwanga made this database (it knows 9999_later" in said


def test_a_database_of_an_older_version_is_named(office_url: str) -> None:
    do_in_one_work(office_url, lambda: _run("DELETE FROM tortoise_migrations"))
    [said] = lines(check(office_url))
    assert said.endswith("is of an older version: `mwanga migrate` brings it up to date.")
    assert query(office_url, "SELECT * FROM tortoise_migrations") == []


async def _run(statement: str) -> None:
    from models.sql import connection

    await connection().execute_script(statement)


@pytest.mark.parametrize("how", ["half overwritten", "no database"])
def test_a_broken_database_is_named(office_url: str, how: str) -> None:
    if not office_url.startswith("sqlite"):
        pytest.skip("a file of its own")
    file = Path(office_url.removeprefix("sqlite://"))
    data = bytearray(file.read_bytes())
    if how == "no database":
        data[:100] = b"x" * 100
    else:
        data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    file.write_bytes(data)
    [said] = lines(check(office_url))
    assert "is damaged (" in said and said.endswith("go back to a backup.")


def test_a_locked_database_is_no_traceback(office_url: str) -> None:
    """With a writer at work `check` reads on: a reader waits for nobody in WAL."""
    if not office_url.startswith("sqlite"):
        pytest.skip("a file of its own")
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(office_url.removeprefix("sqlite://"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE setting SET value = value")
        assert check(office_url).output == "All is well.\n"


def test_files_that_others_can_read_are_named(office_url: str) -> None:
    secret = Path("key")
    secret.write_text(KEY)
    secret.chmod(0o604)
    good = GOOD.replace(f'secret_key = "{KEY}"', 'secret_key_file = "key"')
    assert lines(check(office_url, good=good)) == ["Other users of this machine can read key: chmod o= key"]
    secret.chmod(0o640)
    assert check(office_url, good=good).exit_code == 0
    Path("mwanga.toml").chmod(0o644)
    assert lines(mwanga_command("check")) == ["Other users of this machine can read mwanga.toml: chmod o= mwanga.toml"]
    Path("mwanga.toml").chmod(0o600)
    if office_url.startswith("sqlite"):
        file = Path(office_url.removeprefix("sqlite://"))
        file.chmod(0o644)
        assert lines(mwanga_command("check")) == [f"Other users of this machine can read {file}: chmod 600 {file}"]


def test_folders_in_which_nothing_can_be_written_are_named(office_url: str) -> None:
    """A server would not start, and the office's copy would fail when it is wanted."""
    assert lines(check(office_url, 'journal_folder = "gone"\nbackup_folder = "gone too"\n')) == [
        "The token journal cannot be written in gone.",
        "The office cannot have the database copied into gone too: nothing can be written there.",
    ]
    assert check(office_url, 'journal_folder = ""\nbackup_folder = ""\n').output == "All is well.\n"


def test_a_clock_that_is_behind_is_named(office_url: str) -> None:
    """A server would start and sell nothing."""
    now = datetime.now(UTC)
    do_in_one_work(office_url, lambda: note_seen(now))
    assert check(office_url).output == "All is well.\n"
    with time_machine.travel(now - timedelta(hours=2)):
        [said] = lines(check(office_url))
    assert said.startswith("The clock is behind: a server was at work at ")


def test_that_nobody_can_sign_in_is_named(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite://")).chmod(0o600)
    assert lines(check(empty_url)) == ["Nobody can sign in to the office's page: `mwanga admin add NAME`."]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("", True),
        ('public_url = "https://mwanga.example.org"', True),
        ('host = "0.0.0.0"', True),
        ('host = "0.0.0.0"\ndemo_in_public = true', True),
    ],
)
def test_a_demo_world_is_named(demo_url: str, more: str, named: bool) -> None:
    if demo_url.startswith("sqlite"):
        Path(demo_url.removeprefix("sqlite://")).chmod(0o600)
    [said] = lines(check(demo_url, more, good=""))
    assert said.startswith("This is the demo world: its passwords and PINs are published.")
    assert ("MWANGA_DEMO_IN_PUBLIC" in said) is (bool(more) and "true" not in more)


def test_published_secrets_are_named(office_url: str) -> None:
    vault = Vault(KEY)

    async def copy_the_demo() -> None:
        await add_user("admin", "mwanga-demo", vault=vault, actor="test")
        await add_agent(
            phone="+255700000001", name="Asha Mushi", language="en", mini_grid="Kilwa", cash_limit=1, pin="482915",
            vault=vault, actor="test",
        )  # fmt: skip
        await keep_vending_key(world.STS_KEY, vault)

    do_in_one_work(office_url, copy_the_demo)
    said = "\n".join(lines(check(office_url, 'africastalking_secret = "demo"\nsmsgate_token = "aaaaaaaaaaaaaaaa"\n')))
    for words in (
        "MWANGA_AFRICASTALKING_SECRET is the published one of the demo world",
        "MWANGA_SMSGATE_TOKEN can be guessed",
        "The office user admin has the published password or PIN",
        "The agent Asha Mushi has the published password or PIN",
        "The vending key of meters is published for tests",
    ):
        assert words in said


@pytest.mark.parametrize(("key", "said"), [(DEMO_KEY, "is the published one"), ("a" * 32, "can be guessed")])
def test_a_secret_key_that_anybody_has_is_named(empty_url: str, key: str, said: str) -> None:
    assert f"MWANGA_SECRET_KEY {said}" in "\n".join(lines(check(empty_url, good=GOOD.replace(KEY, key))))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('public_url = ""', "http://127.0.0.1:8080 is on this machine alone, and a gateway phone has to call it."),
        ('public_url = ""\nhost = "0.0.0.0"', "http://0.0.0.0:8080 is no address that gateways and phones can call."),
        ('public_url = ""\nhost = "::"', "http://[::]:8080 is no address that gateways and phones can call."),
        ('public_url = "http://mwanga.example.org"', "MWANGA_PUBLIC_URL begins with http://"),
        ('trusted_proxies = ""', "MWANGA_TRUSTED_PROXIES is empty: behind the web server"),
        ('trusted_proxies = "127.0.0.1,::/0"', "MWANGA_TRUSTED_PROXIES has all addresses in it"),
        ('alert_url = "http://alerts.example.org/"', "MWANGA_ALERT_URL begins with http://"),
    ],
)
def test_an_address_that_cannot_work_is_named(office_url: str, settings: str, said: str) -> None:
    good = "".join(line + "\n" for line in GOOD.splitlines() if not settings.startswith(line.split(" ")[0] + " "))
    [found] = lines(check(office_url, settings, good=good))
    assert found.startswith(said)


@pytest.mark.parametrize("address", ["http://192.168.1.5:8080", "http://mwanga:8080", "https://mwanga.example.org"])
def test_an_address_on_ones_own_network_needs_no_tls(address: str) -> None:
    assert reach.find_bad_addresses(load(public_url=address, route="phones", trusted_proxies="::1")) == []


def kannel(url: str) -> str:
    return f'kannel_url = "{url}"\nkannel_username = "k"\nkannel_password = "k"\nkannel_secret = "0123456789abcdef"\n'


def test_a_gateway_that_does_not_answer_is_named(office_url: str) -> None:
    port = free_port()
    [said] = lines(check(office_url, kannel(f"http://127.0.0.1:{port}/cgi-bin/sendsms")))
    assert said == f"Kannel does not answer at http://127.0.0.1:{port}: nothing listens there."


async def _hang_up(_reader: StreamReader, writer: StreamWriter) -> None:
    writer.close()


async def test_a_gateway_is_only_called_and_nothing_is_said_to_it() -> None:
    heard: list[bytes] = []
    done = asyncio.Event()

    async def listen(reader: StreamReader, writer: StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()
        done.set()

    async with await start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = {"kannel_url": f"http://127.0.0.1:{port}/x", "kannel_username": "k", "kannel_password": "k"}
        assert await reach.find_silent_gateways(load(**settings)) == []
        await done.wait()
    assert heard == [b""]


async def test_a_gateway_with_a_certificate_of_its_own_is_named(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path, "localhost"))
    async with await start_server(_hang_up, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        settings = {"kannel_url": f"https://localhost:{port}/x", "kannel_username": "k", "kannel_password": "k"}
        [said] = await reach.find_silent_gateways(load(**settings))
    assert said.startswith(f"Kannel does not answer at https://localhost:{port}: its certificate is not to be trusted")


def test_another_currency_is_named(office_url: str) -> None:
    do_in_one_work(office_url, lambda: compare_or_keep_currency("TZS", 2))
    assert check(office_url).exit_code == 0
    [said] = lines(check(office_url, 'currency = "KES"'))
    assert said.startswith("This database was begun in TZS with 2 decimals, and MWANGA_CURRENCY is KES")


@pytest.mark.parametrize("name", ["compnay = 'x'", "MWANGA_COMPNAY"])
def test_a_misspelt_setting_is_named(office_url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.startswith("MWANGA"):
        monkeypatch.setenv(name, "x")
    result = check(office_url, "" if name.startswith("MWANGA") else name)
    assert result.exit_code == 1 and "did you mean" in result.output
