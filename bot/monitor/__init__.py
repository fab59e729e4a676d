"""Who is told that something is wrong: alerts, hourly test messages, the webhook, the books added up every night."""

from bot.monitor.alerts import Alerts
from bot.monitor.books import NightlyBooks
from bot.monitor.canary import Canaries, Signs
from bot.monitor.clock import CLOCK_SENTENCES
from bot.monitor.collection import CollectionCount
from bot.monitor.webhook import Webhook

__all__ = [
    "CLOCK_SENTENCES",
    "Alerts",
    "Canaries",
    "CollectionCount",
    "NightlyBooks",
    "Signs",
    "Webhook",
]
