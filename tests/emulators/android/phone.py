"""An Android phone with the unmodified app SMS Gateway for Android v1.67, as a client of our private server.

It speaks HTTP for real and keeps its own time. Made from the app's contract: what it asks for, how strictly it
reads, when it tries again, and what it forgets.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Self

from tests.emulators.android.clock import Clock, News, Timer
from tests.emulators.android.hooks import Emission, Hooks
from tests.emulators.android.inbox import Inbox
from tests.emulators.android.line import Answer, Line, NoAnswer, Stream
from tests.emulators.android.radio import Queue, Radio
from tests.emulators.android.reports import Reports
from tests.emulators.android.wire import VERSION, Outgoing, Sim, Unreadable, date, hooks, order, settings

PULL_S = 15 * 60  # Android's least period for work in the background
DAY_S = 86_400


class Phone:
    """`async with Phone(url, clock) as phone: await phone.register(code="123456")`; `url` ends in /mobile/v1.

    `wall` is the time that it writes (its clock's, when not given), `clock_error` is by how many seconds that is
    wrong. What it could not read stands in `complaints`, what left by radio in `radio`.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        name: str = "Tecno/KF6",
        sims: Sequence[Sim] = (Sim(),),
        version: str = VERSION,
        google: bool = False,
        wall: Callable[[], float] | None = None,
    ) -> None:
        self.url, self.clock, self.name, self.sims, self.version = url.rstrip("/"), clock, name, sims, version
        self.push_token = "pushed" if google else None
        self.clock_error = 0.0
        self.id = self.token = self.login = self.password = ""
        self.database: dict[str, Outgoing] = {}
        self.settings: dict[str, Any] = {}
        self.complaints: list[str] = []
        self.battery, self.charging, self.network = 84, True, True
        self.news = News()
        self._wall = wall or clock
        self._credentials = ""
        self._timers: dict[str, Timer] = {}
        self.line = Line(f"me.capcom.smsgateway/{version}")
        self.hooks = Hooks(self.line, clock, self.news, self.wall)
        self.reports = Reports(self.line, self.url, clock, self.hooks)
        self.inbox = Inbox(self.hooks, clock, version)
        self.radio = Radio(clock, self.news, sims)
        self.queue = Queue(clock, Random(7), self._send)
        self.stream = Stream(self.line, f"{self.url}/events", clock, self.news, self.pull, self._hear)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.close()
        await self.line.close()

    def wall(self) -> float:
        """What its own clock shows, in Unix seconds."""
        return self._wall() + self.clock_error

    async def register(self, *, token: str = "", login: str = "", password: str = "", code: str = "") -> Answer:
        """Register in one of the app's ways and start working. Raises NoAnswer."""
        if login:
            self._credentials = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
        else:
            self._credentials = f"Code {code}" if code else f"Bearer {token}" if token else ""
        answer = await self._register()
        if answer.good:
            await self._start()
        return answer

    async def _register(self) -> Answer:
        cards = [sim.card() for sim in self.sims]
        device = {"name": self.name, "pushToken": self.push_token, "simCards": cards}
        headers = {"Authorization": self._credentials} if self._credentials else {}
        answer = await self.line.request("POST", f"{self.url}/device", device, **headers)
        if answer.good:
            given = answer.body
            self.id, self.token, self.login = given["id"], given["token"], given["login"]
            self.password = given.get("password") or self.password
            self.hooks.device, self.reports.token = self.id, self.token
            self.stream.token = self.stream.token or self.token  # it is read once, when the service starts
        return answer

    async def _start(self) -> None:
        """What runs from now on: the stream, or a pull each 15 minutes; a day later the lists; the ping."""
        for timer in self._timers.values():
            timer.cancel()
        # A phone with Google's push opens no stream until it is told to and started again.
        if not self.push_token or self.settings.get("gateway.notification_channel") == "SSE_ONLY":
            await self.stream.connect()
        self._every("pull", PULL_S, self._pull_quietly)
        self._every("lists", DAY_S, self.fetch_lists)
        self._every("ping", self.settings.get("ping.interval_seconds", 0), self._ping_and_pull)

    def _every(self, name: str, seconds: float, job: Callable[[], Awaitable[object]]) -> None:
        async def run() -> None:
            self._every(name, seconds, job)
            if self.line.online:
                await job()

        if seconds:
            self._timers[name] = self.clock.later(seconds, run)

    async def sync(self) -> None:
        """Returns once the stream has brought the lists, after a pull and all that is due now."""
        await self.news.until(lambda: self.hooks.list and self.settings)
        await self.pull()
        await self.clock.forward(0)

    async def pull(self) -> None:
        """Ask for messages: new ones are kept and sent, known ones are only reported on once more."""
        answer = await self._ask(f"message?order={self.queue.order.lower()}")
        if not isinstance(answer.body, list):
            return
        for element in answer.body if answer.good else []:
            try:
                await self._take(order(element, self.version))
            except Unreadable as error:
                self.complaints.append(str(error))
                if "Cancelling" in str(error):
                    break  # a word that it does not know ends the list
        await self.queue.work()

    async def _take(self, message: Outgoing | None) -> None:
        if message is None:
            return
        known = self.database.get(message.id)
        if known is None and message.state == "Pending":
            message.states["Pending"] = date(self.wall())
            self.database[message.id] = message
            self.queue.waiting.append(message)
        elif known is not None:
            if message.state == "Cancelling" and self.queue.cancel(known):
                await self._enter(known, "Cancelled")
            else:
                await self.reports.state(known)

    async def fetch_lists(self) -> None:
        await self._fetch_webhooks()
        await self._fetch_settings()

    async def _fetch_webhooks(self) -> None:
        answer = await self._ask("webhooks")
        try:
            self.hooks.list = hooks(answer.body) if answer.good else self.hooks.list
        except Unreadable as error:
            self.complaints.append(str(error))

    async def _fetch_settings(self) -> None:
        answer = await self._ask("settings")
        try:
            for name, value in settings(answer.body, self.version) if answer.good else ():
                self.settings[name] = value
        except Unreadable as error:
            self.complaints.append(str(error))
        self._obey()

    def _obey(self) -> None:
        given, queue = self.settings.get, self.queue
        queue.order = given("messages.processing_order", "LIFO")
        least = given("messages.send_interval_min") or 0
        queue.pause_s = least, max(least, given("messages.send_interval_max") or 0)
        queue.period, queue.limit = given("messages.limit_period", "Disabled"), given("messages.limit_value") or 0
        self.hooks.key = given("webhooks.signing_key", self.hooks.key)
        self.hooks.retry_count = given("webhooks.retry_count", 15)
        self.hooks.internet_required = given("webhooks.internet_required", True)

    async def login_code(self) -> Answer:
        """Ask for a code with which a second phone can be linked. Raises NoAnswer."""
        given = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        return await self.line.request("GET", f"{self.url}/user/code", Authorization=f"Basic {given}")

    async def _ask(self, path: str) -> Answer:
        if not self.token:
            return Answer(0, None)
        try:
            return await self.line.request("GET", f"{self.url}/{path}", Authorization=f"Bearer {self.token}")
        except NoAnswer:
            return Answer(0, None)

    async def _pull_quietly(self) -> None:
        if not self.stream.open:
            await self.pull()

    async def _hear(self, event: str, data: Mapping[str, Any]) -> None:
        match event:
            case "MessageEnqueued":
                await self.pull()
            case "WebhooksUpdated":
                await self._fetch_webhooks()
            case "SettingsUpdated":
                await self._fetch_settings()
            case "MessageCancelled" if message := self.database.get(data.get("messageId", "")):
                if self.queue.cancel(message):
                    await self._enter(message, "Cancelled")
            case "MessagesExportRequested":
                await self._export(data)
            case _:
                self.complaints.append(f"event {event!r}")

    async def _send(self, message: Outgoing) -> None:
        if message.valid_until is not None and message.valid_until < self.wall():
            await self._fail(message, "TTL expired", message.sim or self.sims[0].number)
            return
        await self._enter(message, "Processed")
        sms = await self.radio.send(message)
        if sms.error:
            await self._fail(message, sms.error, sms.sim)
            return
        await self._enter(message, "Sent")
        if self.radio.delivers and message.wants_report:
            await self._enter(message, "Delivered")  # at the first part that the operator reports on
        await self.reports.left(message, sms, self.wall())

    async def _fail(self, message: Outgoing, error: str, sim: int) -> None:
        message.error = error
        await self._enter(message, "Failed")
        await self.reports.failed(message, sim, self.wall())

    async def _enter(self, message: Outgoing, state: str) -> None:
        message.state = state
        message.states[state] = date(self.wall())
        await self.reports.state(message)

    async def receives(self, sender: str, text: str, *, told: bool = True, late: float = 0) -> list[Emission]:
        """An SMS comes by radio. Without `told` Android had stopped the app: it only lies in the phone's inbox."""
        return await self.inbox.arrives(sender, text, self.sims[0].number, told, late)

    async def _export(self, asked: Mapping[str, Any]) -> None:
        try:
            await self.inbox.export(asked)
        except Unreadable as error:
            self.complaints.append(str(error))

    async def ping(self) -> None:
        """Tell of its health."""
        checks = {
            "messages:failed": _check(0, "messages"),
            "connection:status": _check(int(self.network), "boolean"),
            "connection:transport": _check(4, "flags"),
            "connection:cellular": _check(4, "index"),
            "battery:level": _check(self.battery, "percent"),
            "battery:charging": _check(4 if self.charging else 0, "flags"),
        }
        health = {"status": "pass", "version": self.version, "releaseId": 1, "checks": checks}
        await self.hooks.emit("system:ping", {"health": health})

    async def _ping_and_pull(self) -> None:
        await self.ping()
        await self.pull()

    async def goes_offline(self) -> None:
        """No network; it still has its radio for SMS."""
        self.line.online = False
        await self.stream.fail()

    async def comes_online(self) -> None:
        """A network again: what waited for one runs now, the stream comes back at its next try."""
        await self.line.comes_online()

    async def reboots(self) -> None:
        """Off and on: its database, its webhooks and its registration are kept, its settings take effect. Android
        starts the app, and tells it that the phone has started: it begins its work twice."""
        await self.stream.drop()
        self.stream.token = self.token
        await self._update_device()
        for _ in ("app", "boot"):
            await self.hooks.emit("app:started", {"simCards": [sim.card(cut=False) for sim in self.sims]})
            await self._start()
        await self.queue.work()
        await self.queue.rest()  # its streams may have begun before

    async def _update_device(self) -> None:
        device = {"id": self.id, "pushToken": self.push_token, "simCards": [sim.card() for sim in self.sims]}
        bearer = {"Authorization": f"Bearer {self.token}"}
        with suppress(NoAnswer):
            if (await self.line.request("PATCH", f"{self.url}/device", device, **bearer)).status == 401:
                self.stream.token = ""
                await self._register()


def _check(value: int, unit: str) -> dict[str, Any]:
    return {"description": "", "observedValue": value, "observedUnit": unit, "status": "pass"}
