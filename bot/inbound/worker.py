"""Takes what waits now, texts and dialled turns together, handles each on its own, commits once, then answers.

If one of a batch fails, the batch is undone and each is run alone; the one that fails alone is set aside.
"""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from tortoise.exceptions import OperationalError

from bot.company import Company
from bot.inbound.inbox import Brought, Inbox, Outcome, StoredSms
from bot.inbound.sms import APOLOGY, Dispatcher, Handled
from bot.inbound.ussd import SESSION_OVER, Screen, Session, Sessions
from bot.message import UssdTurn
from bot.outbound import Claimed, Lane, NewMessage, Outbox, enqueue
from bot.runtime import Database, DatabaseAway, Metrics, NotNow, OutcomeUnknown
from bot.talks.contacts import STATES, PhoneState, callers_and_contacts, hold, save
from bot.text import Text, _
from bot.text.entry import LONGEST, shown
from bot.text.numbers import is_machine
from models.messages.withdrawal import ANSWERS, withdraw_questions
from models.messages.written import STRANGERS
from models.people import Agent, Caller, Role, find_callers, pins
from models.people.callers import is_new_caller
from models.sql import expect, now_ms, unit_of_work
from models.tokens.journal import JournalFault

log = logging.getLogger(__name__)
MOST = 64  # messages in one batch (design 4)
# A batch stops taking on work after this, so that nothing waits for a long one; sooner while somebody looks at a phone
# for the next screen.
SLICE_S, DIALLED_SLICE_S = 0.05, 0.01
PIN = re.compile(r"(?:\S{1,5}[\s,.]+)?(\d{6})")  # alone, or behind a yes
YIELD_S = 0.002  # after so long the loop reads what arrives meanwhile
# and among dialled turns it goes round so often: in each round, which takes 2 us, it accepts one connection (uvloop
# does: libuv accepts no more in a round since 1.45, pull request 3696).
ROUNDS = 8
# So many messages before its own a PIN begins to be compared, which takes less than to handle one of them. A batch may
# stop before those that it began to compare, and the next one compares them again: at 8, nearly each twice (measured).
AHEAD = 2
LEAST = 8  # messages that a batch takes at least
LOOK_S = 1.0  # how often to look for messages that another process stored, on PostgreSQL
ALONE_TRIES = 3
MOST_AWAYS = 3  # so often the database may go away under one message
PAUSES_S = (0.8, 0.2)  # before the last try and the one before it: a database that restarts is back within seconds
NOT_SURE = _("Not sure. Send TOKEN serial before you sell again. Help {help}")
UNSURE = _("Not sure if it was done. Dial again. Help {help}")
ASKED = ("asked the phone", "asked an agent")  # to pay, or to take the cash: an SMS tells how that ended
SMS_FOLLOWS = _("This takes longer. If it went through, an SMS follows. Else dial again. Help {help}")
# In a flood a batch begins so long after the one before at the earliest, and accepting has twice as long as handling,
# unless nothing comes for so long.
AT_LEAST_S, RESTS, EBB_S = 0.05, 2, 0.01
PAUSE_S = 1.0  # after the database failed
AGAIN = (OperationalError, DatabaseAway, JournalFault)  # what mostly passes
Claim = Callable[[], Awaitable[list[StoredSms]]]


@dataclass
class _DialledTurn:
    """A turn whose request waits for its screen."""

    turn: UssdTurn
    answer: "asyncio.Future[str]"
    since: float = field(default_factory=time.perf_counter)
    language: str = ""  # of the caller, once that is known
    sorry: Text = APOLOGY  # what is said when it fails


@dataclass
class _Batch:
    """What one unit of work did; nothing of it counts before the commit."""

    answered: list[tuple[_DialledTurn, Screen]] = field(default_factory=list)
    handled: list[tuple[StoredSms, Handled]] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)  # phones that said something in this batch
    brought: Brought = field(default_factory=Brought)  # what was stored in the same unit of work
    failed_at: StoredSms | _DialledTurn | None = None  # what was being handled when it failed
    more: bool = False  # whether there may be more to handle
    cut_short: bool = False  # whether it stopped before all that it had taken was handled
    enqueued: set[str] = field(default_factory=set)  # gateways that got messages to send
    claimed: list[tuple[Lane, Claimed]] = field(default_factory=list)  # messages that leave right after the commit
    since: float = field(default_factory=time.perf_counter)
    round_at: float = field(default_factory=time.perf_counter)  # when it last let the loop go round

    @property
    def begun(self) -> list[StoredSms]:
        """The messages that were begun, the one that failed last. What was stored in the same unit of work may have
        other rows by now: the next batch finds it."""
        begun = [message for message, _handled in self.handled]
        begun += [self.failed_at] if isinstance(self.failed_at, StoredSms) else []
        undone = {*self.brought.new.values()}
        return [message for message in begun if message.id not in undone]

    @property
    def results(self) -> list[Handled]:
        """What became of the texts, then of the turns."""
        return [handled for _message, handled in self.handled] + [screen.handled for _turn, screen in self.answered]

    async def let_arrive(self, rounds: int) -> None:
        """Between two turns or messages, now and then: the loop reads what has come meanwhile and accepts who connects.
        Of hundreds who dial at once the last one would wait for as many batches otherwise."""
        if time.perf_counter() - self.round_at > YIELD_S:
            await _go_round(rounds)
            self.round_at = time.perf_counter()

    @asynccontextmanager
    async def doubting(self) -> AsyncIterator[None]:
        """Let no turn be told that it failed of which nobody knows whether it did: the connection broke at the commit.
        Where it may have sold it is said how to look; whatever else ended its session may have had an effect too, of
        which an SMS tells this phone or none."""
        try:
            yield
        except OutcomeUnknown:
            for turn, screen in self.answered:
                if screen.handled.outcome in ("sold", "repeated"):  # whose screen may have said so
                    turn.sorry = NOT_SURE
                elif screen.response.startswith("END") and turn.sorry is APOLOGY:
                    told = {message.phone for message in screen.handled.outgoing}
                    tells = turn.turn.phone in told or screen.handled.outcome in ASKED
                    turn.sorry = SMS_FOLLOWS if tells else UNSURE
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
        self.batches, self._batch_done = 0, asyncio.Event()  # how many are done
        self._stopping = False
        self._slow = False  # after the database failed, and while each message of a batch is run alone
        self._next_at = 0.0  # when the next batch begins in a flood
        self._resting = False  # until then
        self._most = MOST  # messages that the next batch takes: what is taken and not handled was read for nothing
        # Claiming and locking phones is one step within a process, so that messages keep their order.
        self._claiming = asyncio.Lock()

    def notify(self) -> None:
        """There are messages to handle."""
        self._wake.set()

    def take_along(self) -> bool:
        """Store what has just arrived in the unit of work in which it is handled: whether the next batch does that. An
        embedded database has one writer: one commit takes half as long as two. In a flood accepting comes first
        and has commits of its own, and so where it would wait for long."""
        if self._stopping or self._slow or self._inbox.busy or not self._database.embedded:
            return False
        self._wake.set()
        return True

    async def answer(self, turn: UssdTurn) -> str:
        """The response to a dialled turn, after its commit."""
        if len(turn.text) > LONGEST:
            return f"END {SESSION_OVER.to(self._company.languages[0])}"
        waiting = _DialledTurn(replace(turn, text=shown(turn.text)), asyncio.get_running_loop().create_future())
        self._turns.append(waiting)
        self._wake.set()
        return await waiting.answer

    async def wait_for_batch(self, after: int) -> None:
        """Wait until more batches are done than this. Whoever looks at what they did takes the number before the look,
        or misses one that ends meanwhile."""
        if self.batches <= after:
            await self._batch_done.wait()

    async def run(self) -> None:
        """Handle until stopped."""
        while not self._stopping or self._turns:
            if not await self._is_called():
                continue
            try:
                if await self._handle_batch():
                    self._wake.set()
            except Exception:
                log.exception("the database cannot be used")
                self._give_up_turns()
                self._slow = True
                await asyncio.sleep(PAUSE_S)
                self._slow = False
                self._wake.set()

    async def _is_called(self) -> bool:
        """Wait for something to do. What comes calls all the loops of one server that wait, and is for the first."""
        if not self._turns:
            try:
                await asyncio.wait_for(self._wake.wait(), None if self._database.embedded else LOOK_S)
            except TimeoutError:
                return True
        # Whoever connects anew for each turn would come alone otherwise, and wait for as many commits.
        await _go_round(ROUNDS)
        if not self._turns and not self._wake.is_set():
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
        if time.perf_counter() >= self._next_at:
            self._inbox.busy = False  # unless as many come again
        if not turns and not self._stopping and self._has_to_rest():
            return False
        batch = _Batch()
        try:
            async with self._inbox.telling(batch.brought):
                await self._fill(batch, turns, partial(self._claim_oldest, batch))
            ended = time.perf_counter()
            self._next_at = max(batch.since + AT_LEAST_S, ended + RESTS * (ended - batch.since))
        except Exception:
            if batch.failed_at is None and not batch.handled and not turns:
                raise  # nothing was begun: it is the database
            log.warning("a batch was undone; each message of it is run alone", exc_info=True)
            self._slow = True
            await self._run_each_alone(turns, batch.begun)
            self._slow = False
            self._tell_done()
            return True
        self._report_done(batch)
        self._tell_done()
        return batch.more or bool(self._turns)

    def _tell_done(self) -> None:
        self.batches += 1
        self._batch_done.set()
        self._batch_done.clear()

    async def _fill(self, batch: _Batch, turns: Sequence[_DialledTurn], claim: Claim) -> None:
        """Handle these turns and what is claimed, in one unit of work. On SQLite what has just arrived is stored first
        and the answers are claimed last, so that one commit holds all three: whoever brought a text, and whoever gets
        an answer, hears of it after that."""
        async with batch.doubting(), self._outbox.starting(batch.claimed), self._database.work():
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
            callers, known = await callers_and_contacts(sorted(phones))
            expect("customer", (one.id for caller in callers.values() for one in caller.customers))
            expect(STRANGERS, _strangers_among(messages, callers, known))
            dialled = [(turn.turn.phone, turn.turn.text.rpartition("*")[2]) for turn in turns]
            await pins.hold_ahead(agent for agent, _pin in _pins_among([*dialled, *_written(messages)], callers))
            self._compare_pins(dialled, callers)
            sessions = await self._sessions.find(turn.turn for turn in turns)
            for turn in turns:
                await batch.let_arrive(ROUNDS)
                batch.failed_at = turn
                await self._handle_turn(batch, turn, sessions.pop(turn.turn, None), callers, known)
            await self._handle_texts(batch, messages, callers, known)
            batch.more = batch.more or full
            self._learn_most(batch, full=full)
            batch.failed_at = None
            await self._write(batch)

    async def _handle_texts(
        self, batch: _Batch, messages: Sequence[StoredSms], callers: dict[str, Caller], known: dict[str, PhoneState]
    ) -> None:
        """One after the other until it takes too long; the PINs of the next two are compared meanwhile."""
        started, written = time.perf_counter(), _written(messages)
        self._compare_pins(written[:AHEAD], callers)
        for place, message in enumerate(messages):
            if place:  # the first is handled whatever comes: each batch gets on
                await batch.let_arrive(1)
                if time.perf_counter() - started > (DIALLED_SLICE_S if self._turns else SLICE_S):
                    batch.more = batch.cut_short = True
                    break
            self._compare_pins(written[place + AHEAD : place + AHEAD + 1], callers)
            batch.failed_at = message
            await self._handle_sms(batch, message, callers, known)

    def _learn_most(self, batch: _Batch, *, full: bool) -> None:
        """How many the next one takes: twice what this one came to, or twice as many where it came to the end."""
        if batch.cut_short:
            self._most = min(max(2 * len(batch.handled), LEAST), MOST)
        elif full:
            self._most = min(2 * self._most, MOST)

    def _compare_pins(self, written: Iterable[tuple[str, str]], callers: dict[str, Caller]) -> None:
        """Of these texts by phone begin to compare those that look like a PIN; talks ask later."""
        pins.compare_ahead(_pins_among(written, callers), self._company.vault)

    async def _claim_oldest(self, batch: _Batch) -> list[StoredSms]:
        if self._database.embedded:
            await self._inbox.bring(batch.brought)
        return [] if self._stopping else await self._inbox.claim(self._most)

    def _has_to_rest(self) -> bool:
        """Whether accepting comes first, since a gateway asks again only after a minute: in a flood a batch is handled
        now and then, and the rest when it ebbs."""
        rest = self._next_at - time.perf_counter()
        if not self._inbox.busy or rest <= 0:
            return False
        if not self._resting:
            self._resting = True
            asyncio.get_running_loop().call_later(min(rest, EBB_S), self._look_for_ebb, self._inbox.arrivals)
        return True

    def _look_for_ebb(self, arrivals: int) -> None:
        """Rest on while more arrive, until the time is over. Then handle a batch; at once the next one as well, if not
        so many have come meanwhile."""
        rest = self._next_at - time.perf_counter()
        if rest > 0 and self._inbox.arrivals > arrivals:
            asyncio.get_running_loop().call_later(min(rest, EBB_S), self._look_for_ebb, self._inbox.arrivals)
            return
        self._next_at = 0.0
        self._resting = self._inbox.busy = False
        self._wake.set()

    async def _handle_turn(
        self,
        batch: _Batch,
        turn: _DialledTurn,
        session: Session | None,
        callers: dict[str, Caller],
        known: dict[str, PhoneState],
    ) -> None:
        contact = known[turn.turn.phone]
        caller, before = await _look_again(batch, contact.phone, callers), {**vars(contact)}
        turn.language = caller.language or contact.language
        screen = await self._sessions.handle(turn.turn, caller, contact, session)
        batch.answered.append((turn, screen))
        _leave_for_the_end(screen.handled, contact, before)

    async def _handle_sms(
        self, batch: _Batch, message: StoredSms, callers: dict[str, Caller], known: dict[str, PhoneState]
    ) -> None:
        contact = known[message.sender.value]
        caller, before = await _look_again(batch, contact.phone, callers), {**vars(contact)}
        handled = await self._dispatcher.handle(message, contact, caller)
        batch.handled.append((message, handled))
        _leave_for_the_end(handled, contact, before)

    async def _write(self, batch: _Batch) -> None:
        batch.enqueued = {one.gateway for handled in batch.results for one in handled.outgoing}
        await withdraw_questions({origin for handled in batch.results for origin in handled.answered})
        await self._inbox.write_outcomes([Outcome(m.id, "done", h.outcome) for m, h in batch.handled])
        if unit := unit_of_work():  # when all was withdrawn that need not go any more, as reminders of what was paid
            unit.at_end("answers", partial(self._claim_answers, batch), last=True).extend(batch.enqueued)

    async def _claim_answers(self, batch: _Batch, gateways: Sequence[str]) -> None:
        batch.claimed += await self._outbox.claim(gateways)

    def _report_done(self, batch: _Batch) -> None:
        if any(handled.tells for _message, handled in batch.handled):
            self._outbox.notify()
        elif batch.enqueued:
            self._outbox.notify(batch.enqueued - {lane.name for lane, _message in batch.claimed})
        by_dialling, by_sms = self._metrics.handling.labels("ussd"), self._metrics.handling.labels("sms")
        for turn, screen in batch.answered:
            if not turn.answer.done():
                turn.answer.set_result(screen.response)
            by_dialling.observe(time.perf_counter() - turn.since)
        for _message, _handled in batch.handled:
            by_sms.observe(time.perf_counter() - batch.since)
        outcomes = Counter((handled.talk, handled.outcome) for handled in batch.results)
        for (talk, outcome), count in outcomes.items():
            self._metrics.talks.labels(talk, outcome).inc(count)
            if outcome == "sold":
                self._metrics.sales.inc(count)

    async def _run_each_alone(self, turns: Sequence[_DialledTurn], messages: Sequence[StoredSms]) -> None:
        for turn in turns:
            try:
                await self._run_turn(turn)
            except DatabaseAway:
                self._apologise(turn)
            except Exception:
                log.exception("a dialled turn failed")
                self._apologise(turn)
        for message in messages:
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
            except AGAIN:
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
            except AGAIN as error:
                broke = isinstance(error, DatabaseAway) and not isinstance(error, NotNow)
                away = broke and batch.heard  # it was being handled
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
        """Keep a poison message with its error, and tell its sender once. Where that is what breaks, nobody is told: it
        would come first for ever, and hold up all others."""
        for left in reversed(range(ALONE_TRIES)):
            try:
                await self._keep_failed(message, error, answered=True)
            except DatabaseAway:
                raise
            except Exception:
                if left:  # mostly that passes
                    await asyncio.sleep(PAUSES_S[left - 1])
                    continue
                log.exception("nobody could be told that a message failed", extra={"inbox": message.id})
                await self._keep_failed(message, error, answered=False)
            return

    async def _keep_failed(self, message: StoredSms, error: Exception, *, answered: bool) -> None:
        async with self._database.work():
            # Whoever has it now loses the database under it too, and would leave it to us as we to him.
            if not await self._inbox.claim_one(message.id, wait=True):
                return  # it was committed after all, though nobody was told so
            error_text = f"{type(error).__name__} at {_place_of(error)}"
            if answered and is_machine(message.sender):
                await self._dispatcher.keep_aside(message, type(error).__name__)
            elif answered:
                callers = await find_callers([message.sender.value])
                language = callers[message.sender.value].language or self._company.languages[0]
                await enqueue(self._dispatcher.apology(message, language), now_ms())
            await self._inbox.write_outcomes([Outcome(message.id, "failed", "failed", error_text)])
        self._metrics.talks.labels("", "failed").inc()
        self._outbox.notify()

    def _apologise(self, turn: _DialledTurn) -> None:
        if not turn.answer.done():
            text = Text(turn.sorry.english, {"help": self._company.help_phone})
            turn.answer.set_result("END " + text.to(turn.language or self._company.languages[0]))

    def _give_up_turns(self) -> None:
        turns, self._turns = self._turns, []
        for turn in turns:
            self._apologise(turn)


async def _look_again(batch: _Batch, phone: str, callers: dict[str, Caller]) -> Caller:
    """Who it is by now: what the phone said before may have locked its agent, or changed the language; a LOCK by any
    other phone may have done so too, and an agent's REG made a customer of a stranger."""
    agent = callers[phone].agent
    if phone in batch.heard or (agent and pins.was_locked(agent)) or is_new_caller(phone):
        callers |= await find_callers([phone])
    batch.heard.add(phone)
    return callers[phone]


def _leave_for_the_end(handled: Handled, contact: PhoneState, before: Mapping[str, object]) -> None:
    """What was answered, and what is known of the phone where that is new, is written for all of a batch at once: at
    its end, or when somebody has to see it."""
    if unit := unit_of_work():
        unit.at_end(ANSWERS, _enqueue).extend(handled.outgoing)
        if vars(contact) != before:
            unit.at_end(STATES, save).append(contact)


async def _enqueue(outgoing: Sequence[NewMessage]) -> None:
    await enqueue(outgoing, now_ms())


def _written(messages: Sequence[StoredSms]) -> list[tuple[str, str]]:
    """What was texted, by phone."""
    return [(message.sender.value, message.text) for message in messages]


def _pins_among(written: Iterable[tuple[str, str]], callers: dict[str, Caller]) -> list[tuple[Agent, str]]:
    """What of these texts by phone looks like a PIN of the phone's agent."""
    found = [(callers[phone].agent, PIN.fullmatch(text.strip())) for phone, text in written]
    return [(agent, pin[1]) for agent, pin in found if agent and not agent.locked_at and pin]


def _strangers_among(
    messages: Sequence[StoredSms], callers: Mapping[str, Caller], known: Mapping[str, PhoneState]
) -> list[str]:
    """The phones among these that nobody has, and that may hear who we are."""
    now, phones = now_ms(), {message.sender.value for message in messages if not is_machine(message.sender)}
    return [one for one in phones if callers[one].role is Role.STRANGER and not known[one].was_told(now)]


async def _go_round(rounds: int) -> None:
    """Let the loop read what has come, and accept who connects."""
    for _round in range(rounds):
        await asyncio.sleep(0)


async def _claim_nothing() -> list[StoredSms]:
    return []


def _place_of(error: Exception) -> str:
    """File and line of our own code; never the values, which may be secret."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else "?"
