"""The gateways as the first page shows them: how each is in plain words, since when, and how its last day was."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from prometheus_client import Counter

from bot.android.queue import receivers
from bot.android.troubles import troubles
from bot.config import Config
from bot.gateways.errors import ERRORS
from bot.routing import NOWHERE, Facts, Health
from bot.routing.health import condition_of
from bot.routing.watch import facts_of_unused
from bot.server import Server
from handlers.office.frame.words import N_, _
from models.messages import GatewayState, Phone
from models.messages.beats import Beat
from models.office.overview import Counted, Queue, Report
from models.sql import connection

EMPTY = Queue(Counted(0, False), 0)
STATES = {
    Health.WELL: N_("Working"),
    Health.QUIET: N_("Unsure"),
    Health.DOWN: N_("Down"),
    Health.PAUSED: N_("Paused"),
}
# A word of a program, like ClientConnectorError, which tells the office nothing.
OF_A_PROGRAM = re.compile(r"\w*(Error|Exception|Timeout)\b.*", re.DOTALL)


class Airtime(NamedTuple):
    """What is left on a SIM, in the operator's own words, and when it said so."""

    left: str
    at: int  # milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One gateway. Times are milliseconds, 0 for never."""

    facts: Facts
    state: Health
    carries: bool  # whether messages can go out by it
    trouble: str  # a sentence or nothing
    last_word: str  # a sentence or nothing
    heard_at: int
    queue: Queue
    sent: int  # today
    failed: int  # today
    refusals: int  # how often it did not take a message since the start
    beats: Sequence[Beat]  # by the hour; empty where nobody looks
    remarks: Sequence[str] = ()  # what is wrong with a phone beside that, in sentences

    @property
    def name(self) -> str:
        """What the office calls it."""
        return _("No gateway") if self.facts.name == NOWHERE else self.facts.title or self.facts.name

    @property
    def word(self) -> str:
        """How it is, in a word or two. Green is only what has carried or brought something."""
        if not self.carries:
            return _("Receives only")
        if self.state is Health.WELL and not max(self.heard_at, self.facts.sent_at):
            return _("Not used yet")
        return _(STATES[self.state])

    @property
    def css(self) -> str:
        """Its colour: `ok`, `warn`, `bad` or `soft`."""
        if self.state is Health.WELL:
            return "ok" if self.carries and max(self.heard_at, self.facts.sent_at) else "soft"
        return "bad" if self.state is Health.DOWN else "warn"

    @property
    def down_since(self) -> int:
        """When the office was first told that it is down, or when it failed last."""
        if self.state is not Health.DOWN:
            return 0
        return self.facts.told_at if self.facts.told else self.facts.failed_at

    @property
    def airtime(self) -> Airtime | None:
        return Airtime(self.facts.airtime, self.facts.airtime_at) if self.facts.airtime else None


async def read_lines(server: Server, seen: Report, beats: dict[str, list[Beat]], now: int) -> list[Line]:
    """The gateways that bring or carry messages, and those that still have some to send, by name."""
    states, watched = {state.name: state for state in seen.gateways}, server.router.watch.gateways
    remarks = await _read_remarks(server.config, now)
    found = []
    for name in at_work(server, [*server.callbacks.gateways, *server.outbox.gateways, *seen.queues]):
        state = states.get(name) or GatewayState(name=name)
        facts = watched[name][0] if name in watched else facts_of_unused(state)
        line = _line(facts, seen, beats, server, now)
        said = [each for each in remarks.get(name, []) if each != line.trouble]
        found.append(replace(line, remarks=said))
    return found


def at_work(server: Server, names: Iterable[str]) -> list[str]:
    """Gateways by name, with those that can send: the simulator is one in the demo world alone."""
    return sorted(name for name in {*names, *server.router.watch.gateways} if name != "simulator" or server.simulated)


def _line(facts: Facts, seen: Report, beats: dict[str, list[Beat]], server: Server, now: int) -> Line:
    condition = condition_of(facts, now, _)
    carries = facts.phone or facts.name in server.outbox.gateways or facts.name == NOWHERE
    sent, failed = seen.messages.sent_and_lost.get(facts.name, (0, 0))
    trouble = condition.reason or _(facts.alert)
    if facts.name == NOWHERE:
        trouble = _("No gateway may carry these messages as things are.")
    return Line(
        facts=facts,
        state=condition.state,
        carries=carries,
        trouble=trouble,
        last_word=_last_word(facts) if carries else "",
        heard_at=max(facts.heard_at, seen.messages.heard.get(facts.name, 0)),
        queue=seen.queues.get(facts.name, EMPTY),
        sent=sent,
        failed=failed,
        refusals=count_since_start(server.metrics.send_errors, gateway=facts.name),
        beats=beats.get(facts.name, ()),
    )


async def _read_remarks(config: Config, now: int) -> dict[str, list[str]]:
    """What is wrong with each linked phone, beside its being down."""
    linked = await Phone.filter(linked_at__gt=0, unlinked_at=0)
    return {phone.gateway: troubles(phone, await receivers(connection(), phone, now), config, _) for phone in linked}


def _last_word(facts: Facts) -> str:
    """What a gateway answered last, as a sentence with its own word; nothing where that is known already."""
    name, _colon, detail = facts.last_word.partition(": ")
    if name not in ERRORS:
        return "" if name in ("sent", "") else facts.last_word
    sentence = ERRORS[name].sentence
    said = "" if OF_A_PROGRAM.fullmatch(detail) else detail
    told = "" if sentence == facts.alert else _(sentence)
    return " ".join(filter(None, (told, _("It said: {word}", word=said) if said else "")))


def count_since_start(counter: Counter, **labels: str) -> int:
    """What was counted with these labels since the start."""
    samples = [sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return int(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))
