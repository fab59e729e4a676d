"""What is kept of a talk between turns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from bot.text import Text, _
from models.sql import MINUTE_MS, now_ms

_encode = json.JSONEncoder(separators=(",", ":")).encode


def kept_of(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What this version knows of what another one stored: servers are not updated all at once, and may be set back."""
    return {name: value for name, value in stored.items() if name in kind.__dataclass_fields__}


@dataclass
class TalkState:
    """What was answered so far, and the question that is open."""

    talk: str  # its name
    key: str  # names this run of it
    answers: list[list[Any]] = field(default_factory=list)  # names with what is resolved: a customer's id, not option 2
    page: int = 0  # of the open list, from 0 on
    wrong: int = 0  # answers to the open question that were none
    confirming: bool = False  # whether the open question is about an effect
    resume: bool = False  # whether the caller has yet to say if to go on with the talk
    asked_at: int = field(default_factory=now_ms)  # ms
    open_minutes: int = 10  # for so long the question stays open by SMS
    draft: str = ""  # the name of the kept copy that outlives it
    offered: list[str] = field(default_factory=list)  # choices of the open question that could be taken for commands
    # Pieces of one line, without a PIN, that wait for an answer to a question in between.
    rest: list[str] = field(default_factory=list)
    line: str = ""  # the message in which they stood
    free: bool = False  # whether the open question is answered in words of one's own
    naming: bool = False  # whether the open question is answered by the name of somebody new
    question: str = ""  # the name of the open question
    meant: str = ""  # the kind of text that began the talk, where that was no keyword
    running: str = ""  # the talk that this one led to, by a menu or behind a customer; its own name else
    reads: bool = False  # whether the talk changes nothing
    shown: list[Any] = field(default_factory=list)  # what the lines of the open question stand for, as it was shown
    signing: bool = False  # whether the open question wants a PIN for an effect
    holds: int = 0  # minor units of cash that an agent takes with the yes that is wanted, or of the wallet
    asked_in: str = ""  # the origin of the message in which the open question went out by SMS
    asked_by: str = ""  # the gateway of the text that it answered
    asked_after: int = 0  # when that gateway got the text, by a clock of its own (ms); 0 where it did not say

    @property
    def is_expired(self) -> bool:
        """Whether the question was open by SMS for as long as it may be. One that seems to be asked that much later was
        asked before the clock was set back."""
        return abs(now_ms() - self.asked_at) > self.open_minutes * MINUTE_MS

    def dump(self) -> str:
        """Without what is empty: `load` takes that for what it does not find. Of what has another default, as the
        minutes that a question is open, nothing is ever empty."""
        return _encode({name: value for name, value in vars(self).items() if value})

    @classmethod
    def load(cls, text: str) -> "TalkState":
        return cls(**kept_of(cls, json.loads(text)))

    def forget_all(self) -> None:
        """Drop all answers, and how far a list was paged: the talk begins anew."""
        self.answers.clear()
        self.rest.clear()
        self.page = self.wrong = 0

    def forget(self, name: str) -> None:
        """Drop the answer to this question, and all that came after it."""
        names = [each for each, _value in self.answers]
        del self.answers[names.index(name) if name in names else len(names) :]

    def forget_consent(self) -> None:
        """Drop a yes and a PIN and what came after: another session has to give them itself."""
        for consent in ("pin", "confirm"):
            self.forget(consent)


class Fits(IntEnum):
    """How well a text fits a question that is open, the best first."""

    ANSWER = 1  # it says what was asked
    UNCLEAR = 2  # it is for this question, and does not answer it: ok
    OTHER = 3  # it is for it when it is for nothing else


@dataclass(frozen=True)
class Asked:
    """A question that another person's talk put to this phone. It is kept with the business that asked, so that nobody
    else's contact is touched and it may wait for days."""

    answers: list[list[Any]]  # those that lead to it
    at: int  # when it was asked, in ms
    fits: Fits = Fits.ANSWER
    answer: str | None = None  # the text without what names the question in it; None: all of it


def locked_out(help_phone: str) -> Text:
    """What an agent reads who is locked."""
    return _("You are locked. Nothing was done. Call {help}.", help=help_phone)
