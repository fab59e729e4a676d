"""What a gateway is to the rest of the server, and what all kinds over HTTP have in common."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar
from urllib.parse import quote, urlsplit

import aiohttp
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bot.gateways.wire import BadCallback, Callback, Fields, read_form
from bot.message import Inbound, OptOut, Outbound, Receipt, Sent, UssdEnd, UssdTurn


def is_whole_address(text: str) -> bool:
    """Whether it begins with http:// or https:// and names a host."""
    try:
        return text.startswith(("http://", "https://")) and bool(urlsplit(text).hostname)
    except ValueError:  # of a bracket that is not closed
        return False


def _whole_address(value: str) -> str:
    if value and not is_whole_address(value):
        raise ValueError("a whole address, like https://mwanga.example.org")
    return value


# A setting that is empty or such an address.
WebAddress = Annotated[str, AfterValidator(_whole_address)]


class GatewaySettings(BaseModel):
    """What every gateway is told. A kind adds its own fields; to the operator the field `url` of the kind `kannel` is
    the setting MWANGA_KANNEL_URL, or `kannel_url` in mwanga.toml."""

    model_config = ConfigDict(frozen=True)

    # The fields without which the gateway cannot be; the first of them says that it is wanted.
    needed: ClassVar[tuple[str, ...]] = ()
    # What the demo world sets where nothing else was said.
    demo: ClassVar[dict[str, str]] = {"secret": "demo"}

    sender: str = Field("", description="short code or name that messages come from")
    secret: SecretStr = Field(
        SecretStr(""), description="the secret part of its callback addresses; 16 characters or more"
    )
    per_second: int = Field(
        0,
        ge=0,
        description="message parts that each server sends by it in a second, as the operator allows; 0 means no limit",
    )
    # 1,000 messages a second at 150 ms are 150 under way (Little's law); a gateway may be thrice as slow.
    at_once: int = Field(
        512, ge=1, description="requests that each server has under way to it at most; all of them may connect at once"
    )

    @property
    def wanted(self) -> bool:
        """Whether there is to be such a gateway."""
        return bool(getattr(self, self.needed[0]))

    @property
    def begun(self) -> bool:
        """Whether anything is given of what it needs."""
        return any(getattr(self, field) for field in self.needed)

    @property
    def server(self) -> str:
        """The address that messages are handed to; empty where there is none yet."""
        return str(getattr(self, "url", ""))

    def problems(self, prefix: str) -> list[str]:
        """What is misconfigured, one sentence each. `prefix` is how the names of its settings begin."""
        if not self.begun:
            return []
        found = []
        if not all(getattr(self, field) for field in self.needed):
            first, *others, last = (f"_{field.upper()}" for field in self.needed)
            found.append(f"{', '.join((prefix + first, *others))} and {last} go together; one is missing.")
        if len(self.secret) < 16:
            found.append(f"{prefix}_SECRET needs 16 characters or more: it guards the callbacks.")
        return found


class Gateway(ABC):
    """One way in and out. `read` finds a callback's fields, the parse methods say what they mean. All of these raise
    BadCallback, also for a callback that the gateway does not have."""

    # As the route, the tables and the callbacks' addresses have it.
    name: str
    # As sentences have it.
    title: str
    # The HTTP methods of its callbacks.
    methods: tuple[str, ...] = ("POST",)
    # The part of its callbacks' addresses that nobody else knows; without one it may not call.
    secret: str = ""
    # What it wants to read when we took a callback.
    answer: str = ""
    # Message parts that it is given in a second; 0 for any number.
    per_second: int = 0
    # Requests under way to it.
    at_once: int = 512

    def read(self, callback: Callback) -> Fields:
        """The fields of a urlencoded form."""
        return read_form(callback.body)

    def parse_sms(self, _form: Fields) -> Inbound:
        """A text that somebody sent us."""
        raise BadCallback(f"{self.title} brings no messages")

    def parse_receipt(self, _form: Fields) -> Receipt:
        """A delivery report."""
        raise BadCallback(f"{self.title} has no delivery reports")

    def parse_ussd(self, _form: Fields) -> UssdTurn:
        """One turn of a dialled session."""
        raise BadCallback(f"{self.title} has no USSD")

    def parse_ussd_end(self, _form: Fields) -> UssdEnd:
        """The end of a dialled session."""
        raise BadCallback(f"{self.title} has no USSD")

    def parse_optout(self, _form: Fields) -> OptOut:
        """Somebody asked the gateway to carry nothing more from us."""
        raise BadCallback(f"{self.title} has no opt-outs")

    @abstractmethod
    async def send(self, message: Outbound) -> Sent:
        """Hand one message over. Raises SendError; after `timeout` and `strange answer` it may have been taken."""

    def sends(self, _simulated: bool) -> bool:
        """Whether messages leave by it, in the demo world when `simulated`."""
        return True

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Do before the server listens what the first message would have to wait for."""


class BaseGateway(Gateway):
    """A gateway over HTTP. A kind of it is a class in a file of its own and a line in bot/gateways/registered.py."""

    Settings: ClassVar[type[GatewaySettings]] = GatewaySettings
    _settings: GatewaySettings

    def __init__(
        self, session: aiohttp.ClientSession, settings: GatewaySettings, *, address: str, country: str
    ) -> None:
        """`address` is our own, to which reports come; `country` reads numbers that come without a calling code."""
        self._session, self._settings, self._country = session, settings, country
        self.secret = settings.secret.get_secret_value()
        self.per_second, self.at_once = settings.per_second, settings.at_once
        self._reports = f"{address.rstrip('/')}/gateways/{self.name}/{quote(self.secret, safe='')}/delivery"
