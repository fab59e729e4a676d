"""Gateways that die, hang, refuse, are late and report in any order, for as long as a test wants them to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, Self

import aiohttp
from aiohttp import web

from tests.emulators.africastalking import Answer, Emulator
from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone
from tests.emulators.android.radio import Sms
from tests.emulators.listener import Listener

SPEED = 50  # the app's own waits pass so many times as fast as the server's
AS_LONG_AS_IT_TAKES = aiohttp.ClientTimeout(total=None)
HANG_S = 3.0  # then a request that hangs is cut off


class Carried(NamedTuple):
    phone: str
    text: str


# How often each happens in so many requests. After the last four nobody can know whether it was taken.
FATES = Counter(take=14, late=3, fault=2, busy=1, hang=1, swallow=1, cut=1, nonsense=1)
UNKNOWN = ("hang", "swallow", "cut", "nonsense")


@dataclass
class Doubts:
    """The messages that had an outcome which nobody knows, of all gateways. Each has one at the most: after a second
    the server leaves it to the office, which is right, but would say nothing of tokens that arrive. There are no new
    ones while they are not `allowed`."""

    messages: set[Carried] = field(default_factory=set)
    allowed: bool = True

    def may(self, sms: Carried) -> bool:
        """Whether this message may have one now, which it then has."""
        may = self.allowed and sms not in self.messages
        if may:
            self.messages.add(sms)
        return may


class Fate:
    """What becomes of each request of one gateway, dealt out as from a deck of cards; calm, it is taken."""

    def __init__(self, random: Random, doubts: Doubts) -> None:
        self.calm = True
        self.happened: set[str] = set()
        self._random, self._doubts = random, doubts
        self._deck: list[str] = []

    def of(self, sms: Carried) -> str:
        if self.calm:
            return "take"
        self._deck = self._deck or self._random.sample([*FATES], FATES.total(), counts=FATES.values())
        fate = self._deck.pop()
        if fate in UNKNOWN and not self._doubts.may(sms):
            self._deck.insert(-2, fate)  # another message gets it soon
            fate = "take"
        self.happened.add(fate)
        return fate


class Kannel:
    """A sendsms box on loopback. Calm, it takes all and reports each message as delivered."""

    def __init__(self, random: Random, doubts: Doubts) -> None:
        self.messages: list[Carried] = []
        self.callbacks = ""
        self.fate = Fate(random, doubts)
        self._random = random
        self._reports: list[str] = []
        self._reporting: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}/cgi-bin/sendsms"

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self._well = asyncio.Event()
        app = web.Application()
        app.router.add_post("/cgi-bin/sendsms", self._take)
        self.listener = Listener(app)
        await self.listener.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._well.set()
        await asyncio.gather(*self._reporting, return_exceptions=True)
        await self.listener.close()
        await self._client.close()

    async def sms(self, number: str, sender: str, text: str) -> int:
        """Somebody texts us. Returns the HTTP status."""
        query = {"id": number, "from": sender, "to": "15054", "text": text, "charset": "UTF-8", "coding": "0"}
        async with self._client.get(f"{self.callbacks}/sms", params=query) as response:
            return response.status

    async def reports_again(self) -> None:
        """Each message that it took was delivered, and it says so once more, in any order."""
        self._random.shuffle(self._reports)
        for url in self._reports:
            async with self._client.get(url.replace("%d", "1"), timeout=AS_LONG_AS_IT_TAKES) as response:
                response.raise_for_status()

    async def _take(self, request: web.Request) -> web.Response:
        sms = Carried(request.headers["X-Kannel-To"], await request.text())
        fate = self.fate.of(sms)
        if fate in ("fault", "busy"):
            return web.Response(status=500 if fate == "fault" else 429)
        if fate != "swallow":
            self.messages.append(sms)
            self._reports.append(request.headers["X-Kannel-DLR-Url"])
            task = asyncio.create_task(self._report(self._reports[-1]))
            self._reporting.add(task)
            task.add_done_callback(self._reporting.discard)
        if fate in ("hang", "swallow"):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._well.wait(), HANG_S)
        if fate in ("hang", "swallow", "cut") and request.transport:
            request.transport.close()
        if fate == "late":
            await asyncio.sleep(self._random.uniform(0.05, 0.2))
        return web.Response(status=200 if fate == "nonsense" else 202, text="0: Accepted for delivery")

    async def _report(self, url: str) -> None:
        for state in ["1"] if self.fate.calm else self._random.choice((["1", "8", "1"], ["8", "1"], ["8"], [])):
            await self._say(url, state)

    async def _say(self, url: str, state: str) -> None:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._client.get(url.replace("%d", state)):
                pass


def answer(fate: str) -> Answer:
    """How Africa's Talking's emulator does the same."""
    match fate:
        case "fault":
            return Answer(http=500, page="<h1>Sorry</h1>")
        case "busy":
            return Answer(http=429)
        case "hang" | "swallow":
            return Answer(hang=True, hang_s=HANG_S, taken=fate == "hang")
        case "cut":
            return Answer(cut=True, taken=True)
        case "nonsense":
            return Answer(page="<h1>?</h1>", taken=True)
    return Answer()


class Trouble:
    """What happens to the three gateways while a test goes on."""

    def __init__(self, africastalking: Emulator, kannel: Kannel, phone: Phone, random: Random, doubts: Doubts) -> None:
        self._africastalking, self._kannel, self._phone = africastalking, kannel, phone
        self._random = random
        self._over = False
        self._fates = (kannel.fate, Fate(random, doubts))
        africastalking.usual = lambda phone, text: answer(self._fates[1].of(Carried(phone, text)))

    @property
    def happened(self) -> set[str]:
        """The fates of requests that came about."""
        return {each for fate in self._fates for each in fate.happened}

    @asynccontextmanager
    async def everywhere(self) -> AsyncIterator[None]:
        """Within, all of it; afterwards all are well again."""
        for fate in self._fates:
            fate.calm = False
        self._phone.radio.refuses = self._no_service
        async with asyncio.TaskGroup() as group:
            group.create_task(self._go_on())
            yield
            self._over = True  # it ends what it is at: an app that is cut short forgets what waited for a network
        await self._end()

    async def _go_on(self) -> None:
        at, phone = self._africastalking, self._phone
        while not self._over:
            at.reports = self._random.choice((("Success",), ("Success", "Sent", "Success"), ("Sent", "Success"), ()))
            at.reports_first = self._random.random() < 0.5
            at.delay = self._random.choice((0, 0, 0, 0.1))
            orders = (("sms:sent", "sms:delivered"), ("sms:delivered", "sms:sent", "sms:delivered"), ("sms:sent",) * 2)
            phone.reports.webhooks = self._random.choice(orders)
            match self._random.randrange(30):
                case 0 | 1:
                    self._random.choice((at.listener, self._kannel.listener)).dies()
                case 2 | 3 | 4:
                    at.listener.lives()
                    self._kannel.listener.lives()
                case 5:
                    await phone.goes_offline()
                case 6 | 7:
                    await phone.comes_online()
                case 8:
                    await phone.reboots()
                case 9:
                    phone.queue.held = True  # it pulls, and then nothing is heard of its messages
                case 10 | 11:
                    await self._released()
            await asyncio.sleep(self._random.uniform(0.02, 0.08))

    async def _released(self) -> None:
        self._phone.queue.held = False
        await self._phone.queue.work()

    async def _end(self) -> None:
        at, phone = self._africastalking, self._phone
        for fate in self._fates:
            fate.calm = True
        at.reports, at.reports_first, at.delay = ("Success",), False, 0
        at.listener.lives()
        self._kannel.listener.lives()
        phone.radio.refuses = lambda _sms: ""
        phone.reports.webhooks = ("sms:sent", "sms:delivered")
        await self._released()
        await phone.comes_online()
        await phone.reboots()

    async def reports_again(self) -> None:
        """Both gateways report on all that they took; the phone does so by itself."""
        self._africastalking.patience_s = None
        await self._kannel.reports_again()
        for message in self._random.sample(self._africastalking.messages, len(self._africastalking.messages)):
            await self._africastalking.receipt(message.id, "Success")

    def _no_service(self, _sms: Sms) -> str:
        return "RESULT_ERROR_NO_SERVICE" if self._random.random() < 0.1 else ""


async def passing(clock: Clock) -> None:
    """The app's time passes, faster than ours."""
    while True:
        await asyncio.sleep(0.02)
        await clock.forward(0.02 * SPEED)
