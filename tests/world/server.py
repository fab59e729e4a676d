"""The real server for a test: as a process that can be stopped and killed, or inside the test's own loop.

Both talk with an Africa's Talking emulator that lives in the test, so it outlives a killed server.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.test_utils import TestServer

from bot.app import build_app
from bot.config import load
from bot.runtime import Database
from bot.server import SERVER, Server
from models.sql import execute
from tests.emulators.africastalking import API_KEY, USERNAME, Emulator, Session
from tests.world.handling import handled
from tests.world.menus import way
from tests.world.people import PEOPLE
from tests.world.ports import free_port
from tests.world.reminded import AT_ANY_HOUR, leave_nothing_due, mark_reminded

ROOT = Path(__file__).resolve().parent.parent.parent  # tests are no installed package
LISTENING = "Mwanga listens"
SECRET = "demo"
PATIENCE_S = 60.0  # a busy machine may take long, above all to import everything
STOP_S = 10.0  # design: a clean stop takes less
TICK_S = 0.1


class ServerProcess:
    """`python -m bot serve` on a free port, or another module. Within `async with` it runs; afterwards it has stopped.

    Its port stays the same over restarts, so that callbacks find it again. `log` is what it wrote to standard error.
    """

    def __init__(
        self, database: str, emulator: Emulator | None = None, *, module: str = "bot", **settings: object
    ) -> None:
        self._module = module
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = ""
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        given = {"database": database, "port": self.port, "africastalking_api_key": API_KEY}
        given |= AT_ANY_HOUR | settings  # what is sent does not depend on the time of day
        if emulator:
            given |= {"africastalking_url": emulator.url, "africastalking_username": USERNAME}
            emulator.callbacks = f"{self.address}/gateways/africastalking/{SECRET}"
        self._environment = (
            os.environ
            | {"PYTHONPATH": str(ROOT)}
            | {f"MWANGA_{name.upper()}": str(value) for name, value in given.items()}
        )

    async def start(self) -> None:
        """Start it and wait until it says that it listens. Raises AssertionError with its log when it ends."""
        if self._process is None:
            await mark_reminded(self._environment["MWANGA_DATABASE"])
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self._module, "serve"),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read_log(process))
        assert process.stdout
        async with asyncio.timeout(PATIENCE_S):
            while line := await process.stdout.readline():
                if LISTENING in line.decode():
                    return
            await self._ended()
        raise AssertionError(f"the server did not start:\n{self.log[-4000:]}")

    async def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        await self._end(signal.SIGKILL)

    async def stop(self, within: float = PATIENCE_S) -> int:
        """SIGTERM: its exit code. Raises TimeoutError when it takes longer. A machine that stands still for seconds,
        and the server with it, has them count as one tick."""
        ending = asyncio.create_task(self._end(signal.SIGTERM))
        for _tick in range(round(within / TICK_S)):
            await asyncio.wait({ending}, timeout=TICK_S)
            if ending.done():
                return ending.result()
        ending.cancel()
        raise TimeoutError

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end of the block: meanwhile it does nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    async def get(self, path: str) -> str:
        """The body of one of its pages."""
        async with aiohttp.ClientSession(self.address) as client, client.get(path) as response:
            assert response.status == 200, path
            return await response.text()

    async def shows(self, path: str, words: str) -> None:
        """Look at a page until it has these words; some counts follow the answer by a moment."""
        async with asyncio.timeout(PATIENCE_S):
            while words not in await self.get(path):
                pass

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if error is None:
            code = await self.stop()
            assert code == 0, self.log[-4000:]
        else:
            await self.kill()

    async def _end(self, how: signal.Signals) -> int:
        assert self._process
        self._process.send_signal(how)
        return await self._ended()

    async def _ended(self) -> int:
        assert self._process and self._reading
        code = await self._process.wait()
        await self._reading
        self._process = None
        return code

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        while some := await process.stderr.read(65_536):
            self.log += some.decode()


# What callers send stands in aiohttp's access log, bytes that are no text too, which pytest-xdist cannot carry. The
# program itself keeps none.
logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


@dataclass
class Serving:
    """A whole server within the test's loop, and the emulator that it sends to."""

    mwanga: Server
    emulator: Emulator
    client: aiohttp.ClientSession

    async def rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """What is committed."""
        return await execute(self.mwanga.database.client, statement, values)

    async def handled(self) -> None:
        """Wait until nothing waits in the inbox."""
        await handled(self.mwanga)

    def metric(self, name: str, **labels: str) -> float:
        return self.mwanga.metrics.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def serving(database: str, **settings: object) -> AsyncIterator[Serving]:
    """The application behind a real port, within this loop: its parts can be looked at and broken."""
    await leave_nothing_due(database)
    async with Emulator() as emulator:
        port = free_port()  # known before, for the addresses that the server tells
        given = {"database": database, "africastalking_url": emulator.url, "africastalking_username": USERNAME}
        # Many tests give the demo world a public address, to see what is told to others.
        given |= {"africastalking_api_key": API_KEY, "port": port, "demo_in_public": True}
        given |= AT_ANY_HOUR  # what is sent does not depend on the time of day
        app = build_app(load(**given | settings))
        async with TestServer(app, port=port) as server, aiohttp.ClientSession(server.make_url("/")) as client:
            emulator.callbacks = str(server.make_url(f"/gateways/africastalking/{SECRET}"))
            yield Serving(app[SERVER], emulator, client)


async def query(url: str, statement: str, *values: object) -> list[dict[str, Any]]:
    """What is committed in a database that a server may be using."""
    async with Database(url) as database:
        return await execute(database.client, statement, values)


async def chosen(emulator: Emulator, name: str, label: str) -> Session:
    """A dialled session in which this line of the menu was chosen."""
    session = await emulator.dial(PEOPLE[name])

    async def enter(keys: str) -> str:
        return (await session.enter(keys)).text

    await enter((await way(session.text, label, enter))[-1])
    return session


async def dialled(emulator: Emulator, name: str, label: str, *answers: str) -> str:
    """Dial the code, choose this line of the menu, and answer the screens behind it: the last screen's text."""
    session = await chosen(emulator, name, label)
    for answer in answers:
        await session.enter(answer)
    return session.text
