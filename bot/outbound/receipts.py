"""Delivery reports: from the callback into the outbox row, forward only. A report that comes too early is kept."""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.gateways.errors import ERRORS
from bot.message import Receipt
from bot.outbound.queue import RANK, Reported, identify, write_reports
from bot.routing import NEVER
from bot.runtime import Database, Metrics
from models.messages import State
from models.sql import execute, for_update, marks

# A report may overtake the answer to the request that it is about, or name a message of another system.
PARKED_MS = 600_000
PARKED = 2_048
NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # of a row

# The first condition is the partial index's own, without which SQLite does not use it.
FIND = "SELECT id, external_id, state, gateway, phone FROM outbox WHERE external_id <> '' AND external_id IN ({})"
# A request that carried our own id, and was not answered (yet), or with an error: the gateway reports on it, so it has
# the message. The row may still have the id (m<row>-<try>-<time>) under which a phone had it before.
FIND_OURS = """SELECT id, external_id, state, gateway, phone, tried_before FROM outbox
  WHERE tries > 0 AND (external_id = '' OR external_id LIKE 'm%') AND id IN ({})"""


@dataclass
class _Arrived:
    receipt: Receipt
    known: bool | None = None  # whether it has a message; None until it was looked up


class Receipts:
    """Writes delivery reports. Those that come in the same moment share a commit."""

    def __init__(self, database: Database, metrics: Metrics, clock: Callable[[], int]) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._lock = asyncio.Lock()
        self._arrived: list[_Arrived] = []
        self._parked: dict[str, tuple[int, Receipt]] = {}

    async def record(self, receipt: Receipt) -> bool:
        """Write a report, committed on return. False when no message has its id yet: then it is kept for ten minutes,
        for a message that is just being sent."""
        if not receipt.external_id or "\0" in receipt.external_id:
            return False
        mine = _Arrived(receipt)
        self._arrived.append(mine)
        async with self._lock:
            if mine.known is None:
                await asyncio.sleep(0)  # lets in those that wait on the same loop
                await self._write_arrived(mine)
        return bool(mine.known)

    async def _write_arrived(self, mine: _Arrived) -> None:
        batch, self._arrived = self._arrived, []
        try:
            for arrived in batch:
                self._park(arrived.receipt)  # before looking, so that no send is written unseen in between
            known = await self._settle({arrived.receipt.external_id for arrived in batch})
        except BaseException:
            # each of the others tries again when its turn comes
            self._arrived = [arrived for arrived in batch if arrived is not mine] + self._arrived
            raise
        for arrived in batch:
            arrived.known = arrived.receipt.external_id in known

    async def settle(self, external_ids: Iterable[str] | None = None) -> None:
        """Look again for the messages of parked reports: of all, or of these ids, which were just written as sent."""
        async with self._lock:
            wanted = self._parked.keys() if external_ids is None else self._parked.keys() & set(external_ids)
            await self._settle(set(wanted))

    def waits_for(self, external_ids: Iterable[str]) -> bool:
        """Whether a report is parked for one of these."""
        return not self._parked.keys().isdisjoint(external_ids)

    def _park(self, receipt: Receipt) -> None:
        now = self._clock()
        _, other = self._parked.pop(receipt.external_id, (0, receipt))
        if (other.gateway, other.phone) != (receipt.gateway, receipt.phone):
            other = receipt
        self._parked[receipt.external_id] = now, max(receipt, other, key=lambda report: RANK[report.state])
        for external_id, (since, _) in list(self._parked.items()):
            if len(self._parked) <= PARKED and since > now - PARKED_MS:
                break  # the rest came later
            del self._parked[external_id]

    async def _settle(self, external_ids: set[str]) -> set[str]:
        """Apply the parked reports with these ids; returns the ids that have a message."""
        receipts = {each: self._parked[each][1] for each in external_ids if each in self._parked}
        if not receipts:
            return set()
        async with self._database.work() as db:
            rows = await self._apply(db, receipts)
        for row in rows:
            self._parked.pop(row["external_id"], None)
            if row["moved"]:
                self._metrics.messages.labels("out", row["gateway"], receipts[row["external_id"]].state).inc()
        return {row["external_id"] for row in rows}

    async def _apply(self, db: BaseDBAsyncClient, receipts: dict[str, Receipt]) -> list[dict[str, Any]]:
        """Write reports, those with these ids. Returns the rows that they are about, which of them `moved`.

        Two gateways may use the same id, a plain number: a report is for the message that its gateway sent."""
        lock = f" ORDER BY id{for_update()}"
        found = await execute(db, FIND.format(marks(len(receipts))) + lock, list(receipts))
        found += await self._unanswered(db, receipts, lock)
        rows = [row for row in found if _is_about(receipts[row["external_id"]], row)]
        now, reported = self._clock(), []
        await identify(db, {row["id"]: row["external_id"] for row in rows if "lost" in row}, now)
        for row in rows:
            receipt = receipts[row["external_id"]]
            row["moved"] = RANK[receipt.state] > RANK.get(row["state"], 0)
            if row["moved"]:
                reported.append(Reported(row["id"], receipt.state, _error(receipt), _delivered_at(receipt, now)))
        await write_reports(db, reported)
        return rows

    @staticmethod
    async def _unanswered(db: BaseDBAsyncClient, receipts: dict[str, Receipt], lock: str) -> list[dict[str, Any]]:
        numbers = [int(each) for each, receipt in receipts.items() if receipt.ours and NUMBER.fullmatch(each)]
        rows = await execute(db, FIND_OURS.format(marks(len(numbers))) + lock, numbers) if numbers else []
        found = [row | {"external_id": str(row["id"]), "lost": True} for row in rows]
        return [row for row in found if not _of_another_try(row, receipts[row["external_id"]])]


def _is_about(receipt: Receipt, row: dict[str, Any]) -> bool:
    """Whether a gateway reports on this message, which it sent, and to the same phone; or which it delivered after all,
    when the message had left it without an outcome."""
    before = [name.removeprefix(NEVER) for name in row.get("tried_before", "").split()]
    left = receipt.state is State.DELIVERED and receipt.gateway in before
    return (left or row["gateway"] == receipt.gateway) and receipt.phone in ("", row["phone"])


def _of_another_try(row: dict[str, Any], receipt: Receipt) -> bool:
    """Whether a failure may be of the try before. Then it is kept until the try that is under way has an outcome."""
    return row["state"] == State.SENDING and receipt.state is State.FAILED


def _error(receipt: Receipt) -> str:
    if receipt.state is not State.FAILED:
        return ""
    return receipt.reason if receipt.reason in ERRORS else "undelivered"


def _delivered_at(receipt: Receipt, now: int) -> int:
    return now if receipt.state is State.DELIVERED else 0
