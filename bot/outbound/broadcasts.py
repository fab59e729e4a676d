"""Writes to many, a portion at a time: no more is in the outbox than its gateways send in some seconds, so that tokens
and answers, which come first, never wait behind it, and the office can stop it.

All servers that share a database work on it: whoever holds its row makes the next portion. A portion is one
transaction, so a server that dies has either written to these people or not looked at them."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.company import Company
from bot.outbound.by_hand import as_sent
from bot.outbound.enqueue import NewMessage, enqueue
from bot.outbound.outbox import Outbox
from bot.routing import NOWHERE, Router
from bot.runtime import Database
from bot.talks.contacts import hold
from bot.text.gaps import fill, missing
from models.messages import PREFIX, MessageKind, broadcasts
from models.messages.broadcasts import Result, origin_of
from models.office.audience import Audience, Person, next_people
from models.sql import connection, execute, now_ms

log = logging.getLogger(__name__)
LOOK_S = 2.0  # how soon what another server began, or what has room again, is gone on with
IDLE_S = 10.0
SETTLE_S = 30.0
SETTLED_AT_ONCE, SETTLE_PORTIONS = 200, 10
MOST, MOST_EMBEDDED = 200, 50  # people in one portion: an embedded database answers nobody meanwhile
AHEAD_S = 20  # a gateway has at most as much waiting as it sends in so many seconds
AHEAD, LEAST_AHEAD, AHEAD_OF_PHONE = 500, 20, 8  # of one without a pace; of a slow one; of a phone, in parts
# The conditions are those of the partial indexes; 4 is the priority of broadcasts (enqueue.py).
WAITING = """SELECT COUNT(*) AS messages FROM (SELECT 1 FROM outbox WHERE state = 'waiting' AND gateway = $1
    AND priority >= 4 LIMIT $2) AS first"""
RETRYING = """SELECT gateway, COUNT(*) AS messages FROM (SELECT gateway FROM outbox
    WHERE state IN ('scheduled', 'uncertain') AND kind = 'broadcast' ORDER BY due_at LIMIT 2000) AS first
  GROUP BY gateway"""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one step did."""

    people: int = 0  # who were looked at
    gateways: frozenset[str] = frozenset()  # that got messages
    more: bool = False  # whether the next step may do something at once


class Broadcasts:
    """Goes on with what the office writes to many."""

    def __init__(
        self,
        database: Database,
        company: Company,
        router: Router,
        outbox: Outbox,
        paces: Mapping[str, int],  # parts in a second, by gateway; 0 for as many as there are
    ) -> None:
        self._database, self._company, self._router, self._outbox = database, company, router, outbox
        self._paces = paces
        self._most = MOST_EMBEDDED if database.embedded else MOST
        self._wake, self._stopping = asyncio.Event(), False
        self._settled = 0  # the receiver up to which results were looked at

    def notify(self) -> None:
        """The office has begun to write to many."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Go on until stopped. A database that is away is tried again."""
        settle_at = 0.0
        clock = asyncio.get_running_loop().time
        while not self._stopping:
            self._wake.clear()
            wait = IDLE_S if self._database.embedded else LOOK_S
            try:
                while not self._stopping and (portion := await self.step()).people:
                    wait = LOOK_S
                    await asyncio.sleep(0.005)  # others are answered meanwhile
                    if not portion.more:
                        break
                if clock() >= settle_at:
                    await self.settle()
                    settle_at = clock() + SETTLE_S
                if await broadcasts.anything_going():
                    wait = LOOK_S
            except Exception as error:
                log.error("writing to many could not go on: %s", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def step(self) -> Portion:
        """Write to the next people, in one transaction, where it is day and the gateways have room. One that can reach
        nobody now holds up none behind it."""
        if self._company.until_morning(now_ms()):
            return Portion()
        after = 0
        while True:
            async with self._database.work():
                taken = await broadcasts.take_broadcast(after)
                if taken is None:
                    return Portion()
                room = await self._room()
                most = min(self._most, sum(room.values()))
                if not most:
                    return Portion()
                portion = await self._write(taken, room, most)
            if portion.gateways:
                self._outbox.notify(portion.gateways)
            if portion.people:
                return portion
            after = int(taken["id"])

    async def settle(self) -> None:
        """Keep the results of some of what is through, and go on behind them the next time: what was sent may stay
        without a report for a day, and is looked at again and again."""
        for _ in range(SETTLE_PORTIONS):
            async with self._database.work():
                self._settled = await broadcasts.settle(self._settled, SETTLED_AT_ONCE)
            if not self._settled or self._stopping:
                return
            await asyncio.sleep(0.005)

    async def _write(self, taken: Mapping[str, object], room: dict[str, int], most: int) -> Portion:
        number, audience = int(str(taken["id"])), Audience.load(str(taken["audience"]))
        texts: dict[str, str] = json.loads(str(taken["texts"]))
        before = int(str(taken["last_customer"]))
        people, last, over = await next_people(audience, before, most, self._company.today())
        results = await self._judge(number, people, texts)
        chosen, left = self._give(people, results, room)
        if left is not None:  # the gateways are full: the next portion begins with this one
            people, last, over = people[:left], people[left].id - 1, False
        rows = [(one.id, one.phone if goes_to_phone(results[one.id]) else "", results[one.id]) for one in people]
        new = await broadcasts.add_receivers(number, rows)
        messages = [
            NewMessage(
                origin_of(number, new[one.id]),
                one.phone,
                self.text_for(one, texts),
                MessageKind.BROADCAST,
                chosen[one.id],
            )
            for one in people
            if one.id in new and results[one.id] is Result.QUEUED
        ]
        await enqueue(messages, now_ms())
        await broadcasts.advance(number, last, done=over)
        looked = last - before
        return Portion(looked, frozenset(each.gateway for each in messages), more=left is None)

    async def _judge(self, number: int, people: Sequence[Person], texts: Mapping[str, str]) -> dict[int, Result]:
        """What becomes of it for each: who gets it, and why the others do not."""
        phones = sorted({one.phone for one in people if one.phone})
        await hold(phones)  # who sends STOP now is either heard before, or finds it waiting
        stopped, known = await broadcasts.stopped_phones(phones), await broadcasts.phones_written_to(number, phones)
        results: dict[int, Result] = {}
        for one in people:
            if not one.phone:
                results[one.id] = Result.NO_PHONE
            elif one.phone in known:
                results[one.id] = Result.SHARED
            elif one.phone in stopped:
                results[one.id] = Result.STOP
                known.add(one.phone)
            elif missing([text_of(texts, one.language)], self.values_of(one)):
                results[one.id] = Result.NO_TEXT
            else:
                results[one.id] = Result.QUEUED
                known.add(one.phone)
        return results

    def _give(
        self, people: Sequence[Person], results: dict[int, Result], room: dict[str, int]
    ) -> tuple[dict[int, str], int | None]:
        """The gateway of each, the operator's first one as long as it has room; and the place of the first for whom
        none has. Whom none may reach at all gets nothing, and holds up nobody."""
        chosen: dict[int, str] = {}
        for place, one in enumerate(people):
            if results[one.id] is not Result.QUEUED:
                continue
            full = {name for name, left in room.items() if left <= 0}
            gateway = self._router.gateway_for(one.phone, MessageKind.BROADCAST, full)
            if gateway == NOWHERE and self._router.gateway_for(one.phone, MessageKind.BROADCAST) == NOWHERE:
                results[one.id] = Result.NO_GATEWAY
                continue
            if gateway == NOWHERE or gateway in full:
                return chosen, place
            room[gateway] = room.get(gateway, 1) - 1
            chosen[one.id] = gateway
        return chosen, None

    def values_of(self, one: Person) -> dict[str, str]:
        """What fills the gaps for this person."""
        owed = self._company.money(one.owed) if one.owed > 0 else ""
        return {"name": one.name, "serial": one.serial, "owed": owed}

    def text_for(self, one: Person, texts: Mapping[str, str]) -> str:
        """What this person reads."""
        return as_sent(fill(text_of(texts, one.language), self.values_of(one)))

    def carriers(self) -> list[str]:
        """The gateways that may carry it, in the operator's order."""
        return self._router.carriers(MessageKind.BROADCAST)

    def pace(self, gateway: str) -> int:
        """How many parts a gateway sends in a second; 0 for as many as there are."""
        return self._paces.get(gateway, 0)

    async def _room(self) -> dict[str, int]:
        """How many more messages each gateway gets now."""
        retrying = {row["gateway"]: int(row["messages"]) for row in await execute(connection(), RETRYING)}
        room = {}
        for name in self.carriers():
            size = self._size(name)
            waiting = int((await execute(connection(), WAITING, [name, size]))[0]["messages"])
            room[name] = max(0, size - waiting - retrying.get(name, 0))
        return room

    def _size(self, gateway: str) -> int:
        if gateway.startswith(PREFIX):
            return AHEAD_OF_PHONE
        pace = self.pace(gateway)
        return max(LEAST_AHEAD, min(AHEAD, pace * AHEAD_S)) if pace else AHEAD


def text_of(texts: Mapping[str, str], language: str) -> str:
    """The text in a language; where it was not written in that, the first that was."""
    return texts.get(language) or next(iter(texts.values()))


def goes_to_phone(result: Result) -> bool:
    """Whether a receiver's row names the phone, which no other row of the broadcast may name."""
    return result in (Result.QUEUED, Result.STOP)
