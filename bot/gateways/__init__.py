"""What a gateway is to the rest of us, and the one table of what can go wrong while sending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.message import Inbound, OptOut, Outbound, Outcome, Receipt, Sent, UssdEnd, UssdTurn


@dataclass(frozen=True)
class Error:
    """`sentence` is what the office reads. A loggable error is worth a line in the log each time."""

    name: str
    outcome: Outcome
    loggable: bool
    sentence: str

    @property
    def retryable(self) -> bool:
        return self.outcome is not Outcome.PERMANENT


ERRORS = {
    error.name: error
    for error in (
        Error("unreachable", Outcome.RETRY, True, "The gateway could not be reached."),
        Error(
            "gateway fault",
            Outcome.RETRY,
            True,
            "The gateway had a fault of its own.",
        ),
        Error("throttled", Outcome.RETRY, False, "The gateway asked us to slow down."),
        Error(
            "risk hold",
            Outcome.RETRY,
            True,
            "The gateway holds our messages for a risk check; ask its support.",
        ),
        Error("timeout", Outcome.UNKNOWN, True, "The gateway did not answer; it may have taken the message."),
        Error(
            "strange answer",
            Outcome.UNKNOWN,
            True,
            "The gateway's answer could not be read; it may have taken it.",
        ),
        Error(
            "unknown sender",
            Outcome.STOP_SENDER,
            True,
            "The gateway does not know our sender name; register it.",
        ),
        Error("bad credentials", Outcome.PAUSE, True, "The gateway refused our user name or key; correct them."),
        Error("no balance", Outcome.PAUSE, True, "The gateway's account is empty; top it up."),
        Error("bad number", Outcome.PERMANENT, False, "This is not a number that can get SMS."),
        Error("opted out", Outcome.PERMANENT, False, "The receiver blocked our messages at the operator."),
        Error(
            "do not disturb",
            Outcome.PERMANENT,
            False,
            "The receiver is on the operator's do-not-disturb list.",
        ),
        Error("no route", Outcome.PERMANENT, False, "The gateway has no way to this network."),
        Error("refused", Outcome.PERMANENT, True, "The gateway or the operator refused this message."),
        Error("undelivered", Outcome.PERMANENT, False, "The operator gave up before the phone took it."),
        Error("expired", Outcome.PERMANENT, False, "It was too late to send it."),
        Error("stopped", Outcome.PERMANENT, False, "The receiver wanted no more reminders."),
        Error("paid", Outcome.PERMANENT, False, "Something was paid before it could go."),
        Error("too many tries", Outcome.PERMANENT, True, "It was tried as often as we try."),
        Error("interrupted", Outcome.PERMANENT, True, "The server stopped while it was sent; it may have gone."),
        Error("not fetched", Outcome.PERMANENT, False, "The phone did not fetch it in time."),
        Error("no gateway", Outcome.PERMANENT, False, "No gateway could carry it in time."),
        Error("no report", Outcome.PERMANENT, False, "The phone took it and never said what became of it."),
        Error("gateway gone", Outcome.PERMANENT, False, "Its gateway was taken away; it may have gone before."),
    )
}


def explained(error: str, *, expired: bool = False) -> str:
    """What the office reads of an error by its name; nothing of none. Before what kept an expired message from being
    sent it reads that it is too late."""
    known = ERRORS.get(error)
    sentence = known.sentence if known else error
    return f"{ERRORS['expired'].sentence} {sentence}" if expired and known and known.retryable else sentence


class SendError(Exception):
    """A message was not taken, or perhaps not: one of ERRORS by name. `detail` is the gateway's own word."""

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(f"{name}: {detail}" if detail else name)
        self.error = ERRORS[name]
        self.detail = detail


class BadCallback(Exception):
    """A callback that cannot be read; the text names what is missing or wrong."""


class BadSignature(BadCallback):
    """A callback that whoever may call would have signed."""


Fields = Mapping[str, str]


@dataclass(frozen=True)
class Callback:
    """A gateway's HTTP request to us, as it came: `query` is still percent-encoded, and `headers` finds a name in
    any case."""

    method: str
    query: bytes
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """One way in and out. `methods` are the HTTP methods of its callbacks; `read` finds a callback's fields, the
    parse methods say what they mean. All of these raise BadCallback, also for a callback that it does not have."""

    name: str

    @property
    def methods(self) -> tuple[str, ...]: ...

    def read(self, callback: Callback) -> Fields: ...

    def parse_sms(self, form: Fields) -> Inbound: ...

    def parse_receipt(self, form: Fields) -> Receipt: ...

    def parse_ussd(self, form: Fields) -> UssdTurn: ...

    def parse_ussd_end(self, form: Fields) -> UssdEnd: ...

    def parse_optout(self, form: Fields) -> OptOut: ...

    async def send(self, message: Outbound) -> Sent:
        """Hand one message over. Raises SendError."""
        ...
