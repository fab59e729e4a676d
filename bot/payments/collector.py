"""Asks phones to pay after the talks that wanted it are committed, and looks up what became of it.

A request is claimed and committed before the provider is called: when the server dies in between, nobody knows whether
the phone rang, and it is never asked again. Only what a provider has surely not taken goes to it once more.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot.payments.base import Answer, Ask, Asked, NotAsked, Provider, State
from bot.payments.settling import Settler
from bot.runtime import Database, DatabaseAway
from bot.runtime.waiting import wait_for
from models.alerts import raise_alert_once
from models.selling import requests
from models.selling.requests import NO_RECEIPT, PaymentRequest, Reason, RequestState
from models.sql import HOUR_MS, now_ms

log = logging.getLogger(__name__)

LOOK_MS = 1_000  # how often to look for what nobody told us of
# While calls are under way turns are this far apart, so that what comes at once is one look. When none is, what is due
# goes at once.
GATHER_S = 0.01
MOST_AT_ONCE = 32  # calls to one provider under way
MOST_LOOKS = 16  # looked up in one turn
AGAIN_MS = 15_000  # after a look that a callback wanted, and to which no answer came
PUT_OFF_MS = (2_000, 5_000, 10_000, 20_000)  # after a provider has not taken one for now
AGAIN_S = 1.0  # after which what came of a call is written again
TRIES = 3  # two that wanted the same rows get another chance
UNDO_S = 1.0  # in which what was given up at a stop is undone, where the database is there
NOT_SENT = "not sent"


class Collector:
    """`run` is its loop, `notify` wakes it after a commit, `stop` ends it, `finish` waits for its calls."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, Provider],
        settler: Settler,
        on_settled: Callable[[], None],
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database, self._providers, self._settler = database, providers, settler
        self._on_settled, self._clock = on_settled, clock
        self._me = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._under_way: dict[str, set[asyncio.Task[None]]] = {name: set() for name in providers}
        self._asked_at: dict[str, float] = dict.fromkeys(providers, 0.0)  # when each was asked last, by the loop's time
        self._looked_at = 0  # ms, when it was looked for what nobody told us of
        self._wake = asyncio.Event()
        self._gathered = asyncio.Event()  # the next turn has not to wait for more
        self._stopping = False

    def notify(self) -> None:
        """Something due was committed, or a call has ended."""
        self._wake.set()
        may_ask = any(not self._pause(provider) for provider in self._providers.values())
        if may_ask and not any(self._under_way.values()):
            self._gathered.set()

    async def run(self) -> None:
        """Ask until `stop` is called. A database that is away is tried again every second."""
        while not self._stopping:
            self._wake.clear()
            self._gathered.clear()
            wait = LOOK_MS / 1000
            try:
                wait = await self.turn()
            except Exception as error:
                log.error("payment requests could not be looked at: %s", type(error).__name__)
            await wait_for(self._gathered, GATHER_S)
            await wait_for(self._wake, wait)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._wake.set()
        self._gathered.set()

    async def finish(self, within: float) -> None:
        """Give the calls under way so many seconds. What has not ended by then is unknown after the next start."""
        if tasks := [task for each in self._under_way.values() for task in each]:
            _, late = await asyncio.wait(tasks, timeout=within)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=UNDO_S)

    async def drain(self) -> None:
        """Wait until no call is under way."""
        while tasks := [task for each in self._under_way.values() for task in each]:
            await asyncio.wait(tasks)

    async def turn(self) -> float:
        """Start what may be asked, look up what is due. Returns the seconds until there is something to do."""
        now = self._clock()
        if not self._looked_at <= now < self._looked_at + LOOK_MS:
            self._looked_at = now
            await self._settle_left(now)
        due = await requests.next_at()  # mostly nothing is: we look each second, and whenever a call has ended
        if not 0 < due <= now:
            return min(LOOK_MS, due - now) / 1000 if due else LOOK_MS / 1000
        started = 0
        for name, provider in self._providers.items():
            for request in await self._claim(provider, now):
                self._start(name, self._ask(provider, request))
                started += 1
        async with self._database.work():
            looks = await requests.claim_looks(MOST_LOOKS, now=now)
        for request in looks:
            self._start(request.provider, self.look_up(request))
            started += 1
        pauses = [pause for provider in self._providers.values() if (pause := self._pause(provider))]
        return min(pauses, default=0.0 if started else LOOK_MS / 1000)

    async def _claim(self, provider: Provider, now: int) -> list[PaymentRequest]:
        room = MOST_AT_ONCE - len(self._under_way[provider.name])
        if provider.per_second:
            room = 0 if self._pause(provider) else min(room, 1)
        if self._stopping or room <= 0:
            return []
        async with self._database.work():
            claimed = await requests.claim(provider.name, room, me=self._me, now=now)
        if claimed:
            self._asked_at[provider.name] = asyncio.get_running_loop().time()
        return claimed

    def _pause(self, provider: Provider) -> float:
        """Seconds until this provider may be asked again."""
        if not provider.per_second:
            return 0.0
        since = asyncio.get_running_loop().time() - self._asked_at[provider.name]
        return max(0.0, 1 / provider.per_second - since)

    def _start(self, name: str, call: Coroutine[Any, Any, None]) -> None:
        task, under_way = asyncio.create_task(call), self._under_way.setdefault(name, set())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        task.add_done_callback(lambda _task: self.notify())

    # --- One request

    async def _ask(self, provider: Provider, request: PaymentRequest) -> None:
        outcome = await self._call(provider, request)
        await self._write(partial(self._note, provider, request, outcome))

    async def _call(self, provider: Provider, request: PaymentRequest) -> Asked | NotAsked:
        try:
            return await provider.ask(_ask_of(request))
        except Exception as error:
            # not the error's own words, which may quote the request
            log.error("provider %s: %s while asking %d", provider.name, type(error).__name__, request.id)
            return NotAsked(State.UNKNOWN, "strange answer")

    async def _note(self, provider: Provider, request: PaymentRequest, outcome: Asked | NotAsked) -> None:
        now = self._clock()
        if isinstance(outcome, Asked):
            expires_at = now + provider.rings_s * 1000
            await requests.note_asked(request, outcome.external_id, now=now, expires_at=expires_at)
            return
        log.warning("provider %s: request %d: %s", provider.name, request.id, outcome.code)
        if outcome.state is State.PENDING:
            wait = PUT_OFF_MS[min(request.looks, len(PUT_OFF_MS) - 1)]
            await requests.put_off(request, now + wait, outcome.code)
            return
        state = State.FAILED if outcome.state is State.FAILED else State.UNKNOWN
        answer = Answer(
            state=state,
            provider=provider.name,
            request=request.reference,
            code=outcome.code,
            reason=outcome.reason,
        )
        await self._settler.settle(answer, if_still=lambda held: held.claimed_at == request.claimed_at)

    async def look_up(self, request: PaymentRequest) -> None:
        """Ask its provider how a request stands, and write what it says."""
        provider = self._providers.get(request.provider)
        answer = Answer(state=State.UNKNOWN, provider=request.provider, request=request.reference)
        try:
            if provider:  # it may be configured no more
                answer = await provider.query(_ask_of(request))
        except Exception as error:
            log.error("provider %s: %s while looking up %d", request.provider, type(error).__name__, request.id)
        await self._write(partial(self._note_look, request, answer))

    async def _note_look(self, request: PaymentRequest, answer: Answer) -> None:
        """What had ended before stays so, unless it is paid, or was said to be."""
        if answer.state is not State.PAID and request.state in requests.NOT_PAID and not request.in_doubt:
            await self._note_end_stands(request, answer)
        elif answer.state in (State.PENDING, State.UNKNOWN):
            await self._note_no_news(request, answer)
        else:
            await self._settler.settle(answer)

    async def _note_no_news(self, request: PaymentRequest, answer: Answer) -> None:
        """What is still in doubt is looked up again; what rang for too long has expired, unless its money is there.
        News that came while the provider was asked stands."""
        now, held = self._clock(), await self._hold_unchanged(request)
        if held is None:
            return
        if held.state == RequestState.ASKED and now < held.expires_at:  # a callback had us look early
            soon = now + AGAIN_MS if answer.state is State.UNKNOWN else held.expires_at
            await requests.look_at(held, min(soon, held.expires_at))
        elif confirmed := await self._settler.find_confirmed(held):
            await self._settler.settle(confirmed)
        elif held.in_doubt:
            await self._note_in_vain(held, answer)
        elif answer.state is State.PENDING:
            code = answer.code or "expired"
            await self._settler.settle(replace(answer, state=State.EXPIRED, code=code, reason=Reason.NO_ANSWER))
        else:
            await self._settler.settle(answer)

    async def _hold_unchanged(self, request: PaymentRequest) -> PaymentRequest | None:
        """A request that was looked up, held until the commit. None where there was news while its provider was asked,
        or a sign that it is to be looked up once more."""
        held = await requests.hold(request.provider, reference=request.reference)
        same = held and (held.state, held.look_at) == (request.state, request.look_at)
        return held if same else None

    async def _note_end_stands(self, request: PaymentRequest, answer: Answer) -> None:
        """The provider had news of one that has ended. Where it does not say what they are, it is asked again."""
        held = await self._hold_unchanged(request)
        if held is None:
            return
        if answer.state in (State.PENDING, State.UNKNOWN):
            await requests.look_again(held, code=held.code, now=self._clock())
            return
        await requests.look_at(held, 0)

    async def _note_in_vain(self, held: PaymentRequest, answer: Answer) -> None:
        code = held.code if held.code == NO_RECEIPT else answer.code or held.code
        if not await requests.look_again(held, code=code, now=self._clock()):
            said = "Nobody knows whether pushes of two days ago are paid: mwanga payments list --unknown"
            await raise_alert_once(said, HOUR_MS)

    async def _settle_left(self, now: int) -> None:
        """What was not sent in time, and what a server that died has left."""
        async with self._database.work():
            late = await requests.unsent(now)
            left = await requests.left_alone(now, me=self._me, alone=self._database.embedded)
        for request in late:
            await self._write(partial(self._end_unsent, request), tries=1)
        for request in left:
            await self._write(partial(self._end_left, request), tries=1)

    async def _end_unsent(self, request: PaymentRequest) -> None:
        answer = Answer(
            state=State.FAILED,
            provider=request.provider,
            request=request.reference,
            code=request.code or NOT_SENT,
            reason=Reason.NOT_SENT,
        )
        await self._settler.settle(answer, if_still=_waits)

    async def _end_left(self, request: PaymentRequest) -> None:
        claimed_at = request.claimed_at
        answer = Answer(
            state=State.UNKNOWN, provider=request.provider, request=request.reference, code=requests.INTERRUPTED
        )
        await self._settler.settle(
            answer, if_still=lambda held: held.state == RequestState.NEW and held.claimed_at == claimed_at
        )

    async def _write(self, work: Callable[[], Awaitable[object]], tries: int = TRIES) -> None:
        """Write what came of a call in a unit of work. What is known is not forgotten while the database is away; what
        fails otherwise is looked up again later."""
        while tries:
            try:
                async with self._database.work():
                    await work()
            except DatabaseAway:
                log.error("the database is away: what became of a payment request is written later")
            except Exception:
                log.exception("what became of a payment request could not be written")
                tries -= 1
            else:
                self._on_settled()
                return
            if self._stopping or not tries:
                return
            await asyncio.sleep(AGAIN_S)


def _ask_of(request: PaymentRequest) -> Ask:
    return Ask(
        reference=request.reference,
        phone=request.phone,
        amount=request.amount,
        account=request.account,
        external_id=request.external_id,
    )


def _waits(request: PaymentRequest) -> bool:
    return request.state == RequestState.NEW and not request.claimed_at
