"""Hundreds who connect in the same moment, while the server does something else."""

import select
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.world.server import ServerProcess

MANY = 600
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
    """How many of those who connect now are connected. Who is refused has an answer as well."""
    answered = select.poll()
    with ExitStack() as open_ones:
        callers = {}
        for _caller in range(MANY):
            caller = open_ones.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
            answered.register(caller, select.POLLOUT)
            callers[caller.fileno()] = caller
        errors = [callers[found].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for found, _event in answered.poll(0)]
    return errors.count(0)
