"""Who is told that a gateway is down: alerts, hourly test messages, the webhook."""

from bot.monitor.alerts import Alerts
from bot.monitor.canary import Canaries, Signs
from bot.monitor.clock import CLOCK_SENTENCES
from bot.monitor.webhook import Webhook

__all__ = [
    "CLOCK_SENTENCES",
    "Alerts",
    "Canaries",
    "Signs",
    "Webhook",
]
