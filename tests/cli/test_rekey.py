"""`mwanga rekey` puts all that is sealed under another secret key, at once or not at all, and loses neither key."""

import asyncio
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.android.from_app import Device as Handset
from bot.android.linking import add, by_login, by_token, register, signing_key
from bot.app import assembled
from bot.config import DEMO_KEY, load
from bot.message import Inbound
from bot.runtime import Database
from bot.runtime.addresses import is_embedded, sqlite_file
from bot.runtime.database import OneServer
from bot.text.numbers import sender
from models.devices import Device
from models.devices.keys import open_key
from models.messages.phones import Phone
from models.money.notices import keep
from models.money.receipt_texts import TextState, keep_text
from models.people import Agent, OfficeUser, pins
from models.sql import execute
from models.vault import Vault
from tests.world.prompt import do_in_one_work, mwanga_command, query
from tests.world.stored import store

NEW = "a new key that nobody has seen until now"


def configure(url: str, **settings: str) -> Path:
    file = Path("mwanga.toml")
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in {"database": url, **settings}.items()))
    file.chmod(0o600)
    return file


def keys() -> tuple[str, str]:
    table = tomllib.loads(Path("mwanga.toml").read_text())
    return table["secret_key"], table.get("former_secret_key", "")


def rekey() -> str:
    result = mwanga_command("rekey")
    assert result.exit_code == 0, result.output
    return result.output


async def _everything_sealed() -> None:
    """A phone, a receipt text and a provider's callback beside the demo world's devices and vending key."""
    vault = Vault(DEMO_KEY)
    phone, _code = await add("Shop phone", vault, actor="test")
    await Phone.filter(id=phone.id).update(linked_at=1)
    came = {"gateway": phone.gateway, "sim": 1, "sender": "M-PESA", "received_at": 1}
    await keep_text(vault, 1, "a receipt", TextState.WAITING, **came)
    await keep(vault, provider="daraja", kind="stk", said="a callback", address="", now=1)


def text_that_waits(url: str) -> None:
    async def begin() -> None:
        async with assembled(load(database=url), serving=False, handling=False) as server:
            text = Inbound("simulator", "m1", sender("+255700000001", "TZ"), "1 482915", "20880")
            await store(server.inbox, text)

    asyncio.run(begin())


def under(url: str, vault: Vault) -> dict[str, list[str]]:
    """Every cell of the database that is under this key, by its table and column."""

    async def look() -> dict[str, list[str]]:
        async with Database(url) as database:
            tables = [model._meta.db_table for model in database._context.apps["models"].values()]
            found: dict[str, list[str]] = {}
            for table in tables:
                for row in await execute(database.client, f'SELECT * FROM "{table}"'):
                    for column, value in row.items():
                        if isinstance(value, str) and vault.has_made(value):
                            found.setdefault(f"{table}.{column}", []).append(value)
            return found

    return asyncio.run(look())


def test_all_that_is_sealed_is_put_under_the_new_key(demo_url: str) -> None:
    """Looked for in every column: what a later table seals is found here, too."""
    configure(demo_url, secret_key=DEMO_KEY)
    do_in_one_work(demo_url, _everything_sealed)
    text_that_waits(demo_url)
    before = under(demo_url, Vault(DEMO_KEY))
    said = rekey()
    new, former = keys()
    assert former == DEMO_KEY and len(new) >= 32 and stat.S_IMODE(Path("mwanga.toml").stat().st_mode) == 0o600
    assert under(demo_url, Vault(DEMO_KEY)).keys() == {"agent.pin_hash", "officeuser.password_hash"}
    after = under(demo_url, Vault(new))
    assert {name: len(cells) for name, cells in after.items() if not name.startswith("audit")} == {
        name: len(cells) for name, cells in before.items() if not name.endswith("_hash")
    }
    sealed = {"device.sealed_key", "setting.value", "phone.signing_key", "inbox.sealed", "receipt_text.sealed"}
    sealed |= {"notice.sealed"}
    assert sealed <= after.keys()
    for words in ("PINs of 3 agents", "passwords, until they are set anew: admin", "linked again", "Shop phone"):
        assert words in said
    assert new not in said and DEMO_KEY not in said


def test_devices_sell_and_pins_are_right_under_the_new_key(demo_url: str) -> None:
    configure(demo_url, secret_key=DEMO_KEY)
    rekey()
    new, former = keys()
    vault = Vault(new, former)

    async def use() -> None:
        device = await Device.get(serial="SHS0283")
        assert open_key(device, vault)["starting_code"] == 123456789
        asha = await Agent.get(name="Asha Mushi")
        assert not vault.has_made(asha.pin_hash)
        assert (await pins.check(asha, "482916", vault)).verdict == pins.Verdict.WRONG
        assert (await pins.check(asha, "482915", vault)).verdict == pins.Verdict.RIGHT
        asha = await Agent.get(name="Asha Mushi")
        assert vault.has_made(asha.pin_hash) and Vault(new).check_pin("482915", asha.pin_hash)
        admin = await OfficeUser.get(name="admin")
        assert vault.check_password("mwanga-demo", admin.password_hash)
        assert not Vault(new).check_password("mwanga-demo", admin.password_hash)

    do_in_one_work(demo_url, use)
    assert "PINs of 2 agents" in rekey()  # the third one is renewed


def test_a_linked_phone_stays_linked(demo_url: str) -> None:
    configure(demo_url, secret_key=DEMO_KEY)
    linked: dict[str, Any] = {}

    async def link() -> None:
        vault = Vault(DEMO_KEY)
        phone, _code = await add("Shop phone", vault, actor="test")
        assert phone.code_hash
        done = await register(phone, Handset("", "Tecno", False, None), "1.70", vault, 1, again=False)
        linked.update(token=done.token, password=done.password, login=phone.login, key=signing_key(phone, vault))

    do_in_one_work(demo_url, link)
    rekey()
    vault = Vault(*keys())

    async def call() -> None:
        phone = await by_token(linked["token"], vault)
        assert phone is not None and signing_key(phone, vault) == linked["key"]
        assert await by_login(linked["login"], linked["password"], vault)
        assert not await by_login(linked["login"], "wrong", vault)
        assert not await by_token("wrong", vault)

    do_in_one_work(demo_url, call)


def test_what_breaks_halfway_changes_nothing_and_is_done_by_the_next_try(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(demo_url, secret_key=DEMO_KEY)
    before = query(demo_url, "SELECT serial, sealed_key FROM device ORDER BY id")

    async def fall(*_: object) -> int:
        raise ValueError("the lights went out")

    with monkeypatch.context() as broken:
        broken.setattr("bot.cli.rekey.reseal_signing_keys", fall)
        result = mwanga_command("rekey")
    assert result.exit_code == 1 and "the lights went out" in result.output
    assert query(demo_url, "SELECT serial, sealed_key FROM device ORDER BY id") == before
    new, former = keys()
    assert former == DEMO_KEY
    assert "MWANGA_FORMER_SECRET_KEY still: `mwanga rekey`" in mwanga_command("phone", "list").output
    assert "MWANGA_FORMER_SECRET_KEY still: `mwanga rekey`" in mwanga_command("check").output
    rekey()
    assert keys() == (new, DEMO_KEY)
    assert mwanga_command("phone", "list").exit_code == 0


def test_the_new_key_survives_a_power_cut_before_anything_is_under_it(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file and the database may be on two disks, of which only the second had written what it was given."""
    configure(demo_url, secret_key=DEMO_KEY)
    before = query(demo_url, "SELECT serial, sealed_key FROM device ORDER BY id")
    found: list[bool] = []

    def synced(folder: Path) -> None:
        found.append(keys()[1] == DEMO_KEY and folder == Path.cwd())
        found.append(query(demo_url, "SELECT serial, sealed_key FROM device ORDER BY id") == before)

    monkeypatch.setattr("bot.cli.rekey.sync_folder", synced)
    rekey()
    assert found == [True, True]


def test_a_key_from_elsewhere_is_changed_where_it_is(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    monkeypatch.setenv("MWANGA_SECRET_KEY", DEMO_KEY)
    result = mwanga_command("rekey")
    assert result.exit_code == 1 and "Set MWANGA_FORMER_SECRET_KEY to the secret key of today" in result.output
    monkeypatch.setenv("MWANGA_SECRET_KEY", NEW)
    monkeypatch.setenv("MWANGA_FORMER_SECRET_KEY", DEMO_KEY)
    assert "All that is sealed is under the new key." in rekey()
    assert mwanga_command("phone", "list").exit_code == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"secret_key": NEW, "former_secret_key": "w" * 40}, "another one than this database was begun with"),
        ({"secret_key": "short", "former_secret_key": DEMO_KEY}, "32 characters or more"),
        ({"secret_key": DEMO_KEY, "former_secret_key": DEMO_KEY}, "another key than the former one"),
    ],
)
@pytest.mark.everyday_on_sqlite
def test_keys_that_cannot_be_are_refused(demo_url: str, settings: dict[str, str], said: str) -> None:
    configure(demo_url, **settings)
    before = query(demo_url, "SELECT * FROM setting ORDER BY name")
    result = mwanga_command("rekey")
    assert result.exit_code == 1 and said in result.output
    assert query(demo_url, "SELECT * FROM setting ORDER BY name") == before


def test_a_server_at_work_is_in_the_way(demo_url: str) -> None:
    if not is_embedded(demo_url):
        pytest.skip("several servers share PostgreSQL")
    configure(demo_url, secret_key=DEMO_KEY)
    with OneServer(f"sqlite://{sqlite_file(demo_url)}"):
        result = mwanga_command("rekey")
    assert result.exit_code == 1 and "serves" in result.output
    assert "former_secret_key" not in Path("mwanga.toml").read_text(), "the server starts again as it was"


def test_the_key_is_found_behind_the_mark_of_a_windows_editor(demo_url: str) -> None:
    Path("mwanga.toml").write_text(f'secret_key = "{DEMO_KEY}"\ndatabase = "{demo_url}"\n', encoding="utf-8-sig")
    Path("mwanga.toml").chmod(0o600)
    rekey()
    assert keys()[1] == DEMO_KEY


def test_a_former_key_that_was_emptied_is_in_nobody_s_way(demo_url: str) -> None:
    """Whoever was told to remove it may have taken away the value alone: a second one beside it no file may have."""
    configure(demo_url, secret_key=DEMO_KEY, former_secret_key="")
    rekey()
    assert keys()[1] == DEMO_KEY


def test_a_key_that_is_not_the_database_s_own_stays_in_the_file(demo_url: str) -> None:
    configure(demo_url, secret_key=NEW)
    before = Path("mwanga.toml").read_text()
    result = mwanga_command("rekey")
    assert result.exit_code == 1 and "another one than this database was begun with" in result.output
    assert Path("mwanga.toml").read_text() == before


def test_the_former_key_opens_nothing() -> None:
    """Whoever has it can make no session and no sealed text that is taken."""
    from models.vault import Sealed

    with pytest.raises(Sealed):
        Vault(NEW, DEMO_KEY).open(Vault(DEMO_KEY).seal("x", "session"), "session")
