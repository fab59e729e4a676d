"""A phone without a network. What is sent to it counts as delivered and is read from the outbox by whoever plays
the phone: the page at /simulator, or `mwanga chat`. What it says comes in by the same door as any gateway's."""

from bot.gateways import BadCallback, Callback, Fields
from bot.gateways.wire import optional, read_form
from bot.message import Inbound, OptOut, Outbound, Receipt, Sent, UssdEnd, UssdTurn
from bot.text.numbers import parse, sender


class Simulator:
    name = "simulator"
    methods = ("POST",)

    def __init__(self, country: str) -> None:
        self._country = country

    def read(self, callback: Callback) -> Fields:
        return read_form(callback.body)

    def parse_sms(self, form: Fields) -> Inbound:
        who = sender(_field(form, "from"), self._country)
        return Inbound(self.name, _field(form, "id"), who, optional(form, "text"))

    def parse_ussd(self, form: Fields) -> UssdTurn:
        phone, text = parse(_field(form, "phoneNumber"), self._country), optional(form, "text")
        return UssdTurn(self.name, _field(form, "serviceCode"), _field(form, "sessionId"), phone, text)

    def parse_ussd_end(self, form: Fields) -> UssdEnd:
        return UssdEnd(self.name, _field(form, "serviceCode"), _field(form, "sessionId"), "Incomplete")

    def parse_receipt(self, form: Fields) -> Receipt:
        raise BadCallback("the simulator has no delivery reports")

    def parse_optout(self, form: Fields) -> OptOut:
        raise BadCallback("the simulator has no opt-outs")

    async def send(self, message: Outbound) -> Sent:
        return Sent(f"simulated {message.id}")


def _field(form: Fields, name: str) -> str:
    value = optional(form, name).strip()
    if not value:
        raise BadCallback(f"{name} is missing")
    return value
