"""M-Pesa of Safaricom (Kenya), by its API Daraja: pushes to phones (STK), and payments that customers make in their
phone's own menu to a pay bill or till (C2B). Field names and codes are those of its portal, December 2025.

A push is known to Daraja by its own CheckoutRequestID, which its answer brings. The address that it calls back has our
reference as well, so that what became of a push is known also when that answer was lost.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import aiohttp
from pydantic import Field, SecretStr

from bot.company import Company
from bot.gateways import Callback, WebAddress
from bot.gateways.errors import SendError
from bot.gateways.wire import letters, read_form, request
from bot.payments.base import (
    Answer,
    Ask,
    Asked,
    NotAsked,
    Provider,
    ProviderSettings,
    Question,
    Refusal,
    State,
)
from bot.payments.wire import SharedToken, read_amount, read_balance, read_object, read_phone, text_of
from models.money.receiving import Incoming, Source
from models.selling.requests import Reason

LIVE = "https://api.safaricom.co.ke"
ZONE = ZoneInfo("Africa/Nairobi")  # their times have no zone; public code reads them so
# A push is answered after some seconds, when the phone was reached.
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=3.05)
TOKEN_S = 3_600  # how long a token serves, where they do not say
LONGEST_ACCOUNT, LONGEST_DESCRIPTION = 12, 13  # a longer one is taken, and then no phone rings
SILENT_MARKS = re.compile(r"[^A-Za-z0-9 .-]")  # @ # & : are taken too, and then no phone rings
# Words that Safaricom refuses in the addresses that it shall call, in any case.
REFUSED_WORDS = ("m-pesa", "mpesa", "safaricom", "exe", "cmd", "sql", "query")
REQUEST = "request"  # the field of the callback's address that has our reference

# What a ResultCode means. Codes are text: "SFC_IC0003" is one, and no number. What is not here says nothing for sure.
RESULTS: dict[str, tuple[State, Reason | None]] = {
    "0": (State.PAID, None),
    "1": (State.FAILED, Reason.LOW_BALANCE),
    "2": (State.FAILED, Reason.AMOUNT),
    "3": (State.FAILED, Reason.AMOUNT),
    "4": (State.FAILED, Reason.LIMIT),
    "8": (State.FAILED, Reason.SETUP),  # our own account is full
    "17": (State.FAILED, Reason.BUSY),  # the same amount within 2 minutes
    "26": (State.FAILED, Reason.BUSY),
    "1001": (State.FAILED, Reason.BUSY),
    "1019": (State.EXPIRED, Reason.NO_ANSWER),
    "1025": (State.FAILED, Reason.NOT_SENT),
    "1032": (State.FAILED, Reason.CANCELLED),
    "1037": (State.FAILED, Reason.NO_ANSWER),
    "2001": (State.FAILED, Reason.WRONG_PIN),
    "2028": (State.FAILED, Reason.SETUP),
    "8006": (State.FAILED, Reason.LOCKED),
    "9999": (State.FAILED, Reason.NOT_SENT),
    "SFC_IC0003": (State.FAILED, Reason.SETUP),
    "4999": (State.PENDING, None),
}
# The same for the errorCode of a request that was refused. Of 500.001.1001 the words decide.
ERRORS: dict[str, tuple[State, Reason | None]] = {
    "400.002.02": (State.FAILED, Reason.SETUP),
    "400.002.05": (State.FAILED, Reason.SETUP),
    "404.001.01": (State.FAILED, Reason.SETUP),
    "404.001.04": (State.FAILED, Reason.SETUP),
    "404.003.01": (State.FAILED, Reason.SETUP),
    "405.001": (State.FAILED, Reason.SETUP),
    "500.003.02": (State.PENDING, None),  # Spike Arrest, or the system is busy
    "500.003.03": (State.PENDING, None),  # quota
    "429": (State.PENDING, None),
}
BAD_TOKEN = {"404.001.03", "400.003.01", "401.003.01"}
WORDS_OF_1001: tuple[tuple[str, tuple[State, Reason | None]], ...] = (
    ("being processed", (State.PENDING, None)),
    ("lock subscriber", (State.FAILED, Reason.BUSY)),
    ("wrong credentials", (State.FAILED, Reason.SETUP)),
    ("merchant does not exist", (State.FAILED, Reason.SETUP)),
)
# What their own words for a refused payment are.
REFUSALS = {None: "0", Refusal.ACCOUNT: "C2B00012", Refusal.AMOUNT: "C2B00013", Refusal.OTHER: "C2B00016"}


class Daraja(Provider):
    """Pushes, their callbacks and queries; validation and confirmation of payments to the pay bill or till."""

    name = "daraja"
    title = "M-Pesa"
    kinds = ("validation", "confirmation", "stk", "timeout")
    questions = "validation"
    taken = json.dumps({"ResultCode": 0, "ResultDesc": "Accepted"})

    class Settings(ProviderSettings):
        needed: ClassVar = ("consumer_key", "consumer_secret", "shortcode", "passkey")
        demo: ClassVar = ProviderSettings.demo | {
            "consumer_key": "demo",
            "consumer_secret": "demo",
            "shortcode": "600000",
            "passkey": "demo",
        }

        url: WebAddress = Field("", description=f"the address of its API; default `{LIVE}`")
        consumer_key: SecretStr = Field(SecretStr(""), description="of the app in Safaricom's developer portal")
        consumer_secret: SecretStr = Field(SecretStr(""), description="the same")
        shortcode: str = Field(
            "",
            pattern="^[0-9]{0,10}$",
            description="the pay bill, which people read of; for a till its store number",
        )
        passkey: SecretStr = Field(SecretStr(""), description="with which pushes are signed; it comes at Go Live")
        till: str = Field("", pattern="^[0-9]{0,10}$", description="the till number, where customers pay to a till")

        @property
        def pays_to_bill(self) -> str:
            return "" if self.till else self.shortcode

        @property
        def pays_to_till(self) -> str:
            return self.till

        def problems(self, prefix: str, address: str) -> list[str]:
            found = super().problems(prefix, address)
            words = [word for word in REFUSED_WORDS if word in f"{address}/{self.secret.get_secret_value()}".lower()]
            if self.begun and words:
                found.append(f"Safaricom calls no address with `{words[0]}` in it: MWANGA_PUBLIC_URL, {prefix}_SECRET.")
            return found

    def __init__(
        self, session: aiohttp.ClientSession, settings: "Daraja.Settings", *, address: str, company: Company
    ) -> None:
        super().__init__(session, settings, address=address, company=company)
        self._settings = settings
        self._url = (settings.url or LIVE).rstrip("/")
        self.token = SharedToken(self.name, self._fetch_token, company.vault)  # a new one voids the former

    # --- What we ask

    async def ask(self, ask: Ask) -> Asked | NotAsked:
        """An STK push. `Asked` says that Safaricom took it, and not that it was paid."""
        amount, rest = divmod(ask.amount, 10**self._company.exponent)
        if rest or amount < 1:
            return NotAsked(State.FAILED, "amount", Reason.AMOUNT)  # whole shillings alone
        phone = ask.phone.removeprefix("+")
        fields = self._signed() | {
            "TransactionType": "CustomerBuyGoodsOnline" if self._settings.till else "CustomerPayBillOnline",
            "Amount": amount,
            "PartyA": phone,
            "PartyB": self._settings.till or self._settings.shortcode,
            "PhoneNumber": phone,
            "CallBackURL": f"{self._callbacks}/stk?{REQUEST}={ask.reference}",
            "AccountReference": SILENT_MARKS.sub("", ask.account)[:LONGEST_ACCOUNT],
            "TransactionDesc": SILENT_MARKS.sub("", self._company.name)[:LONGEST_DESCRIPTION],
        }
        try:
            status, said = await self._post("/mpesa/stkpush/v1/processrequest", fields)
        except SendError as error:
            reached = error.error.name != "unreachable"
            return NotAsked(State.UNKNOWN if reached else State.PENDING, error.error.name)
        external_id = text_of(said, "CheckoutRequestID")
        if status == 200 and text_of(said, "ResponseCode") == "0" and external_id:
            return Asked(external_id)
        return _why_not(status, said)

    async def query(self, ask: Ask) -> Answer:
        """How a push stands. PAID comes without a receipt here, so without a payment."""
        unknown = Answer(state=State.UNKNOWN, provider=self.name, request=ask.reference, external_id=ask.external_id)
        if not ask.external_id:
            return unknown  # it can be asked for by no other id
        fields = self._signed() | {"CheckoutRequestID": ask.external_id}
        try:
            status, said = await self._post("/mpesa/stkpushquery/v1/query", fields)
        except SendError as error:
            return replace(unknown, code=error.error.name)
        code = text_of(said, "ResultCode")
        if status == 200 and code:
            state, reason = RESULTS.get(code, (State.UNKNOWN, None))
            return replace(unknown, state=state, reason=reason, code=code)
        error_code = text_of(said, "errorCode")
        pending = "being processed" in text_of(said, "errorMessage").lower()
        return replace(unknown, state=State.PENDING if pending else State.UNKNOWN, code=error_code or f"http {status}")

    async def register(self, response_type: str = "Completed") -> str:
        """Tell Safaricom where it validates and confirms payments, once: what it answers. With `Completed` a payment
        is made when we do not answer in time, with `Cancelled` none is. Raises SendError."""
        fields = {
            "ShortCode": self._settings.shortcode,
            "ResponseType": response_type,
            "ConfirmationURL": f"{self._callbacks}/confirmation",
            "ValidationURL": f"{self._callbacks}/validation",
        }
        status, said = await self._post("/mpesa/c2b/v2/registerurl", fields)
        if status == 200 and text_of(said, "ResponseCode") == "0":
            return text_of(said, "ResponseDescription") or "registered"
        words = text_of(said, "errorMessage") or text_of(said, "ResponseDescription")
        raise SendError("refused", f"{text_of(said, 'errorCode') or status} {words}".strip())

    def _signed(self) -> dict[str, str]:
        """Who asks, and the password, which has the time in it."""
        stamp = datetime.now(ZONE).strftime("%Y%m%d%H%M%S")
        shortcode = self._settings.shortcode
        password = f"{shortcode}{self._settings.passkey.get_secret_value()}{stamp}"
        return {
            "BusinessShortCode": shortcode,
            "Password": base64.b64encode(password.encode()).decode(),
            "Timestamp": stamp,
        }

    async def _post(self, path: str, fields: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Status and fields of the answer. A token that does not serve any more is replaced once: what came with it
        was refused. Raises SendError."""
        token = await self.token.get()
        status, said = await self._post_with(token, path, fields)
        if status == 401 or text_of(said, "errorCode") in BAD_TOKEN:
            token = await self.token.get(instead_of=token)
            status, said = await self._post_with(token, path, fields)
        return status, said

    async def _post_with(self, token: str, path: str, fields: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        headers = {"Authorization": f"Bearer {token}"}
        async with request(
            self._session, "POST", f"{self._url}{path}", timeout=TIMEOUT, json=dict(fields), headers=headers
        ) as answer:
            return answer.status, read_object(await answer.read())

    async def _fetch_token(self) -> tuple[str, int]:
        """A new token and its seconds. Raises SendError: without a token nothing was asked, whatever went wrong."""
        key, secret = self._settings.consumer_key, self._settings.consumer_secret
        login = base64.b64encode(f"{key.get_secret_value()}:{secret.get_secret_value()}".encode()).decode()
        url = f"{self._url}/oauth/v1/generate?grant_type=client_credentials"
        try:
            async with request(self._session, "GET", url, headers={"Authorization": f"Basic {login}"}) as answer:
                status, said = answer.status, read_object(await answer.read())
        except SendError as error:
            raise SendError("unreachable", f"token: {error.error.name}") from error
        if not (token := text_of(said, "access_token")):
            raise SendError("unreachable", f"token: HTTP {status} {letters(text_of(said, 'errorMessage'))}".strip())
        lifetime = text_of(said, "expires_in")
        return token, int(lifetime) if lifetime.isdigit() else TOKEN_S

    # --- What we are told

    def read(self, kind: str, callback: Callback) -> Answer | None:
        """What a callback says. Raises ValueError."""
        said = read_object(callback.body)
        if not said:
            raise ValueError("the body is no JSON object")
        if kind == "confirmation":
            return Answer(state=State.PAID, provider=self.name, payment=self._read_payment(said))
        if kind == "stk":
            return self._read_push(said, callback)
        return None  # a queue of theirs ran full: what became of the request is looked up when its time is over

    def _read_push(self, said: Mapping[str, Any], callback: Callback) -> Answer:
        body = said.get("Body")
        push = body.get("stkCallback") if isinstance(body, dict) else None
        if not isinstance(push, dict):
            raise ValueError("there is no Body.stkCallback")
        external_id, code = text_of(push, "CheckoutRequestID"), text_of(push, "ResultCode")
        if not external_id or not code:
            raise ValueError("CheckoutRequestID or ResultCode is missing")
        answer = Answer(
            state=State.UNKNOWN,
            provider=self.name,
            external_id=external_id,
            request=read_form(callback.query).get(REQUEST, ""),
            code=code,
        )
        state, reason = RESULTS.get(code, (State.PENDING, None))
        if state is not State.PAID:
            return replace(answer, state=state, reason=reason)
        return replace(answer, state=State.PAID, payment=self._read_metadata(push, answer))

    def _read_metadata(self, push: Mapping[str, Any], answer: Answer) -> Incoming:
        """The payment of a push. Raises ValueError for one without a receipt or an amount: it is no payment."""
        found = push.get("CallbackMetadata")
        items = found.get("Item", []) if isinstance(found, dict) else []
        values = {str(item.get("Name")): item for item in items if isinstance(item, dict)}
        said = {name: text_of(item, "Value") for name, item in values.items()}
        if not said.get("MpesaReceiptNumber") or not said.get("Amount"):
            raise ValueError("it is paid, and has no MpesaReceiptNumber or no Amount")
        return Incoming(
            source=Source.CALLBACK,
            provider=self.name,
            reference=said["MpesaReceiptNumber"],
            amount=read_amount(said["Amount"], self._company.exponent),
            paid_at=_read_time(said.get("TransactionDate", "")),
            request=answer.request,
            payer_phone=read_phone(said.get("PhoneNumber", ""), self._company.country),
            balance_after=read_balance(said.get("Balance", ""), self._company.exponent),
        )

    def _read_payment(self, said: Mapping[str, Any]) -> Incoming:
        if not (reference := text_of(said, "TransID")):
            raise ValueError("TransID is missing")
        names = (text_of(said, name) for name in ("FirstName", "MiddleName", "LastName"))
        return Incoming(
            source=Source.CALLBACK,
            provider=self.name,
            reference=reference,
            amount=read_amount(text_of(said, "TransAmount"), self._company.exponent),
            paid_at=_read_time(text_of(said, "TransTime")),
            payer_phone=read_phone(text_of(said, "MSISDN"), self._company.country),
            payer_name=" ".join(filter(None, names)),
            account_text=text_of(said, "BillRefNumber"),
            balance_after=read_balance(text_of(said, "OrgAccountBalance"), self._company.exponent),
        )

    def read_question(self, callback: Callback) -> Question:
        said = read_object(callback.body)
        return Question(
            text_of(said, "BillRefNumber"), read_amount(text_of(said, "TransAmount"), self._company.exponent)
        )

    def answer_question(self, refusal: Refusal | None) -> str:
        return json.dumps({"ResultCode": REFUSALS[refusal], "ResultDesc": "Rejected" if refusal else "Accepted"})


def _why_not(status: int, said: Mapping[str, Any]) -> NotAsked:
    """What an answer means that is no yes. A page instead of JSON comes from something before Daraja, and so says
    nothing for sure."""
    code, words = text_of(said, "errorCode"), text_of(said, "errorMessage").lower()
    if code == "500.001.1001":
        found = next((meaning for part, meaning in WORDS_OF_1001 if part in words), (State.UNKNOWN, None))
    elif code in BAD_TOKEN or status in (401, 429):
        found = (State.PENDING, None)
    elif code:
        found = ERRORS.get(code, (State.FAILED, Reason.SETUP) if 400 <= status < 500 else (State.UNKNOWN, None))
    elif response := text_of(said, "ResponseCode"):
        code, found = response, RESULTS.get(response, (State.UNKNOWN, None))
        if found[0] not in (State.FAILED, State.EXPIRED):
            found = (State.UNKNOWN, None)
    else:
        found = (State.UNKNOWN, None)
    return NotAsked(found[0], code or f"http {status}", found[1])


def _read_time(text: str) -> datetime:
    """A moment (UTC) out of 20231121121325; now when there is none, for money is never refused for its time."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZONE).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.now(UTC)
