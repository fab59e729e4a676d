"""What the office should know of a gateway phone, in sentences; for the command line and the office's page."""

from collections.abc import Mapping
from datetime import datetime

from bot.config import Config
from bot.routing.health import span
from bot.text.i18n import N_, Say, in_english
from models.messages import Phone, read_sims
from models.messages.phones import OLDEST, too_old

WARN = 80  # percent
CLOCK_S = 60


def troubles(phone: Phone, receivers: Mapping[int, int], config: Config, say: Say = in_english) -> list[str]:
    """Everything about a phone that is not as it should be. `receivers` are how many different people each SIM wrote
    to this month."""
    found, sims = [], read_sims(phone.sims)
    if too_old(phone.version):
        old = N_("Its app is {version} and gets no messages: install {oldest} or newer.")
        found.append(say(old, version=phone.version, oldest=".".join(map(str, OLDEST))))
    if phone.push:
        found.append(say(N_("It is slow until the app is restarted: it waits for a cloud to wake it.")))
    if abs(phone.clock_offset) > CLOCK_S:
        clock = N_("Its clock is {span} ahead.") if phone.clock_offset > 0 else N_("Its clock is {span} late.")
        found.append(say(clock, span=span(abs(phone.clock_offset), say)))
    if phone.wrong_signatures:
        found.append(_of_signatures(phone, config, say))
    found += [say(N_("SIM {number}: {why}"), number=sim.number, why=say(sim.stopped)) for sim in sims if sim.stopped]
    found += [
        say(
            N_("SIM {number} wrote to {count} people this month; many operators block a SIM at {most}."),
            number=sim,
            count=count,
            most=config.sim_receivers,
        )
        for sim, count in sorted(receivers.items())
        if count * 100 >= config.sim_receivers * WARN
    ]
    if phone.linked_at and phone.gateway not in config.canaries and not any(sim.phone for sim in sims):
        untold = N_("It tells no number of its own, so no test message goes out: set canaries.{gateway}.")
        found.append(say(untold, gateway=phone.gateway))
    return [*found, phone.lost] if phone.lost else found


def _of_signatures(phone: Phone, config: Config, say: Say) -> str:
    last = datetime.fromtimestamp(phone.wrong_signature_at / 1000, config.zone)
    if phone.wrong_signatures == 1:
        said = N_("Its signing key differs: link it again. 1 event was refused, the last on {day} at {time}.")
    else:
        said = N_("Its signing key differs: link it again. {count} events were refused, the last on {day} at {time}.")
    return say(said, count=phone.wrong_signatures, day=f"{last:%-d %b}", time=f"{last:%H:%M}")
