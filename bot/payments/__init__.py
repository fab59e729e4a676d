"""Mobile money: what a provider is, one file for each, what they tell us, and what we ask them."""

from bot.payments.base import Answer, Ask, Asked, NotAsked, Provider, Refusal, State
from bot.payments.work import Payments

__all__ = ["Answer", "Ask", "Asked", "NotAsked", "Payments", "Provider", "Refusal", "State"]
