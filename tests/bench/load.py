"""Callers: plain sockets that speak just enough HTTP, so that the one who asks is not the one who is slow."""

import asyncio
import itertools
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

BUSY = "This takes longer."  # what a screen says that waited for seconds: nobody can go on from there
DOOR = "/gateways/africastalking/demo"
_ids = itertools.count(1)


@dataclass
class Times:
    """Seconds for each answer, and how long all of it took."""

    each: list[float] = field(default_factory=list)
    whole: float = 0.0

    def per_second(self) -> float:
        return len(self.each) / self.whole

    def percentile(self, share: float) -> float:
        ordered = sorted(self.each)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Caller:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Caller":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, path: str, form: dict[str, str]) -> str:
        return await self.request("POST", path, urlencode(form), "application/x-www-form-urlencoded")

    async def request(self, method: str, path: str, body: str = "", kind: str = "", **headers: str) -> str:
        """The body of the answer. Raises RuntimeError unless it is 200, 201 or 204."""
        data = body.encode()
        headers = {
            "Host": "bench",
            "Content-Length": str(len(data)),
            **({"Content-Type": kind} if kind else {}),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if answer.split(b" ", 2)[1] not in (b"200", b"201", b"204"):
            raise RuntimeError(answer.decode())
        length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return (await self._reader.readexactly(int(length))).decode() if int(length or b"0") else ""


def sms(phone: str, text: str) -> dict[str, str]:
    return {"id": f"bench {next(_ids)} {time.time_ns()}", "from": phone, "to": "20880", "text": text}


async def texts(port: int, messages: Iterable[dict[str, str]], callers: int) -> Times:
    """Post messages over so many connections, as fast as they are taken."""
    waiting, times = iter(messages), Times()

    async def one() -> None:
        async with Caller(port) as caller:
            for message in waiting:
                asked = time.perf_counter()
                await caller.post(f"{DOOR}/sms", message)
                times.each.append(time.perf_counter() - asked)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(callers)))
    times.whole = time.perf_counter() - started
    return times


async def dial(caller: Caller, phone: str, choices: Sequence[str], times: Times, think: float) -> None:
    """One session: choose these lines one after the other, thinking a while before each key."""
    session = {"sessionId": f"bench {next(_ids)} {time.time_ns()}", "serviceCode": "*384*20#"}
    session |= {"phoneNumber": phone, "networkCode": "64004"}
    wanted, keys = list(choices), list[str]()
    while True:
        asked = time.perf_counter()
        screen = await caller.post(f"{DOOR}/ussd", {**session, "text": "*".join(keys)})
        times.each.append(time.perf_counter() - asked)
        await asyncio.sleep(think)
        if not wanted or BUSY in screen:
            return
        key = _key(screen, wanted[0])
        keys.append(key or _key(screen, "More"))
        if key:
            del wanted[0]
        elif not keys[-1]:
            raise RuntimeError(f"no {wanted[0]} on {screen!r}")


def _key(screen: str, choice: str) -> str:
    """The number before a line, as a person finds it; nothing when the screen does not show it."""
    found = re.search(rf"^(\d+)\. {re.escape(choice)}$", screen, re.MULTILINE)
    return found[1] if found else ""


async def dials(port: int, callers: int, seconds: float, think: float, first: int = 0) -> Times:
    """Customers who dial, look at a question, go back to its page and the first one, and read their last tokens."""
    times, until = Times(), time.perf_counter() + seconds
    choices = ("Language", "Back", "Back", "Last tokens")

    async def one(number: int) -> None:
        await asyncio.sleep(think * number / callers)
        async with Caller(port) as caller:
            while time.perf_counter() < until or not times.each:  # a busy machine connects late
                await dial(caller, f"+25572{first + number:07d}", choices, times, think)

    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(callers)))
    times.whole = time.perf_counter() - started
    return times
