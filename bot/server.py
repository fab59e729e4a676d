"""The parts of a running server, for the pages, the probes and the command line. bot/app.py puts them together."""

from dataclasses import dataclass

from aiohttp import web

from bot.android.service import Phones
from bot.company import Site
from bot.config import Config
from bot.inbound.callbacks import Doors
from bot.inbound.inbox import Inbox
from bot.inbound.sms import Dispatcher
from bot.inbound.worker import Pump
from bot.monitor.alerts import Alerts
from bot.outbound.outbox import Outbox
from bot.routing.router import Router
from bot.runtime.database import Database
from bot.runtime.housekeeping import Housekeeping
from bot.runtime.metrics import Metrics
from bot.talks.commands import Commands


@dataclass(frozen=True)
class Mwanga:
    """What one server is made of. `simulated` says that it serves the demo world."""

    config: Config
    site: Site
    commands: Commands
    database: Database
    dispatcher: Dispatcher
    inbox: Inbox
    pump: Pump
    outbox: Outbox
    doors: Doors
    housekeeping: Housekeeping
    metrics: Metrics
    simulated: bool
    router: Router
    alerts: Alerts
    phones: Phones


MWANGA = web.AppKey("mwanga", Mwanga)
