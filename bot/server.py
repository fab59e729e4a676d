"""The parts of a running server, for the pages, the probes and the command line. bot/app.py puts them together."""

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


@dataclass(frozen=True)
class Server:
    """What one server is made of. `simulated` says that it serves the demo world."""

    config: Config
    company: Company
    commands: Commands
    database: Database
    composer: Composer
    inbox: Inbox
    worker: Worker
    outbox: Outbox
    callbacks: Callbacks
    phone_routes: PhoneRoutes
    housekeeping: Housekeeping
    metrics: Metrics
    simulated: bool
    router: Router
    alerts: Alerts
    phones: Phones


SERVER = web.AppKey("server", Server)
