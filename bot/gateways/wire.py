"""What every gateway over HTTP needs: reading a callback's fields, making a request, and naming what went wrong."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from yarl import URL

from bot.gateways.errors import SendError
from models.clock import CLOCK

# The columns of models/messages/tables.py: a longer identifier would match nothing later.
LONGEST_ID, LONGEST_ADDRESS, LONGEST_WORD, LONGEST_COST, LONGEST_NETWORK = 120, 40, 60, 20, 10

# 3.05 s to connect is the limit of Africa's Talking's own SDK. aiohttp counts name look-up and the wait for a free
# connection in, so what runs out after it was sent, at least in part.
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3.05)

# What a status means where the gateway's own words say nothing: a name in ERRORS. 404 and 405 come for another address
# than that of sending, so the message is not to blame. After 408 and 504 something in between lost patience: the
# message may have been taken.
HTTP_STATUS = {
    401: "bad credentials",
    402: "no balance",
    403: "bad credentials",
    404: "unreachable",
    405: "unreachable",
    408: "timeout",
    429: "throttled",
    504: "timeout",
}
# A status that is not in the table, by its hundreds. A redirect is not followed, since it would turn a POST into a
# GET: nothing was taken.
HTTP_FAMILY = {2: "", 3: "gateway fault", 4: "refused", 5: "gateway fault"}


class BadCallback(Exception):
    """A callback that cannot be read; the text names what is missing or wrong."""


class BadSignature(BadCallback):
    """A callback that whoever may call would have signed."""


Fields = Mapping[str, str]


@dataclass(frozen=True)
class Callback:
    """A gateway's HTTP request to us, as it came."""

    method: str
    query: bytes  # still percent-encoded
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # finds a name in any case


def read_form(data: bytes, encoding: str = "utf-8") -> Fields:
    """The fields of a urlencoded form or query. In `latin-1` each character is one byte as it came, NUL among them,
    for who learns the charset from another field. Raises BadCallback."""
    try:
        pairs = parse_qsl(
            data.decode(encoding), keep_blank_values=True, max_num_fields=50, encoding=encoding, errors="strict"
        )
    except ValueError as error:
        raise BadCallback(f"the body is no form in {encoding.upper()}") from error
    return dict(pairs)


def optional(fields: Fields, field: str) -> str:
    """A field without NUL, which PostgreSQL cannot store."""
    return fields.get(field, "").replace("\0", "")


def present(fields: Fields, field: str) -> str:
    """A field that may be empty."""
    if field not in fields:
        raise BadCallback(f"{field} is missing")
    return optional(fields, field)


def required(fields: Fields, field: str, longest: int | None = None) -> str:
    """A field that says something, in at most so many characters."""
    value = present(fields, field)
    if not value.strip():
        raise BadCallback(f"{field} is empty")
    if longest is not None and len(value) > longest:
        raise BadCallback(f"{field} is longer than {longest} characters")
    return value


def with_plus(number: str) -> str:
    """Form data turns an unescaped + into a space."""
    return "+" + number[1:] if number.startswith(" ") else number


def letters(reason: str) -> str:
    """Words for the log: without digits there is no token, PIN or phone number in them."""
    return re.sub(r"[^A-Za-z ]", "", reason)[:LONGEST_WORD].strip()


async def read_callback(request: web.Request, most: int) -> Callback:
    """A callback that came to us, with at most one byte more of its body than we accept."""
    body = b""
    while len(body) <= most and not request.content.at_eof():
        body += await request.content.read(most + 1 - len(body))
    query = request.raw_path.partition("?")[2].encode(errors="surrogateescape")
    return Callback(request.method, query, request.content_type, body, request.headers)


@asynccontextmanager
async def request(
    session: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    *,
    timeout: aiohttp.ClientTimeout | None = None,  # noqa: ASYNC109 - it is aiohttp's own; TIMEOUT unless told
    **content: Any,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to a request with this content (`data`, `json`, `params`, `headers`). What aiohttp raises, also while
    the answer is read, becomes SendError. After `timeout` and `strange answer` the gateway may have taken the
    message."""
    try:
        async with session.request(
            method, url, timeout=timeout or TIMEOUT, allow_redirects=False, middlewares=(_once,), **content
        ) as answer:
            _note_date(answer)
            yield answer
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        raise SendError("unreachable", type(error).__name__) from error
    except aiohttp.ClientResponseError:  # its repr shows our key
        raise SendError("strange answer", "not HTTP") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SendError("timeout", type(error).__name__) from error


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request. Where its connection breaks aiohttp would send a GET or a PUT a second time by itself, though it
    may have been taken."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise SendError("timeout", type(error).__name__) from error


def _note_date(answer: aiohttp.ClientResponse) -> None:
    """What time it is elsewhere. Only from an encrypted address: a gateway that runs beside us has our own clock."""
    if answer.url.scheme == "https":
        with suppress(ValueError, TypeError):
            CLOCK.note_answer(parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC))


def http_error(status: int) -> str:
    """What an answer with this status means by itself: a name in ERRORS, empty when the request went well."""
    return HTTP_STATUS.get(status, HTTP_FAMILY.get(status // 100, "strange answer"))
