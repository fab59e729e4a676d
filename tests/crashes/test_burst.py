"""Hundreds who connect in the same moment, while the server does something else."""

import select
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.world.server import ServerProcess

MANY = 600
PATIENCE_MS = 10_000  # the kernel of a busy machine answers a moment later
ALLOWED = Path("/proc/sys/net/core/somaxconn")  # so many connections may wait, whatever a server asks for
pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("engine", ["sqlite"]),
    pytest.mark.skipif(not ALLOWED.exists() or int(ALLOWED.read_text()) < MANY, reason="fewer may wait here"),
]


async def test_hundreds_who_connect_at_once_are_all_heard(demo_url: str) -> None:
    """Who is not heard tries again after a second, and then after three: people hang up by then."""
    async with ServerProcess(demo_url) as server:
        with server.frozen():
            heard = heard_at_once(server.port)
    assert heard == MANY


def heard_at_once(port: int) -> int:
    """How many of those who connect now are connected. Who is refused has an answer as well. Whoever finds no place
    gets one at no later try: the server does nothing meanwhile."""
    answered = select.poll()
    with ExitStack() as open_ones:
        callers, errors = {}, list[int]()
        for _caller in range(MANY):
            caller = open_ones.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
            answered.register(caller, select.POLLOUT)
            callers[caller.fileno()] = caller
        while callers and (found := answered.poll(PATIENCE_MS)):
            for number, _event in found:
                answered.unregister(number)
                errors.append(callers.pop(number).getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    return errors.count(0)
