"""The kinds of providers that have settings of their own. The first one that can ask a phone asks it."""

from bot.payments.base import Provider
from bot.payments.daraja import Daraja
from bot.payments.momo import Momo

KINDS: tuple[type[Provider], ...] = (Daraja, Momo)
