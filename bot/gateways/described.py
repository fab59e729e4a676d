"""Any gateway over HTTP that bot/gateways/description.py describes: its callbacks become what bot/message.py names, the
outbox's messages its requests."""

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bot.gateways import BadCallback, BadSignature, BaseGateway, Callback, Fields
from bot.gateways.description import PLACEHOLDER, Delivery, Description, Request, Success, map_strings
from bot.gateways.errors import SendError
from bot.gateways.wire import (
    LONGEST_ADDRESS,
    LONGEST_COST,
    LONGEST_ID,
    LONGEST_NETWORK,
    LONGEST_WORD,
    http_error,
    letters,
    optional,
    present,
    read_form,
    request,
    required,
    with_plus,
)
from bot.message import Inbound, Outbound, Receipt, Sent
from bot.text.gsm import is_gsm, parts
from bot.text.numbers import SenderKind
from bot.text.numbers import sender as read_sender
from models.messages import State

# Our own id in a report's address, and whom the message is for. No aggregator has fields of these names.
OUR_ID, OUR_PHONE = "mwanga_id", "mwanga_to"
STATES = {"sent": State.SENT, "delivered": State.DELIVERED, "failed": State.FAILED}


def fill_request(template: Request, values: Mapping[str, str]) -> tuple[URL, dict[str, str], bytes | None]:
    """Address, headers and body of a described request, each put together in its own encoding."""

    def fill(part: Any) -> Any:
        return map_strings(part, lambda text: PLACEHOLDER.sub(lambda match: values[match[1]], text))

    path = PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe=""), template.url)
    url = URL(f"{path}?{urlencode(fill(template.query))}" if template.query else path, encoded=True)
    kind, body = "", None
    if template.form is not None:
        kind, body = "application/x-www-form-urlencoded", urlencode(fill(template.form))
    elif template.json_body is not None:
        kind, body = "application/json", json.dumps(fill(template.json_body), ensure_ascii=False)
    elif template.text is not None:
        kind, body = "text/plain; charset=UTF-8", fill(template.text)
    headers = fill(template.headers)
    if kind and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = kind
    return url, headers, None if body is None else body.encode()


def was_taken(success: Success | None, fields: Fields, said: str) -> bool | None:
    """Whether the answer says yes; None when it does not say."""
    if success is None:
        return True
    if success.path and success.path not in fields:
        return None
    if success.path:
        return optional(fields, success.path).casefold() in {each.casefold() for each in success.within}
    folded = said.casefold()
    begins = folded.lstrip().startswith(tuple(each.casefold() for each in success.within))
    return begins or any(each.casefold() in folded for each in success.contains)


class Described(BaseGateway):
    """Two-way SMS and delivery reports as described."""

    methods = ("GET", "POST")  # many report by GET, whatever else they do
    Settings = Description
    _settings: Description

    def __init__(
        self, session: aiohttp.ClientSession, name: str, description: Description, *, address: str, country: str
    ) -> None:
        self.name = self.title = name
        super().__init__(session, description, address=address, country=country)
        self.answer = description.answer

    def read(self, callback: Callback) -> Fields:
        """The fields of the query and of the body; JSON as text by its dotted paths. Raises BadCallback, and
        BadSignature for one that its sender should have signed and did not."""
        self._check_signature(callback)
        fields = dict(read_form(callback.query))
        match self._settings.callbacks if callback.method == "POST" else "query":
            case "form":
                fields |= read_form(callback.body)
            case "json":
                fields |= read_json(callback.body)
        return fields

    def parse_sms(self, form: Fields) -> Inbound:
        """A text that somebody sent us."""
        where = self._settings.incoming
        if where is None:
            return super().parse_sms(form)
        return Inbound(
            gateway=self.name,
            external_id=self._read_external_id(form, where.id),
            sender=read_sender(required(form, where.sender), self._country),
            text=present(form, where.text),
            recipient=with_plus(optional(form, where.recipient))[:LONGEST_ADDRESS],
            network=optional(form, where.network)[:LONGEST_NETWORK],
        )

    def parse_receipt(self, form: Fields) -> Receipt:
        """A delivery report. A status that is not described is no news, like sent."""
        where = self._settings.delivery
        if where is None:
            return super().parse_receipt(form)
        word = " ".join(filter(None, (optional(form, path).strip() for path in where.status)))
        if not word:
            raise BadCallback(f"{where.status[0]} is missing")
        state = STATES[where.words.get(word.casefold(), "sent")]
        why = optional(form, where.reason)
        reason = self._name_error(why) or "undelivered" if state is State.FAILED else ""
        which = OUR_ID if OUR_ID in form and not self._settings.send.theirs else where.id
        said = f"{word}: {why}" if why else word
        external_id, ours = required(form, which, LONGEST_ID), not self._settings.send.theirs
        phone = f"+{to}" if which == OUR_ID and (to := optional(form, OUR_PHONE)) else self._read_receiver(form, where)
        return Receipt(self.name, external_id, state, said[:LONGEST_WORD], reason, ours, phone)

    def _read_receiver(self, form: Fields, where: Delivery) -> str:
        """Whom a report says that its message was for; nothing where it does not say it by a number."""
        kind, number = read_sender(optional(form, where.receiver), self._country)
        return number if kind is SenderKind.NUMBER else ""

    async def send(self, message: Outbound) -> Sent:
        """Hand one message over. Raises SendError; `timeout` and `strange answer` may have been taken."""
        url, headers, body = self.request(message)
        method = self._settings.send.method
        async with request(self._session, method, url, headers=headers, data=body) as answer:
            said = await answer.read()
            return self.read_answer(message, answer.status, said.decode(errors="replace"))

    def request(self, message: Outbound) -> tuple[URL, dict[str, str], bytes | None]:
        """Address, headers and body that hand the message over, each put together in its own encoding."""
        return fill_request(self._settings.send, self._values_of(message))

    def _values_of(self, message: Outbound) -> Mapping[str, str]:
        about = self._settings
        return about.account | {
            "phone": message.phone if about.send.number == "plus" else message.phone.removeprefix("+"),
            "text": message.text,
            "id": str(message.id),
            "sender": about.sender,
            "delivery_url": f"{self._reports}?{OUR_ID}={message.id}&{OUR_PHONE}={message.phone.removeprefix('+')}",
            "coding": self._choose_coding(message.text),
        }

    def _choose_coding(self, text: str) -> str:
        coding = self._settings.send.coding
        if coding is None:
            return ""
        return coding.gsm if is_gsm(text) else coding.unicode

    def read_answer(self, message: Outbound, status: int, said: str) -> Sent:
        """What the answer to a request means. Raises SendError."""
        send = self._settings.send
        fields = read_answer_fields(said)
        words = optional(fields, send.error) if send.error else said
        taken = status // 100 == 2 and was_taken(send.success, fields, said)
        if not taken:
            named = self._name_error(words) or self._settings.errors.get(f"http {status}")
            otherwise = http_error(status) or ("strange answer" if taken is None else "refused")
            raise SendError(named or otherwise, f"HTTP {status} {letters(words)}".strip())
        external_id = self._read_their_id(fields, said) if send.theirs else str(message.id)
        return Sent(external_id, parts(message.text), optional(fields, send.cost)[:LONGEST_COST])

    def _read_their_id(self, fields: Fields, said: str) -> str:
        """Raises SendError when the answer has none."""
        send = self._settings.send
        found = re.search(send.id_pattern, said) if send.id_pattern else None
        external_id = (found[1] or "").strip() if found else optional(fields, send.id)
        if not 0 < len(external_id) <= LONGEST_ID:
            raise SendError("strange answer", f"no {send.id or 'id'}")
        return external_id

    def _name_error(self, words: str) -> str:
        """Our name for the first of the described words that stands whole in these."""
        folded = words.casefold()
        found = (
            name
            for word, name in self._settings.errors.items()
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded)
        )
        return next(found, "")

    def _check_signature(self, callback: Callback) -> None:
        if (signed := self._settings.signature) is None:
            return
        digest = hmac.digest(signed.key.get_secret_value().encode(), callback.body, "sha256").hex()
        given = callback.headers.get(signed.header, "").encode(errors="replace").lower()
        if not hmac.compare_digest(given, f"{signed.prefix}{digest}".lower().encode()):
            raise BadSignature(f"{signed.header} does not fit the body")

    def _read_external_id(self, form: Fields, paths: list[str]) -> str:
        """A digest is keyed, since whoever reads the database could otherwise try which PIN gives it."""
        if len(paths) == 1:
            return required(form, paths[0], LONGEST_ID)
        which = "\0".join(present(form, path) for path in paths)
        return hmac.digest(self.secret.encode(), which.encode(), "sha256").hex()


def read_json(body: bytes) -> Fields:
    try:
        return dict(_list_leaves(_parse_json(body.decode()), ""))
    except (ValueError, RecursionError):
        raise BadCallback("the body is no JSON in UTF-8") from None


def read_answer_fields(said: str) -> Fields:
    """An answer that is no JSON has no fields."""
    try:
        return dict(_list_leaves(_parse_json(said), ""))
    except (ValueError, RecursionError):
        return {}


def _parse_json(text: str) -> Any:
    """Numbers stay as they are written."""
    return json.loads(text, parse_int=str, parse_float=str)


def _list_leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each leaf as text with its dotted path; null is none. Half a surrogate pair becomes U+FFFD."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _list_leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, bool):
        yield path, str(value).lower()
    elif value is not None:
        yield path, str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
