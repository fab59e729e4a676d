"""Phones for people who have none: the one in the browser and `mwanga chat`."""

from bot.simulator.handset import Call, Handset, Ring

__all__ = [
    "Call",
    "Handset",
    "Ring",
]
