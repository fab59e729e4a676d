"""What a gateway is to the rest of us; errors.py is the one table of what can go wrong while sending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.message import Inbound, OptOut, Outbound, Receipt, Sent, UssdEnd, UssdTurn


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


@dataclass(frozen=True)
class Door:
    """A gateway with the secret that its callbacks must carry, and what it wants to read when we took one."""

    gateway: Gateway
    secret: str
    answer: str = ""
