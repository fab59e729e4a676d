"""MoMo of MTN, by its API of collections: phones are asked to pay, and looked up by our own reference, a UUID.

A callback comes once, is not signed, and may be lost: it only has us look, and what the look says counts.
"""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import aiohttp
from pydantic import Field, SecretStr

from bot.company import Company
from bot.gateways import Callback, WebAddress
from bot.gateways.errors import SendError
from bot.gateways.wire import letters, read_form, request
from bot.payments.base import Answer, Ask, Asked, NotAsked, Provider, ProviderSettings, State
from bot.payments.wire import SharedToken, read_amount, read_object, read_phone, text_of, write_amount
from bot.text import plain
from models.money.receiving import Incoming, Source
from models.selling.requests import Reason

SANDBOX, SANDBOX_CURRENCY = "sandbox", "EUR"  # the only one that it knows
TOKEN_S = 3_600  # where it does not say
LONGEST_MESSAGE = 160
REQUEST = "request"  # the field of the callback's address that has our reference
EXISTS, NOT_FOUND = "RESOURCE_ALREADY_EXIST", "RESOURCE_NOT_FOUND"

# Why a request failed, or was refused, and what the customer is told. What is not here fails without a reason of hers.
REASONS: dict[str, tuple[State, Reason | None]] = {
    "APPROVAL_REJECTED": (State.FAILED, Reason.CANCELLED),
    "REJECTED": (State.FAILED, Reason.CANCELLED),
    "NOT_ENOUGH_FUNDS": (State.FAILED, Reason.LOW_BALANCE),
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED": (State.FAILED, Reason.LOW_BALANCE),
    "INTERNAL_PROCESSING_ERROR": (State.FAILED, Reason.LOW_BALANCE),  # mostly no money, as MTN says
    "PAYER_LIMIT_REACHED": (State.FAILED, Reason.LIMIT),
    "PAYER_NOT_FOUND": (State.FAILED, Reason.NOT_REGISTERED),
    "COULD_NOT_PERFORM_TRANSACTION": (State.EXPIRED, Reason.NO_ANSWER),  # not approved within 5 minutes
    "EXPIRED": (State.EXPIRED, Reason.NO_ANSWER),
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": (State.FAILED, Reason.SETUP),
    "PAYEE_NOT_FOUND": (State.FAILED, Reason.SETUP),
    "NOT_ALLOWED": (State.FAILED, Reason.SETUP),
    "NOT_ALLOWED_TARGET_ENVIRONMENT": (State.FAILED, Reason.SETUP),
    "INVALID_CALLBACK_URL_HOST": (State.FAILED, Reason.SETUP),
    "INVALID_CURRENCY": (State.FAILED, Reason.SETUP),
    "SERVICE_UNAVAILABLE": (State.FAILED, Reason.NOT_SENT),
    NOT_FOUND: (State.FAILED, Reason.NOT_SENT),  # it never arrived
}
PENDING = {"PENDING", "ONGOING", "DELAYED", "CREATED"}


class Momo(Provider):
    """Requests to pay, their status, and callbacks that have us look."""

    name = "momo"
    title = "MoMo"
    kinds = ("collection",)
    methods = ("POST", "PUT")  # its pages name both
    headers = ("X-Reference-Id",)
    only_signs = True
    rings_s = 330  # MTN gives the payer 5 minutes

    class Settings(ProviderSettings):
        needed: ClassVar = ("url", "subscription_key", "api_user", "api_key", "environment")

        url: WebAddress = Field("", description="the address of its API, as MTN gave it to you")
        subscription_key: SecretStr = Field(SecretStr(""), description="of the product Collections")
        api_user: str = Field("", description="the API user, a UUID")
        api_key: SecretStr = Field(SecretStr(""), description="the API user's key")
        environment: str = Field("", description="the target environment, like `mtnuganda`; `sandbox` to try it")

    def __init__(
        self, session: aiohttp.ClientSession, settings: "Momo.Settings", *, address: str, company: Company
    ) -> None:
        super().__init__(session, settings, address=address, company=company)
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._currency = SANDBOX_CURRENCY if settings.environment == SANDBOX else company.currency
        self.token = SharedToken(self.name, self._fetch_token, company.vault)

    # --- What we ask

    async def ask(self, ask: Ask) -> Asked | NotAsked:
        """A request to pay. The same reference asks once, so one that was not answered is sent once more."""
        words = plain(f"{self._company.name} {ask.account}")[:LONGEST_MESSAGE]
        fields = {
            "amount": write_amount(ask.amount, self._company.exponent),
            "currency": self._currency,
            "externalId": ask.reference,
            "payer": {"partyIdType": "MSISDN", "partyId": ask.phone.removeprefix("+")},
            "payerMessage": words,
            "payeeNote": words,
        }
        headers = {
            "X-Reference-Id": ask.reference,
            "X-Callback-Url": f"{self._callbacks}/collection?{REQUEST}={ask.reference}",
        }
        try:
            status, said = await self._call("POST", "requesttopay", fields, headers)
        except SendError as error:
            if error.error.name == "unreachable":
                return NotAsked(State.PENDING, error.error.name)
            return await self._ask_once_more(ask, fields, headers)
        return _read_asked(ask, status, said)

    async def _ask_once_more(self, ask: Ask, fields: Mapping[str, Any], headers: Mapping[str, str]) -> Asked | NotAsked:
        """The same after a silence, in which it may have been taken: whatever is no yes now says nothing for sure."""
        try:
            status, said = await self._call("POST", "requesttopay", fields, headers)
        except SendError as error:
            return NotAsked(State.UNKNOWN, error.error.name)
        outcome = _read_asked(ask, status, said)
        return outcome if isinstance(outcome, Asked) else NotAsked(State.UNKNOWN, outcome.code)

    async def query(self, ask: Ask) -> Answer:
        """How a request stands, by our own reference."""
        unknown = Answer(state=State.UNKNOWN, provider=self.name, request=ask.reference)
        try:
            status, said = await self._call("GET", f"requesttopay/{ask.reference}")
        except SendError as error:
            return replace(unknown, code=error.error.name)
        if status == 404 and _code_of(said) == NOT_FOUND:  # any other 404 comes from something before MTN
            state, reason = REASONS[NOT_FOUND]
            return replace(unknown, state=state, reason=reason, code=NOT_FOUND)
        word = text_of(said, "status").upper()
        if status != 200 or not word:
            return replace(unknown, code=_code_of(said) or f"http {status}")
        if word == "SUCCESSFUL":
            return self._read_paid(unknown, said)
        if word in PENDING:
            return replace(unknown, state=State.PENDING, code=word)
        code = _code_of(said) or word
        state, reason = REASONS.get(code, (State.FAILED, None))
        if word not in ("FAILED", *REASONS):
            state, reason = State.UNKNOWN, None
        return replace(unknown, state=state, reason=reason, code=code)

    def _read_paid(self, unknown: Answer, said: Mapping[str, Any]) -> Answer:
        """The payment, when it is one: with a receipt, and of the currency that was asked for."""
        paid = replace(unknown, state=State.PAID, code="SUCCESSFUL")
        if not (receipt := text_of(said, "financialTransactionId")):
            return paid
        if text_of(said, "currency") != self._currency:
            return replace(unknown, code="currency")
        try:
            amount = read_amount(text_of(said, "amount"), self._company.exponent)
        except ValueError:
            return replace(unknown, code="amount")
        payer = said.get("payer")
        payment = Incoming(
            source=Source.QUERY,
            provider=self.name,
            reference=receipt,
            amount=amount,
            paid_at=datetime.now(UTC),  # it has no time of its own
            request=unknown.request,
            payer_phone=read_phone(text_of(payer, "partyId"), self._company.country) if isinstance(payer, dict) else "",
        )
        return replace(paid, payment=payment)

    async def _call(
        self,
        method: str,
        path: str,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, Any]]:
        """Status and fields of an answer; a token that does not serve any more is replaced once. Raises SendError."""
        token = await self.token.get()
        status, said = await self._call_with(token, method, path, fields, headers)
        if status == 401:
            token = await self.token.get(instead_of=token)
            status, said = await self._call_with(token, method, path, fields, headers)
        return status, said

    async def _call_with(
        self,
        token: str,
        method: str,
        path: str,
        fields: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> tuple[int, Mapping[str, Any]]:
        ours = {
            "Authorization": f"Bearer {token}",
            "Ocp-Apim-Subscription-Key": self._settings.subscription_key.get_secret_value(),
            "X-Target-Environment": self._settings.environment,
        }
        url = f"{self._url}/collection/v1_0/{path}"
        async with request(self._session, method, url, json=fields, headers={**ours, **(headers or {})}) as answer:
            return answer.status, read_object(await answer.read())

    async def _fetch_token(self) -> tuple[str, int]:
        """A new token and its seconds. Raises SendError: without a token nothing was asked, whatever went wrong."""
        login = f"{self._settings.api_user}:{self._settings.api_key.get_secret_value()}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
            "Ocp-Apim-Subscription-Key": self._settings.subscription_key.get_secret_value(),
        }
        try:
            async with request(self._session, "POST", f"{self._url}/collection/token/", headers=headers) as answer:
                status, said = answer.status, read_object(await answer.read())
        except SendError as error:
            raise SendError("unreachable", f"token: {error.error.name}") from error
        if not (token := text_of(said, "access_token")):
            raise SendError("unreachable", f"token: HTTP {status} {letters(text_of(said, 'error'))}".strip())
        lifetime = text_of(said, "expires_in")
        return token, int(lifetime) if lifetime.isdigit() else TOKEN_S

    # --- What we are told

    def read(self, _kind: str, callback: Callback) -> Answer | None:
        """That there is news of a request. Raises ValueError for a callback that is of none."""
        said = read_object(callback.body)
        given = text_of(said, "externalId") or read_form(callback.query).get(REQUEST, "")
        reference = given or callback.headers.get("X-Reference-Id", "")
        if not reference:
            raise ValueError("externalId is missing")
        return Answer(state=State.PENDING, provider=self.name, request=reference)


def _read_asked(ask: Ask, status: int, said: Mapping[str, Any]) -> Asked | NotAsked:
    """What the answer to a request to pay means."""
    code = _code_of(said)
    if status == 202 or (status == 409 and code in ("", EXISTS)):
        return Asked(ask.reference)
    if status in (401, 429):  # refused before it was looked at
        return NotAsked(State.PENDING, code or f"http {status}")
    if code == "SERVICE_UNAVAILABLE":
        return NotAsked(State.PENDING, code)
    if code in REASONS and code != "INTERNAL_PROCESSING_ERROR":  # which here may have come after it was taken
        return NotAsked(State.FAILED, code, REASONS[code][1])
    if 400 <= status < 500 and status != 408:
        return NotAsked(State.FAILED, code or f"http {status}", Reason.SETUP)
    return NotAsked(State.UNKNOWN, code or f"http {status}")


def _code_of(said: Mapping[str, Any]) -> str:
    """The word for what went wrong: `code`, or `reason`, which is a text or a table."""
    reason = said.get("reason")
    found = text_of(reason, "code") if isinstance(reason, dict) else text_of(said, "reason")
    return (found or text_of(said, "code")).upper()
