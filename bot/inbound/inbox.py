"""Inbound is stored and committed, and only then we say that we have it. Where there is one writer it may be understood
in the same unit of work; when that fails it is stored all the same."""

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.message import Inbound
from bot.runtime import Database, Metrics, Purge
from bot.text.entry import LONGEST, shown
from bot.text.numbers import Sender, SenderKind
from bot.text.redact import Redactor
from models.sql import connection, execute, execute_many, for_update, listed_rows, marks, now_ms, on_postgres
from models.vault import Sealed, Vault

log = logging.getLogger(__name__)
MOST_AT_ONCE = 512
BEHIND = 200  # characters behind the cut that are looked at for a PIN
BUSY = 8  # messages that arrived in the same moment
COLUMNS = (
    *("gateway", "external_id", "phone", "sender_kind", "recipient", "network", "sim", "reached_at", "text"),
    *("cut_from", "sealed", "received_at", "state", "outcome", "error"),
)
KINDS = (*("text",) * 6, "int", "bigint", "text", "int", "text", "bigint", *("text",) * 3)
INSERT = (
    f"INSERT INTO inbox ({', '.join(COLUMNS)}) {{}} "
    "ON CONFLICT (gateway, external_id) DO NOTHING RETURNING id, gateway, external_id"
)
WAITING = """SELECT id, gateway, external_id, phone, sender_kind, network, text, sealed, sim, reached_at, received_at
  FROM inbox WHERE state = 'new'"""
CLAIM = f"{WAITING} ORDER BY id LIMIT $1"
CLAIM_OTHERS = f"{WAITING} AND gateway <> $2 ORDER BY id LIMIT $1"
CLAIM_ONE = f"{WAITING} AND id = $1"
# Rows that another process claimed a moment earlier are still new to us: what comes after them has to wait.
ELSEWHERE = (
    "SELECT phone, MIN(id) AS first FROM inbox WHERE state = 'new' AND phone IN ({}) AND id NOT IN ({}) GROUP BY phone"
)
PURGES = (
    Purge(
        "texts of people",
        "UPDATE inbox SET text = '', error = '' WHERE id IN (SELECT id FROM inbox WHERE received_at < $1 "
        "AND text <> '' AND state <> 'new' LIMIT $2) RETURNING id",
    ),
    Purge(
        "callbacks that could not be read",
        "DELETE FROM refused WHERE id IN (SELECT id FROM refused WHERE created_at < $1 LIMIT $2) RETURNING id",
    ),
)
COUNT_AWAY = "UPDATE inbox SET aways = aways + 1 WHERE id = $1 AND state = 'new' RETURNING aways"
WRITE_OUTCOME = "UPDATE inbox SET state = $2, outcome = $3, error = $4, sealed = NULL WHERE id = $1"


@dataclass(frozen=True)
class StoredSms:
    """An SMS that was accepted and waits to be understood."""

    id: int
    gateway: str
    sender: Sender
    text: str  # as it came
    network: str = ""  # the sender's, by its code, where the gateway named it
    sim: int = 0  # of a gateway phone: the SIM card that got it; 0 where it did not say
    reached_at: int = 0  # when its gateway got it, by a clock of the gateway's (ms); 0 where it does not say
    received_at: int = 0  # when it came to us, which may be before it could be stored (ms)


@dataclass(frozen=True)
class Outcome:
    """What became of a message: its new `state` (done, failed), a word for the office, and what was wrong."""

    id: int
    state: str
    outcome: str
    error: str = ""


@dataclass
class _Arrived:
    inbound: Inbound
    stored: "asyncio.Future[bool]"  # False: it was stored before
    at: int = field(default_factory=now_ms)  # when (ms): what a unit of work asks meanwhile it does not answer


@dataclass
class Brought:
    """What one unit of work stores of what has arrived."""

    arrived: list[_Arrived] = field(default_factory=list)
    # The rows of those that were not stored before, by gateway and its id.
    new: dict[tuple[str, str], int] = field(default_factory=dict)


class Inbox:
    """Stores what arrives; whatever waits at the same moment shares one commit."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        redactor: Redactor,
        metrics: Metrics,
    ) -> None:
        self._database, self._vault, self._redactor, self._metrics = database, vault, redactor, metrics
        self.on_stored: list[Callable[[], None]] = []  # told when there is something new
        # Asks for what waits to be stored within a unit of work that is about to begin: whether it will be.
        self.ask_along: Callable[[], bool] = lambda: False
        self._waiting: list[_Arrived] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self.busy = False  # many arrive at once: accepting comes before understanding
        self.arrivals = 0  # how many have come since the start

    async def record(self, inbound: Inbound) -> bool:
        """Store a message for good; False when this id was stored before. Raises when it cannot be stored."""
        arrived = _Arrived(inbound, asyncio.get_running_loop().create_future())
        self._waiting.append(arrived)
        self.arrivals += 1
        if self._stopping or not self.ask_along():
            self._wake.set()
        return await arrived.stored

    async def run(self) -> None:
        """Store until stopped; what waits then is stored first."""
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._store()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _store(self) -> None:
        brought = Brought()
        try:
            async with self._database.one_statement():
                await self.bring(brought)
        except Exception as error:
            log.exception("inbound messages could not be stored")
            for arrived in brought.arrived or self._take():  # none were brought where the work could not begin
                if not arrived.stored.done():
                    arrived.stored.set_exception(error)
            return
        self._tell(brought)
        for notify in self.on_stored:
            notify()

    async def bring(self, brought: Brought) -> None:
        """Store what waits in the caller's unit of work, around which stands `telling`. It is taken within: while one
        waits to begin, an undone one may put back what came before."""
        brought.arrived = self._take()
        if brought.arrived:
            brought.new = await self._insert(brought.arrived)
            self.busy = self.busy or len(brought.arrived) >= BUSY

    @asynccontextmanager
    async def telling(self, brought: Brought) -> AsyncIterator[None]:
        """Around a unit of work that may store what waits: whoever brought it is told after the commit. When the work
        was undone, what arrived is not to blame, and is stored by itself."""
        try:
            yield
        except Exception:
            self._waiting[:0] = brought.arrived
            while self._waiting:
                await self._store()
            raise
        self._tell(brought)

    def _take(self) -> list[_Arrived]:
        taken, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        return taken

    def _tell(self, brought: Brought) -> None:
        counted: Counter[tuple[str, str]] = Counter()
        for arrived in brought.arrived:
            key = (arrived.inbound.gateway, arrived.inbound.external_id)
            counted[arrived.inbound.gateway, "received" if key in brought.new else "duplicate"] += 1
            if not arrived.stored.done():
                arrived.stored.set_result(key in brought.new)
            brought.new.pop(key, None)
        for (gateway, state), count in counted.items():
            self._metrics.messages.labels("in", gateway, state).inc(count)

    async def _insert(self, messages: Sequence[_Arrived]) -> dict[tuple[str, str], int]:
        listing, values = listed_rows([self._row(arrived.inbound, arrived.at) for arrived in messages], KINDS)
        rows = await execute(connection(), INSERT.format(listing), values)
        return {(row["gateway"], row["external_id"]): row["id"] for row in rows}

    def _row(self, inbound: Inbound, came_at: int) -> tuple[Any, ...]:
        """A message as it is stored: starred, with what was starred sealed beside it."""
        came = shown(inbound.text)
        whole = came[: LONGEST + BEHIND]  # a PIN that the cut would halve is still seen to be one
        text, clean = whole[:LONGEST], self._redactor.clean(whole)[:LONGEST]
        purpose = _purpose(inbound.gateway, inbound.external_id)
        return (
            inbound.gateway,
            inbound.external_id,
            inbound.sender.value,
            inbound.sender.kind.value,
            inbound.recipient,
            inbound.network,
            inbound.sim,
            inbound.reached_at,
            clean,
            len(came) if len(came) > LONGEST else 0,
            None if clean == text else self._vault.seal(text, purpose),
            came_at,
            *("new", "", ""),
        )

    async def claim(self, most: int) -> list[StoredSms]:
        """The oldest messages that wait, held until the end of the caller's unit of work. When more wait, half of
        them may be of other gateways than the one that most came by, and those come first: its flood is its own."""
        rows = await execute(connection(), CLAIM + for_update(skip_locked=True), [most])
        if len(rows) < most:
            return [self._open_row(row) for row in rows]
        flooded, _count = Counter(row["gateway"] for row in rows).most_common(1)[0]
        others = await execute(connection(), CLAIM_OTHERS + for_update(skip_locked=True), [most // 2, flooded])
        first = {row["id"] for row in others}
        # as many as at first: fewer would say that no more wait
        rows = [*others, *(row for row in rows if row["id"] not in first)][:most]
        return [self._open_row(row) for row in _each_in_order(rows)]

    async def claim_one(self, message_id: int, *, wait: bool = False) -> list[StoredSms]:
        """This message, held, when it still waits; while another process has it, none, or `wait` for that."""
        rows = await execute(connection(), CLAIM_ONE + for_update(skip_locked=not wait), [message_id])
        return [self._open_row(row) for row in rows]

    async def in_order(self, messages: list[StoredSms], *, full: bool) -> list[StoredSms]:
        """Those with nothing older of the same phone still waiting elsewhere. Call when the phones are locked. When
        the batch was not full, nothing is elsewhere but what another process has."""
        if not messages or not (full or on_postgres()):
            return messages
        phones = sorted({message.sender.value for message in messages})
        statement = ELSEWHERE.format(marks(len(phones)), marks(len(messages), len(phones) + 1))
        rows = await execute(connection(), statement, [*phones, *(message.id for message in messages)])
        first = {row["phone"]: row["first"] for row in rows}
        return [m for m in messages if m.id < first.get(m.sender.value, m.id + 1)]

    async def write_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Write what became of messages. The sealed text is wiped."""
        rows = [(each.id, each.state, each.outcome, each.error) for each in outcomes]
        await execute_many(connection(), WRITE_OUTCOME, rows)

    async def count_away(self, message_id: int) -> int:
        """Count that the database went away while this message was handled: how often it did. 0 when the message is
        done after all."""
        rows = await execute(connection(), COUNT_AWAY, [message_id])
        return int(rows[0]["aways"]) if rows else 0

    def _open_row(self, row: dict[str, Any]) -> StoredSms:
        text = row["text"]
        if row["sealed"]:
            with contextlib.suppress(Sealed):  # another secret key: the starred text is understood as it stands
                text = self._vault.open(row["sealed"], _purpose(row["gateway"], row["external_id"]))
        sender = Sender(SenderKind(row["sender_kind"]), row["phone"])
        came = row["reached_at"], row["received_at"]
        return StoredSms(row["id"], row["gateway"], sender, text, row["network"], row["sim"], *came)


async def reseal_texts(vault: Vault) -> int:
    """Put the texts that wait to be handled under the vault's key: how many there were under the former one. Raises
    Sealed."""
    rows = await execute(connection(), "SELECT id, gateway, external_id, sealed FROM inbox WHERE sealed IS NOT NULL")
    changed = [row for row in rows if not vault.has_made(row["sealed"])]
    for row in changed:
        sealed = vault.reseal(row["sealed"], _purpose(row["gateway"], row["external_id"]))
        await execute(connection(), "UPDATE inbox SET sealed = $1 WHERE id = $2", [sealed, row["id"]])
    return len(changed)


def _purpose(gateway: str, external_id: str) -> str:
    """What a sealed text is bound to: it opens in no other row."""
    return f"inbox {gateway} {external_id}"


def _each_in_order(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same phones in the same order, but what one phone wrote in the order in which it came."""
    written_by: defaultdict[str, deque[dict[str, Any]]] = defaultdict(deque)
    for row in sorted(rows, key=lambda row: int(row["id"])):
        written_by[row["phone"]].append(row)
    return [written_by[row["phone"]].popleft() for row in rows]
