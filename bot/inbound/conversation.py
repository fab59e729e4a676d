"""The SMS side of one phone: its open question, and how the last one closed."""

import json
from dataclasses import dataclass

from bot.talks.state import TalkState, kept_of
from models.sql import DAY_MS, MINUTE_MS, now_ms

RECENT_MS = 10 * MINUTE_MS  # for so long a closed question is still what a bare answer may be meant for
READ_MS = 10_000  # what comes sooner after an answer was written before that answer was read
LAST_MS = DAY_MS  # for so long the answer to a closed question is given again


@dataclass
class Conversation:
    """The open question of a phone, and the last one about an effect."""

    open: TalkState | None = None
    closed: str = ""  # how the last question about an effect ended: done, left or expired
    closed_at: int = 0  # when, in ms
    talk: str = ""  # which talk asked it
    last: str = ""  # what was answered then, in the words that were sent
    went_on: bool = False  # whether a command came after it

    @classmethod
    def load(cls, text: str) -> "Conversation":
        if not text:
            return cls()
        conversation = cls(**kept_of(cls, json.loads(text)))
        if conversation.open:
            conversation.open = TalkState(**kept_of(TalkState, vars(conversation)["open"]))
        if conversation.open and now_ms() - conversation.open.asked_at > conversation.open.open_minutes * 60_000:
            conversation.close("expired")
        return conversation

    def dump(self) -> str:
        state = vars(self.open) if self.open else None
        return json.dumps({**vars(self), "open": state}, separators=(",", ":"))

    def close(self, how: str, last: str = "") -> None:
        """The open question ends. What is no question about an effect leaves the memory as it is."""
        if self.open and self.open.confirming:
            self.closed, self.closed_at = how, now_ms()
            self.talk, self.last, self.went_on = self.open.talk, last, False
        self.open = None

    def note_command(self) -> None:
        """A command came: it leaves the open question, and a bare yes is no repeated one any more."""
        self.close("left")
        self.went_on = True

    @property
    def busy_since(self) -> int:
        """When this phone's own question was asked, or closed a moment ago (ms); 0 when it has none."""
        if self.open:
            return self.open.asked_at
        return self.closed_at if now_ms() - self.closed_at <= RECENT_MS else 0

    @property
    def can_be_read(self) -> bool:
        """Whether the last answer can have been read by now."""
        return now_ms() - self.closed_at >= READ_MS

    @property
    def remembered(self) -> str:
        """How the last question closed, while anybody may still refer to it."""
        return self.closed if now_ms() - self.closed_at <= LAST_MS else ""
