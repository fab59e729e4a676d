"""The page at `/`: how things are today, what is stuck and why. Drawn on the server, needs no script."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from prometheus_client import Counter

from bot.android.queue import receivers
from bot.android.troubles import troubles
from bot.company import Company
from bot.config import Config
from bot.gateways.errors import ERRORS, explained
from bot.monitor import CLOCK_SENTENCES
from bot.routing import NOWHERE, Facts, Health
from bot.routing.health import condition_of
from bot.routing.watch import facts_of_unused
from bot.runtime import Metrics
from bot.server import SERVER, Server
from bot.text.entry import LONGEST
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.times import age, moment, when
from models.clock import CLOCK
from models.messages import GatewayState, Phone, State
from models.money import notices, requests
from models.money.books import last_check
from models.money.requests import RequestState
from models.office import outgoing, overview
from models.office.overview import Counted, Queue, Report, Stuck
from models.sql import connection

REFRESH_S = 60  # a page is some 8 KB, and data is paid by the megabyte
WARN, ALARM = 70, 90  # percent of an agent's limit, as he is told himself
UNREAD_LATE_MS = 60_000  # a message is handled within a second
FATES = {State.FAILED: "failed", State.EXPIRED: "expired", State.UNCERTAIN: "may have gone or not"}
EMPTY = Queue(Counted(0, False), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A gateway as the page shows it."""

    facts: Facts
    state: Health
    heard_at: int  # milliseconds, 0 for never
    last_word: str  # a sentence or nothing
    trouble: str  # a sentence or nothing
    queue: Queue
    today: tuple[int, int]  # how much it sent, and how much was lost there
    refusals: int = 0  # how often it did not take a message since the start
    troubles: Sequence[str] = ()  # what is wrong with a phone, in sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Messages that are stuck for one reason, in words."""

    stuck: Stuck
    gateway: str  # as the office knows it; empty while they have none
    where: str  # the office's word for their state
    fate: str
    why: str
    others: int  # how many have no example


@office_page("/", roles=ALL, nav=Nav.HOME)
async def show(request: web.Request) -> web.StreamResponse:
    """The page for whoever is signed in."""
    server, now = request.app[SERVER], datetime.now(UTC)
    midnight = now.astimezone(server.company.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    now_ms = int(now.timestamp() * 1000)
    seen = await overview.read(now_ms, midnight.astimezone(UTC))
    await server.router.watch.look()
    lines = _lines(server, seen, now_ms)
    for name, sentences in (await _troubles(server.config, now_ms)).items():
        if name in lines:
            trouble = lines[name].trouble
            lines[name] = replace(lines[name], troubles=[each for each in sentences if each != trouble])
    return page(
        request,
        "home/home.html",
        refresh=REFRESH_S,
        open_demo=server.simulated and not server.config.on_loopback,
        overview=seen,
        gateways=lines.values(),
        waiting=_add_up(seen.queues.values()),
        unread_late=0 < seen.unread.oldest < now_ms - UNREAD_LATE_MS,
        reasons=[_reason(each, seen, lines.get(each.gateway)) for each in seen.stuck],
        wrong_secrets=_wrong_secrets(server.metrics),
        books=await last_check(),
        unknown_pushes=sum(each for _, state, each in await requests.count_open() if state == RequestState.UNKNOWN),
        parked_notices=await notices.count_parked(),
        clock=CLOCK_SENTENCES[doubt] if (doubt := await CLOCK.doubt()) else "",
        levels=(WARN, ALARM),
        look=overview.LOOK,
        longest_text=LONGEST,
        sort_bound=overview.SORT,
        now=now_ms,
        zone=midnight.tzname(),
        when=partial(when, server.company, now),
        age=partial(age, now_ms),
        figure=_figure,
        label=lambda name: server.router.watch.facts(name).label,
    )


def _lines(server: Server, seen: Report, now: int) -> dict[str, Line]:
    """The gateways that bring or carry messages, and those that still have some to send."""
    states = {state.name: state for state in seen.gateways}
    senders = server.outbox.gateways
    lines = {}
    watched = server.router.watch.gateways
    for name in at_work(server, [*server.callbacks.gateways, *senders, *seen.queues]):
        state = states.get(name) or GatewayState(name=name)
        facts = watched[name][0] if name in watched else facts_of_unused(state)
        word = "It brings messages and carries none."
        if name in senders or facts.phone:
            word = _describe_last_word(state)
        line = _line(server.company, facts, word, seen, now)
        lines[name] = replace(line, refusals=_count_since_start(server.metrics.send_errors, gateway=name))
    if NOWHERE in lines:
        lines[NOWHERE] = replace(lines[NOWHERE], trouble="No gateway may carry these messages as things are.")
    return lines


def _line(company: Company, facts: Facts, word: str, seen: Report, now: int) -> Line:
    condition = condition_of(facts, now)
    trouble = condition.reason or facts.alert
    if facts.paused_until > now:
        trouble = f"{trouble} Paused until {company.clock(moment(facts.paused_until))}."
    heard = max(facts.heard_at, seen.messages.heard.get(facts.name, 0))
    queue = seen.queues.get(facts.name, EMPTY)
    today = seen.messages.sent_and_lost.get(facts.name, (0, 0))
    return Line(
        facts=facts,
        state=condition.state,
        heard_at=heard,
        last_word=word,
        trouble=trouble,
        queue=queue,
        today=today,
    )


async def _troubles(config: Config, now: int) -> dict[str, list[str]]:
    """What is wrong with each linked phone, beside its being down."""
    linked = await Phone.filter(linked_at__gt=0, unlinked_at=0)
    return {phone.gateway: troubles(phone, await receivers(connection(), phone, now), config) for phone in linked}


def _describe_last_word(state: GatewayState) -> str:
    """A gateway's last word as a sentence, with its own detail; the alert's sentence is not said twice."""
    name, _, detail = state.last_word.partition(": ")
    if name not in ERRORS:
        return {"sent": "It took the last message.", "": "Nothing was sent yet."}.get(name, state.last_word)
    sentence = ERRORS[name].sentence
    return " ".join(filter(None, ("" if sentence == state.alert else sentence, f"It said: {detail}" if detail else "")))


def _reason(stuck: Stuck, seen: Report, gateway: Line | None) -> Reason:
    fate = FATES.get(stuck.state, "waits" if stuck.messages == 1 else "wait")
    label = "" if stuck.gateway == NOWHERE else gateway.facts.label if gateway else stuck.gateway
    others = stuck.messages - len(stuck.examples)
    return Reason(
        stuck=stuck,
        gateway=label,
        where=outgoing.word_for(stuck.state),
        fate=fate,
        why=_why(stuck, seen, gateway),
        others=others,
    )


def _why(stuck: Stuck, seen: Report, gateway: Line | None) -> str:
    if stuck.state not in FATES and not seen.outgoing:
        return "Outgoing messages are switched off."
    if stuck.error:
        return explained(stuck.error, expired=stuck.state is State.EXPIRED)
    return (gateway and gateway.trouble) or "It has not been tried yet."


def _add_up(queues: Collection[Queue]) -> Queue:
    messages = Counted(sum(each.messages.number for each in queues), any(each.messages.more for each in queues))
    return Queue(messages, min((each.oldest for each in queues), default=0))


def _wrong_secrets(metrics: Metrics) -> int:
    """Callbacks to gateways that we have with a wrong secret, since the start: they may be lost messages. (Those
    to names that we have not are strangers trying doors.)"""
    of_strangers = _count_since_start(metrics.refused, reason="secret", gateway="unknown")
    return _count_since_start(metrics.refused, reason="secret") - of_strangers


def _count_since_start(counter: Counter, **labels: str) -> int:
    """What was counted with these labels since the start."""
    samples = [sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return int(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))


def at_work(server: Server, names: Iterable[str]) -> list[str]:
    """Gateways by name, with those that can send: the simulator is one in the demo world alone."""
    return sorted(name for name in {*names, *server.router.watch.gateways} if name != "simulator" or server.simulated)


def _figure(counted: Counted) -> str:
    """12,345, or 200,000+ where counting stopped."""
    return f"{counted.number:,}" + ("+" if counted.more else "")
