"""What the same machine does with nothing in the way, each in a process of its own: an app that stores nothing
(`null`), one that stores each text with bare statements (`durable ADDRESS`), one that answers TOKEN with bare
statements and a raw client (`token ADDRESS GATEWAY`), and the gateway that takes the replies (`gateway SECONDS`)."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator

import uvloop
from aiohttp import web

from tests.bench import bare
from tests.bench.load import Caller

CONNECTIONS = 32  # of the raw client
# As the server has it (bot/cli/serving.py). The outbox connects 256 times at once: with aiohttp's 128 half of them may
# not be heard, and try again a second later, which would count as the outbox's.
CONNECT_AT_ONCE = 1024


async def _null(request: web.Request) -> web.Response:
    await request.post()
    return web.Response()


def _storing(writer: bare.Writer, address: str) -> web.Application:
    app = web.Application()

    async def run(_app: web.Application) -> AsyncIterator[None]:
        await writer.open(address)
        yield
        await writer.close()

    async def accept(request: web.Request) -> web.Response:
        await writer.write(await _text(request))
        return web.Response()

    app.cleanup_ctx.append(run)
    app.router.add_post("/{rest:.*}", accept)
    return app


def _answering(writer: bare.Writer, address: str, gateway: int) -> web.Application:
    """A callback is answered once its reply is on the disk; the raw client takes that to the gateway."""
    app, replies = web.Application(), asyncio.Queue[bare.Reply]()

    async def send() -> None:
        async with Caller(gateway) as caller:
            while True:
                reply = await replies.get()
                form = {"username": "bench", "to": reply.phone, "message": reply.text}
                await caller.post("/version1/messaging", form)
                await writer.write(bare.Sent(reply.number))

    async def run(_app: web.Application) -> AsyncIterator[None]:
        await writer.open(address)
        senders = [asyncio.create_task(send()) for _ in range(CONNECTIONS)]
        yield
        for sender in senders:
            sender.cancel()
        await writer.close()

    async def accept(request: web.Request) -> web.Response:
        replies.put_nowait(await writer.write(await _text(request)))
        return web.Response()

    app.cleanup_ctx.append(run)
    app.router.add_post("/{rest:.*}", accept)
    return app


async def _text(request: web.Request) -> bare.Text:
    form = await request.post()
    return bare.Text(str(form["id"]), str(form["from"]), str(form["text"]))


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
        """Answers once a receiver has so many messages, or all of them together."""
        receiver, messages = request.query.get("receiver"), int(request.query["messages"])
        async with changed:
            await changed.wait_for(lambda: (receivers[receiver] if receiver else len(taken)) >= messages)
        return web.Response()

    app.router.add_post("/version1/messaging", messaging)
    app.router.add_get("/reached", reached)
    app.router.add_get("/count", count)
    return app


def main(kind: str, port: str, *words: str) -> None:
    match kind:
        case "durable":
            app = _storing(bare.durable(words[0]), words[0])
        case "token":
            app = _answering(bare.token(words[0]), words[0], int(words[1]))
        case "gateway":
            app = _gateway(float(words[0]))
        case _:
            app = web.Application()
            app.router.add_post("/{rest:.*}", _null)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(port),
        backlog=CONNECT_AT_ONCE,
        access_log=None,
        loop=uvloop.new_event_loop(),
        print=lambda _line: print("listens", flush=True),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
