"""`python -m tests.emulators.hurried serve`: the server with short waits, so that a day of trouble takes seconds."""

import aiohttp

from bot.android import service, sims, to_app
from bot.cli.main import cli
from bot.gateways import wire
from bot.monitor import alerts
from bot.outbound import outbox, queue, retry
from bot.routing import health

# Milliseconds, or seconds where `_S`. A lease outlives a request that hangs, as it does in the real server. Gateways
# end such a request themselves: a server that stood still for seconds must not doubt what was answered meanwhile.
SHORT = (
    *((retry, name, value) for name, value in (("FIRST_MS", 60), ("CAP_MS", 300))),
    *((module, "DOUBT_WAITS", (300, 600, 900)) for module in (retry, queue)),
    *((outbox, name, value) for name, value in (("LOOK_MS", 200), ("LOOK_EMBEDDED_MS", 200), ("LEASE_MS", 5_000))),
    *((queue, name, value) for name, value in (("INTERRUPTED_MS", 300), ("HANGING_MS", 3_000))),
    *((health, "TRIAL_MS", 500), (alerts, "LOOK_S", 0.2), (service, "LOOK_MS", 200), (sims, "SPACE_MS", 20)),
    *((module, "PARTS", 10_000) for module in (sims, to_app)),
    (wire, "TIMEOUT", aiohttp.ClientTimeout(total=60)),
)

if __name__ == "__main__":
    for module, name, value in SHORT:
        assert hasattr(module, name), name
        setattr(module, name, value)
    cli()
