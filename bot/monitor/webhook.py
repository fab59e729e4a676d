"""Tells the operator's own server that a gateway is down or well again, by a signed HTTP request."""

import asyncio
import hashlib
import hmac
import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass

import aiohttp

from bot.gateways.wire import TIMEOUT
from bot.routing import Facts

log = logging.getLogger(__name__)

WAITS_S = (1.0, 5.0, 30.0)  # between tries to reach the webhook; an alert that comes later helps nobody


@dataclass(frozen=True, slots=True)
class News:
    """What the webhook gets as JSON."""

    gateway: str
    title: str  # what the office calls it
    state: str  # `down` or `well`
    reason: str
    at: int  # milliseconds (UTC)

    @property
    def origin(self) -> str:
        """The origin of the SMS that tells it."""
        return f"alert {self.gateway} {self.state} {self.at}"

    @property
    def sentence(self) -> str:
        name = Facts(self.gateway, self.title).label
        return f"Gateway {name} is down. {self.reason}" if self.state == "down" else f"Gateway {name} is well again."


@dataclass(frozen=True, slots=True)
class Notice:
    """What else the office is told, as JSON for the webhook."""

    id: int
    reason: str  # a sentence
    at: int  # milliseconds (UTC)
    state: str = "alert"

    @property
    def origin(self) -> str:
        """The origin of the SMS that tells it."""
        return f"notice {self.id}"

    @property
    def sentence(self) -> str:
        return self.reason


class Webhook:
    """Posts news to an address, where there is one. It tries a few times, and holds up nothing.

    With a secret the request is signed: `X-Mwanga-Signature` is the HMAC-SHA256, in hex, of the body followed by
    `X-Mwanga-Timestamp` (seconds).
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, secret: str, waits: tuple[float, ...] = WAITS_S
    ) -> None:
        self._session, self._url, self._secret, self._waits = session, url, secret, waits
        self._posting: set[asyncio.Task[None]] = set()

    def tell(self, news: News | Notice) -> None:
        """Begin to post the news."""
        if self._url:
            posting = asyncio.create_task(self._post(news))
            self._posting.add(posting)
            posting.add_done_callback(self._posting.discard)

    async def stop(self) -> None:
        """Give up what was not told yet."""
        for posting in list(self._posting):
            posting.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)

    async def _post(self, news: News | Notice) -> None:
        body, stamp = json.dumps(asdict(news)).encode(), str(news.at // 1000)
        headers = {"Content-Type": "application/json", "X-Mwanga-Timestamp": stamp}
        if self._secret:
            signature = hmac.new(self._secret.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
            headers["X-Mwanga-Signature"] = signature
        for wait in (*self._waits, None):
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with self._session.post(
                    self._url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
                ) as response:
                    if response.status // 100 == 2:  # a redirect would turn it into a GET, without a word of ours
                        return
            if wait is None:
                log.error("the webhook for alerts took no word of %s", news.origin)
            else:
                await asyncio.sleep(wait)
