"""A phone without a network. What is sent to it counts as delivered and is read from the outbox by whoever plays
the phone: the page at /simulator, or `mwanga chat`. What it says comes in by the same door as any gateway's."""

from bot.gateways import BadCallback, Fields, Gateway
from bot.gateways.wire import LONGEST_ADDRESS, LONGEST_ID, optional
from bot.message import Inbound, Outbound, Sent, UssdEnd, UssdTurn
from bot.text.numbers import parse, sender


class Simulator(Gateway):
    """`country` reads numbers without a calling code; without a `secret` nobody may call."""

    name = "simulator"
    title = "the simulator"

    def __init__(self, country: str, secret: str = "") -> None:
        self._country = country
        self.secret = secret

    def parse_sms(self, form: Fields) -> Inbound:
        who = sender(_field(form, "from"), self._country)
        return Inbound(self.name, _field(form, "id"), who, optional(form, "text"))

    def parse_ussd(self, form: Fields) -> UssdTurn:
        try:
            phone, text = parse(_field(form, "phoneNumber"), self._country), optional(form, "text")
        except ValueError as error:
            raise BadCallback("phoneNumber is not a phone number") from error
        return UssdTurn(self.name, _field(form, "serviceCode", LONGEST_ADDRESS), _field(form, "sessionId"), phone, text)

    def parse_ussd_end(self, form: Fields) -> UssdEnd:
        return UssdEnd(self.name, _field(form, "serviceCode", LONGEST_ADDRESS), _field(form, "sessionId"), "Incomplete")

    async def send(self, message: Outbound) -> Sent:
        return Sent(f"simulated {message.id}")


def _field(form: Fields, name: str, longest: int = LONGEST_ID) -> str:
    value = optional(form, name).strip()
    if not value:
        raise BadCallback(f"{name} is missing")
    return value[:longest]
