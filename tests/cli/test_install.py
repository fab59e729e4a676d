"""docs/install.md, "Go live in 30 minutes", followed to the letter in a folder that stands for the machine: each
command is run, and what the guide says that one sees has to be seen.

Real are the `mwanga` command, the files that it writes, its server, and nginx in front of it. `systemctl` does here
what the units say, `certbot` makes a certificate of its own, and what `apt`, `adduser` and `pip` would bring is here.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.places import program
from tests.world.nginx import NAME, NGINX, nginx_of
from tests.world.ports import free_port
from tests.world.server import ROOT

pytestmark = pytest.mark.slow
GUIDE = (ROOT / "docs/install.md").read_text()
STEP = re.compile(r"^### (\d)\. .+$", re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
OF_MACHINE = re.compile(r"(?<![\w.}])/(?=(?:etc|opt|var/lib|usr/local)/)")  # a path that begins at the root
BROUGHT = ("apt ", "adduser ", "/opt/mwanga/venv/bin/pip ")  # what they bring is here already


def steps() -> list[list[tuple[str, list[str]]]]:
    """The commands of each step, each with the lines that one should see."""
    part = GUIDE.partition("## Go live in 30 minutes")[2].partition("\n## ")[0]
    found: list[list[tuple[str, list[str]]]] = []
    for text in STEP.split(part)[2::2]:
        commands: list[tuple[str, list[str]]] = []
        for line in "".join(CONSOLE.findall(text)).splitlines():
            if line.startswith("# "):
                commands.append((line.removeprefix("# "), []))
            else:
                commands[-1][1].append(line)
        found.append(commands)
    return found


class Machine:
    """A folder with what a server has in /etc, /opt, /usr/local and /var/lib, and the processes that it runs."""

    def __init__(self, root: Path) -> None:
        self.root, self.port, self.web, self.tls = root, free_port(), free_port(), free_port()
        self.config = root / "etc/mwanga/mwanga.toml"
        self._running: list[subprocess.Popen[bytes]] = []
        self._prepare()

    def _prepare(self) -> None:
        for name in ("etc/nginx/sites-available", "etc/nginx/sites-enabled", "opt", "usr/local/bin", "tools"):
            (self.root / name).mkdir(parents=True)
        self._tool("runuser", 'shift 3; exec "$@"')
        reach = f"--connect-to {NAME}:443:127.0.0.1:{self.tls} --connect-to 127.0.0.1:8080:127.0.0.1:{self.port}"
        self._tool("curl", f'exec /usr/bin/curl {reach} --cacert {self.root}/{NAME}.crt "$@"')
        self._tool("nginx", f'exec {NGINX} -c {self.root}/nginx.conf "$@"')

    def _tool(self, name: str, script: str) -> None:
        file = self.root / "tools" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    @property
    def typed(self) -> dict[str, str]:
        """What is typed where a command asks."""
        database = f"sqlite://{self.root}/var/lib/mwanga/mwanga.db"
        return {
            "mwanga init": f"Umeme Jua\n\n\n\n\n+255700000000\nhttps://{NAME}\n{database}\nphones\n",
            "mwanga admin": "long enough to keep\n",
            "mwanga agent": "730582\n",
        }

    def do(self, command: str) -> str:
        """Run a command of the guide: what it says."""
        if command.startswith(BROUGHT):
            return ""
        if command.startswith("systemctl "):
            return self._systemctl(command.split()[1:])
        if command.startswith("python3 -m venv"):
            return self._venv()
        if command.startswith("certbot "):
            return ""  # nginx_of makes one
        if command == "nginx -t":
            self._put_nginx_around()
        said = self._run(self._here(command), next((text for of, text in self.typed.items() if of in command), ""))
        self._point_here()
        return said

    def _here(self, command: str) -> str:
        command = command.replace("THE-ADDRESS-OF-THE-REPOSITORY", str(ROOT)).replace(" -o mwanga -g mwanga", "")
        return OF_MACHINE.sub(f"{self.root}/", re.sub(r"--write /$", f"--write {self.root}", command))

    def _run(self, command: str, typed: str = "") -> str:
        path = f"{self.root}/tools:{self.root}/usr/local/bin:{os.environ['PATH']}"
        known = {"MWANGA_CONFIG": str(self.config)} if self.config.exists() else {}  # /etc/mwanga is looked at anyway
        done = subprocess.run(
            ["bash", "-c", command],
            env={"PATH": path, "HOME": str(self.root), "PYTHONPATH": str(ROOT)} | known,
            cwd=self.root,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def _venv(self) -> str:
        folder = self.root / "opt/mwanga/venv/bin"
        folder.mkdir(parents=True)
        (folder / "mwanga").write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n')
        (folder / "mwanga").chmod(0o755)
        return ""

    def _point_here(self) -> None:
        """Files that were written name the folders of a machine: here they are elsewhere."""
        written = [*self.root.glob("etc/systemd/system/*"), self.root / "usr/local/bin/mwanga"]
        for file in filter(Path.is_file, written):
            text = file.read_text().replace(str(program()), "/opt/mwanga/venv/bin/mwanga")
            text = text.replace("/usr/sbin/runuser", str(self.root / "tools/runuser"))
            file.write_text(re.sub(rf"(?<![\w.}}])/(?=(?:etc|opt|var/lib)/)(?!{self.root})", f"{self.root}/", text))

    def _systemctl(self, words: list[str]) -> str:
        match words:
            case ["enable", "--now", "mwanga"]:
                self._start(self._unit("mwanga.service", "ExecStart")[0])
            case ["start", "mwanga-backup"]:
                for key in ("ExecStartPre", "ExecStart", "ExecStartPost"):
                    for line in self._unit("mwanga-backup.service", key):
                        self._run(f"umask 0077; {line.replace('$$', '$').replace('%%', '%')}")
            case ["reload", "nginx"]:
                self._run("nginx")  # it listens when this comes back
        return ""

    def _unit(self, name: str, key: str) -> list[str]:
        lines = (self.root / "etc/systemd/system" / name).read_text().splitlines()
        return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]

    def _start(self, command: str) -> None:
        environment = dict(line.split("=", 1) for line in self._unit("mwanga.service", "Environment"))
        environment |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MWANGA_PORT": str(self.port)}
        self._running.append(subprocess.Popen(["bash", "-c", f"umask 0077; exec {command}"], env=environment))

    def _put_nginx_around(self) -> None:
        site = (self.root / "etc/nginx/sites-enabled/mwanga").read_text()
        site = site.replace("listen 80;", f"listen 127.0.0.1:{self.web};").replace("    listen [::]:80;\n", "")
        site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.tls} ssl;").replace(
            "    listen [::]:443 ssl;\n", ""
        )
        nginx_of(self.root, site.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}"))

    def stop(self) -> list[int]:
        """End what still runs: the exit codes of its servers. nginx, which is there after the server alone, takes its
        file away when it has ended, a moment after it was told."""
        running, self._running = self._running, []
        for process in running:
            process.terminate()
        if running and (self.root / "nginx.pid").exists():
            self._run("nginx -s stop")
        return [process.wait(30) for process in running]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if not NGINX or not shutil.which("curl"):
        pytest.skip("nginx or curl is not here")
    found = Machine(tmp_path / "machine")
    yield found
    found.stop()


def sees(line: str, said: str) -> bool:
    """Whether a line is there, whatever the time is."""
    pattern = re.sub(r"\d+", r"\\d+", re.escape(line)) if re.search(r"\d{4}-\d\d", line) else re.escape(line)
    return re.search(pattern, said) is not None


def test_the_guide_has_eight_steps_and_each_says_what_one_sees() -> None:
    assert STEP.findall(GUIDE) == [str(number) for number in range(1, 9)]
    for number, commands in enumerate(steps(), 1):
        assert number == 1 or any(seen for _command, seen in commands), f"step {number}"


def test_the_guide_is_followed_to_the_letter(machine: Machine) -> None:
    for command, seen in [each for commands in steps() for each in commands]:
        said = machine.do(command).replace(str(machine.root), "").replace("/nginx.conf", "/etc/nginx/nginx.conf")
        for line in seen:
            assert sees(line, said), (command, line, said)
    check_proxy(machine)
    files = [file for name in ("etc/mwanga", "var/lib/mwanga") for file in (machine.root / name).rglob("*")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files if file.is_file()} == {0o600}
    assert machine.do("mwanga check") == "All is well.\n"
    assert machine.stop() == [0]


def check_proxy(machine: Machine) -> None:
    """What nginx does for the server behind it."""
    https = f"https://{NAME}"
    head = "curl --silent --head --header 'Accept-Encoding: gzip'"
    page = machine.do(f"curl --silent --dump-header - --output /dev/null --compressed {https}/login").lower()
    assert "200" in page.splitlines()[0] and re.search("content-encoding: (gzip|deflate)", page)
    assert "strict-transport-security: max-age=" in page
    assert machine.do(f"{head} {https}/ready").startswith("HTTP/1.1 404")
    code = "curl --silent --output /dev/null --write-out '%{http_code} '"
    body = "head -c 70000 /dev/zero | "
    assert machine.do(f"{body}{code} --data-binary @- {https}/gateways/pwani/secret-of-the-path/sms") == "413 "
    plain = f"curl --silent --head --connect-to {NAME}:80:127.0.0.1:{machine.web} http://{NAME}/login"
    assert "location: https://mwanga.example.org/login" in machine.do(plain).lower()
    logged = "".join(file.read_text() for file in machine.root.glob("*.log"))
    assert "secret-of-the-path" not in logged
    # whoever guesses passwords by machine is held up before they reach the server
    assert "429" in machine.do(f"for n in $(seq 40); do {code} {https}/login; done")
