"""The event streams of gateway phones, by which we tell a phone what it did not ask for (Server-Sent Events)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

KEEP_ALIVE_S = 15.0  # as the app's own server does; networks cut what is silent for longer
MOST = 100  # so many events wait for a phone that reads nothing


class Stream:
    """One open stream."""

    def __init__(self, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue(MOST)
        self._keep_alive_s = keep_alive_s

    def send(self, event: str, data: dict[str, Any] | None = None) -> None:
        """Tell it of an event. Without a `data` line the app does not see it."""
        if self._events.full():
            return self.close()
        self._events.put_nowait(f"event: {event}\ndata: {json.dumps(data or {})}\n\n".encode())
        return None

    def close(self) -> None:
        """End the stream; the app opens another one after 5 s or more."""
        while self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is to be written, until the stream is closed; a comment when nothing has happened for a while."""
        while True:
            try:
                chunk = await asyncio.wait_for(self._events.get(), self._keep_alive_s)
            except TimeoutError:
                chunk = b": keep-alive\n\n"
            if chunk is None:
                return
            yield chunk


class Streams:
    """All open streams of one phone. The app opens one more whenever it is started, two at each boot. When one ends, it
    believes that its network ended: it cuts the other and opens both again. So we end none because another one begins.
    """

    def __init__(self) -> None:
        self.told_at = 0  # when the phone was told that messages wait, in ms; 0 when it has asked for them since
        self._open: list[Stream] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def open(self) -> Stream:
        """Begin one more."""
        self.told_at = 0
        self._open.append(Stream())
        return self._open[-1]

    def remove(self, stream: Stream) -> None:
        """This one has ended."""
        self._open.remove(stream)

    def send(self, event: str, data: dict[str, Any] | None = None) -> None:
        """Tell the phone of an event by all of them, since nobody knows which of them it still reads."""
        for stream in self._open:
            stream.send(event, data)

    def close(self) -> None:
        """End them all."""
        for stream in self._open:
            stream.close()
