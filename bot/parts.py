"""The parts of a running server, for the pages, the probes and the command line. bot/app.py puts them together."""

from dataclasses import dataclass

from aiohttp import web

from bot.commands import Commands
from bot.config import Config
from bot.database import Database
from bot.housekeeping import Housekeeping
from bot.inbox import Inbox
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.pump import Pump
from bot.site import Site
from bot.web import Doors


@dataclass(frozen=True)
class Mwanga:
    """What one server is made of. `simulated` says that it serves the demo world."""

    config: Config
    site: Site
    commands: Commands
    database: Database
    inbox: Inbox
    pump: Pump
    outbox: Outbox
    doors: Doors
    housekeeping: Housekeeping
    metrics: Metrics
    simulated: bool


MWANGA = web.AppKey("mwanga", Mwanga)
