"""What the office should know of a gateway phone, in sentences; for the command line and the office's page."""

from collections.abc import Mapping
from datetime import datetime

from bot.config import Config
from models.messages import Phone, read_sims
from models.messages.phones import outdated

WARN = 80  # percent
CLOCK_S = 60


def troubles(phone: Phone, receivers: Mapping[int, int], config: Config) -> list[str]:
    """Everything about a phone that is not as it should be. `receivers` are how many different people each SIM wrote
    to this month."""
    found, sims, most = [], read_sims(phone.sims), config.sim_receivers
    if reason := outdated(phone.version):
        found.append(reason)
    if phone.push:
        found.append("It is slow until the app is restarted: it waits for a cloud to wake it.")
    if abs(phone.clock_offset) > CLOCK_S:
        found.append(f"Its clock is {_span(abs(phone.clock_offset))} {'ahead' if phone.clock_offset > 0 else 'late'}.")
    if phone.wrong_signatures:
        last = datetime.fromtimestamp(phone.wrong_signature_at / 1000, config.zone)
        events = "1 event was" if phone.wrong_signatures == 1 else f"{phone.wrong_signatures} events were"
        found.append(f"Its signing key differs: link it again. {events} refused, the last on {last:%-d %b at %H:%M}.")
    found += [f"SIM {sim.number}: {sim.stopped}" for sim in sims if sim.stopped]
    found += [
        f"SIM {sim} wrote to {count} people this month; many operators block a SIM at {most}."
        for sim, count in sorted(receivers.items())
        if count * 100 >= most * WARN
    ]
    if phone.linked_at and phone.gateway not in config.canaries and not any(sim.phone for sim in sims):
        found.append(f"It tells no number of its own, so no test message goes out: set canaries.{phone.gateway}.")
    return [*found, phone.lost] if phone.lost else found


def _span(seconds: int) -> str:
    """90 s, 12 min, 5 h, 3 days."""
    for length, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
