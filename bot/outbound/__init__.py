"""What leaves: written in the transaction that caused it, sent after its commit, tried again, reported, moved."""

from bot.outbound.broadcasts import Broadcasts
from bot.outbound.compose import Composer
from bot.outbound.enqueue import NewMessage, enqueue
from bot.outbound.lanes import Lane
from bot.outbound.outbox import Outbox
from bot.outbound.retry import Claimed

__all__ = [
    "Broadcasts",
    "Claimed",
    "Composer",
    "Lane",
    "NewMessage",
    "Outbox",
    "enqueue",
]
