"""What a running server is made of, for the pages, the probes and the command line. bot/app.py makes it."""

from dataclasses import dataclass

from aiohttp import web

from bot.android.routes import PhoneRoutes
from bot.android.service import Phones
from bot.company import Company
from bot.config import Config
from bot.inbound.callbacks import Callbacks
from bot.inbound.inbox import Inbox
from bot.inbound.worker import Worker
from bot.monitor.alerts import Alerts
from bot.outbound.compose import Composer
from bot.outbound.outbox import Outbox
from bot.routing.router import Router
from bot.runtime.database import Database
from bot.runtime.housekeeping import Housekeeping
from bot.runtime.metrics import Metrics
from bot.talks.commands import Commands


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server; everything in it knows only what it needs."""

    config: Config
    simulated: bool  # whether it serves the demo world
    company: Company
    commands: Commands
    database: Database
    metrics: Metrics
    # what comes in
    callbacks: Callbacks
    phone_routes: PhoneRoutes
    inbox: Inbox
    worker: Worker
    # what goes out
    composer: Composer
    router: Router
    outbox: Outbox
    phones: Phones
    # what looks after it
    alerts: Alerts
    housekeeping: Housekeeping


SERVER = web.AppKey("server", Server)
