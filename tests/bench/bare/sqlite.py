"""Bare statements on SQLite: one thread that writes whatever waits and commits once, with a full sync (reference:
performance 2)."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

from tests.bench.bare.rows import BOOKS, DEVICES, MESSAGES, MOST, Reply, Sent, Text, Work, entries

OWNED = "SELECT d.id, d.serial FROM customer c JOIN device d ON d.customer_id = c.id WHERE c.phone = ? ORDER BY d.id"
LAST = "SELECT code FROM token WHERE device_id = ? ORDER BY id DESC LIMIT 3"


def _opened(address: str, tables: Sequence[str]) -> sqlite3.Connection:
    """Raises sqlite3.Error for a file that has tables already, so that a server does not listen at all."""
    path = address.removeprefix("sqlite://")
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *tables):
        database.execute(statement.format(id="INTEGER PRIMARY KEY"))
    return database


class Durable:
    """Each text is on the disk before it is answered, in a commit shared by all that wait."""

    tables: Sequence[str] = MESSAGES

    async def open(self, address: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Work, asyncio.Future[Any]]] = SimpleQueue()
        self._database = _opened(address, self.tables)
        threading.Thread(target=self._run, daemon=True).start()

    def write(self, work: Work) -> "asyncio.Future[Any]":
        future = self._loop.create_future()
        self._queue.put((work, future))
        return future

    async def close(self) -> None:
        """Its thread ends with the process."""

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty() and len(batch) < MOST:
                batch.append(self._queue.get())
            work, futures = zip(*batch, strict=True)
            done: Sequence[Any] | sqlite3.Error
            try:
                self._database.execute("BEGIN")
                done = self._store(work)
                self._database.execute("COMMIT")
            except sqlite3.Error as error:  # a full disk: whoever waits is told, or would wait for ever
                done = error
            self._loop.call_soon_threadsafe(_answer, futures, done)

    def _store(self, work: Sequence[Any]) -> Sequence[Any]:
        """Write them, and return what whoever wrote each gets."""
        now = time.time()
        self._database.executemany(
            "INSERT INTO inbox (ext, phone, text, at, state) VALUES (?, ?, ?, ?, 'done') ON CONFLICT DO NOTHING",
            [(*text, now) for text in work],
        )
        self._database.executemany(
            "INSERT INTO outbox (phone, text, at, state) VALUES (?, ?, ?, 'sent')",
            [(phone, text, now) for _key, phone, text in work],
        )
        return [None] * len(work)


class Token(Durable):
    """What a TOKEN asks and writes: whose device it is, its last tokens, a reply; and later that the reply was sent."""

    tables = (*MESSAGES, *DEVICES)

    def _store(self, work: Sequence[Work]) -> Sequence[Any]:
        return [self._answered(each) if isinstance(each, Text) else self._sent(each) for each in work]

    def _answered(self, text: Text) -> Reply:
        ask, now = self._database.execute, time.time()
        ask(
            "INSERT INTO inbox (ext, phone, text, at, state) VALUES (?, ?, ?, ?, 'new') ON CONFLICT DO NOTHING",
            (*text, now),
        )
        owned = ask(OWNED, (text.phone,)).fetchall()
        codes = ask(LAST, (owned[0][0],)).fetchall() if owned else []
        reply = f"{owned[0][1]} {codes[0][0]}" if codes else "No token yet."
        made = ask("INSERT INTO outbox (phone, text, at, state) VALUES (?, ?, ?, 'pending')", (text.phone, reply, now))
        ask("UPDATE inbox SET state = 'done' WHERE ext = ?", (text.key,))
        assert made.lastrowid
        return Reply(made.lastrowid, text.phone, reply)

    def _sent(self, sent: Sent) -> None:
        self._database.execute("UPDATE outbox SET state = 'sent' WHERE id = ?", sent)


def _answer(futures: Sequence["asyncio.Future[Any]"], done: Sequence[Any] | sqlite3.Error) -> None:
    for number, future in enumerate(futures):
        if future.done():
            continue
        if isinstance(done, sqlite3.Error):
            future.set_exception(done)
        else:
            future.set_result(done[number])


class Ledger:
    """Books sales, so many to a commit."""

    async def open(self, address: str) -> None:
        self._database = _opened(address, BOOKS)

    async def close(self) -> None:
        self._database.close()

    async def book(self, keys: Sequence[str]) -> None:
        ask = self._database.execute
        ask("BEGIN IMMEDIATE")
        for key, accounts, amounts in (entry for each in keys for entry in entries(each)):
            entry = ask("INSERT INTO entry (key, at) VALUES (?, ?)", (key, time.time())).lastrowid
            for account, amount in zip(accounts, amounts, strict=True):
                ask("INSERT INTO line (entry, account, amount) VALUES (?, ?, ?)", (entry, account, amount))
                ask("UPDATE account SET balance = balance + ? WHERE id = ?", (amount, account))
        ask("COMMIT")
