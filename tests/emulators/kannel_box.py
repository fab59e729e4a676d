"""Debian's Kannel with its own SMSC emulator: the documents' kannel.conf on free ports, in a folder of the test."""

import asyncio
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote, unquote_to_bytes

from tests.project.pages import GATEWAYS
from tests.world.ports import free_port

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
INSTALLED = bool(shutil.which("bearerbox") and shutil.which("smsbox") and FAKESMSC.exists())
SENDER = "15054"
UNROUTED = "+254"  # numbers that no SMSC of ours takes
WITHIN_S = 60.0  # fakesmsc's side of bearerbox looks for a new client every 10 s

# fakesmsc shows a line for each line that it gets: `from to [udh HEADER] text|data|ucs-2 BODY`; a text with line breaks
# goes on in the next ones.
SHOWN = re.compile(r"Got message \d+: <(.*)>$")
MESSAGE = re.compile(r"(\S+) (\S+) (?:udh (\S+) )?(text|data|ucs-2) (.*)")


class Message(NamedTuple):
    """What a phone got. `part` is (reference, count, number) of one of several, by 3GPP TS 23.040 9.2.3.24.1."""

    phone: str
    text: str
    part: tuple[int, ...] = ()


class KannelBox:
    """After `configure` and within `async with`: bearerbox, smsbox, and a fakesmsc that is all phones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sendsms, self._smsc, self._smsbox, self._admin = (free_port() for _ in range(4))
        self.settings = {
            "kannel_url": f"http://127.0.0.1:{self._sendsms}/cgi-bin/sendsms",
            "kannel_username": "mwanga",
            "kannel_password": "a password: 100 %",
            "kannel_sender": SENDER,
            "kannel_secret": "kannel's secret/100%",
        }
        self.messages: list[Message] = []
        self._taken = 0  # texts that fakesmsc has handed to bearerbox
        self._changed = asyncio.Condition()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._reading: asyncio.Task[None] | None = None

    def configure(self, ours: int, changes: Mapping[str, str]) -> None:
        """Write the kannel.conf of the documents with ports and folders of this test, for Mwanga at port `ours`;
        `changes` are patterns and what to write in their place."""
        smsc = f'group = smsc\nsmsc = fake\nsmsc-id = fake\nport = {self._smsc}\ndenied-prefix = "{UNROUTED}"\n'
        exchanged = {
            r"group = smsc\n.*?\n(?=\n)": f"{smsc}connect-allow-ip = 127.0.0.1\n",
            "13000": str(self._admin),
            "13001": str(self._smsbox),
            "13013": str(self._sendsms),
            "127.0.0.1:8080": f"127.0.0.1:{ours}",
            "/SECRET/": f"/{quote(self.settings['kannel_secret'], safe='').replace('%', '%%')}/",
            "CHANGE-ME": self.settings["kannel_password"],
            "http-queue-delay = 10": "http-queue-delay = 1",
            "/var/(spool|log)/kannel/": f"{self._folder}/",
        }
        conf = _of_the_docs()
        for old, new in {**exchanged, **changes}.items():
            conf, found = re.subn(old, new.replace("\\", r"\\"), conf, flags=re.DOTALL)
            assert found, f"{old} is not in the kannel.conf of docs/gateways.md"
        (self._folder / "kannel.conf").write_text(conf)
        for name in ("store", "dlr"):
            (self._folder / name).mkdir()

    async def __aenter__(self) -> Self:
        try:
            await self.start_bearerbox()
            await self.start_phones()
            await self.start_smsbox()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        for name in ("smsbox", "bearerbox", "fakesmsc"):  # the last one ends when it has shown all
            if name in self._processes:
                await self.stop(name)

    async def start_bearerbox(self) -> None:
        await self._start("bearerbox", "-v", "2", "kannel.conf")
        await self._listens(self._smsc)

    async def start_smsbox(self) -> None:
        await self._start("smsbox", "-v", "2", "kannel.conf")
        await self._listens(self._sendsms)

    async def start_phones(self) -> None:
        """Without a message on its command line, fakesmsc reads them from its standard input."""
        await self._start("fakesmsc", "-H", "127.0.0.1", "-r", str(self._smsc), "-i", "0.01", program=str(FAKESMSC))
        self._reading = asyncio.create_task(self._read())

    async def stop(self, name: str, *, kill: bool = False) -> None:
        """Stop one of the three; 10 s at most, or at once."""
        process = self._processes.pop(name)
        if process.returncode is None:
            process.kill() if kill else process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        if name == "fakesmsc" and self._reading:
            await self._reading
        if process.stdin:
            process.stdin.close()

    async def text(self, phone: str, body: str, kind: str = "text") -> None:
        """Somebody texts. Kannel's fake SMSC takes `text` in a line, `ucs2` as percent-encoded UTF-16BE."""
        if kind == "ucs2":
            body = "".join(f"%{byte:02x}" for byte in body.encode("utf-16-be"))
        stdin = self._processes["fakesmsc"].stdin
        assert stdin
        before = self._taken
        stdin.write(f"{phone.removeprefix('+')} {SENDER} {kind} {body}\n".encode())
        async with asyncio.timeout(WITHIN_S), self._changed:
            await self._changed.wait_for(lambda: self._taken > before)

    async def wait_for(self, count: int) -> list[Message]:
        """All that phones got, once it is so much; a part is one. Raises TimeoutError."""
        async with asyncio.timeout(WITHIN_S), self._changed:
            await self._changed.wait_for(lambda: len(self.messages) >= count)
        return list(self.messages)

    async def read(self, phone: str, pattern: str) -> re.Match[str]:
        """The first text to this phone in which the pattern is found, once it is there. Raises TimeoutError."""

        def found() -> re.Match[str] | None:
            texts = (message.text for message in self.messages if message.phone == phone)
            return next((match for text in texts if (match := re.search(pattern, text, re.DOTALL))), None)

        async with asyncio.timeout(WITHIN_S), self._changed:
            match = await self._changed.wait_for(found)
        assert match
        return match

    def logs(self) -> str:
        """All that Kannel wrote down."""
        return "".join(file.read_text(errors="replace") for file in sorted(self._folder.glob("*.log")))

    async def _start(self, name: str, *arguments: str, program: str = "") -> None:
        pipe = asyncio.subprocess.PIPE
        with (self._folder / f"{name}.out.log").open("ab") as out:
            self._processes[name] = await asyncio.create_subprocess_exec(
                program or name,
                *arguments,
                cwd=self._folder,
                stdin=pipe if program else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=pipe if program else out,
                start_new_session=True,  # at its end smsbox ends its whole process group
            )

    async def _listens(self, port: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not _is_listening(port):
                assert all(process.returncode is None for process in self._processes.values()), self.logs()
                await asyncio.sleep(0.05)

    async def _read(self) -> None:
        stream = self._processes["fakesmsc"].stderr
        assert stream
        while line := await stream.readline():
            said = line.decode(errors="replace").rstrip("\n")
            async with self._changed:
                if shown := SHOWN.search(said):
                    self._got(shown[1])
                self._taken += "fakesmsc: sent message" in said
                self._changed.notify_all()

    def _got(self, line: str) -> None:
        if message := MESSAGE.fullmatch(line):
            _sender, phone, header, kind, body = message.groups()
            part = tuple(unquote_to_bytes(header.replace("+", " "))[3:]) if header else ()
            self.messages.append(Message(phone, _decoded(kind, body), part))
        else:
            last = self.messages[-1]
            self.messages[-1] = last._replace(text=f"{last.text}\n{line}")


def _is_listening(port: int) -> bool:
    """By Linux's table of sockets. Whoever connects to see it is an SMSC's phones to bearerbox, which hands them what
    waits in its store, and takes it for delivered."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def joined(parts: list[Message]) -> str:
    """The text of a message that came in parts, in whatever order."""
    [(_reference, count)] = {part.part[:2] for part in parts}
    assert len(parts) == count
    data = b"".join(part.text.encode("latin-1") for part in sorted(parts, key=lambda part: part.part))
    return data.decode("utf-16-be" if b"\0" in data else "utf-8")


def _decoded(kind: str, body: str) -> str:
    """The text; that of a part has a character for each byte, since its coding is not shown."""
    if kind == "text":
        return body
    return unquote_to_bytes(body.replace("+", " ")).decode("utf-16-be" if kind == "ucs-2" else "latin-1")


def _of_the_docs() -> str:
    block = re.search(r"```ini\n(group = core\n.*?)```", GATEWAYS.read_text(), re.DOTALL)
    assert block
    return block[1]
