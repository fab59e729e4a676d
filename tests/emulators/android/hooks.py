"""The app's webhooks: signed, kept on disk until they are answered, tried again ever later, given up in the end."""

import json
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.emulators.android.clock import Clock, News
from tests.emulators.android.line import Line, NoAnswer
from tests.emulators.android.wire import signature, stamp

FIRST_S = 5  # and doubling: with 15 retries the last wait is 22 hours, 45 hours in all
KEPT_S = 7 * 86_400


@dataclass(eq=False)
class Emission:
    """One event to one webhook: its id stays the same however often it is posted."""

    id: str
    event: str
    url: str
    body: str
    born: float
    retries: int = 0
    status: int = 0


class Hooks:
    """`accepted`, `given_up` and `waiting` are the emissions by what became of them; `posted` are all posts."""

    def __init__(self, line: Line, clock: Clock, news: News, wall: Callable[[], float]) -> None:
        self.device = ""
        self.list: dict[str, tuple[str, str]] = {}
        self.key = secrets.token_urlsafe(6)  # 8 characters, until the server sends its own
        self.retry_count = 15
        self.internet_required = True
        self.accepted: list[Emission] = []
        self.given_up: list[Emission] = []
        self.waiting: list[Emission] = []
        self.posted: defaultdict[str, list[int]] = defaultdict(list)
        self._line, self._clock, self._news, self._wall = line, clock, news, wall

    async def emit(self, event: str, payload: dict[str, Any]) -> list[Emission]:
        """Tell every webhook of this event; each is posted at once when there is a network."""
        emissions = []
        for hook, (wanted, url) in list(self.list.items()):
            if wanted == event:
                number = secrets.token_urlsafe(16)
                fields = {"id": number, "webhookId": hook, "event": event, "deviceId": self.device}
                body = json.dumps(fields | {"payload": payload}, ensure_ascii=False)
                emissions.append(Emission(number, event, url, body, self._clock()))
        self.waiting += emissions
        for emission in emissions:
            await self._try_when_allowed(emission)
        return emissions

    async def post(self, emission: Emission) -> int:
        """One post, whatever became of those before: the HTTP status, 0 for no answer."""
        now = stamp(self._wall())
        signed = {"X-Timestamp": now, "X-Signature": signature(self.key, emission.body, now)}
        try:
            emission.status = (await self._line.request("POST", emission.url, emission.body, **signed)).status
        except NoAnswer:
            emission.status = 0
        self.posted[emission.id].append(emission.status)
        return emission.status

    async def _try_when_allowed(self, emission: Emission) -> None:
        async def attempt() -> None:
            await self._try(emission)

        if self.internet_required:
            await self._line.when_online(attempt)
        else:
            await attempt()

    async def _try(self, emission: Emission) -> None:
        if emission not in self.waiting:
            return
        if self._clock() - emission.born > KEPT_S:
            self._end(emission, self.given_up)
        elif 200 <= await self.post(emission) < 300:
            self._end(emission, self.accepted)
        elif emission.retries >= self.retry_count:
            self._end(emission, self.given_up)
        else:
            emission.retries += 1
            wait = FIRST_S << (emission.retries - 1)
            self._clock.later(wait, lambda: self._try_when_allowed(emission))
        await self._news.tell()

    def _end(self, emission: Emission, ended: list[Emission]) -> None:
        if emission in self.waiting:
            self.waiting.remove(emission)
            ended.append(emission)
