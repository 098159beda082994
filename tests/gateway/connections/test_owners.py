"""What follows where an owner fails."""

from collections.abc import Callable

from tailcast_gateway.connections.core.owners import NO_OWNER, call_owner
from tailcast_gateway.connections.core.ports import Nobody, SocketOwner


class Owner(Nobody):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


class Socket:
    """Keeps how it was closed."""

    def __init__(self) -> None:
        self.owner: SocketOwner = NO_OWNER
        self.closed: list[int] = []

    def close(self, code: int, reason: str = "") -> None:
        self.closed.append(code)


def calling(call: Callable[..., None]) -> tuple[Socket, Owner]:
    """A socket that has called its owner, once."""
    socket, owner = Socket(), Owner()
    socket.owner = owner
    call_owner(socket, call, b"data", binary=True)
    return socket, owner


def test_an_owner_gets_what_it_is_called_with() -> None:
    """The socket stays open."""
    got: list[tuple[bytes, bool]] = []

    def take(data: bytes, *, binary: bool) -> None:
        got.append((data, binary))

    socket, owner = calling(take)
    assert got == [(b"data", True)]
    assert (socket.closed, owner.failures) == ([], [])


def test_a_failure_of_an_owner_closes_its_socket_alone() -> None:
    """The owner is told of it, and the peer that it was the gateway's."""
    error = ValueError("mine")

    def fail(data: bytes, *, binary: bool) -> None:
        raise error

    socket, owner = calling(fail)
    assert (socket.closed, owner.failures) == ([1011], [error])
