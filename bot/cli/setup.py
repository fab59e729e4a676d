"""`mwanga setup`: finished files for a real server, with the paths of this one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.cli.places import config_file, program
from bot.cli.prompt import fail, load_config
from bot.config import Config
from bot.runtime.addresses import connect_arguments, is_embedded, sqlite_file

USER = "mwanga"  # who runs it, and whose the data is
STATE = Path("/var/lib")
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates/setup"),
    autoescape=False,  # noqa: S701 - they are no HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Kind(StrEnum):
    SYSTEMD = "systemd"
    NGINX = "nginx"
    CADDY = "caddy"
    BACKUP = "backup"
    POSTGRES = "postgres"


@dataclass(frozen=True)
class Written:
    """A file, where it belongs, and what it says."""

    path: Path | None  # None: it is read by a program, and kept nowhere
    text: str
    mode: int = 0o644


def setup(
    kind: Annotated[Kind, typer.Argument(help="what the files are for")],
    write: Annotated[
        Path | None, typer.Option(help="write the files below this folder, / on the server, instead of printing them")
    ] = None,
) -> None:
    """Print finished files for a real server, or write them to their places."""
    files = MAKERS[kind](load_config())
    if write is None:
        for file in files:
            typer.echo((f"# {file.path}\n" if file.path else "") + file.text)
        return
    places = [(file, _below(write, file)) for file in files]
    if changed := [str(path) for file, path in places if path.exists() and path.read_text() != file.text]:
        fail(f"{', '.join(changed)}: there already, and different. Nothing is written: compare, and move yours away.")
    for file, path in places:
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            path.write_text(file.text)
            path.chmod(file.mode)
        except OSError as error:
            fail(f"{path} is not written: {error.strerror}.")
        typer.echo(f"Written: {path}")


def _below(folder: Path, file: Written) -> Path:
    if file.path is None:
        fail("This is read by a program: print it.")
    return folder / file.path.relative_to("/")


def _render(template: str, **values: Any) -> str:
    return _TEMPLATES.get_template(template).render(values)


def _systemd(config: Config) -> list[Written]:
    values = _of_service(config)
    return [
        Written(Path("/etc/systemd/system/mwanga.service"), _render("mwanga.service", **values)),
        Written(Path("/usr/local/bin/mwanga"), _render("mwanga.sh", **values), 0o755),
    ]


def _of_service(config: Config) -> dict[str, str]:
    """What units and the command that stands for them have in common. A server may write into its own folder, and into
    those that the operator names for copies."""
    folder = _data_folder(config)
    below = folder.relative_to(STATE) if folder.is_relative_to(STATE) and folder != STATE else None
    paths = (program(), config_file(config), folder)
    writable = f"StateDirectory={below}\nStateDirectoryMode=0700" if below else f"ReadWritePaths={folder}"
    if config.journal_folder:
        writable += f"\nReadWritePaths={config.journal_folder.absolute()}"
    if config.backup_folder:  # the - lets it start without: a disk for copies may be away
        writable += f"\nReadWritePaths=-{config.backup_folder.absolute()}"
    return {
        "user": USER,
        "program": str(program()),
        "config": str(config_file(config)),
        "writable": writable,
        "protect_home": "read-only" if any(path.is_relative_to("/home") for path in paths) else "yes",
    }


def _data_folder(config: Config) -> Path:
    if is_embedded(config.database) and config.file:
        return sqlite_file(config.database).absolute().parent
    return STATE / "mwanga"


def _nginx(config: Config) -> list[Written]:
    name = _public_name(config)
    folder = Path("/etc/letsencrypt/live") / name
    text = _render(
        "nginx.conf",
        name=name,
        upstream=_upstream(config),
        certificate=folder / "fullchain.pem",
        key=folder / "privkey.pem",
    )
    return [Written(Path("/etc/nginx/sites-available/mwanga"), text)]


def _caddy(config: Config) -> list[Written]:
    return [
        Written(
            Path("/etc/caddy/Caddyfile"), _render("Caddyfile", name=_public_name(config), upstream=_upstream(config))
        )
    ]


def _public_name(config: Config) -> str:
    parts = urlsplit(config.public_url)
    if parts.scheme != "https" or not parts.hostname:
        fail("MWANGA_PUBLIC_URL is to be set first: https:// and the name that the certificate is for.")
    return parts.hostname


def _upstream(config: Config) -> str:
    """Where the web server finds Mwanga on this machine."""
    everywhere = config.host in ("0.0.0.0", "::", "")  # noqa: S104 - not to listen there
    return f"127.0.0.1:{config.port}" if everywhere else urlsplit(config.own_address).netloc


def _backup(config: Config) -> list[Written]:
    embedded = is_embedded(config.database)
    told = {"password": "", "dump": ""} if embedded else _of_dump(config)
    values = _of_service(config) | told | {"folder": f"{_data_folder(config)}/backups"}
    units = Path("/etc/systemd/system")
    return [
        Written(units / "mwanga-backup.service", _render("mwanga-backup.service", embedded=embedded, **values)),
        Written(units / "mwanga-backup.timer", _render("mwanga-backup.timer")),
    ]


def _of_dump(config: Config) -> dict[str, str]:
    """The address for pg_dump, and what its file of passwords has to say: everybody may read a unit."""
    told = connect_arguments(config.database)
    parts = urlsplit(told["dsn"])
    address = f"postgresql://{told['user']}@{parts.netloc}/{told['database']}{'?' if parts.query else ''}{parts.query}"
    line = f"{parts.hostname or '*'}:{parts.port or '*'}:{told['database']}:{told['user']}:PASSWORD"
    return {"dump": address.replace("%", "%%"), "password": line if told["password"] else ""}


def _postgres(config: Config) -> list[Written]:
    address = "postgres://mwanga@/mwanga?host=/var/run/postgresql" if is_embedded(config.database) else config.database
    told = connect_arguments(address)
    role, database = _name(told["user"]), _name(told["database"])
    password = f" PASSWORD {_text(told['password'])}" if told["password"] else ""
    text = _render(
        "postgres.sql",
        create_role=_text(f"CREATE ROLE {role} LOGIN{password}"),
        create_database=_text(f"CREATE DATABASE {database} OWNER {role} ENCODING 'UTF8' TEMPLATE template0"),
        role_text=_text(told["user"]),
        database_text=_text(told["database"]),
        database=database,
        address=address,
    )
    return [Written(None, text)]


def _text(value: str) -> str:
    """As a text of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    """As a name of SQL."""
    return '"' + value.replace('"', '""') + '"'


MAKERS: dict[Kind, Callable[[Config], list[Written]]] = {
    Kind.SYSTEMD: _systemd,
    Kind.NGINX: _nginx,
    Kind.CADDY: _caddy,
    Kind.BACKUP: _backup,
    Kind.POSTGRES: _postgres,
}
