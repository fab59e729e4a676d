"""Takes what waits now, texts and dialled turns together, handles each on its own, commits once, then answers.

If one of a batch fails, the batch is undone and each is run alone; the one that fails alone is set aside.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from tortoise.exceptions import OperationalError

from bot.company import Company
from bot.inbound.inbox import Inbox, Outcome, StoredSms
from bot.inbound.sms import APOLOGY, Dispatcher, Handled
from bot.inbound.ussd import SESSION_OVER, Screen, Sessions
from bot.message import UssdTurn
from bot.outbound import Outbox, enqueue
from bot.runtime import Database, DatabaseAway, Metrics, OutcomeUnknown
from bot.talks.contacts import PhoneState, contacts, hold, save
from bot.text import Text, _
from bot.text.entry import LONGEST, shown
from bot.text.numbers import is_machine
from models.messages.withdrawal import withdraw_questions
from models.people import Caller, find_callers, pins
from models.sql import now_ms

log = logging.getLogger(__name__)
MOST = 64  # messages in one batch (design 4)
# A batch stops taking on work after this, so that nothing waits for a long one; sooner while somebody looks at a phone
# for the next screen.
SLICE_S, DIALLED_SLICE_S = 0.05, 0.01
PIN = re.compile(r"(?:\S{1,5}[\s,.]+)?(\d{6})")  # alone, or behind a yes
AHEAD = 8  # messages whose PINs are compared together, though a batch may stop before the last of them
LEAST = 8  # messages that a batch takes at least
LOOK_S = 1.0  # how often to look for messages that another process stored, on PostgreSQL
ALONE_TRIES = 3
MOST_AWAYS = 3  # so often the database may go away under one message
PAUSES_S = (0.8, 0.2)  # before the last try and the one before it: a database that restarts is back within seconds
NOT_SURE = _("Not sure. Send TOKEN serial before you sell again. Help {help}")
AT_LEAST_S = 0.05
PAUSE_S = 1.0  # after the database failed
Claim = Callable[[], Awaitable[list[StoredSms]]]


@dataclass
class _DialledTurn:
    """A turn whose request waits for its screen."""

    turn: UssdTurn
    answer: "asyncio.Future[str]"
    since: float = field(default_factory=time.perf_counter)
    language: str = ""  # of the caller, once that is known
    unsure: bool = False  # whether any try of it may have sold something: nobody knows if that was committed


@dataclass
class _Batch:
    """What one unit of work did; nothing of it counts before the commit."""

    answered: list[tuple[_DialledTurn, Screen]] = field(default_factory=list)
    handled: list[tuple[StoredSms, Handled]] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)  # phones of which something new is known
    heard: set[str] = field(default_factory=set)  # phones that said something in this batch
    failed_at: StoredSms | _DialledTurn | None = None  # what was being handled when it failed
    more: bool = False  # whether there may be more to handle
    cut_short: bool = False  # whether it stopped before all that it had taken was handled
    enqueued: set[str] = field(default_factory=set)  # gateways that got messages to send
    since: float = field(default_factory=time.perf_counter)

    @asynccontextmanager
    async def doubting(self) -> AsyncIterator[None]:
        """Mark the turns of which nobody knows what they sold: the connection broke at the commit."""
        try:
            yield
        except OutcomeUnknown:
            for turn, screen in self.answered:
                turn.unsure |= screen.handled.outcome in ("sold", "repeated")  # whose screen may have said so
            raise


class Worker:
    """Handles what arrived. Several loops of one may run at once on PostgreSQL, one on SQLite."""

    def __init__(
        self,
        *,
        database: Database,
        inbox: Inbox,
        dispatcher: Dispatcher,
        sessions: Sessions,
        outbox: Outbox,
        company: Company,
        metrics: Metrics,
    ) -> None:
        self._database, self._inbox, self._outbox = database, inbox, outbox
        self._dispatcher, self._sessions = dispatcher, sessions
        self._company, self._metrics = company, metrics
        self._turns: list[_DialledTurn] = []
        self._wake = asyncio.Event()
        self._wake.set()  # whatever an earlier process left is looked at first
        self._batch_done = asyncio.Event()
        self._stopping = False
        self._batch_at = 0.0
        self._most = MOST  # messages that the next batch takes: what is taken and not handled was read for nothing
        # Claiming and locking phones is one step within a process, so that messages keep their order.
        self._claiming = asyncio.Lock()

    def notify(self) -> None:
        """There are messages to handle."""
        self._wake.set()

    async def answer(self, turn: UssdTurn) -> str:
        """The response to a dialled turn, after its commit."""
        if len(turn.text) > LONGEST:
            return f"END {SESSION_OVER.to(self._company.languages[0])}"
        waiting = _DialledTurn(replace(turn, text=shown(turn.text)), asyncio.get_running_loop().create_future())
        self._turns.append(waiting)
        self._wake.set()
        return await waiting.answer

    async def wait_for_batch(self) -> None:
        """Wait until the next batch is done."""
        await self._batch_done.wait()

    async def run(self) -> None:
        """Handle until stopped."""
        while not self._stopping or self._turns:
            if not await self._is_called():
                continue
            try:
                while await self._handle_batch():
                    pass
            except Exception:
                log.exception("the database cannot be used")
                self._give_up_turns()
                await asyncio.sleep(PAUSE_S)
                self._wake.set()

    async def _is_called(self) -> bool:
        """Wait for something to do. What comes calls all the loops of one server that wait, and is for the first."""
        if not self._turns:
            try:
                await asyncio.wait_for(self._wake.wait(), None if self._database.embedded else LOOK_S)
            except TimeoutError:
                return True
            if not self._wake.is_set():
                return False
        self._wake.clear()
        return True

    def stop(self) -> None:
        """Finish what is under way; what waits in the inbox is handled after the next start."""
        self._stopping = True
        self._wake.set()

    async def _handle_batch(self) -> bool:
        """One batch. True when there may be more."""
        turns, self._turns = self._turns[:MOST], self._turns[MOST:]
        if self._turns:
            self._wake.set()  # for another loop
        if not turns and not self._stopping:
            if self._is_flooded():
                asyncio.get_running_loop().call_later(AT_LEAST_S, self._end_flood)
                return False
            self._batch_at = time.perf_counter()
        batch = _Batch()
        try:
            await self._fill(batch, turns, self._claim_oldest)
        except Exception:
            if batch.failed_at is None and not batch.handled and not turns:
                raise  # nothing was begun: it is the database
            log.warning("a batch was undone; each message of it is run alone", exc_info=True)
            await self._run_each_alone(turns, [message for message, _handled in batch.handled], batch.failed_at)
            self._batch_done.set()
            self._batch_done.clear()
            return True
        self._report_done(batch)
        self._batch_done.set()
        self._batch_done.clear()
        return batch.more or bool(self._turns)

    async def _fill(self, batch: _Batch, turns: Sequence[_DialledTurn], claim: Claim) -> None:
        """Handle these turns and what is claimed, in one unit of work."""
        async with batch.doubting(), self._database.work():
            async with self._claiming:
                most, messages = self._most, await claim()
                full = len(messages) >= most  # of which some may have to wait for older ones
                if full:
                    self._wake.set()  # for another loop
                await hold([t.turn.phone for t in turns] + [m.sender.value for m in messages])
                messages = await self._inbox.in_order(messages, full=full)
            phones = {turn.turn.phone for turn in turns} | {message.sender.value for message in messages}
            if not phones:
                return
            callers = await find_callers(sorted(phones))
            known = await contacts(sorted(phones))
            await self._compare_pins(((t.turn.phone, t.turn.text.rpartition("*")[2]) for t in turns), callers)
            for turn in turns:
                batch.failed_at = turn
                await self._handle_turn(batch, turn, callers, known)
            started = time.perf_counter()
            for place, message in enumerate(messages):
                if time.perf_counter() - started > (DIALLED_SLICE_S if self._turns else SLICE_S):
                    batch.more = batch.cut_short = True
                    break
                if place % AHEAD == 0:
                    next_ones = messages[place : place + AHEAD]
                    await self._compare_pins(((m.sender.value, m.text) for m in next_ones), callers)
                batch.failed_at = message
                await self._handle_sms(batch, message, callers, known)
                await asyncio.sleep(0)  # the loop reads what arrives meanwhile
            batch.more = batch.more or full
            self._learn_most(batch, full=full)
            batch.failed_at = None
            await self._write(batch, known)

    def _learn_most(self, batch: _Batch, *, full: bool) -> None:
        """How many the next one takes: twice what this one came to, or twice as many where it came to the end."""
        if batch.cut_short:
            self._most = min(max(2 * len(batch.handled), LEAST), MOST)
        elif full:
            self._most = min(2 * self._most, MOST)

    async def _compare_pins(self, written: Iterable[tuple[str, str]], callers: dict[str, Caller]) -> None:
        """Of these texts by phone compare those that look like a PIN of the phone's agent, before the talks ask."""
        found = [(callers[phone].agent, PIN.fullmatch(text.strip())) for phone, text in written]
        await pins.compare_ahead(
            [(agent, pin[1]) for agent, pin in found if agent and not agent.locked_at and pin], self._company.vault
        )

    async def _claim_oldest(self) -> list[StoredSms]:
        return [] if self._stopping else await self._inbox.claim(self._most)

    def _is_flooded(self) -> bool:
        """Whether accepting comes first, since a gateway asks again only after a minute: in a flood a batch is handled
        every AT_LEAST_S, and the rest when it ebbs."""
        return self._inbox.busy and time.perf_counter() - self._batch_at < AT_LEAST_S

    def _end_flood(self) -> None:
        self._inbox.busy = False
        self._wake.set()

    async def _handle_turn(
        self, batch: _Batch, turn: _DialledTurn, callers: dict[str, Caller], known: dict[str, PhoneState]
    ) -> None:
        phone = turn.turn.phone
        batch.heard.add(phone)
        before = replace(known[phone])
        turn.language = callers[phone].language or known[phone].language
        screen = await self._sessions.handle(turn.turn, callers[phone], known[phone])
        batch.answered.append((turn, screen))
        if known[phone] != before:
            batch.changed.add(phone)

    async def _handle_sms(
        self, batch: _Batch, message: StoredSms, callers: dict[str, Caller], known: dict[str, PhoneState]
    ) -> None:
        phone = message.sender.value
        if phone in batch.heard:  # what it said before may have locked its agent, or changed the language
            callers |= await find_callers([phone])
        batch.heard.add(phone)
        before = replace(known[phone])
        handled = await self._dispatcher.handle(message, known[phone], callers[phone])
        batch.handled.append((message, handled))
        if known[phone] != before:
            batch.changed.add(phone)

    async def _write(self, batch: _Batch, known: dict[str, PhoneState]) -> None:
        results = [handled for _message, handled in batch.handled]
        results += [screen.handled for _turn, screen in batch.answered]
        outgoing = [one for handled in results for one in handled.outgoing]
        if outgoing:
            await enqueue(outgoing, now_ms())
            batch.enqueued = {one.gateway for one in outgoing}
        await withdraw_questions({origin for handled in results for origin in handled.answered})
        await save([known[phone] for phone in sorted(batch.changed)])
        await self._inbox.write_outcomes([Outcome(m.id, "done", h.outcome) for m, h in batch.handled])

    def _report_done(self, batch: _Batch) -> None:
        if any(handled.tells for _message, handled in batch.handled):
            self._outbox.notify()
        elif batch.enqueued:
            self._outbox.notify(batch.enqueued)
        for turn, screen in batch.answered:
            if not turn.answer.done():
                turn.answer.set_result(screen.response)
            self._metrics.handling.labels("ussd").observe(time.perf_counter() - turn.since)
            self._count_outcome(screen.handled)
        for _message, handled in batch.handled:
            self._metrics.handling.labels("sms").observe(time.perf_counter() - batch.since)
            self._count_outcome(handled)

    def _count_outcome(self, handled: Handled) -> None:
        self._metrics.talks.labels(handled.talk, handled.outcome).inc()
        if handled.outcome == "sold":
            self._metrics.sales.inc()

    async def _run_each_alone(
        self, turns: Sequence[_DialledTurn], messages: Sequence[StoredSms], failed_at: StoredSms | _DialledTurn | None
    ) -> None:
        for turn in turns:
            try:
                await self._run_turn(turn)
            except DatabaseAway:
                self._apologise(turn)
            except Exception:
                log.exception("a dialled turn failed")
                self._apologise(turn)
        for message in [*messages, failed_at] if isinstance(failed_at, StoredSms) else messages:
            try:
                await self._run_message(message)
            except DatabaseAway:
                raise  # the message stays as it is, for later
            except Exception as error:
                log.exception("a message failed", extra={"inbox": message.id})
                await self._set_aside(message, error)

    async def _run_turn(self, turn: _DialledTurn) -> None:
        """One turn alone; two that waited for each other get another chance."""
        for left in reversed(range(ALONE_TRIES)):
            batch = _Batch()
            try:
                await self._fill(batch, [turn], _claim_nothing)
            except (OperationalError, DatabaseAway):
                if not left:
                    raise
                await asyncio.sleep(PAUSES_S[left - 1])
            else:
                self._report_done(batch)
                return

    async def _run_message(self, message: StoredSms) -> None:
        """One message alone. When the database goes away under it again and again, it is set aside: a message that
        holds up the server would hold up the next one as well."""
        for left in reversed(range(ALONE_TRIES)):
            batch = _Batch()
            try:
                await self._fill(batch, [], partial(self._inbox.claim_one, message.id))
            except (OperationalError, DatabaseAway) as error:
                away = isinstance(error, DatabaseAway) and batch.heard  # it was being handled
                if away and await self._count_away(message) >= MOST_AWAYS:
                    log.error("the database went away under a message again and again", extra={"inbox": message.id})
                    await self._set_aside(message, error)
                    return
                if not left:
                    raise
                await asyncio.sleep(PAUSES_S[left - 1])
            else:
                self._report_done(batch)
                return

    async def _count_away(self, message: StoredSms) -> int:
        """Count that the database went away under this message: how often. Raises DatabaseAway when it is still away:
        then no message is to blame."""
        async with self._database.work():
            return await self._inbox.count_away(message.id)

    async def _set_aside(self, message: StoredSms, error: Exception) -> None:
        """Keep a poison message with its error, and tell its sender once."""
        async with self._database.work():
            if not await self._inbox.claim_one(message.id):
                return  # it was committed after all, though nobody was told so
            error_text = f"{type(error).__name__} at {_place_of(error)}"
            if is_machine(message.sender):
                await self._dispatcher.keep_aside(message, type(error).__name__)
            else:
                callers = await find_callers([message.sender.value])
                language = callers[message.sender.value].language or self._company.languages[0]
                await enqueue(self._dispatcher.apology(message, language), now_ms())
            await self._inbox.write_outcomes([Outcome(message.id, "failed", "failed", error_text)])
        self._metrics.talks.labels("", "failed").inc()
        self._outbox.notify()

    def _apologise(self, turn: _DialledTurn) -> None:
        if not turn.answer.done():
            said = NOT_SURE if turn.unsure else APOLOGY
            text = Text(said.english, {"help": self._company.help_phone})
            turn.answer.set_result("END " + text.to(turn.language or self._company.languages[0]))

    def _give_up_turns(self) -> None:
        turns, self._turns = self._turns, []
        for turn in turns:
            self._apologise(turn)


async def _claim_nothing() -> list[StoredSms]:
    return []


def _place_of(error: Exception) -> str:
    """File and line of our own code; never the values, which may be secret."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else "?"
