"""M-Pesa for the demo world: phones ring in the simulator, and what people answer there comes back by the same door,
in the same words, as it would from Safaricom."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.gateways import Callback
from bot.payments.base import Answer, Ask, Asked, NotAsked, State
from bot.payments.daraja import REQUEST, ZONE, Daraja
from models.selling.requests import Reason

RECEIPT_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
ADDRESS = "127.0.0.1"


class Does(StrEnum):
    """What somebody does whose phone rings."""

    PAY = "pay"
    CANCEL = "cancel"
    WRONG_PIN = "wrong pin"
    NO_MONEY = "no money"
    NOTHING = "nothing"


# Safaricom's code and words for what was done.
SAID = {
    Does.PAY: (0, "The service request is processed successfully."),
    Does.CANCEL: (1032, "Request cancelled by user"),
    Does.WRONG_PIN: (2001, "The initiator information is invalid."),
    Does.NO_MONEY: (1, "The balance is insufficient for the transaction."),
    Does.NOTHING: (1037, "DS timeout user cannot be reached"),
}


@dataclass(frozen=True)
class Prompt:
    """What a phone shows: pay so much, for this account?"""

    id: str
    phone: str  # E.164
    amount: int  # minor units
    account: str
    reference: str  # of our request


class SimulatedDaraja(Daraja):
    """Daraja, with the phones in this process. A prompt that is open when the server stops is gone."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._prompts: dict[str, Prompt] = {}
        self.answered: set[str] = set()  # references: a button that is pressed twice pays once
        self.call_back: Callable[[str, Callback, str], Awaitable[None]] | None = None  # the door, when there is one
        self.ask_us: Callable[[Callback], Awaitable[str]] | None = None

    async def ask(self, ask: Ask) -> Asked | NotAsked:
        whole, rest = divmod(ask.amount, 10**self._company.exponent)
        if rest or whole < 1:
            return NotAsked(State.FAILED, "amount", Reason.AMOUNT)
        prompt = Prompt(f"ws_CO_{secrets.token_hex(8)}", ask.phone, ask.amount, ask.account, ask.reference)
        self._prompts[prompt.id] = prompt
        return Asked(prompt.id)

    async def query(self, ask: Ask) -> Answer:
        """Until somebody answers it is pending; a prompt that is gone was not paid."""
        rings = self._prompts.pop(ask.external_id, None)
        return Answer(
            state=State.EXPIRED,
            provider=self.name,
            request=ask.reference,
            external_id=ask.external_id,
            code="1037" if rings else "1019",
            reason=Reason.NO_ANSWER,
        )

    def prompts(self, phone: str) -> list[Prompt]:
        """What this phone (E.164) shows, the newest first."""
        return [prompt for prompt in reversed(self._prompts.values()) if prompt.phone == phone]

    async def answer(self, prompt_id: str, does: Does) -> bool:
        """Somebody answers a prompt. False: it does not ring any more."""
        if (prompt := self._prompts.pop(prompt_id, None)) is None:
            return False
        self.answered.add(prompt.reference)
        code, words = SAID[does]
        said: dict[str, Any] = {
            "MerchantRequestID": prompt.id.removeprefix("ws_CO_"),
            "CheckoutRequestID": prompt.id,
            "ResultCode": code,
            "ResultDesc": words,
        }
        if does is Does.PAY:
            values = {
                "Amount": self._whole(prompt.amount),
                "MpesaReceiptNumber": new_receipt(),
                "TransactionDate": int(_stamp()),
                "PhoneNumber": int(prompt.phone.removeprefix("+")),
            }
            said["CallbackMetadata"] = {"Item": [{"Name": name, "Value": value} for name, value in values.items()]}
        await self._tell("stk", {"Body": {"stkCallback": said}}, f"{REQUEST}={prompt.reference}")
        return True

    async def pay_bill(self, phone: str, account: str, amount: int, receipt: str = "") -> bool:
        """Somebody pays to our pay bill out of the phone's own menu, in minor units. False: we would not have it. What
        has the same `receipt` is the same payment once more; without one it is another."""
        fields = {
            "TransactionType": "Pay Bill",
            "TransID": receipt or new_receipt(),
            "TransTime": _stamp(),
            "TransAmount": f"{self._whole(amount)}.00",
            "BusinessShortCode": self._settings.shortcode,
            "BillRefNumber": account,
            "InvoiceNumber": "",
            "OrgAccountBalance": "",
            "ThirdPartyTransID": "",
            "MSISDN": phone.removeprefix("+"),
            "FirstName": "",
            "MiddleName": "",
            "LastName": "",
        }
        if self.ask_us and json.loads(await self.ask_us(_callback(fields)))["ResultCode"] != "0":
            return False
        await self._tell("confirmation", fields)
        return True

    async def _tell(self, kind: str, fields: dict[str, Any], query: str = "") -> None:
        if self.call_back:
            await self.call_back(kind, _callback(fields, query), ADDRESS)

    def _whole(self, minor: int) -> int:
        return int(minor // 10**self._company.exponent)


def _callback(fields: dict[str, Any], query: str = "") -> Callback:
    return Callback("POST", query.encode(), "application/json", json.dumps(fields).encode())


def _stamp() -> str:
    return datetime.now(ZONE).strftime("%Y%m%d%H%M%S")


def new_receipt() -> str:
    """Ten letters and digits, as Safaricom has."""
    return "".join(secrets.choice(RECEIPT_LETTERS) for _ in range(10))
