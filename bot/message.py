"""All that crosses a boundary: what a gateway hands in, what a talk answers, what goes out, what became of it."""

from dataclasses import dataclass, field

from bot.text.i18n import Text
from bot.text.numbers import Sender
from models.messages.tables import MessageKind, State


@dataclass(frozen=True)
class Inbound:
    """One SMS as a gateway handed it in. `external_id` is the gateway's own: the same id is the same message."""

    gateway: str
    external_id: str
    sender: Sender
    text: str
    recipient: str = ""
    network: str = ""


@dataclass(frozen=True)
class UssdTurn:
    """One turn of a dialled session. `text` is the whole transcript: all inputs so far joined by `*`."""

    gateway: str
    service_code: str
    session_id: str
    phone: str
    text: str
    network: str = ""


@dataclass(frozen=True)
class UssdEnd:
    gateway: str
    service_code: str
    session_id: str
    status: str


@dataclass(frozen=True)
class OptOut:
    """The gateway will carry nothing more to this number, or does so again."""

    gateway: str
    phone: str
    stopped: bool = True


@dataclass(frozen=True)
class Receipt:
    """What a gateway says became of a message it took. `state` is SENT, DELIVERED or FAILED. The id is `ours` when it
    is the message's number in the outbox, which went out with it: that is known without an answer to the request."""

    gateway: str
    external_id: str
    state: State
    word: str
    reason: str = ""
    ours: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Outbound:
    """One SMS to be carried, as a gateway's `send` gets it."""

    id: int
    phone: str
    text: str
    kind: MessageKind = MessageKind.REPLY


@dataclass(frozen=True)
class Sent:
    """A gateway took the message."""

    external_id: str
    parts: int = 1
    cost: str = ""


@dataclass(frozen=True)
class Copy:
    """A message that goes with a reply: to somebody else, or to the caller as an SMS beside a USSD screen."""

    phone: str
    text: Text
    kind: MessageKind
    language: str


@dataclass(frozen=True)
class Reply:
    """What a talk answers. `also` are SMS that are promised in the same transaction; `outcome` is one word for the
    records, `sold` where something was."""

    text: Text
    kind: MessageKind = MessageKind.REPLY
    also: list[Copy] = field(default_factory=list)
    outcome: str = "done"
