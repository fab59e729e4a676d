"""The ways in which a turn stops before its talk's end: raised by the verbs of turn.py and chat.py, caught by
replay.py, and nobody else's business."""

from bot.message import Reply
from bot.text import Text


class Suspended(Exception):
    """The talk waits for an answer to this question."""

    def __init__(self, prompt: Text) -> None:
        super().__init__(prompt.english)
        self.prompt = prompt


class Rejected(Suspended):
    """What was typed is no answer; `error` says why."""

    def __init__(self, prompt: Text, error: Text) -> None:
        super().__init__(prompt)
        self.error = error


class Back(Exception):
    """One answer was taken back."""


class Left(Exception):
    """There was nothing to take back, or a no to the whole: the caller leaves the talk."""


class Changed(Exception):
    """What was answered before no longer fits the talk."""


class Ended(Exception):
    """The talk ends here, inside a question."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply
