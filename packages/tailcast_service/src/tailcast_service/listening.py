"""Sockets that listen: bound here, or by whoever started this process.

If the one who starts a service holds its sockets, nobody is refused while the service
is started anew: whoever connects waits until it accepts.
"""

import errno
import socket
from collections.abc import Iterable

from tailcast_service.exceptions import ServiceError


__all__ = ["BACKLOG", "LOCALHOST", "CannotListen", "bind", "inherit"]

LOCALHOST = "localhost"
LOOPBACKS = ("127.0.0.1", "::1")
# How many may have connected and wait to be accepted: more than ever come at once, and
# no more than the kernel allows (net.core.somaxconn). Those beyond come a second later,
# when they try again.
BACKLOG = 65_535
# What somebody has to change; all else of ::1 means that the machine has no IPv6.
_NAMED = (errno.EADDRINUSE, errno.EACCES)


class CannotListen(ServiceError):
    """An address is in use, is not of this machine, or needs privileges."""

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        super().__init__(
            f"cannot listen on {host}:{port} ({cause.strerror}): choose another"
            " with --port or TAILCAST_PORT"
        )
        # What the system said.
        self.cause = cause


def bind(host: str, port: int) -> list[socket.socket]:
    """Listen at an address; `localhost` is both 127.0.0.1 and ::1.

    Raises:
        CannotListen: at one of them.
    """
    bound: list[socket.socket] = []
    for one in LOOPBACKS if host == LOCALHOST else (host,):
        try:
            bound.append(_listening(one, port))
        except OSError as error:
            if bound and error.errno not in _NAMED:
                # The machine has no IPv6, or it is switched off.
                continue
            for other in bound:
                other.close()
            raise CannotListen(one, port, error) from error
    return bound


def inherit(descriptors: Iterable[int]) -> list[socket.socket]:
    """The sockets that whoever started this process listens at.

    Raises:
        ServiceError: one of these is none.
    """
    found: list[socket.socket] = []
    for descriptor in descriptors:
        try:
            one = socket.socket(fileno=descriptor)
        except OSError as error:
            message = f"TAILCAST_LISTEN_FDS: {descriptor}: {error.strerror}"
            raise ServiceError(message) from error
        one.setblocking(False)
        found.append(one)
    return found


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    one = socket.socket(family, kind, protocol)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    one.setblocking(False)
    return one
