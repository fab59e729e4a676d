"""The SMS side of one phone: its open question, what stays open beside it, and how the last one closed."""

import json
from dataclasses import dataclass

from bot.talks.state import TalkState, kept_of
from models.sql import DAY_MS, HOUR_MS, MINUTE_MS, now_ms

RECENT_MS = 10 * MINUTE_MS  # for so long a closed question is still what a bare answer may be meant for
APART_MS = MINUTE_MS  # so far the clocks of two servers may be apart
READ_MS = 10_000  # what comes sooner after an answer was written before that answer was read
LAST_MS = DAY_MS  # for so long it is told how a closed question ended


@dataclass
class Conversation:
    """The open question of a phone, and the last one about an effect."""

    open: TalkState | None = None
    aside: TalkState | None = None  # what stays open while a talk that only reads asks something: it has its turn then
    closed: str = ""  # how the last question about an effect ended: done, left or expired
    closed_at: int = 0  # when, in ms
    talk: str = ""  # which talk asked it
    last: str = ""  # what was answered then, in the words that were sent
    went_on: bool = False  # whether something else came after it
    sold: bool = False  # whether it ended with a sale that was made
    late: str = ""  # the talk whose question about no effect was open until this message, and too long

    @classmethod
    def load(cls, text: str) -> "Conversation":
        if not text:
            return cls()
        conversation = cls(**kept_of(cls, json.loads(text)))
        conversation.late = ""
        # The clock was set back, and nobody knows how long ago that was. Were it a moment, the code that was sold then
        # would be the answer to what was asked since.
        if conversation.closed_at > now_ms() + APART_MS:
            conversation.closed_at = now_ms() - HOUR_MS
        for name in ("aside", "open"):
            if stored := vars(conversation)[name]:
                setattr(conversation, name, TalkState(**kept_of(TalkState, stored)))
        if conversation.aside and conversation.aside.is_expired:
            conversation._remember(conversation.aside, "expired")
            conversation.aside = None
        if conversation.open and conversation.open.is_expired:
            is_late = not conversation.open.confirming and now_ms() - conversation.open.asked_at <= LAST_MS
            conversation.late = conversation.open.running if is_late else ""
            conversation.close("expired")
        return conversation

    def dump(self) -> str:
        states = {name: vars(state) if state else None for name, state in (("open", self.open), ("aside", self.aside))}
        return json.dumps({**vars(self), **states}, separators=(",", ":"))

    def close(self, how: str, last: str = "", *, sold: bool = False) -> None:
        """The open question ends, and the one beside it has its turn again. What is no question about an effect leaves
        the memory as it is."""
        if self.open:
            self._remember(self.open, how, last, sold=sold)
        self.open, self.aside = self.aside, None

    def leave(self) -> None:
        """All questions end for good."""
        while self.open:
            self.close("left")

    def ask(self, state: TalkState) -> None:
        """This question is open from now on. Only a talk that reads leaves another question open beside it."""
        if not state.reads and self.aside:
            self._remember(self.aside, "left")
            self.aside = None
        self.open = state

    def note_command(self, *, reads: bool) -> None:
        """A command came: a bare yes is no repeated one any more. One that only `reads` leaves a question open; another
        one ends it for good."""
        if not reads:
            self.leave()
        elif self.open and self.open.reads:
            self.close("left")
        if self.open:
            self.open, self.aside = None, self.open
        self.went_on = bool(self.closed)  # where nothing closed there is nothing to remember

    def note_done(self, talk: str) -> None:
        """This talk came to its end without a yes: what was left or too late before is done after all."""
        if self.talk == talk and self.closed:
            self.closed, self.went_on = "done", True

    def return_to_aside(self) -> TalkState | None:
        """Let the question that stayed open be the open one again, if there is one."""
        if self.aside:
            self.open, self.aside = self.aside, None
            return self.open
        return None

    def find_unsigned(self) -> TalkState | None:
        """The question that waits for a PIN. When it stayed open beside another one, it is the open one again."""
        if self.aside and self.aside.signing:
            self.return_to_aside()
        return self.open if self.open and self.open.signing else None

    @property
    def asks(self) -> bool:
        """Whether any question is open."""
        return self.open is not None or self.aside is not None

    @property
    def asked_in(self) -> set[str]:
        """The messages in which the questions went out that are open."""
        return {state.asked_in for state in (self.open, self.aside) if state and state.asked_in}

    def _remember(self, ended: TalkState, how: str, last: str = "", *, sold: bool = False) -> None:
        if ended.confirming:
            self.closed, self.closed_at, self.sold = how, now_ms(), sold
            self.talk, self.last, self.went_on = ended.talk, last, False

    @property
    def busy_since(self) -> int:
        """When this phone's own question was asked, or closed a moment ago (ms); 0 when it has none."""
        if self.open:
            return self.open.asked_at
        return self.closed_at if self.is_recent else 0

    @property
    def is_recent(self) -> bool:
        """Whether the last question closed a moment ago."""
        return now_ms() - self.closed_at <= RECENT_MS

    @property
    def can_be_read(self) -> bool:
        """Whether the last answer can have been read by now."""
        return now_ms() - self.closed_at >= READ_MS

    @property
    def repeats(self) -> bool:
        """Whether a yes can only repeat the one that was just answered."""
        return self.closed == "done" and self.is_recent and not self.went_on

    @property
    def remembered(self) -> str:
        """How the last question closed, while anybody may still refer to it."""
        return self.closed if now_ms() - self.closed_at <= LAST_MS else ""
