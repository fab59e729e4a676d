"""Where settings come from, which of them counts, and that nothing misspelt is passed over."""

from pathlib import Path

import pytest

from bot import setting_files
from bot.config import ConfigError, load
from bot.text.close import find_close

KEY, OTHER = "k" * 32, "o" * 32


def write(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_file_is_looked_for_where_it_is_named_then_here_then_in_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load().file is None
    monkeypatch.setattr(setting_files, "OF_SYSTEM", write("etc/mwanga.toml", 'company = "System"'))
    assert load().company == "System"
    write("mwanga.toml", 'company = "Here"')
    assert load().company == "Here"
    monkeypatch.setenv("MWANGA_CONFIG", str(write("env/mwanga.toml", 'company = "Environment"')))
    assert load().company == "Environment"
    named = write("named/office.toml", 'company = "Named"')
    assert load(named).company == "Named"
    assert load(named).file == named


@pytest.mark.parametrize("how", ["named", "environment"])
def test_a_file_that_is_named_and_not_there_is_one_sentence(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "environment":
        monkeypatch.setenv("MWANGA_CONFIG", "/nowhere/mwanga.toml")
    with pytest.raises(ConfigError, match=r"There is no file /nowhere/mwanga.toml. `mwanga init` writes one."):
        load(Path("/nowhere/mwanga.toml") if how == "named" else None)


def test_a_file_from_windows_is_read_as_well() -> None:
    """Its editors put a mark before the first line."""
    Path("mwanga.toml").write_text('company = "Umeme"\n', encoding="utf-8-sig")
    assert load().company == "Umeme"


def test_a_database_is_looked_for_beside_the_file_that_names_it(tmp_path: Path) -> None:
    """From any folder it is the same one, and none is made where somebody happens to be."""
    assert load(write("etc/a.toml", 'database = "sqlite://office.db"')).database == f"sqlite://{tmp_path}/etc/office.db"
    assert load(write("etc/b.toml", "")).database == f"sqlite://{tmp_path}/etc/mwanga.db"
    assert load(write("etc/c.toml", 'database = "sqlite:///var/x.db"')).database == "sqlite:///var/x.db"
    assert load(write("here.toml", 'database = "sqlite://office.db"')).database == "sqlite://office.db"
    assert load().database == "sqlite://mwanga.db"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("compnay = 'Umeme Jua'", "mwanga.toml: compnay is no setting: did you mean company?"),
        ("secretkey = 'x'", "mwanga.toml: secretkey is no setting: did you mean secret_key?"),
        ("kannel_sercet = 'x'", "mwanga.toml: kannel_sercet is no setting: did you mean kannel_secret?"),
        ("zzzzzzzz = 1", "mwanga.toml: zzzzzzzz is no setting."),
        ("[gateway.pwani]", "mwanga.toml: gateway is no setting: did you mean gateways?"),
    ],
)
def test_a_key_that_is_no_setting_is_an_error(text: str, said: str) -> None:
    write("mwanga.toml", text)
    with pytest.raises(ConfigError) as error:
        load()
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MWANGA_COMPNAY", "MWANGA_COMPNAY: there is no such setting: did you mean MWANGA_COMPANY?"),
        (
            "MWANGA_SECRTE_KEY_FILE",
            "MWANGA_SECRTE_KEY_FILE: there is no such setting: did you mean MWANGA_SECRET_KEY_FILE?",
        ),
        ("MWANGA_QQQQQ", "MWANGA_QQQQQ: there is no such setting."),
    ],
)
def test_a_variable_that_is_no_setting_is_an_error(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(ConfigError) as error:
        load()
    assert str(error.value) == said


def test_everything_that_is_misspelt_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    write("mwanga.toml", "compnay = 'x'\nprot = 1\n")
    monkeypatch.setenv("MWANGA_HSOT", "::1")
    with pytest.raises(ConfigError) as error:
        load()
    assert len(str(error.value).splitlines()) == 3


def test_a_secret_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("key", f"{KEY}\n")
    monkeypatch.setenv("MWANGA_SECRET_KEY_FILE", str(file))
    monkeypatch.setenv("MWANGA_DATABASE_FILE", str(write("address", "postgres://m:p@h/m\n")))
    config = load()
    assert config.secret_key.get_secret_value() == KEY
    assert config.database == "postgres://m:p@h/m"
    monkeypatch.delenv("MWANGA_SECRET_KEY_FILE")
    write("mwanga.toml", f'secret_key_file = "{file}"\n')
    assert load().secret_key.get_secret_value() == KEY


def test_a_secret_is_read_from_a_credential_of_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    write("credentials/secret_key", KEY)
    write("credentials/tls.crt", "of somebody else")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "credentials")
    assert load().secret_key.get_secret_value() == KEY
    monkeypatch.setenv("MWANGA_SECRET_KEY_FILE", str(write("key", OTHER)))
    assert load().secret_key.get_secret_value() == OTHER  # what stands nearer to the command counts
    write("credentials/secretkey", KEY)
    with pytest.raises(ConfigError, match=r"The credential secretkey is no setting: did you mean secret_key\?"):
        load()


def test_a_secret_that_is_given_twice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_SECRET_KEY_FILE", str(write("key", KEY)))
    monkeypatch.setenv("MWANGA_SECRET_KEY", OTHER)
    with pytest.raises(ConfigError, match="MWANGA_SECRET_KEY_FILE and MWANGA_SECRET_KEY are both given: keep one"):
        load()
    monkeypatch.delenv("MWANGA_SECRET_KEY")
    monkeypatch.delenv("MWANGA_SECRET_KEY_FILE")
    write("mwanga.toml", f'secret_key = "{KEY}"\nsecret_key_file = "key"\n')
    with pytest.raises(ConfigError, match="secret_key_file and secret_key are both given"):
        load()


def test_a_file_of_a_secret_that_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_SECRET_KEY_FILE", "/nowhere/key")
    with pytest.raises(ConfigError, match="MWANGA_SECRET_KEY_FILE: /nowhere/key cannot be read: No such file"):
        load()


def test_what_is_no_secret_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_COMPANY_FILE", "company")
    with pytest.raises(ConfigError, match="MWANGA_COMPANY_FILE: there is no such setting"):
        load()


@pytest.mark.parametrize(
    ("word", "meant"), [("prot", "port"), ("port", "port"), ("abc", None), ("companyname", None), ("", None)]
)
def test_only_what_is_near_is_meant(word: str, meant: str | None) -> None:
    assert find_close(word, ["port", "company"]) == meant


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[[rules]]\ngateway = ['kannel']", "MWANGA_RULES: a rule has no gateway: did you mean gateways?"),
        (
            "[[rules]]\nnetwrok = '64004'\ngateways = ['x']",
            "MWANGA_RULES: a rule has no netwrok: did you mean network?",
        ),
    ],
)
def test_a_key_of_a_rule_that_is_none_is_an_error(table: str, said: str) -> None:
    write("mwanga.toml", table)
    with pytest.raises(ConfigError) as error:
        load()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("calbacks = 'form'", "gateways.pwani.calbacks: there is no such key: did you mean callbacks?"),
        ("[gateways.pwani.send]\nurll = 'x'", "gateways.pwani.send.urll: there is no such key: did you mean url?"),
        (
            "[gateways.pwani.incoming]\nform = 'x'",
            "gateways.pwani.incoming.form: there is no such key: did you mean from?",
        ),
    ],
)
def test_a_key_of_a_gateway_that_is_none_is_an_error(line: str, said: str) -> None:
    write("mwanga.toml", f"[gateways.pwani]\n{line}")
    assert said in load().described[1]


@pytest.mark.parametrize("how", ["environment", "file", "credential"])
def test_a_gateway_of_ones_own_takes_its_secrets_as_settings_do(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under any name, one that begins like ours too."""
    name = "MWANGA_PWANI_KEY"
    rest = 'callbacks = "form"\nsend = { url = "https://p.example.org", form = { to = "{phone}", text = "{text}" } }'
    write("mwanga.toml", f'[gateways.pwani]\nsecret = "${{{name}}}"\n{rest}\n')
    assert "gateways.pwani.secret: the environment has no MWANGA_PWANI_KEY." in load().described[1]
    if how == "environment":
        monkeypatch.setenv(name, KEY)
    elif how == "file":
        monkeypatch.setenv(f"{name}_FILE", str(write("key", f"{KEY}\n")))
    else:
        write(f"credentials/{name}", KEY)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", "credentials")
    good, problems = load().described
    assert problems == [] and good["pwani"].secret.get_secret_value() == KEY
