"""Any provider over HTTP that bot/payments/description.py describes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp

from bot.company import Company
from bot.gateways import BadCallback, Callback, Fields
from bot.gateways.described import fill_request, read_answer_fields, read_json, was_taken
from bot.gateways.description import Request
from bot.gateways.errors import SendError
from bot.gateways.wire import http_error, optional, read_form, request
from bot.payments.base import Answer, Ask, Asked, NotAsked, Provider, State
from bot.payments.description import ProviderDescription, Said
from bot.payments.wire import read_amount, read_phone, write_amount
from models.money.receiving import Incoming, Source
from models.selling.requests import Reason

OUR_ID = "mwanga_id"  # our own id in a callback's address. No provider has a field of this name
LONGEST_ID, LONGEST_CODE = 80, 80  # columns
STATES = {"paid": State.PAID, "failed": State.FAILED, "expired": State.EXPIRED, "pending": State.PENDING}
TOO_SOON, NOT_OURS = (401, 429), (408, 504)  # refused before it was looked at; something in between lost patience


class DescribedProvider(Provider):
    """Pushes, callbacks and queries as described."""

    kinds = ("callback",)
    methods = ("POST", "PUT", "GET")
    Settings = ProviderDescription

    def __init__(
        self,
        session: aiohttp.ClientSession,
        name: str,
        description: ProviderDescription,
        *,
        address: str,
        company: Company,
    ) -> None:
        self.name, self.title = name, description.title
        super().__init__(session, description, address=address, company=company)
        self._about, self.taken, self.rings_s = description, description.answer, description.rings_seconds
        self.only_signs = description.confirm

    async def ask(self, ask: Ask) -> Asked | NotAsked:
        try:
            status, said = await self._send(self._about.ask, ask)
            fields = read_answer_fields(said)
            taken = status // 100 == 2 and was_taken(self._about.ask.success, fields, said)
            if taken:
                return self._read_asked(ask, fields)
            if taken is None:
                return NotAsked(State.UNKNOWN, "strange answer")
        except SendError as error:
            reached = error.error.name != "unreachable"
            return NotAsked(State.UNKNOWN if reached else State.PENDING, error.error.name)
        word = optional(fields, self._about.ask.error).strip() if self._about.ask.error else ""
        code = (word or f"http {status}")[:LONGEST_CODE]
        if status in TOO_SOON:
            return NotAsked(State.PENDING, code)
        if status >= 500 or status in NOT_OURS:
            return NotAsked(State.UNKNOWN, code)
        reason = self._about.callback.reasons.get(word.casefold())
        return NotAsked(State.FAILED, code, reason or (Reason.SETUP if http_error(status) else None))

    def _read_asked(self, ask: Ask, fields: Fields) -> Asked | NotAsked:
        if not self._about.ask.id:
            return Asked(ask.reference)
        external_id = optional(fields, self._about.ask.id).strip()
        if not 0 < len(external_id) <= LONGEST_ID:
            return NotAsked(State.UNKNOWN, f"no {self._about.ask.id}")
        return Asked(external_id)

    async def query(self, ask: Ask) -> Answer:
        unknown = Answer(state=State.UNKNOWN, provider=self.name, request=ask.reference, external_id=ask.external_id)
        if (how := self._about.query) is None:
            return replace(unknown, code="no query")
        if "external_id" in how.placeholders and not ask.external_id:
            return unknown
        try:
            status, said = await self._send(how, ask)
        except SendError as error:
            return replace(unknown, code=error.error.name)
        fields = read_answer_fields(said)
        where = self._about.found or self._about.callback
        if status // 100 != 2 or where.status not in fields:
            return replace(unknown, code=f"http {status}")
        try:
            return self._read_said(where, fields, Source.QUERY, unknown)
        except ValueError:  # paid, and no more is said
            return replace(unknown, state=State.PAID)

    async def _send(self, how: Request, ask: Ask) -> tuple[int, str]:
        """Status and text of the answer. Raises SendError."""
        url, headers, body = fill_request(how, self._values_of(ask))
        async with request(self._session, how.method, url, headers=headers, data=body) as answer:
            said = await answer.read()
            return answer.status, said.decode(errors="replace")

    def _values_of(self, ask: Ask) -> Mapping[str, str]:
        about = self._about
        return about.account | {
            "phone": ask.phone if about.ask.number == "plus" else ask.phone.removeprefix("+"),
            "amount": write_amount(ask.amount, self._company.exponent),
            "currency": self._company.currency,
            "id": ask.reference,
            "serial": ask.account,
            "company": self._company.name,
            "callback_url": f"{self._callbacks}/callback?{OUR_ID}={ask.reference}",
            "external_id": ask.external_id,
        }

    def read(self, _kind: str, callback: Callback) -> Answer | None:
        """What a callback says. Raises ValueError."""
        try:
            fields = self._read_fields(callback)
        except BadCallback as error:
            raise ValueError(str(error)) from error
        where = self._about.callback
        answer = Answer(
            state=State.PENDING,
            provider=self.name,
            request=(optional(fields, where.request) or optional(fields, OUR_ID)).strip(),
            external_id=optional(fields, where.id).strip()[:LONGEST_ID],
        )
        if self._about.confirm:
            return answer
        if where.status not in fields:
            raise ValueError(f"{where.status} is missing")
        answer = self._read_said(where, fields, Source.CALLBACK, answer)
        # Where it cannot be looked up, that it should be is no news.
        return None if answer.state is State.PENDING and self._about.query is None else answer

    def _read_fields(self, callback: Callback) -> Fields:
        fields = _read_form(callback.query)
        match self._about.callbacks if callback.method != "GET" else "query":
            case "form":
                fields |= _read_form(callback.body)
            case "json":
                fields |= read_json(callback.body.decode("utf-8-sig", errors="replace").encode())
        return fields

    def _read_said(self, where: Said, fields: Fields, source: Source, answer: Answer) -> Answer:
        """What these fields say. Raises ValueError for one that is paid without a receipt or an amount."""
        word, why = optional(fields, where.status).strip(), optional(fields, where.reason).strip()
        state = STATES[where.words.get(word.casefold(), "pending")]
        answer = replace(answer, state=state, code=(why or word)[:LONGEST_CODE])
        if state is not State.PAID:
            reason = where.reasons.get(why.casefold()) or (Reason.NO_ANSWER if state is State.EXPIRED else None)
            return replace(answer, reason=reason if state is not State.PENDING else None)
        receipt = optional(fields, where.receipt).strip()
        if not receipt:
            raise ValueError(f"it is paid, and has no {where.receipt}")
        payment = Incoming(
            source=source,
            provider=self.name,
            reference=receipt,
            amount=read_amount(optional(fields, where.amount).strip(), self._company.exponent),
            paid_at=datetime.now(UTC),
            request=answer.request,
            payer_phone=read_phone(optional(fields, where.phone), self._company.country),
            payer_name=optional(fields, where.name).strip(),
            account_text=optional(fields, where.account).strip(),
        )
        return replace(answer, payment=payment)


def _read_form(data: bytes) -> dict[str, str]:
    """The fields of a form. As in JSON, a name that was cut within a letter, or is in another charset, costs no
    payment. Raises BadCallback."""

    def read(text: str) -> str:
        return text.encode("latin-1").decode(errors="replace")

    return {read(name): read(value) for name, value in read_form(data, "latin-1").items()}
