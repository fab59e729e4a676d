"""Handles what providers told us: each notice in a unit of work of its own, also after a crash, on any server."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from tortoise.exceptions import OperationalError

from bot.gateways import Callback
from bot.payments.base import Provider
from bot.payments.settling import NotYet, Settler
from bot.runtime import Database, DatabaseAway, Purge
from models.alerts import raise_alert
from models.money import notices
from models.money.notices import Kept
from models.sql import now_ms
from models.vault import Sealed, Vault

log = logging.getLogger(__name__)

LOOK_S = 1.0  # on PostgreSQL other servers write and die
NOT_YET_MS = 500  # what waits for the answer to our own request, which is on its way
READERS = 4  # on PostgreSQL, where a reader waits for the network much of its time
PURGE = Purge("callbacks of mobile money", notices.EMPTY)
ALERT = "A callback of {provider} could not be handled: mwanga payments notices"


class Unreadable(Exception):
    """No try will do better: it waits for a person at once."""


class Reader:
    """`run` handles what is kept, `notify` wakes it after a commit, `stop` ends it between two notices."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        providers: Mapping[str, Provider],
        settler: Settler,
        on_settled: Callable[[], None],
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database, self._vault, self._providers, self._settler = database, vault, providers, settler
        self._on_settled, self._clock = on_settled, clock
        self._wake = asyncio.Event()
        self._stopping = False

    def notify(self) -> None:
        """Notices were committed."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Handle until stopped. A database that is away is tried again."""
        readers = 1 if self._database.embedded else READERS
        while not self._stopping:
            self._wake.clear()
            try:
                await asyncio.gather(*(self._handle_all() for _ in range(readers)))
                at = await notices.next_at()
            except Exception as error:
                log.error("notices could not be handled: %s", type(error).__name__)
                at = 0
            wait = min(LOOK_S, max(0.01, (at - self._clock()) / 1000)) if at else LOOK_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def _handle_all(self) -> None:
        while not self._stopping and await self.handle_next():
            pass

    async def handle_next(self) -> bool:
        """Handle the next notice; False when there is none. It is held until all is written, also that it failed."""
        async with self._database.work():
            held = await notices.hold_next(self._clock())
            if held is None:
                return False
            try:
                async with self._database.part() as unit:
                    unit.alone = True  # it waits for whoever has what it is about
                    outcome = await self._handle(held)
            except NotYet:
                await notices.put_off(held, self._clock() + NOT_YET_MS)
            except DatabaseAway:
                raise  # it stays as it is, for later
            except Exception as error:
                await self._note_failed(held, error)
            else:
                await notices.write_done(held, outcome, self._clock())
        self._on_settled()
        return True

    async def _handle(self, notice: Kept) -> str:
        provider = self._providers.get(notice.provider)
        if provider is None:
            raise Unreadable(f"there is no provider {notice.provider} any more")
        try:
            answer = provider.read(notice.kind, unpack(notices.open_kept(self._vault, notice)))
        except (ValueError, Sealed) as error:
            raise Unreadable(str(error)) from error
        return "nothing" if answer is None else await self._settler.settle(answer, since=notice.received_at)

    async def _note_failed(self, notice: Kept, error: Exception) -> None:
        told = {"notice": notice.id, "provider": notice.provider}
        if isinstance(error, OperationalError | Unreadable):  # mostly two that wanted the same rows
            log.warning("a notice could not be handled: %s", type(error).__name__, extra=told)
        else:
            log.exception("a notice failed", exc_info=error, extra=told)
        why = f"{type(error).__name__}: {error}" if isinstance(error, Unreadable) else type(error).__name__
        parked = await notices.write_failed(notice, why, self._clock(), park=isinstance(error, Unreadable))
        if parked and await notices.is_first_parked():
            await raise_alert(ALERT.format(provider=notice.provider))


def pack(callback: Callback, headers: Sequence[str], *, second: int | None = None) -> str:
    """A callback as it is kept, with these of its headers. What is the same twice counts once; with the second in which
    it came, once in that."""
    kept = {name: callback.headers[name] for name in headers if name in callback.headers}
    fields = {
        "method": callback.method,
        "query": callback.query.decode(errors="replace"),
        "type": callback.content_type,
        "headers": kept,
        "body": callback.body.decode("latin-1"),
    }
    return json.dumps(fields if second is None else fields | {"second": second}, sort_keys=True)


def unpack(said: str) -> Callback:
    """The callback that was kept."""
    fields = json.loads(said)
    body = fields["body"].encode("latin-1")
    return Callback(fields["method"], fields["query"].encode(), fields["type"], body, fields["headers"])
