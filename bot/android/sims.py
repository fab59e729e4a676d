"""Which SIM of a gateway phone carries a message, and when: asked by bot/android/queue.py when the phone pulls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bot.android.to_app import PARTS, PERIOD_MS, SPACE_MS
from bot.outbound.pacing import Bucket
from bot.routing.networks import fits
from models.messages.phones import Sim

# A country's code and two digits more, as in +25574, are an operator's in most of Africa.
OWN_PREFIX = 6
GENERIC_FAILURES = 3  # Android says no more when a SIM has no credit (capcom6/android-sms-gateway#107)
NO_CREDIT = "Three messages in a row failed as they do when a SIM has no credit."


class SimChoice(NamedTuple):
    """Messages and the SIM of each (0: the phone may choose). `ready_at` is when one that was left may go, in ms; 0
    when none was left, or none ever may. What is more urgent than `priority`, that of the first, may go sooner."""

    chosen: list[tuple[Mapping[str, Any], int]]
    ready_at: int
    priority: int = 0


def usable(sims: Sequence[Sim]) -> list[Sim]:
    """The SIM cards by which something may go out. A phone that may not look at its own has one that it chooses."""
    return [sim for sim in sims if not sim.stopped] if sims else [Sim(0)]


def recover_sim(sim: Sim) -> Sim:
    """A SIM by which messages may go."""
    return replace(sim, failures=0, stopped="")


def note_failure(sim: Sim) -> Sim:
    """A SIM after one more generic failure."""
    failures = sim.failures + 1
    return replace(sim, failures=failures, stopped=NO_CREDIT if failures >= GENERIC_FAILURES else sim.stopped)


def fit(sim: Sim, receiver: str, network: str) -> bool:
    """Whether a SIM is in the receiver's network, by that network's code where we know it, else by their numbers."""
    if network and sim.carrier:
        return fits(network, sim.carrier)
    return bool(sim.phone) and sim.phone[:OWN_PREFIX] == receiver[:OWN_PREFIX]


def choose_sims(
    sims: Sequence[Sim],
    went: Sequence[Mapping[str, Any]],
    waiting: Sequence[Mapping[str, Any]],
    now: int,
    *,
    spaced: bool,
    network_of: Callable[[str], str],
) -> SimChoice:
    """Choose from what waits, in its order: what has to wait for its SIM holds up the rest of that one, and what has to
    wait for the phone all. `went` are the rows that went within the last period, oldest first. Without `spaced` the
    phone gets all that its period has room for: it will not ask again soon, and waits between two messages by itself.
    Its SIM cards share what Android lets one app send."""
    whole = Bucket(PARTS, PERIOD_MS)
    buckets = {sim.number: Bucket(PARTS, PERIOD_MS, SPACE_MS if spaced else 0) for sim in usable(sims)}
    for row in went:
        whole.take(row["claimed_at"], row["parts"])
        if row["sim"] in buckets:
            buckets[row["sim"]].take(row["claimed_at"], row["parts"])
    chosen: list[tuple[Mapping[str, Any], int]] = []
    left: list[tuple[int, int]] = []  # when it may go, and its priority
    for row in waiting if buckets else ():
        number, ready = _choose(usable(sims), buckets, row, now, network_of(row["phone"]))
        all_ready = whole.ready_at(now, row["parts"])
        if max(ready, all_ready) <= now:
            whole.take(now, row["parts"])
            buckets[number].take(now, row["parts"])
            chosen.append((row, number))
            continue
        left.append((max(ready, all_ready), row["priority"]))
        if all_ready > now:
            break
    return SimChoice(chosen, min(left)[0], left[0][1]) if left else SimChoice(chosen, 0)


def _choose(
    sims: Sequence[Sim], buckets: Mapping[int, Bucket], row: Mapping[str, Any], now: int, network: str
) -> tuple[int, int]:
    """The SIM for a message, and when it may go by it: that of its receiver's network, since to another it costs more
    and no SIM is ever more than its pause away."""
    ready = {sim.number: buckets[sim.number].ready_at(now, row["parts"]) for sim in sims}
    fitting = {sim.number: fit(sim, row["phone"], network) for sim in sims}
    used = {sim.number: -buckets[sim.number].room(now) for sim in sims}
    best = min(ready, key=lambda number: (not fitting[number], ready[number], used[number]))
    return best, ready[best]


def merged(known: list[Sim], told: list[Sim]) -> list[Sim]:
    """The SIM cards as told now, with what is known of those that stayed in their place."""
    before = {sim.number: sim for sim in known}
    same = [before[sim.number] if sim.number in before and _same(before[sim.number], sim) else sim for sim in told]
    return [
        replace(card, **{k: v for k in ("phone", "carrier") if (v := getattr(sim, k))})
        for card, sim in zip(same, told, strict=True)
    ]


def _same(known: Sim, told: Sim) -> bool:
    """Whether it is the same card, as far as one can tell: by its own number, else by its operator."""
    if known.phone and told.phone:
        return known.phone == told.phone
    return known.carrier == told.carrier or not (known.carrier and told.carrier)
