"""An outbox driven turn by turn: a clock that stands still, a gateway that answers as told."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from bot.gateways.errors import SendError
from bot.message import Outbound, Sent
from bot.outbound import NewMessage, Outbox, enqueue
from bot.routing import Router, Watch
from bot.routing.router import Rule
from bot.runtime import Database, Metrics
from models.messages import MessageKind
from models.sql import execute

START = 1_760_000_000_000  # milliseconds; any moment
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
ASHA = "+255700000001"

Answer = Sent | SendError | None


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class ScriptedGateway:
    """Answers each request with what `answer` returns for it, None meaning never; or with what comes `later`."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name, self.at_once = name, 20
        self.requests: list[tuple[int, Outbound]] = []
        self.answer: Callable[[Outbound], Answer] = self.accept
        self.later: asyncio.Future[Answer] | None = None
        self._clock = clock

    @staticmethod
    def accept(message: Outbound) -> Sent:
        return Sent(f"id {message.id}", 1, "TZS 20")

    def refuse(self, name: str, detail: str = "") -> None:
        self.answer = lambda message: SendError(name, detail)

    @property
    def texts(self) -> list[str]:
        return [message.text for _, message in self.requests]

    @property
    def times(self) -> list[int]:
        """When the requests came, in milliseconds since the start."""
        return [at - START for at, _ in self.requests]

    async def send(self, message: Outbound) -> Sent:
        self.requests.append((self._clock(), message))
        answer = await self.later if self.later else self.answer(message)
        if answer is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(answer, SendError):
            raise answer
        assert answer
        return answer


async def our_time(_db: Any, now: int) -> int:
    """The database's clock is right by ours."""
    return now


class Bench:
    """A database, a clock, two gateways that can send and an outbox over them, with `phones` linked beside."""

    def __init__(self, database: Database, order: Sequence[str] = ("africastalking", "kannel", "phones")) -> None:
        self.database = database
        self.order = order
        self.phones: list[str] = []
        self.clock = Clock()
        self.gateway = ScriptedGateway("africastalking", self.clock)
        self.other = ScriptedGateway("kannel", self.clock)
        self.metrics = Metrics()
        self.router = self.new_router()
        self.outbox = self.new_outbox(self.router)

    def new_router(self, rules: Sequence[Rule] = (), names: Sequence[str] = ("africastalking", "kannel")) -> Router:
        """Another process' view of the gateways."""
        router = Router(self.order, rules, able=names, watch=Watch(names, self.clock))
        router.linked = lambda: self.phones
        return router

    def new_outbox(
        self, router: Router | None = None, gateways: Sequence[ScriptedGateway] = (), **settings: Any
    ) -> Outbox:
        """One more process' outbox over the same database, and the same gateways or those given."""
        own: Any = {gateway.name: gateway for gateway in gateways or (self.gateway, self.other)}
        router = router or self.new_router()
        outbox = Outbox(self.database, own, router, self.metrics, self.clock, Random(7), **settings)
        outbox.shared_time = our_time
        return outbox

    async def link(self, *, battery: int | None = None, charging: bool | None = None, sims: str = "[]") -> str:
        """Link a phone that was heard this moment; its name as a gateway."""
        now, number = self.clock(), len(self.phones) + 1
        await self.sql(
            "INSERT INTO phone (id, name, token_hash, former_hash, login, password_hash, code_hash, code_until, "
            "code_tries, signing_key, model, version, push, sims, battery, charging, network, clock_offset, paused, "
            "added_at, linked_at, unlinked_at, seen_at, webhook_at, export_since, lost) VALUES ($1, $2, '', '', '', "
            "'', '', 0, 0, '', '', '1.67.0', $3, $4, $5, $6, 'wifi', 0, $3, $7, $7, 0, $7, 0, 0, '')",
            *(number, f"Shop phone {number}", False, sims, battery, charging, now),
        )
        self.phones.append(f"phone-{number}")
        return f"phone-{number}"

    async def look(self) -> None:
        """The outbox takes its look at the queue: after ten seconds at the latest."""
        await self.settle_after(10 * SECOND)

    async def enqueue(
        self, *texts: str, kind: MessageKind = MessageKind.REPLY, gateway: str = "africastalking"
    ) -> None:
        """Enqueue one message for each text, which is also its origin."""
        async with self.database.work():
            await enqueue([NewMessage(text, ASHA, text, kind, gateway) for text in texts], self.clock())
        self.outbox.notify([gateway])

    async def settle(self, outbox: Outbox | None = None) -> float:
        """Take turns until all is answered and written. Returns the seconds in which nothing will happen."""
        outbox = outbox or self.outbox
        while True:
            wait = await outbox.turn()
            busy = outbox.under_way
            for _ in range(5):
                await asyncio.sleep(0)
            if not busy and wait:
                return wait

    async def settle_after(self, milliseconds: int) -> None:
        self.clock.now += milliseconds
        await self.settle()

    async def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.database.work() as db:
            return await execute(db, statement, values)

    async def row(self, origin: str) -> dict[str, Any]:
        return (await self.sql("SELECT * FROM outbox WHERE origin = $1", origin))[0]

    async def states(self) -> dict[str, str]:
        return {row["origin"]: row["state"] for row in await self.sql("SELECT origin, state FROM outbox")}

    async def gateway_row(self) -> dict[str, Any]:
        return (await self.sql("SELECT * FROM gatewaystate WHERE name = 'africastalking'"))[0]

    async def switch(self, value: str) -> None:
        await self.sql(
            "INSERT INTO setting (name, value) VALUES ('outgoing', $1) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            value,
        )

    def counted(self, state: str, gateway: str = "africastalking") -> float:
        labels = {"direction": "out", "gateway": gateway, "state": state}
        return self.metrics.registry.get_sample_value("mwanga_messages_total", labels) or 0


async def pulled(bench: Bench, phone: str) -> None:
    """The phone takes what waits for it, and says no more."""
    await bench.sql(
        "UPDATE outbox SET state = 'sending', claimed_by = gateway, claimed_at = $1 WHERE gateway = $2 "
        "AND state = 'waiting'",
        bench.clock(),
        phone,
    )


async def wait_for(bench: Bench, seconds: int) -> None:
    """Time passes, and all look again; phones are heard meanwhile."""
    bench.clock.now += (seconds - 10) * SECOND
    await bench.sql("UPDATE phone SET seen_at = $1", bench.clock())
    await bench.look()
