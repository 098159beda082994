"""Sockets that listen, and those that are handed down."""

import os
import socket
import struct
import sys
from pathlib import Path

import pytest

from tailcast_service.exceptions import ServiceError
from tailcast_service.listening import BACKLOG, CannotListen, bind, inherit


def test_a_socket_that_is_handed_down_listens_on() -> None:
    """Who connected before somebody takes it is served then."""
    (held,) = bind("127.0.0.1", 0)
    with held, socket.create_connection(held.getsockname()):
        (taken,) = inherit([os.dup(held.fileno())])
        with taken:
            assert not taken.getblocking()
            taken.setblocking(True)
            taken.accept()[0].close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how many may wait")
def test_as_many_may_wait_as_the_kernel_allows() -> None:
    """So that nobody is lost who comes in a crowd."""
    allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())
    (held,) = bind("127.0.0.1", 0)
    with held:
        info = held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    # `tcpi_sacked`, which of a socket that listens is this (tcp(7)).
    (most,) = struct.unpack_from("I", info, 28)
    assert most == min(allowed, BACKLOG)


def test_what_is_no_socket_is_told() -> None:
    """With the setting that names it."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        with pytest.raises(ServiceError, match=f"TAILCAST_LISTEN_FDS: {descriptor}: "):
            inherit([descriptor])
    finally:
        os.close(descriptor)


def test_an_address_that_is_taken_is_told() -> None:
    """With what to change."""
    (held,) = bind("127.0.0.1", 0)
    port = held.getsockname()[1]
    with held, pytest.raises(CannotListen, match="--port or TAILCAST_PORT"):
        bind("localhost", port)
