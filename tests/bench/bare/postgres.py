"""Bare statements on PostgreSQL: one connection on which prepared statements write whatever waits, and commit once."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from tests.bench.bare.rows import BOOKS, DEVICES, MESSAGES, MOST, Reply, Sent, Text, Work, entries

# One trip, and a commit of its own.
STORE = """WITH came AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS came(ext, phone, text)),
  stored AS (INSERT INTO inbox (ext, phone, text, at, state) SELECT ext, phone, text, $4::float8, 'done' FROM came
    ON CONFLICT DO NOTHING)
  INSERT INTO outbox (phone, text, at, state) SELECT phone, text, $4::float8, 'sent' FROM came"""
TAKE = """INSERT INTO inbox (ext, phone, text, at, state)
  SELECT came.*, $4::float8, 'new' FROM unnest($1::text[], $2::text[], $3::text[]) AS came ON CONFLICT DO NOTHING"""
LAST = """SELECT d.serial, ARRAY(SELECT code FROM token t WHERE t.device_id = d.id ORDER BY t.id DESC LIMIT 3) AS codes
  FROM unnest($1::text[]) WITH ORDINALITY AS came(phone, n) LEFT JOIN LATERAL (SELECT d.id, d.serial FROM customer c
    JOIN device d ON d.customer_id = c.id WHERE c.phone = came.phone ORDER BY d.id LIMIT 1) d ON TRUE ORDER BY n"""
REPLY = """INSERT INTO outbox (phone, text, at, state)
  SELECT reply.*, $3::float8, 'pending' FROM unnest($1::text[], $2::text[]) AS reply RETURNING id, phone, text"""
DONE = "UPDATE inbox SET state = 'done' WHERE ext = ANY($1::text[])"
SENT = "UPDATE outbox SET state = 'sent' WHERE id = ANY($1::bigint[])"
BOOK = """WITH booked AS (INSERT INTO entry (key, at) VALUES ($1, $2) RETURNING id),
  moved AS (SELECT * FROM unnest($3::int[], $4::int[]) AS moved(account, amount)),
  lines AS (INSERT INTO line (entry, account, amount) SELECT booked.id, account, amount FROM booked, moved)
  UPDATE account SET balance = balance + amount FROM moved WHERE account.id = moved.account"""


async def _opened(address: str, tables: Sequence[str]) -> "asyncpg.Connection[asyncpg.Record]":
    """Raises asyncpg.PostgresError for a database that has tables already, so that a server does not listen at all."""
    database = await asyncpg.connect(address)
    for statement in (*tables, "ANALYZE"):
        await database.execute(statement.format(id="BIGSERIAL PRIMARY KEY"))
    return database


class Durable:
    """Each text is on the disk before it is answered, in a commit shared by all that wait."""

    tables: Sequence[str] = MESSAGES
    statements: Sequence[str] = (STORE,)

    async def open(self, address: str) -> None:
        self._waiting: asyncio.Queue[tuple[Work, asyncio.Future[Any]]] = asyncio.Queue()
        self._database = await _opened(address, self.tables)
        self._prepared = {each: await self._database.prepare(each) for each in self.statements}
        self._writing = asyncio.create_task(self._run())

    def write(self, work: Work) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((work, future))
        return future

    async def close(self) -> None:
        self._writing.cancel()
        with suppress(asyncio.CancelledError):
            await self._writing
        await self._database.close()

    async def _run(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < MOST:
                batch.append(self._waiting.get_nowait())
            work, futures = zip(*batch, strict=True)
            try:
                done = await self._store(work)
            except (asyncpg.PostgresError, OSError) as error:  # whoever waits is told, or would wait for ever
                _fail(futures, error)
                continue
            for future, each in zip(futures, done, strict=True):
                if not future.done():
                    future.set_result(each)

    async def _store(self, work: Sequence[Any]) -> Sequence[Any]:
        """Write them, and return what whoever wrote each gets."""
        await self._prepared[STORE].fetch(*map(list, zip(*work, strict=True)), time.time())
        return [None] * len(work)


class Token(Durable):
    """What a TOKEN asks and writes: whose device it is, its last tokens, a reply; and later that the reply was sent."""

    tables = (*MESSAGES, *DEVICES)
    statements = (TAKE, LAST, REPLY, DONE, SENT)

    async def _store(self, work: Sequence[Work]) -> Sequence[Any]:
        texts, sent = (
            [each for each in work if isinstance(each, Text)],
            [each for each in work if isinstance(each, Sent)],
        )
        async with self._database.transaction():
            replies = iter(await self._answered(texts) if texts else [])
            if sent:
                await self._prepared[SENT].fetch([each.number for each in sent])
        return [next(replies) if isinstance(each, Text) else None for each in work]

    async def _answered(self, texts: Sequence[Text]) -> list[Reply]:
        keys, phones, words = map(list, zip(*texts, strict=True))
        ask, now = self._prepared, time.time()
        await ask[TAKE].fetch(keys, phones, words, now)
        found = await ask[LAST].fetch(phones)
        said = [f"{each['serial']} {each['codes'][0]}" if each["codes"] else "No token yet." for each in found]
        replies = await ask[REPLY].fetch(phones, said, now)
        await ask[DONE].fetch(keys)
        return [Reply(*reply) for reply in replies]


def _fail(futures: Sequence["asyncio.Future[Any]"], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)


class Ledger:
    """Books sales, so many to a commit, an entry with its lines in one trip."""

    async def open(self, address: str) -> None:
        self._database = await _opened(address, BOOKS)
        self._book = await self._database.prepare(BOOK)

    async def close(self) -> None:
        await self._database.close()

    async def book(self, keys: Sequence[str]) -> None:
        async with self._database.transaction():
            for key, accounts, amounts in (entry for each in keys for entry in entries(each)):
                await self._book.fetch(key, time.time(), accounts, amounts)
