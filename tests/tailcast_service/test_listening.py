"""Sockets that listen, and those that are handed down."""

import os
import socket

import pytest

from tailcast_service.exceptions import ServiceError
from tailcast_service.listening import CannotListen, bind, inherit


def test_a_socket_that_is_handed_down_listens_on() -> None:
    """Who connected before somebody takes it is served then."""
    (held,) = bind("127.0.0.1", 0)
    with held, socket.create_connection(held.getsockname()):
        (taken,) = inherit([os.dup(held.fileno())])
        with taken:
            assert not taken.getblocking()
            taken.setblocking(True)
            taken.accept()[0].close()


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
