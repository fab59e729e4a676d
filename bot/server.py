"""What a running server is made of, for the pages, the probes and the command line. bot/app.py makes it."""

from dataclasses import dataclass

from aiohttp import web

from bot.android import PhoneRoutes, Phones
from bot.changeable import Changeable
from bot.company import Company
from bot.config import Config
from bot.inbound import Callbacks, Inbox, Worker
from bot.monitor import Alerts, CollectionCount, NightlyBooks
from bot.outbound import Broadcasts, Composer, Outbox
from bot.payments import Payments
from bot.receipts import Receipts
from bot.routing import Router
from bot.runtime import Database, Housekeeping, Metrics
from bot.talks import Commands
from bot.talks.synonyms import Synonyms


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server; everything in it knows only what it needs."""

    config: Config
    settings: Changeable  # the configuration with what the office has set meanwhile
    simulated: bool  # whether it serves the demo world
    company: Company
    commands: Commands
    synonyms: Synonyms
    database: Database
    metrics: Metrics
    # what comes in
    callbacks: Callbacks
    phone_routes: PhoneRoutes
    inbox: Inbox
    worker: Worker
    payments: Payments
    receipts: Receipts
    # what goes out
    composer: Composer
    router: Router
    outbox: Outbox
    broadcasts: Broadcasts
    phones: Phones
    # what looks after it
    alerts: Alerts
    books: NightlyBooks
    collection: CollectionCount
    housekeeping: Housekeeping
    watch: Housekeeping  # of what ends by the minute


SERVER = web.AppKey("server", Server)
