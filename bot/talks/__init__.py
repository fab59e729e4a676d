"""One conversation: what may be asked, how it is run again at every turn, and which commands there are."""

from bot.talks.chat import Chat
from bot.talks.commands import Commands, Talk
from bot.talks.decorator import talk
from bot.talks.fields import Field, Invalid, PhoneNumber, echo
from bot.talks.turn import Channel, Turn

__all__ = [
    "Channel",
    "Chat",
    "Commands",
    "Field",
    "Invalid",
    "PhoneNumber",
    "Talk",
    "Turn",
    "echo",
    "talk",
]
