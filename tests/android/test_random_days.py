"""Days of gateway phones at random, with two servers: no message goes out more often than it may, none waits for ever,
a state never goes backwards, and a token goes out."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from bot.android import Phones, linking
from bot.android.from_app import Device, Report
from bot.android.streams import Stream
from bot.gateways.errors import SendError
from bot.message import Outbound, Sent
from bot.outbound import NewMessage, Outbox, enqueue
from bot.outbound.retry import COPIES
from bot.runtime import Database, Metrics
from models.messages import MessageKind, Phone, Sim, State
from models.messages.withdrawal import withdraw_message
from models.vault import Vault
from tests.world.outbox_rig import HOUR, MINUTE, SECOND, Answer, Bench

STEPS = 250
KINDS = (MessageKind.TOKEN, MessageKind.TOKEN, MessageKind.REPLY, MessageKind.REMINDER)
# What may follow on a state in which a message has ended, or may have.
FOLLOWS = {
    "delivered": set[str](),
    "failed": {"delivered"},
    "sent": {"delivered", "failed"},
    "expired": {"sent", "delivered"},
}
NOT_SENT = ("cancelled", "refused")  # why a token need not have gone: by the office's word, or the operator's

pytestmark = pytest.mark.slow


@dataclass
class Handset:
    """A phone with the app: what it knows, by the id, and what it has not told yet."""

    gateway: str
    token: str
    states: dict[str, State] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    told: list[Report] = field(default_factory=list)
    ahead_ms: int = 0  # its clock
    stream: tuple[Phones, Phone, Stream] | None = None

    def take(self, row: dict[str, Any], ahead_s: int) -> None:
        """A message that it gets; of one that it knows it tells the state again."""
        number = row["external_id"]
        if number in self.states:
            self.report(number)
        else:
            self.states[number], self.rows[number] = State.WAITING, row | {"ahead_ms": max(0, ahead_s) * 1000}

    def enter(self, number: str, state: State, error: str = "") -> None:
        """It says so by both of its ways."""
        self.states[number], self.errors[number] = state, error
        self.report(number)
        self.told.append(Report(number, state, error, event=f"{number} {state}", sim=1, parts=1))

    def report(self, number: str) -> None:
        state = self.states[number]
        if state is not State.WAITING:
            told = State.WAITING if state is State.SCHEDULED else state
            self.told.append(Report(number, told, self.errors.get(number, "")))


class Server:
    """Its phones and its outbox."""

    def __init__(self, bench: Bench, vault: Vault) -> None:
        self.phones = Phones(bench.database, vault, Metrics(), clock=bench.clock, random=Random(7))
        self.router = bench.new_router()
        self.router.linked = self.phones.names
        self.outbox: Outbox = bench.new_outbox(self.router)


class Days:
    def __init__(self, database: Database, seed: int) -> None:
        self.bench = Bench(database, order=("phones", "africastalking", "kannel"))
        self.random, self.vault = Random(seed), Vault("k" * 32)
        self.servers = [Server(self.bench, self.vault), Server(self.bench, self.vault)]
        self.handsets: list[Handset] = []
        self.moods = dict.fromkeys(("africastalking", "kannel"), "well")
        self.numbers = 0
        self.sent: Counter[int] = Counter()
        self.before: dict[int, dict[str, Any]] = {}
        self.bench.gateway.answer = self.answer_of("africastalking")
        self.bench.other.answer = self.answer_of("kannel")

    def answer_of(self, name: str) -> Callable[[Outbound], Answer]:
        def answer(message: Outbound) -> Answer:
            mood = self.moods[name]
            if mood == "unreachable":
                return SendError(mood)
            if mood == "well" or self.random.random() < 0.5:
                self.sent[message.id] += 1
            return SendError(mood) if mood == "timeout" else Sent(f"{name} {message.id} {self.sent[message.id]}", 1, "")

        return answer

    # --- Phones

    async def link(self) -> None:
        self.numbers += 1
        async with self.bench.database.work():
            phone, _ = await linking.add(f"Phone {self.numbers}", self.vault, self.bench.clock(), actor="office")
        await self.register(phone)

    async def register(self, phone: Phone, again: Handset | None = None) -> None:
        """A new handset, or the same one `again`."""
        device, now = Device("", "Tecno KF6", push=False, sims=[Sim(1, "+255740000001", "Vodacom")]), self.bench.clock()
        async with self.bench.database.work():
            held = await linking.find(phone.name)
            linked = await linking.register(held, device, "1.67.0", self.vault, now, again=bool(again))
        handset = again or Handset(phone.gateway, "")
        handset.token = linked.token
        if not again:
            self.handsets.append(handset)

    async def pull(self, handset: Handset) -> None:
        phones = self.random.choice(self.servers).phones
        if phone := await linking.by_token(handset.token, self.vault):
            await phones.note_heard(phone)
            handset.stream = handset.stream or (phones, phone, await phones.open_stream(phone))
            rows = await phones.pull(phone)
            for row in rows if self.random.random() < 0.9 else ():  # else the answer is lost
                handset.take(row, phone.clock_offset)

    async def radio(self, handset: Handset) -> None:
        """It sends the first that waits."""
        number = next((each for each, state in handset.states.items() if state is State.WAITING), "")
        if not number:
            return
        row = handset.rows[number]
        if row["expires_at"] + row["ahead_ms"] < self.bench.clock() + handset.ahead_ms:
            handset.enter(number, State.FAILED, "expired")
        elif self.random.random() < 0.2:
            errors = ("gateway fault", "unreachable", "throttled", "refused")
            handset.enter(number, State.FAILED, self.random.choice(errors))
        else:
            self.sent[row["id"]] += 1
            handset.enter(number, State.SENT)
            if self.random.random() < 0.7:
                handset.enter(number, State.DELIVERED)

    async def tell(self, handset: Handset) -> None:
        """One of the first reports arrives, some twice."""
        if not handset.told:
            return
        report = handset.told.pop(self.random.randrange(min(len(handset.told), 3)))
        phones, phone = self.random.choice(self.servers).phones, await linking.by_gateway(handset.gateway)
        if phone and (report.event or await linking.by_token(handset.token, self.vault)):
            await phones.note_heard(phone, webhook=True, clock_offset=handset.ahead_ms // 1000)
            for _ in range(self.random.choice((1, 1, 2))):
                await phones.report(phone, [report])

    async def listen(self, handset: Handset) -> None:
        """It gives back what its stream asks for, where it has not sent it."""
        if handset.stream is None:
            return
        (phones, phone, stream), handset.stream = handset.stream, None
        phones.close_stream(phone, stream)
        stream.close()
        said = b"".join([chunk async for chunk in stream.chunks()]).decode()
        for number, state in handset.states.items():
            if state is State.WAITING and f'"messageId": "{number}"' in said:
                handset.states[number] = State.SCHEDULED  # given back, and not sent any more
                handset.report(number)

    # --- The office, the gateways and time

    async def write(self) -> None:
        self.numbers += 1
        kind, receiver = self.random.choice(KINDS), f"+25571{self.random.randrange(20):07d}"
        server, text = self.random.choice(self.servers), f"text {self.numbers}"
        async with self.bench.database.work():
            gateway = server.router.gateway_for(receiver, kind)
            await enqueue([NewMessage(text, receiver, text, kind, gateway)], self.bench.clock())
        server.outbox.notify()

    async def office(self, handset: Handset) -> None:
        what = self.random.choice(("pause", "pause", "resume", "resume", "unlink", "link", "take back"))
        async with self.bench.database.work():
            if what == "take back":
                for row in await self.bench.sql("SELECT id FROM outbox ORDER BY id DESC LIMIT 1"):
                    await withdraw_message(row["id"])
            elif phone := await linking.by_gateway(handset.gateway):
                held = await linking.find(phone.name)
                if what == "unlink":
                    await linking.unlink(held, self.bench.clock(), actor="office")
                elif what != "link":
                    await (linking.pause if what == "pause" else linking.resume)(held, actor="office")
        if what == "link":
            await self.link()

    async def befall(self, handset: Handset) -> None:
        """Something happens to a handset, or to a gateway."""
        phone = await linking.by_gateway(handset.gateway)
        match self.random.choice(("dies", "registers", "replaced", "clock", "gateway", "gateway")):
            case "dies":
                self.handsets.remove(handset)
            case "registers" if phone:
                await self.register(phone, handset)
            case "replaced" if phone:
                await self.register(phone)
            case "clock":
                handset.ahead_ms = self.random.choice((0, 0, 5 * HOUR, 100 * HOUR, -5 * HOUR))
            case "gateway":
                moods = ("well", "well", "unreachable", "timeout")
                self.moods[self.random.choice([*self.moods])] = self.random.choice(moods)

    async def wait(self, milliseconds: int) -> None:
        self.bench.clock.now += milliseconds
        for server in self.servers:
            await server.phones.turn()
            await self.bench.settle(server.outbox)

    async def step(self) -> None:
        """Some of it at once, and then some time."""
        works = (self.pull, self.radio, self.tell, self.listen, self.office, self.befall)
        jobs: list[Awaitable[object]] = [self.write()] if self.random.random() < 0.4 else []
        jobs += [server.outbox.turn() for server in self.servers if self.random.random() < 0.5]
        if not self.handsets:
            await self.link()
        for handset in self.random.choices(self.handsets, k=self.random.randint(1, 4)):
            [work] = self.random.choices(works, (8, 10, 12, 2, 0.6, 0.4))
            jobs.append(work(handset))
        for done in await asyncio.gather(*jobs, return_exceptions=True):
            if isinstance(done, BaseException) and not isinstance(done, linking.NoSuchPhone | ValueError):
                raise done
        if self.random.random() < 0.5:
            spans = (SECOND, 5 * SECOND, 20 * SECOND, MINUTE, 3 * MINUTE, 10 * MINUTE)
            await self.wait(self.random.choice((*spans * 3, HOUR, 7 * HOUR)))

    async def check(self) -> None:
        rows = {row["id"]: row for row in await self.bench.sql("SELECT * FROM outbox")}
        for number, row in rows.items():
            was = self.before.get(number, row)["state"]
            assert was == row["state"] or row["state"] in FOLLOWS.get(was, {row["state"]}), (was, row)
            assert self.sent[number] <= COPIES.get(MessageKind(row["kind"]), 1), row
        self.before = rows

    async def end(self) -> None:
        """All is well again, and four days pass."""
        self.moods = dict.fromkeys(self.moods, "well")
        for _ in range(100):
            for handset in self.handsets:
                for work in (self.listen, self.pull, self.radio, self.radio):
                    await work(handset)
                while handset.told:
                    await self.tell(handset)
            await self.wait(HOUR)
            await self.check()
        for row in self.before.values():
            assert row["state"] in FOLLOWS, row
            assert row["kind"] != "token" or self.sent[row["id"]] or row["error"] in NOT_SENT, row


@pytest.mark.parametrize("seed", range(3))
async def test_days_of_trouble_lose_nothing_and_double_nothing(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = Days(database, seed)
    monkeypatch.setattr("models.messages.withdrawal.now_ms", days.bench.clock)
    for _ in range(2):
        await days.link()
    for _ in range(STEPS):
        await days.step()
        await days.check()
    await days.end()
