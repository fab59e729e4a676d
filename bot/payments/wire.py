"""What every provider over HTTP needs: objects of JSON read as text, amounts, and the token that requests share."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, DecimalException
from typing import Any

from bot.gateways.errors import SendError
from bot.gateways.wire import LONGEST_WORD
from bot.runtime import Database, DatabaseAway
from bot.text.numbers import parse
from models.settings import Setting
from models.sql import for_update, now_ms
from models.vault import Sealed, Vault

MOST_MINOR = 10**15  # more than any currency's whole harvest; it fits the columns
LONGEST_PHONE = 40
EARLY_MS = 60_000  # a token is not used in its last minute: it would end on the way

KEPT = "token "  # how the setting begins in which servers share one


def read_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a body; an empty one for anything else. Fractions are Decimal. A name that was cut within a
    letter, or is in another charset, costs no payment."""
    try:
        said = json.loads(body.decode("utf-8-sig", errors="replace"), parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def text_of(said: Mapping[str, Any], field: str) -> str:
    """A text or a number as text; empty for none, and for anything else. Half a surrogate pair becomes U+FFFD."""
    value = said.get(field)
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "").strip()


def read_amount(text: str, exponent: int) -> int:
    """Minor units of a currency with so many decimals. Raises ValueError."""
    try:
        minor = Decimal(text).scaleb(exponent)
    except DecimalException as error:
        raise ValueError(f"{_shown(text)} is no amount") from error
    if not minor.is_finite() or not 0 < minor < MOST_MINOR or minor != int(minor):
        raise ValueError(f"{_shown(text)} is no amount")
    return int(minor)


def read_balance(text: str, exponent: int) -> int | None:
    """The same for what a wallet has, which may be nothing or less; None where it does not say."""
    try:
        minor = Decimal(text).scaleb(exponent)
        return int(minor) if minor.is_finite() and abs(minor) < MOST_MINOR else None
    except DecimalException:
        return None


def write_amount(minor: int, exponent: int) -> str:
    """5000, or 12.50 where there is a fraction."""
    whole, fraction = divmod(minor, 10**exponent)
    return f"{whole}.{fraction:0{exponent}d}" if fraction else str(whole)


def read_phone(text: str, country: str) -> str:
    """E.164, or as the provider masks it (`2547*****126`), or a hash of which the beginning is kept."""
    try:
        return parse(text, country)
    except ValueError:
        return re.sub(r"\s", "", text)[:LONGEST_PHONE]


def _shown(text: str) -> str:
    return repr(text[:LONGEST_WORD])


class SharedToken:
    """The token that all requests to a provider share. One task at a time replaces it, and only when nobody else has.

    With a `database` all servers share it: where a new token voids the former, two servers with one each would void
    each other's."""

    def __init__(self, name: str, fetch: Callable[[], Awaitable[tuple[str, int]]], vault: Vault) -> None:
        """`fetch` gets a new one and the seconds that it serves; what it raises comes out of `get`."""
        self._name, self._fetch, self._vault = f"{KEPT}{name}", fetch, vault
        self._token, self._until = "", 0
        self._lock = asyncio.Lock()
        self._failed: SendError | None = None  # why none could be got the last time that none could
        self.database: Database | None = None

    async def get(self, instead_of: str = "") -> str:
        """A token that serves, and is another one than `instead_of`, which was refused. Whoever waits while none can be
        got takes that for an answer: one after the other, the last of many would wait for minutes. Raises SendError."""
        before = self._failed
        async with self._lock:
            if self._serves(instead_of):
                return self._token
            if self._failed and self._failed is not before:
                raise SendError(self._failed.error.name, self._failed.detail)
            try:
                await self._get_new(instead_of)
            except SendError as error:
                self._failed = error
                raise
            return self._token

    async def _get_new(self, instead_of: str) -> None:
        if self.database is None:
            await self._replace()
            return
        try:
            failed = await self._share(self.database, instead_of)
        except DatabaseAway as error:
            raise SendError("unreachable", "the token is in the database") from error
        if failed:
            raise failed

    async def _share(self, database: Database, instead_of: str) -> Exception | None:
        """Take what another server has got, or get one for all. Why that failed comes back and is not raised in here:
        a unit of work would take what happens to a connection for its own."""
        async with database.work():
            kept = await self._read_kept()
            if self._serves(instead_of):
                return None
            try:
                await self._replace()
            except Exception as error:
                return error
            kept.value = self._vault.seal(f"{self._until} {self._token}", self._name)
            await kept.save()
        return None

    def _serves(self, instead_of: str) -> bool:
        return bool(self._token) and self._token != instead_of and now_ms() < self._until

    async def _replace(self) -> None:
        self._token = ""
        token, seconds = await self._fetch()
        self._token, self._until = token, now_ms() + seconds * 1000 - EARLY_MS

    async def _read_kept(self) -> Setting:
        """What another server has got, held until the commit."""
        await Setting.get_or_create({"value": ""}, name=self._name)
        query = Setting.select_for_update() if for_update() else Setting
        kept: Setting = await query.get(name=self._name)
        try:
            until, _space, token = self._vault.open(kept.value, self._name).partition(" ")
        except Sealed:
            return kept
        self._token, self._until = token, int(until)
        return kept


async def forget_tokens() -> int:
    """Forget the tokens that servers share, in the caller's transaction: how many there were."""
    return int(await Setting.filter(name__startswith=KEPT).delete())
