"""What a provider of mobile money is: it asks a phone to pay, reads what it is told, and looks up what is open."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.company import Company
from bot.edge import read_networks
from bot.gateways import Callback
from models.money.receiving import Incoming
from models.selling.requests import Reason

SHORTEST_SECRET = 16


PARKED = "parked"  # the code of a request that a person has put aside


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
    """It has not, for good (FAILED), or for now (PENDING: it may be asked again), or nobody knows (UNKNOWN)."""

    state: State
    code: str  # the provider's own, or what the network said
    reason: Reason | None = None  # of FAILED


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a provider says of a request, or of a payment that nobody asked for (`request` and `external_id` empty).

    PENDING is no news but a sign: the request has to be looked up."""

    state: State
    provider: str
    external_id: str = ""
    request: str = ""  # our own reference, where the provider gives it back
    code: str = ""
    reason: Reason | None = None  # of FAILED and EXPIRED
    payment: Incoming | None = None  # with PAID, unless the provider says no more than that


class Refusal(StrEnum):
    """Why a payment that somebody is about to make shall not be made."""

    ACCOUNT = "account"  # nothing goes by what was typed
    AMOUNT = "amount"  # it is less than anything costs
    OTHER = "other"


@dataclass(frozen=True)
class Question:
    """A provider asks whether a payment may be made."""

    account_text: str  # as the payer typed it
    amount: int  # minor units


class ProviderSettings(BaseModel):
    """What every provider is told. A kind adds its own fields; to the operator the field `shortcode` of the kind
    `daraja` is the setting MWANGA_DARAJA_SHORTCODE, or `daraja_shortcode` in mwanga.toml."""

    model_config = ConfigDict(frozen=True)

    # The fields without which the provider cannot be; the first of them says that it is wanted.
    needed: ClassVar[tuple[str, ...]] = ()
    # What the demo world sets where nothing else was said.
    demo: ClassVar[dict[str, Any]] = {"secret": "demo", "per_second": 0}

    secret: SecretStr = Field(
        SecretStr(""), description="the secret part of its callback addresses; 16 characters or more"
    )
    sources: str = Field(
        "", description="addresses or networks that its callbacks come from, with commas between; empty: any"
    )
    prefixes: str = Field("", description="numbers that it can ask, by how they begin, like `+2547,+2541`; empty: all")
    per_second: int = Field(2, ge=0, description="phones that each server asks by it in a second; 0 means no limit")

    @field_validator("sources")
    @classmethod
    def _check_sources(cls, value: str) -> str:
        try:
            read_networks(value)
        except ValueError as error:
            raise ValueError("addresses like 196.201.214.200,196.201.212.0/24") from error
        return value

    @property
    def server(self) -> str:
        """The address that is set for its API; empty for its own."""
        return str(getattr(self, "url", ""))

    @property
    def prefix_list(self) -> tuple[str, ...]:
        return tuple(each.strip() for each in self.prefixes.split(",") if each.strip())

    @property
    def pays_to_bill(self) -> str:
        """The pay bill that customers read of, as the operator's own menu asks for it; empty: there is none."""
        return ""

    @property
    def pays_to_till(self) -> str:
        """The same of a till, which asks for no account."""
        return ""

    @property
    def wanted(self) -> bool:
        """Whether there is to be such a provider."""
        return bool(getattr(self, self.needed[0]))

    @property
    def begun(self) -> bool:
        """Whether anything is given of what it needs."""
        return any(getattr(self, field) for field in self.needed)

    def problems(self, prefix: str, _address: str) -> list[str]:
        """What is misconfigured, one sentence each. `prefix` is how the names of its settings begin, `address` our own
        as the provider reaches it."""
        if not self.begun:
            return []
        found = []
        if not all(getattr(self, field) for field in self.needed):
            first, *others, last = (f"_{field.upper()}" for field in self.needed)
            found.append(f"{', '.join((prefix + first, *others))} and {last} go together; one is missing.")
        if len(self.secret) < SHORTEST_SECRET:
            found.append(f"{prefix}_SECRET needs {SHORTEST_SECRET} characters or more: it guards the callbacks.")
        return found


class Provider(ABC):
    """One provider of mobile money: a file of this room and a line in registered.py, or a table of mwanga.toml."""

    # As the configuration, the path of its callbacks and the table of payments have it.
    name: str
    # As sentences have it: enter your {title} PIN.
    title: str
    Settings: ClassVar[type[ProviderSettings]] = ProviderSettings
    # Its callbacks: the ends of their paths, and the HTTP methods.
    kinds: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("POST",)
    # The kind of callback that asks whether a payment may be made; empty where none does.
    questions: str = ""
    # Headers of a callback that it reads.
    headers: tuple[str, ...] = ()
    # Whether a callback only has us look: one with the same words may come again, for other news.
    only_signs: bool = False
    # What it wants to read when we took a callback, as JSON; empty for nothing.
    taken: str = ""
    # Seconds that a phone rings at most.
    rings_s: int = 180

    def __init__(
        self, session: aiohttp.ClientSession, settings: ProviderSettings, *, address: str, company: Company
    ) -> None:
        """`address` is our own, to which callbacks come."""
        self._session, self._company = session, company
        self.secret, self.per_second = settings.secret.get_secret_value(), settings.per_second
        self.sources = read_networks(settings.sources)
        self._callbacks = f"{address.rstrip('/')}/payments/{self.name}/{quote(self.secret, safe='')}"

    @abstractmethod
    async def ask(self, ask: Ask) -> Asked | NotAsked:
        """Make the phone ring. Never raises for what the network does."""

    @abstractmethod
    async def query(self, ask: Ask) -> Answer:
        """How a request stands. Never raises for what the network does: UNKNOWN."""

    @abstractmethod
    def read(self, kind: str, callback: Callback) -> Answer | None:
        """What a callback says; `kind` is the end of its path. None: nothing that matters. Raises ValueError for what
        cannot be read."""

    def read_question(self, _callback: Callback) -> Question:
        """What is asked by a callback of the kind `questions`. Raises ValueError."""
        raise ValueError(f"{self.title} asks nothing")

    def answer_question(self, _refusal: Refusal | None) -> str:
        """The answer as it wants to read it."""
        return ""
