"""Ports of 127.0.0.1 for servers that are told theirs before they start, as Kannel and our own process are.

A port that was only found free can be given to another program, or to any connection that goes out, before the server
gets to it. So each is held by a socket that is bound and never listens. Linux gives such a port to nobody who asks for
any port, yet lets one who asks for this very port listen there, when both sockets have SO_REUSEADDR, as asyncio's and
Kannel's have.
"""

import socket
from collections import deque

HELD = 200  # a server that many ports ago has stopped; a process may have 1,024 files open

_holders: deque[socket.socket] = deque()


def free_port() -> int:
    """A port that is only ours for this process's next 200 ones."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _holders.append(holder)
    if len(_holders) > HELD:
        _holders.popleft().close()
    return int(holder.getsockname()[1])
