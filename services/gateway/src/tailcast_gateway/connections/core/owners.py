"""How any socket calls its owner, and what it says of an end that nobody explained.

Pure: no sockets, no loop, no frames.
"""

from collections.abc import Callable
from typing import Final, ParamSpec, Protocol

from tailcast_gateway.connections.core.ports import Nobody, SocketOwner
from tailcast_gateway.protocol import close_codes
from tailcast_gateway.protocol.close_codes import ClosedBy


# The owner of a socket before its start and after its end.
NO_OWNER: Final = Nobody()
# The end of a connection that was lost.
LOST_END: Final = (close_codes.LOST.number, close_codes.LOST.reason, ClosedBy.NOBODY)

_FAILED: Final = (
    close_codes.INTERNAL_ERROR.number,
    close_codes.INTERNAL_ERROR.reason,
)
_P = ParamSpec("_P")


class Owned(Protocol):
    """A socket that has an owner."""

    owner: SocketOwner

    def close(self, code: int, reason: str = "") -> None:
        """End the connection."""


def call_owner(
    socket: Owned, call: Callable[_P, None], /, *args: _P.args, **kwargs: _P.kwargs
) -> None:
    """Call a method of the owner; a failure in it closes this connection alone."""
    try:
        call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # it is this connection's failure
        socket.owner.failed(error)
        socket.close(*_FAILED)
