"""One turn of a talk as its questions see it: who answers, by which channel, in which language."""

from enum import StrEnum
from typing import Any, NoReturn

from bot.company import Company
from bot.message import Copy, Reply
from bot.talks.commands import Commands
from bot.talks.signals import Changed, Ended, Left, Suspended
from bot.text import Text
from models.people import Agent, Caller


class Channel(StrEnum):
    SMS = "sms"
    USSD = "ussd"


class Turn:
    """What a field may know when it reads an answer, and how it may end the turn. In `one_line` all answers stand
    behind the keyword."""

    def __init__(
        self,
        person: Caller,
        company: Company,
        commands: Commands,
        *,
        channel: Channel,
        language: str,
        one_line: bool,
    ) -> None:
        self.person, self.company, self.commands = person, company, commands
        self.channel, self.language, self.one_line = channel, language, one_line
        self.looked_up: dict[str, Any] = {}  # what this turn has found already: it changes nothing before its end
        self.told: list[Copy] = []  # what goes with the answer, whatever it will be

    @property
    def ussd(self) -> bool:
        return self.channel is Channel.USSD

    @property
    def agent(self) -> Agent:
        """The agent who talks; only for talks that are for agents alone."""
        if self.person.agent is None:
            raise LookupError("this talk is not for agents alone")
        return self.person.agent

    def tell(self, copy: Copy) -> None:
        """Send this as well, also when the answer that is being read turns out to be none."""
        self.told.append(copy)

    def stop(self, text: Text, *, outcome: str = "ended") -> NoReturn:
        """End the talk here with these words, wherever it is."""
        raise Ended(Reply(text, outcome=outcome))

    def leave(self) -> NoReturn:
        """What came is a no to the whole talk."""
        raise Left

    def start_over(self) -> NoReturn:
        """What was answered before does not hold any more: ask from the beginning, and say so."""
        raise Changed

    def wait(self, prompt: Text) -> NoReturn:
        """What came says nothing yet: leave the question open."""
        raise Suspended(prompt)
