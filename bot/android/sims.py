"""Which SIM of a gateway phone carries a message, and when. bot/android/service.py asks when the phone pulls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.android.to_app import PARTS, PERIOD_MS, SPACE_MS
from bot.outbound.pacing import Bucket
from bot.routing.networks import fits
from bot.text.i18n import N_
from models.messages import Sim

# A country's code and two digits more, as in +25574, are an operator's in most of Africa.
OWN_PREFIX = 6
GENERIC_FAILURES = 3  # Android says no more when a SIM has no credit (capcom6/android-sms-gateway#107)
NO_CREDIT = N_("Three messages in a row failed as they do when a SIM has no credit.")


@dataclass(frozen=True, slots=True)
class SimChoice:
    """What a phone gets now, and when it may get more."""

    chosen: list[tuple[Mapping[str, Any], int]]  # messages, and the SIM of each; 0 lets the phone choose
    ready_at: int = 0  # when one that was left may go, in ms; 0 when none was left, or none ever may
    priority: int = 0  # of the first that was left: a more urgent message may go sooner


def usable_sims(sims: Sequence[Sim]) -> list[Sim]:
    """The SIM cards by which something may go out. A phone that may not look at its SIM cards chooses one itself."""
    return [sim for sim in sims if not sim.stopped] if sims else [Sim(0)]


def recover_sim(sim: Sim) -> Sim:
    """A SIM by which messages may go."""
    return replace(sim, failures=0, stopped="")


def note_failure(sim: Sim) -> Sim:
    """A SIM after one more generic failure."""
    failures = sim.failures + 1
    return replace(sim, failures=failures, stopped=NO_CREDIT if failures >= GENERIC_FAILURES else sim.stopped)


def fits_receiver(sim: Sim, receiver: str, network: str) -> bool:
    """Whether a SIM is in the receiver's network, by that network's code where we know it, else by their numbers."""
    if network and sim.carrier:
        return fits(network, sim.carrier)
    return bool(sim.phone) and sim.phone[:OWN_PREFIX] == receiver[:OWN_PREFIX]


def choose_sims(
    sims: Sequence[Sim],
    pulled: Sequence[Mapping[str, Any]],
    waiting: Sequence[Mapping[str, Any]],
    now: int,
    *,
    spaced: bool,
    network_of: Callable[[str], str],
) -> SimChoice:
    """Choose from the rows that wait, in their order. A message that has to wait for its SIM holds up the others of
    that SIM; one that has to wait for the phone holds up all, since the SIM cards share what Android lets an app send.

    `pulled` are the rows that the phone pulled within the last period, oldest first. Without `spaced` it gets all that
    its period has room for: it will not ask again soon, and waits between two messages by itself.
    """
    whole = Bucket(PARTS, PERIOD_MS)
    buckets = {sim.number: Bucket(PARTS, PERIOD_MS, SPACE_MS if spaced else 0) for sim in usable_sims(sims)}
    for row in pulled:
        whole.spend(row["claimed_at"], row["parts"])
        if row["sim"] in buckets:
            buckets[row["sim"]].spend(row["claimed_at"], row["parts"])
    chosen: list[tuple[Mapping[str, Any], int]] = []
    left: list[tuple[int, int]] = []  # when it may go, and its priority
    for row in waiting if buckets else ():
        number, ready = _choose(usable_sims(sims), buckets, row, now, network_of(row["phone"]))
        all_ready = whole.ready_at(now, row["parts"])
        if max(ready, all_ready) <= now:
            whole.spend(now, row["parts"])
            buckets[number].spend(now, row["parts"])
            chosen.append((row, number))
            continue
        left.append((max(ready, all_ready), row["priority"]))
        if all_ready > now:
            break
    if not left:
        return SimChoice(chosen)
    ready_at = min(ready_at for ready_at, _ in left)
    _, priority = left[0]
    return SimChoice(chosen, ready_at, priority)


def _choose(
    sims: Sequence[Sim], buckets: Mapping[int, Bucket], row: Mapping[str, Any], now: int, network: str
) -> tuple[int, int]:
    """The SIM for a message, and when the message may go by it: a SIM in its receiver's network, since to another one
    it costs more, and no SIM is ever more than its pause away."""
    ready = {sim.number: buckets[sim.number].ready_at(now, row["parts"]) for sim in sims}
    fitting = {sim.number: fits_receiver(sim, row["phone"], network) for sim in sims}
    used = {sim.number: -buckets[sim.number].room(now) for sim in sims}
    best = min(ready, key=lambda number: (not fitting[number], ready[number], used[number]))
    return best, ready[best]


def merge(known: list[Sim], told: list[Sim]) -> list[Sim]:
    """The SIM cards as the phone tells them now, with what is known of those that stayed in their place."""
    before = {sim.number: sim for sim in known}
    same = [before[sim.number] if sim.number in before and _is_same(before[sim.number], sim) else sim for sim in told]
    return [
        replace(card, **{k: v for k in ("phone", "carrier") if (v := getattr(sim, k))})
        for card, sim in zip(same, told, strict=True)
    ]


def _is_same(known: Sim, told: Sim) -> bool:
    """Whether it is the same card, as far as one can tell: by its own number, else by its operator."""
    if known.phone and told.phone:
        return known.phone == told.phone
    return known.carrier == told.carrier or not (known.carrier and told.carrier)
