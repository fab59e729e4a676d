"""What arrives: taken at the door, stored, understood, answered."""

from bot.inbound.callbacks import Callbacks
from bot.inbound.inbox import Inbox
from bot.inbound.sms import Dispatcher
from bot.inbound.ussd import Sessions
from bot.inbound.worker import Worker

__all__ = [
    "Callbacks",
    "Dispatcher",
    "Inbox",
    "Sessions",
    "Worker",
]
