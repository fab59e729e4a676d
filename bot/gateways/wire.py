"""What every gateway over HTTP needs: reading a callback's fields, and naming what went wrong with a request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

import aiohttp

from bot.gateways import BadCallback, Fields
from bot.gateways.errors import SendError

# The columns of models/messages/tables.py: a longer identifier would match nothing later.
LONGEST_ID, LONGEST_ADDRESS, LONGEST_WORD, LONGEST_COST, LONGEST_NETWORK = 120, 40, 60, 20, 10

# 3.05 s to connect is the limit of Africa's Talking's own SDK. aiohttp counts name look-up and the wait for a free
# connection in, so what runs out after it was sent, at least in part.
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3.05)


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


@contextmanager
def naming_errors() -> Iterator[None]:
    """Around a request: what aiohttp raises becomes SendError. After `timeout` and `strange answer` the gateway may
    have taken the message."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        raise SendError("unreachable", type(error).__name__) from error
    except aiohttp.ClientResponseError:  # its repr shows our key
        raise SendError("strange answer", "not HTTP") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SendError("timeout", type(error).__name__) from error
