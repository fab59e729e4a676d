"""All that crosses a boundary: what a gateway hands in, what a talk answers, what goes out, what became of it."""

from dataclasses import dataclass, field

from bot.text import Text
from bot.text.numbers import Sender
from models.messages import MessageKind, State


@dataclass(frozen=True)
class Inbound:
    """One SMS as a gateway handed it in."""

    gateway: str
    external_id: str  # the gateway's own: the same id is the same message
    sender: Sender
    text: str
    recipient: str = ""  # which of our numbers it was sent to
    network: str = ""  # the sender's, by its code, where the gateway names it
    sim: int = 0  # of a gateway phone: the SIM card that got it; 0 where it does not say
    reached_at: int = 0  # when the gateway got it, by a clock of its own (ms); 0 where it does not say


@dataclass(frozen=True)
class UssdTurn:
    """One turn of a dialled session."""

    gateway: str
    service_code: str  # what was dialled
    session_id: str
    phone: str
    text: str  # the whole transcript: all inputs so far joined by `*`
    network: str = ""  # as in Inbound


@dataclass(frozen=True)
class UssdEnd:
    """A dialled session is gone."""

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
    """What a gateway says became of a message that it took."""

    gateway: str
    external_id: str
    state: State  # SENT, DELIVERED or FAILED
    word: str  # the gateway's own for it
    reason: str = ""  # why it failed, in the gateway's words
    # Whether the id is the message's number in the outbox, which went out with it: that is known without an answer to
    # the request.
    ours: bool = field(default=False, compare=False)
    # To whom that message went; empty where the report does not say. Another database may have had the same number for
    # another message, as that of a demo, or of after the backup that was restored.
    phone: str = field(default="", compare=False)


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
    parts: int = 1  # that it is billed as
    cost: str = ""  # as the gateway writes it


@dataclass(frozen=True)
class Copy:
    """A message that goes with a reply: to somebody else, or to the caller as an SMS beside a USSD screen."""

    phone: str
    text: Text
    kind: MessageKind
    language: str
    asks: str = ""  # what its question is about (K41), so that it does not go any more when that is answered


@dataclass(frozen=True)
class Reply:
    """What a talk answers."""

    text: Text
    kind: MessageKind = MessageKind.REPLY
    also: list[Copy] = field(default_factory=list)  # SMS that go with it, written in the same transaction
    outcome: str = "done"  # a word for the records: `sold` where something was
