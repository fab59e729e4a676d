"""Gateway phones: what their app calls, what they fetch and report, their SIM cards, how they are linked."""

from bot.android.routes import PhoneRoutes
from bot.android.service import Phones

__all__ = [
    "PhoneRoutes",
    "Phones",
]
