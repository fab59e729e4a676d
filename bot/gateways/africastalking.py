"""Africa's Talking: its callbacks become what bot/message.py names, the outbox's messages its requests."""

import json
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, SecretStr

from bot.gateways import BadCallback, BaseGateway, Fields, GatewaySettings, WebAddress
from bot.gateways.errors import SendError
from bot.gateways.wire import (
    LONGEST_ADDRESS,
    LONGEST_COST,
    LONGEST_ID,
    LONGEST_NETWORK,
    LONGEST_WORD,
    letters,
    optional,
    present,
    required,
    with_plus,
)
from bot.message import Inbound, OptOut, Outbound, Receipt, Sent, UssdEnd, UssdTurn
from bot.text.numbers import Sender, SenderKind
from bot.text.numbers import sender as read_sender
from models.messages import State

if TYPE_CHECKING:
    from bot.gateways.africastalking_sdk import SharedSessionSMS

# What each recipient's statusCode means: its word, and the name in ERRORS, none for an accepted message.
# From the "SMS: send bulk" page of its documentation; 408 is not in that list.
STATUS: dict[int, tuple[str, str]] = {
    100: ("Processed", ""),
    101: ("Sent", ""),
    102: ("Queued", ""),
    401: ("RiskHold", "risk hold"),
    402: ("InvalidSenderId", "unknown sender"),
    403: ("InvalidPhoneNumber", "bad number"),
    404: ("UnsupportedNumberType", "bad number"),
    405: ("InsufficientBalance", "no balance"),
    406: ("UserInBlacklist", "opted out"),
    407: ("CouldNotRoute", "no route"),
    409: ("DoNotDisturbRejection", "do not disturb"),
    500: ("InternalServerError", "gateway fault"),
    501: ("GatewayError", "gateway fault"),
    502: ("RejectedByGateway", "gateway fault"),
}
# A code that is not in the table, by its hundreds.
STATUS_FAMILY = {1: "", 4: "refused", 5: "gateway fault"}
# The same words come as the reason of a request that reached no recipient.
REQUEST_WORDS = {word.lower(): error for word, error in STATUS.values() if error}

# Delivery reports, in lower case. Rejected is the operator's refusal. Expired and AbsentSubscriber are not in
# the documentation's list, but they come.
DELIVERY: dict[str, tuple[State, str]] = {
    "sent": (State.SENT, ""),
    "submitted": (State.SENT, ""),
    "buffered": (State.SENT, ""),
    "success": (State.DELIVERED, ""),
    "rejected": (State.FAILED, "refused"),
    "failed": (State.FAILED, "undelivered"),
    "expired": (State.FAILED, "undelivered"),
    "absentsubscriber": (State.FAILED, "undelivered"),
}
# failureReason, in lower case; any other one leaves what DELIVERY says. The credit is not ours but that of a
# subscriber who cannot pay for a premium message. The documentation spells one word in two ways.
FAILURE_REASONS = {
    "insufficientcredit": "refused",
    "invalidlinkid": "refused",
    "usernotsubscribedtoproduct": "refused",
    "userinblacklist": "opted out",
    "donotdisturbrejection": "do not disturb",
    "userdoesnotexist": "bad number",
    "notnetworksubscriber": "bad number",
    "notnetworksubcriber": "bad number",
    "invalidphonenumber": "bad number",
    "userisinactive": "undelivered",
    "useraccountsuspended": "undelivered",
    "absentsubscriber": "undelivered",
    "usermemorycapacityexceeded": "undelivered",
    "deliveryfailure": "undelivered",
    "systemerror": "undelivered",
}


class AfricasTalking(BaseGateway):
    """Two-way SMS, delivery reports, USSD and opt-outs."""

    name = "africastalking"
    title = "Africa's Talking"

    class Settings(GatewaySettings):
        """An account; that of the user `sandbox` is at another address."""

        needed: ClassVar = ("username", "api_key")
        demo: ClassVar = {"username": "sandbox", "api_key": "demo", "secret": "demo"}

        username: str = Field("", description="Africa's Talking user name; `sandbox` for its sandbox")
        api_key: SecretStr = Field(SecretStr(""), description="its API key")
        url: WebAddress = Field("", description="another base address, for an emulator")

        @property
        def server(self) -> str:
            """As the SDK has it (its Service.py)."""
            return self.url or f"https://api.{'sandbox.' if self.username == 'sandbox' else ''}africastalking.com"

    _settings: Settings

    @cached_property
    def _sms(self) -> "SharedSessionSMS":
        from bot.gateways.africastalking_sdk import SharedSessionSMS  # noqa: PLC0415 - 60 to 250 ms, for who sends by it

        told = self._settings
        return SharedSessionSMS(self._session, told.username, told.api_key.get_secret_value(), told.url)

    def parse_sms(self, form: Fields) -> Inbound:
        """A text that somebody sent us; it may be empty, and begins with the keyword of a shared code."""
        return Inbound(
            gateway=self.name,
            external_id=required(form, "id", LONGEST_ID),
            sender=read_sender(required(form, "from"), self._country),
            text=present(form, "text"),
            recipient=with_plus(optional(form, "to"))[:LONGEST_ADDRESS],
            network=optional(form, "networkCode")[:LONGEST_NETWORK],
            reached_at=_read_date(optional(form, "date")),
        )

    def parse_receipt(self, form: Fields) -> Receipt:
        """A delivery report. A status we do not know is no news, like Sent. `word` is the status as it came
        and any failure reason; `reason` is a name of ERRORS for a failure, else empty."""
        status = required(form, "status")
        why = optional(form, "failureReason")
        state, reason = DELIVERY.get(status.lower(), (State.SENT, ""))
        if state is State.FAILED:
            reason = FAILURE_REASONS.get(why.lower(), reason)
        word = f"{status}: {why}" if why else status
        return Receipt(self.name, required(form, "id", LONGEST_ID), state, word[:LONGEST_WORD], reason)

    def parse_ussd(self, form: Fields) -> UssdTurn:
        """One turn of a dialled session; `text` is empty at first, and must be there all the same."""
        return UssdTurn(
            gateway=self.name,
            service_code=required(form, "serviceCode", LONGEST_ADDRESS),
            session_id=required(form, "sessionId", LONGEST_ID),
            phone=self._phone(form),
            text=present(form, "text"),
            network=optional(form, "networkCode")[:LONGEST_NETWORK],
        )

    def parse_ussd_end(self, form: Fields) -> UssdEnd:
        """The session is over. `status` is Success, Incomplete (hung up, or too slow) or Failed."""
        return UssdEnd(
            gateway=self.name,
            service_code=required(form, "serviceCode", LONGEST_ADDRESS),
            session_id=required(form, "sessionId", LONGEST_ID),
            status=required(form, "status")[:LONGEST_WORD],
        )

    def parse_optout(self, form: Fields) -> OptOut:
        """Somebody asked it to carry nothing more from us; there is no callback for taking that back."""
        return OptOut(self.name, self._phone(form))

    async def send(self, message: Outbound) -> Sent:
        """Hand one message over. Raises SendError; `timeout` and `strange answer` may have been taken."""
        try:
            request = self._sms.send(message.text, [message.phone], self._settings.sender or None)
        except ValueError:
            raise SendError("bad number") from None
        return _read_answer(await request)

    def sends(self, simulated: bool) -> bool:
        """The demo world sends only to an address that was given, so that it never bothers anybody."""
        return not simulated or bool(self._settings.url)

    def prepare(self) -> None:
        """The SDK brings all of requests, so its import would hold the loop while others wait."""
        _made = self._sms

    def _phone(self, form: Fields) -> str:
        caller: Sender = read_sender(required(form, "phoneNumber"), self._country)
        if caller.kind is not SenderKind.NUMBER:
            raise BadCallback("phoneNumber is not a phone number")
        return caller.value


def _read_date(text: str) -> int:
    """Milliseconds of `2026-03-02 09:00:00` or `2026-03-02T09:00:00Z`, both UTC; 0 for anything else."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return max(round((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() * 1000), 0)


def _read_answer(body: bytes) -> Sent:
    """What became of the one recipient. The content type, with or without a charset, is not looked at.
    An empty list of recipients is a failure, although the HTTP status is 201; it took nothing, so where its words say
    nothing that we know it is asked again."""
    try:
        answer = json.loads(body)
    except ValueError:
        raise SendError("strange answer", "not JSON") from None
    match answer:
        case {"SMSMessageData": {"Recipients": [], **summary}}:
            words = letters(str(summary.get("Message", "")))
            folded = words.replace(" ", "").lower()
            known = (error for word, error in REQUEST_WORDS.items() if word in folded)
            raise SendError(next(known, "gateway fault"), words)
        case {"SMSMessageData": {"Recipients": [{"statusCode": int(code), **recipient}]}}:
            return _read_recipient(code, recipient)
    raise SendError("strange answer", "unknown shape")


def _read_recipient(code: int, recipient: dict[Any, Any]) -> Sent:
    word, error = STATUS.get(code, ("", STATUS_FAMILY.get(code // 100, "strange answer")))
    if error:
        raise SendError(error, f"{code} {word or letters(str(recipient.get('status', '')))}".strip())
    match recipient.get("messageId"):
        case str(external_id) if 0 < len(external_id) <= LONGEST_ID and external_id != "None":
            parts = recipient.get("messageParts")
            return Sent(
                external_id,
                # 3GPP TS 23.040 9.2.3.24.1: one octet counts the parts.
                parts=parts if isinstance(parts, int) and 0 < parts < 256 else 1,
                cost=str(recipient.get("cost", ""))[:LONGEST_COST],
            )
    raise SendError("strange answer", f"{code} without messageId")
