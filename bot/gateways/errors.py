"""The one table of what can go wrong while sending: what to do then, and what the office reads."""

from dataclasses import dataclass
from enum import StrEnum

from bot.text.i18n import N_, Say, in_english


class Outcome(StrEnum):
    """What a gateway may do after an error, as ERRORS says."""

    RETRY = "retry later"
    PERMANENT = "permanent"
    REFUSED = "permanent here"  # another gateway may take it
    STOP_SENDER = "stop this sender"
    PAUSE = "pause and alert"
    UNKNOWN = "outcome unknown"


@dataclass(frozen=True)
class Error:
    """What can go wrong while sending."""

    name: str
    outcome: Outcome
    # Whether it is worth a line in the log each time.
    loggable: bool
    # What the office reads.
    sentence: str

    @property
    def retryable(self) -> bool:
        return self.outcome not in (Outcome.PERMANENT, Outcome.REFUSED)


ERRORS = {
    error.name: error
    for error in (
        Error("unreachable", Outcome.RETRY, True, N_("The gateway could not be reached.")),
        Error(
            "gateway fault",
            Outcome.RETRY,
            True,
            N_("The gateway had a fault of its own."),
        ),
        Error("throttled", Outcome.RETRY, False, N_("The gateway asked us to slow down.")),
        Error(
            "risk hold",
            Outcome.RETRY,
            True,
            N_("The gateway holds our messages for a risk check; ask its support."),
        ),
        Error("timeout", Outcome.UNKNOWN, True, N_("The gateway did not answer; it may have taken the message.")),
        Error(
            "strange answer",
            Outcome.UNKNOWN,
            True,
            N_("The gateway's answer could not be read; it may have taken it."),
        ),
        Error(
            "unknown sender",
            Outcome.STOP_SENDER,
            True,
            N_("The gateway does not know our sender name; register it."),
        ),
        Error("bad credentials", Outcome.PAUSE, True, N_("The gateway refused our user name or key; correct them.")),
        Error("no balance", Outcome.PAUSE, True, N_("The gateway's account is empty; top it up.")),
        Error("bad number", Outcome.PERMANENT, False, N_("This is not a number that can get SMS.")),
        Error("opted out", Outcome.REFUSED, False, N_("The receiver blocked our messages at the operator.")),
        Error(
            "do not disturb",
            Outcome.REFUSED,
            False,
            N_("The receiver is on the operator's do-not-disturb list."),
        ),
        Error("no route", Outcome.REFUSED, False, N_("The gateway has no way to this network.")),
        Error("refused", Outcome.REFUSED, True, N_("The gateway or the operator refused this message.")),
        Error("undelivered", Outcome.PERMANENT, False, N_("The operator gave up before the phone took it.")),
        Error("expired", Outcome.PERMANENT, False, N_("It was too late to send it.")),
        Error("stopped", Outcome.PERMANENT, False, N_("The receiver wanted no more reminders.")),
        Error("paid", Outcome.PERMANENT, False, N_("Something was paid, or plan or phone changed, before it went.")),
        Error("answered", Outcome.PERMANENT, False, N_("Its question was answered before it could go again.")),
        Error("cancelled", Outcome.PERMANENT, False, N_("The office took it back.")),
        Error("too many tries", Outcome.PERMANENT, True, N_("It was tried as often as we try.")),
        Error("interrupted", Outcome.PERMANENT, True, N_("The server stopped while it was sent; it may have gone.")),
        Error("not fetched", Outcome.PERMANENT, False, N_("The phone did not fetch it in time.")),
        Error("no gateway", Outcome.PERMANENT, False, N_("No gateway could carry it in time.")),
        Error("no report", Outcome.PERMANENT, False, N_("The phone took it and never said what became of it.")),
        Error("gateway gone", Outcome.PERMANENT, False, N_("Its gateway was taken away; it may have gone before.")),
    )
}


def explained(error: str, *, expired: bool = False, say: Say = in_english) -> str:
    """What the office reads of an error by its name; nothing when there is none. When the message is `expired`, the
    sentence begins with that it is too late, before what kept it from being sent until then."""
    known = ERRORS.get(error)
    sentence = say(known.sentence) if known else error
    return f"{say(ERRORS['expired'].sentence)} {sentence}" if expired and known and known.retryable else sentence


class SendError(Exception):
    """A message was not taken, or perhaps not: one of ERRORS by name. `detail` is the gateway's own word."""

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(f"{name}: {detail}" if detail else name)
        self.error = ERRORS[name]
        self.detail = detail
