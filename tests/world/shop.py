"""A shop with a gateway phone: the emulated phone drives the running server, and all clocks are the test's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.android import linking
from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone
from tests.world.server import PATIENCE_S, Serving, serving

API = "smsgate/mobile/v1"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass
class Shop:
    """A running server, the time on all clocks, and a phone that is linked."""

    at: Serving
    clock: Clock
    phone: Phone

    async def text(self, sender: str, text: str) -> None:
        """An SMS to the phone, and what the server does with it."""
        await self.clock.forward(1)
        await self.phone.receives(sender, text)
        await self.at.handled()

    async def read(self, receiver: str) -> str:
        """The receiver's next message; the app and the server pause some seconds between messages."""
        await self.phone.queue.rest()  # its stream may have it pull and send at any time
        for _ in range(5):
            if self.phone.radio.unread(receiver):
                break
            await self.clock.forward(6)
            await self.phone.pull()
            await self.phone.queue.rest()
        return await self.phone.radio.read(receiver)

    async def look(self) -> None:
        """What the server does every ten seconds: see how its gateways are, move what waits too long."""
        await self.at.mwanga.router.watch.look()
        await self.at.mwanga.outbox.turn()

    async def rows(self, what: str = "*", where: str = "1 = 1") -> list[dict[str, Any]]:
        return await self.at.rows(f"SELECT {what} FROM outbox WHERE {where} ORDER BY id")

    async def received(self) -> list[str]:
        return [row["text"] for row in await self.at.rows("SELECT text FROM inbox ORDER BY id")]

    def refused(self, reason: str) -> float:
        return self.at.metric("mwanga_callbacks_refused_total", gateway=self.phone.id, reason=reason)


async def code(at: Serving, name: str) -> str:
    """What `mwanga phone add NAME` prints."""
    async with at.mwanga.database.work():
        return (await linking.add(name, at.mwanga.company.vault, actor="office"))[1]


@asynccontextmanager
async def open_shop(url: str, clock: Clock, **phone: Any) -> AsyncIterator[Shop]:
    """A server that prefers phones to Africa's Talking, and a phone that is linked."""
    async with (
        serving(url, route="phones,africastalking") as at,
        Phone(f"{at.mwanga.config.address}/{API}", clock, **phone) as device,
    ):
        device.line.silence = PATIENCE_S  # the app's own 5 s are too few for a machine that is busy
        await device.register(code=await code(at, "Shop phone"))
        yield Shop(at, clock, device)
