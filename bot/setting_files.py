"""Where settings come from beside the environment: `mwanga.toml`, files of one secret each, systemd's credentials."""

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bot.text.close import did_you_mean, find_close

PREFIX = "MWANGA_"
HERE, OF_SYSTEM = Path("mwanga.toml"), Path("/etc/mwanga/mwanga.toml")
CONFIG = f"{PREFIX}CONFIG"  # names the file
FILE = "_file"  # `secret_key_file` names a file that holds `secret_key`
REFERRED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")  # in the file, for what the environment has
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # where systemd puts what LoadCredential= names


class ConfigError(Exception):
    """The configuration is wrong; each line of the text names one setting and what it should be."""


def find_file(named: Path | None = None, *, of_system: bool = True) -> Path | None:
    """The configuration's file: the one that is named, that of MWANGA_CONFIG, mwanga.toml in the current folder, or the
    one `of_system`, the whole machine. Raises ConfigError when one is named that is not there."""
    if named or os.environ.get(CONFIG):
        file = named or Path(os.environ[CONFIG])
        if not _is_there(file):
            raise ConfigError(f"There is no file {file}. `mwanga init` writes one.")
        return file
    return next((file for file in (HERE, *([OF_SYSTEM] if of_system else [])) if _is_there(file)), None)


def _is_there(file: Path) -> bool:
    """Whether this user can see it: on a server, others than its own cannot look into /etc/mwanga."""
    try:
        return file.exists()
    except OSError:
        return False


def read_table(file: Path | None) -> dict[str, Any]:
    """What stands in the file. Raises ConfigError."""
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))  # Windows' editors put a mark before the first line
    except OSError as error:
        raise ConfigError(f"{file.resolve()} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{file.resolve()} cannot be read: {error}") from error


def list_secret_files(table: Mapping[str, Any], secrets: Collection[str]) -> dict[str, tuple[Path, str]]:
    """Which of the settings `secrets` are given by files of their own, and by what: by systemd, by the table's keys
    `…_file`, by MWANGA_…_FILE; what comes later wins. Raises ConfigError."""
    files = _list_credentials(secrets)
    for name in secrets:
        key, variable = name + FILE, _variable(name + FILE)
        if key in table:
            files[name] = (Path(str(table[key])), key)
        if variable in os.environ:
            files[name] = (Path(os.environ[variable]), variable)
    _check_given_once(table, files)
    return files


def read_secrets(files: Mapping[str, tuple[Path, str]]) -> dict[str, str]:
    """What the files hold, without the end of the line. Raises ConfigError."""
    return {name: _read_secret(*file) for name, file in files.items()}


def _list_credentials(secrets: Collection[str]) -> dict[str, tuple[Path, str]]:
    folder = os.environ.get(CREDENTIALS)
    paths = [Path(folder) / name for name in secrets] if folder else []
    return {path.name: (path, f"the credential {path.name}") for path in paths if path.exists()}


def _check_given_once(table: Mapping[str, Any], files: Mapping[str, tuple[Path, str]]) -> None:
    for name, (_file, place) in files.items():
        if _variable(name) in os.environ or (name in table and not place.startswith(PREFIX)):
            other = _variable(name) if _variable(name) in os.environ else name
            raise ConfigError(f"{place} and {other} are both given: keep one.")


def _read_secret(file: Path, place: str) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{place}: {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{place}: {file} is no text.") from error


def look_up(name: str) -> str | None:
    """What the environment has under this name, or the file that NAME_FILE names, or a credential of systemd. Raises
    ConfigError for a file that cannot be read."""
    if name in os.environ:
        return os.environ[name]
    variable = name + FILE.upper()
    if variable in os.environ:
        return _read_secret(Path(os.environ[variable]), variable)
    credentials = _list_credentials([name])
    return _read_secret(*credentials[name]) if name in credentials else None


def find_unknown(table: Mapping[str, Any], names: Collection[str], secrets: Collection[str]) -> list[str]:
    """A sentence for each key of the file, variable of the environment and credential that is no setting."""
    known = {*names, *(name + FILE for name in secrets)}
    found = [f"mwanga.toml: {key} is no setting{did_you_mean(key, known)}" for key in table if key not in known]
    referred = REFERRED.findall(str(table))  # those of gateways of one's own may have any name
    variables = {*map(_variable, known), CONFIG, *referred, *(name + FILE.upper() for name in referred)}
    given = {name.upper(): name for name in os.environ if name.upper().startswith(PREFIX)}
    found += [
        f"{name}: there is no such setting{did_you_mean(upper, variables)}"
        for upper, name in given.items()
        if upper not in variables
    ]
    folder = Path(os.environ.get(CREDENTIALS, ""))
    others = [file.name for file in folder.glob("*") if file.name not in secrets] if folder.name else []
    # A unit may be given credentials for something else: only those are wrong that look like ours.
    near = {name: find_close(name, secrets) for name in others}
    return found + [
        f"The credential {name} is no setting: did you mean {meant}?" for name, meant in near.items() if meant
    ]


def is_in_environment(name: str) -> bool:
    """Whether the environment gives this setting, or names the file that holds it."""
    return bool({_variable(name), _variable(name + FILE)} & os.environ.keys())


def resolve_database(address: str, file: Path | None) -> str:
    """An address of a SQLite file, which is looked for beside the file that names it."""
    scheme, mark, path = address.partition("://")
    if scheme != "sqlite" or file is None or Path(path).is_absolute() or file.absolute().parent == Path.cwd():
        return address
    return f"{scheme}{mark}{file.absolute().parent / path}"


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
