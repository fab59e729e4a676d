"""Gateways that die, hang, refuse, are late and report in any order, for as long as a test wants them to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Self

import aiohttp
from aiohttp import web

from tests.africastalking_emulator import Answer, Emulator
from tests.phone_clock import Clock
from tests.smsgate_phone import Phone
from tests.smsgate_radio import Sms

SPEED = 50  # the app's own waits pass so many times as fast as the server's


@dataclass(frozen=True)
class Carried:
    phone: str
    text: str


class Kannel:
    """A sendsms box on loopback. Calm, it takes all and reports each message as delivered.

    What it swallows without a word it swallows once: a gateway that does so twice loses a message for good, which
    the office then reads as "it may have taken it".
    """

    def __init__(self, random: Random) -> None:
        self.messages: list[Carried] = []
        self.callbacks = ""
        self.calm = True
        self._random = random
        self._swallowed: set[str] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._reporting: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/cgi-bin/sendsms"

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        await self.lives()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._reporting, return_exceptions=True)
        await self.dies()
        await self._client.close()

    async def lives(self) -> None:
        """It listens, on the port that it had."""
        if self._runner is None:
            app = web.Application()
            app.router.add_post("/cgi-bin/sendsms", self._take)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
            self._port = self._runner.addresses[0][1]
            self._gone = asyncio.Event()

    async def dies(self) -> None:
        """Whoever connects is refused, whoever waits is cut off."""
        if self._runner:
            runner, self._runner = self._runner, None
            self._gone.set()
            await runner.cleanup()

    async def sms(self, number: str, sender: str, text: str) -> int:
        """Somebody texts us. Returns the HTTP status."""
        query = {"id": number, "from": sender, "to": "15054", "text": text, "charset": "UTF-8", "coding": "0"}
        async with self._client.get(f"{self.callbacks}/sms", params=query) as response:
            return response.status

    async def _take(self, request: web.Request) -> web.Response:
        sms = Carried(request.headers["X-Kannel-To"], await request.text())
        fate = "take" if self.calm else self._random.choices(FATES, WEIGHTS)[0]
        if fate == "swallow" and sms.text in self._swallowed:
            fate = "take"
        if fate == "fault":
            return web.Response(status=500)
        if fate == "swallow":
            self._swallowed.add(sms.text)
        else:
            self.messages.append(sms)
            task = asyncio.create_task(self._report(request.headers["X-Kannel-DLR-Url"]))
            self._reporting.add(task)
            task.add_done_callback(self._reporting.discard)
        if fate in ("hang", "swallow"):
            await self._gone.wait()
            if request.transport:
                request.transport.close()
        if fate == "late":
            await asyncio.sleep(self._random.uniform(0.05, 0.2))
        return web.Response(status=202, text="0: Accepted for delivery")

    async def _report(self, url: str) -> None:
        states = ["1"] if self.calm else self._random.choice((["1", "8", "1"], ["8", "1"], ["8"], []))
        for state in states:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._client.get(url.replace("%d", state)):
                    pass


FATES = ("take", "fault", "late", "hang", "swallow")
WEIGHTS = (70, 10, 10, 6, 4)

# Of what may have been taken the emulator takes all, so that no message is swallowed twice.
AFRICASTALKING = (
    *(Answer(),) * 12,
    *(Answer(http=500),) * 2,
    *(Answer(http=500, page="<h1>Sorry</h1>"), Answer(code=500), Answer(code=501), Answer(http=429)),
    *(Answer(hang=True, taken=True), Answer(cut=True, taken=True), Answer(page="<h1>?</h1>", taken=True)),
)
REPORTS = (("Success",), ("Success", "Sent", "Success"), ("Sent", "Success"), ())


class Trouble:
    """What happens to the three gateways while a test goes on."""

    def __init__(self, africastalking: Emulator, kannel: Kannel, phone: Phone, random: Random) -> None:
        self._africastalking, self._kannel, self._phone = africastalking, kannel, phone
        self._random = random
        self._over = False

    @asynccontextmanager
    async def everywhere(self) -> AsyncIterator[None]:
        """Within, all of it; afterwards all are well again."""
        self._kannel.calm = False
        self._phone.radio.refuses = self._no_service
        going = asyncio.create_task(self._go_on())
        yield
        self._over = True
        await going
        await self._end()

    async def _go_on(self) -> None:
        while not self._over:
            at = self._africastalking
            at.answer(self._random.choice(AFRICASTALKING))
            at.reports, at.reports_first = self._random.choice(REPORTS), self._random.random() < 0.5
            at.delay = self._random.choice((0, 0, 0, 0.1))
            orders = (("sms:sent", "sms:delivered"), ("sms:delivered", "sms:sent", "sms:delivered"), ("sms:sent",) * 2)
            self._phone.reports.webhooks = self._random.choice(orders)
            match self._random.randrange(24):
                case 0:
                    await self._kannel.dies()
                case 1 | 2:
                    await self._kannel.lives()
                case 3:
                    await self._phone.goes_offline()
                case 4 | 5:
                    await self._phone.comes_online()
                case 6:
                    await self._phone.reboots()
            await asyncio.sleep(self._random.uniform(0.02, 0.08))

    async def _end(self) -> None:
        at = self._africastalking
        at._answers.clear()
        at.reports, at.reports_first, at.delay = ("Success",), False, 0
        self._kannel.calm = True
        await self._kannel.lives()
        self._phone.radio.refuses = lambda _sms: ""
        self._phone.reports.webhooks = ("sms:sent", "sms:delivered")
        await self._phone.comes_online()
        await self._phone.reboots()

    def _no_service(self, _sms: Sms) -> str:
        return "RESULT_ERROR_NO_SERVICE" if self._random.random() < 0.1 else ""


async def passing(clock: Clock) -> None:
    """The app's time passes, faster than ours."""
    while True:
        await asyncio.sleep(0.02)
        await clock.forward(0.02 * SPEED)
