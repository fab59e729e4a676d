"""What a provider of mobile money is: it asks a phone to pay, reads what it is told, and looks up what is open."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from models.money.receiving import Incoming


class State(StrEnum):
    """How a request stands, as a provider knows it."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A push to one phone. Money is in minor units."""

    reference: str  # ours, unique
    phone: str  # E.164
    amount: int
    account: str  # what the prompt shows: the serial or the number of a contract, cut to what the provider takes
    external_id: str = ""  # the provider's own, once it has given one


@dataclass(frozen=True)
class Asked:
    """The provider has taken it: the phone rings."""

    external_id: str


@dataclass(frozen=True)
class NotAsked:
    """It has not, for good (FAILED), or nobody knows (UNKNOWN)."""

    state: State
    code: str  # the provider's own, or what the network said


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a provider says of a request, or of a payment that nobody asked for (`request` and `external_id` empty)."""

    state: State
    external_id: str = ""
    request: str = ""  # our own reference, where the provider gives it back
    code: str = ""
    payment: Incoming | None = None  # with PAID, unless the provider says no more than that


class Provider(Protocol):
    """One provider of mobile money."""

    name: str  # as the configuration, the path of its callbacks and the table of payments have it
    secret: str  # of the path of its callbacks

    async def ask(self, ask: Ask) -> Asked | NotAsked:
        """Make the phone ring. Never raises for what the network does."""

    async def query(self, ask: Ask) -> Answer:
        """How a request stands. Never raises for what the network does: UNKNOWN."""

    def read(self, kind: str, body: str, headers: dict[str, str]) -> Answer | None:
        """What a callback says; `kind` is the end of its path. None: nothing that matters. Raises ValueError for what
        cannot be read."""
