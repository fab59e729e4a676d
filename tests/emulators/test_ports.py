"""A port for a server that starts later stays its own until then, whatever else asks for one."""

import socket

from tests.world.ports import HELD, free_port


def test_nobody_else_is_given_a_port_that_is_ours() -> None:
    ours = {free_port() for _ in range(HELD)}
    assert len(ours) == HELD
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for _ in range(10 * HELD):
            with socket.create_server(("127.0.0.1", 0)) as other:
                assert other.getsockname()[1] not in ours
            with socket.create_connection(listening.getsockname()) as going_out:
                assert going_out.getsockname()[1] not in ours
            listening.accept()[0].close()


def test_a_server_listens_there_and_again_after_it_stopped() -> None:
    address = ("127.0.0.1", free_port())
    for _start in range(2):
        with socket.create_server(address) as listening, socket.create_connection(address):
            listening.accept()[0].close()
