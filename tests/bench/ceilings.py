"""What the same machine does with nothing in the way: `python -m tests.bench.ceilings null|durable|token|gateway …`."""

import asyncio
import json
import sqlite3
import sys
import threading
import time
from collections import Counter
from queue import SimpleQueue
from typing import Any

import uvloop
from aiohttp import web

INBOX = "CREATE TABLE inbox (id INTEGER PRIMARY KEY, ext TEXT UNIQUE, phone TEXT, text TEXT, at REAL, state TEXT)"
OUTBOX = "CREATE TABLE outbox (id INTEGER PRIMARY KEY, phone TEXT, text TEXT, at REAL, state TEXT)"
INDEXES = (
    "CREATE INDEX i1 ON inbox (phone)",
    "CREATE INDEX o1 ON outbox (phone)",
    "CREATE INDEX o2 ON outbox (id) WHERE state = 'pending'",
)


TOKENS = """CREATE TABLE customer (id INTEGER PRIMARY KEY, phone TEXT);
  CREATE TABLE device (id INTEGER PRIMARY KEY, serial TEXT, customer_id INT);
  CREATE TABLE token (id INTEGER PRIMARY KEY, device_id INT, code TEXT);
  CREATE INDEX c1 ON customer (phone); CREATE INDEX d1 ON device (customer_id); CREATE INDEX t1 ON token (device_id);
  INSERT INTO customer WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
    SELECT i + 1, '+2557' || (20000000 + i) FROM n;
  INSERT INTO device SELECT id, 'SHD' || id, id FROM customer;
  INSERT INTO token (device_id, code) SELECT id, '123456789012' FROM device;"""
DEVICES = "SELECT d.id, d.serial FROM customer c JOIN device d ON d.customer_id = c.id WHERE c.phone = ? ORDER BY d.id"
LAST = "SELECT code FROM token WHERE device_id = ? ORDER BY id DESC LIMIT 3"


class Writer:
    """One thread that writes whatever waits and commits once, with a full sync (reference: performance 2)."""

    def __init__(self, path: str) -> None:
        """Raises sqlite3.Error for a file that is there already, so that this server does not listen at all."""
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", INBOX, OUTBOX, *INDEXES):
            self._database.execute(statement)
        threading.Thread(target=self._run, daemon=True).start()

    def write(self, row: tuple[str, str, str]) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((row, future))
        return future

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty() and len(batch) < 512:
                batch.append(self._queue.get())
            failed = None
            try:
                self._store([row for row, _future in batch])
            except sqlite3.Error as error:  # a full disk: whoever waits is told, or would wait for ever
                failed = error
            self._loop.call_soon_threadsafe(_answer, [future for _row, future in batch], failed)

    def _store(self, rows: list[tuple[str, str, str]]) -> None:
        now = time.time()
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO inbox (ext, phone, text, at, state) VALUES (?, ?, ?, ?, 'done') ON CONFLICT DO NOTHING",
            [(*row, now) for row in rows],
        )
        self._database.executemany(
            "INSERT INTO outbox (phone, text, at, state) VALUES (?, ?, ?, 'sent')",
            [(row[1], row[2], now) for row in rows],
        )
        self._database.execute("COMMIT")


class TokenWriter(Writer):
    """The bare statements of a TOKEN command: whose device it is, its last tokens, and a reply, one commit for all who
    wait."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._database.executescript(TOKENS)

    def _store(self, rows: list[tuple[str, str, str]]) -> None:
        now = time.time()
        self._database.execute("BEGIN")
        for ext, phone, text in rows:
            self._database.execute(
                "INSERT INTO inbox (ext, phone, text, at, state) VALUES (?, ?, ?, ?, 'new') ON CONFLICT DO NOTHING",
                (ext, phone, text, now),
            )
            owned = self._database.execute(DEVICES, (phone,)).fetchall()
            tokens = self._database.execute(LAST, (owned[0][0],)).fetchall() if owned else []
            reply = f"{owned[0][1]} {tokens[0][0]}" if tokens else "No token yet."
            self._database.execute(
                "INSERT INTO outbox (phone, text, at, state) VALUES (?, ?, ?, 'pending')", (phone, reply, now)
            )
            self._database.execute("UPDATE inbox SET state = 'done' WHERE ext = ?", (ext,))
        self._database.execute("COMMIT")


def _answer(futures: list["asyncio.Future[None]"], failed: sqlite3.Error | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failed:
            future.set_exception(failed)
        else:
            future.set_result(None)


async def _null(request: web.Request) -> web.Response:
    await request.post()
    return web.Response()


def _writing(kind: type[Writer], path: str) -> web.Application:
    app = web.Application()

    async def start(app: web.Application) -> None:
        app["writer"] = kind(path)

    async def accept(request: web.Request) -> web.Response:
        form = await request.post()
        await request.app["writer"].write((str(form["id"]), str(form["from"]), str(form["text"])))
        return web.Response()

    app.on_startup.append(start)
    app.router.add_post("/{rest:.*}", accept)
    return app


def _gateway(delay: float) -> web.Application:
    """Africa's Talking, as far as it takes messages: it counts them, also by receiver, and keeps their times."""
    app = web.Application()
    taken: list[float] = []
    receivers: Counter[str] = Counter()
    changed = asyncio.Condition()

    async def messaging(request: web.Request) -> web.Response:
        form = await request.post()
        if delay:
            await asyncio.sleep(delay)
        async with changed:
            taken.append(time.time())
            receivers[str(form["to"])] += 1
            changed.notify_all()
        recipient = {"statusCode": 101, "number": form["to"], "messageId": f"ATXid_{len(taken)}", "cost": "0"}
        answer = {"SMSMessageData": {"Message": "Sent", "Recipients": [{**recipient, "status": "Success"}]}}
        return web.Response(status=201, body=json.dumps(answer), content_type="application/json")

    async def count(_request: web.Request) -> web.Response:
        times = taken or [0.0]
        return web.json_response({"messages": len(taken), "first": times[0], "last": times[-1]})

    async def reached(request: web.Request) -> web.Response:
        """Answers once a receiver has so many messages."""
        receiver, messages = request.query["receiver"], int(request.query["messages"])
        async with changed:
            await changed.wait_for(lambda: receivers[receiver] >= messages)
        return web.Response()

    app.router.add_post("/version1/messaging", messaging)
    app.router.add_get("/reached", reached)
    app.router.add_get("/count", count)
    return app


def main(kind: str, port: str, argument: str) -> None:
    app = web.Application()
    if kind == "null":
        app.router.add_post("/{rest:.*}", _null)
    elif kind in ("durable", "token"):
        app = _writing(Writer if kind == "durable" else TokenWriter, argument)
    else:
        app = _gateway(float(argument))
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(port),
        access_log=None,
        loop=uvloop.new_event_loop(),
        print=lambda _line: print("listens", flush=True),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
