"""Which gateway carries a message, and how each gateway is."""

from bot.routing.health import Condition, Facts, Health, is_silent
from bot.routing.router import NEVER, NOWHERE, Router
from bot.routing.watch import Watch

__all__ = [
    "NEVER",
    "NOWHERE",
    "Condition",
    "Facts",
    "Health",
    "Router",
    "Watch",
    "is_silent",
]
