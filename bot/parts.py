"""The parts of a running server, for the pages, the probes and the command line. bot/app.py puts them together."""

from dataclasses import dataclass

from aiohttp import web

from bot.alerts import Alerts
from bot.commands import Commands
from bot.config import Config
from bot.database import Database
from bot.dispatcher import Dispatcher
from bot.housekeeping import Housekeeping
from bot.inbox import Inbox
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.phones import Phones
from bot.pump import Pump
from bot.routing import Router
from bot.site import Site
from bot.web import Doors


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
