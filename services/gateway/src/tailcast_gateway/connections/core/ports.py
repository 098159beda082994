"""The interfaces between a socket and the object that serves it, its owner.

Pure: no sockets, no loop, no frames.
"""

from typing import Protocol

from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.scheduling.core.fair_queue import Account


class SocketOwner(Protocol):
    """The object that serves a connection.

    Every call comes from the event loop, and none may block. If one raises, `failed`
    is called and the connection is closed with 1011.
    """

    def message_received(self, data: bytes, *, binary: bool) -> None:
        """Handle a whole message; text is valid UTF-8."""

    def pong_received(self, payload: bytes) -> None:
        """Handle a pong: the answer to a ping, or one without a ping."""

    def control_frames_limited(self) -> None:
        """Note that it sends more pings and pongs than it may."""

    def writing_resumed(self) -> None:
        """Go on writing: the buffer is below the low-water mark."""

    def last_words(self, code: int) -> bytes:
        """Return whole frames to be sent before a close frame with this code.

        Some clients never see the code, so all that they must know is in a message.
        It may return nothing, and it never raises.
        """
        ...

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """Handle the end of the connection: the last call, made exactly once.

        The code is that of the side that closed first, or 1006 if the TCP connection
        ended without a close frame.
        """

    def failed(self, error: Exception) -> None:
        """Note that one of these calls raised; the caller closes the connection."""


class OwnedSocket(Protocol):
    """What an owner may do with its connection, a WebSocket or an event stream."""

    # Whether its buffer is full: write no payload then.
    paused: bool
    # The peer's address as the socket knows it.
    remote_address: tuple[str, int] | None
    # What pays for all that is done for the client.
    account: Account

    @property
    def buffered_bytes(self) -> int:
        """How many written bytes the kernel has not accepted yet."""
        ...

    def ping(self, payload: bytes = b"") -> None:
        """Ask the peer for a sign of life."""

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection; it ends with the peer's answer, or soon."""

    def pause_reading(self) -> None:
        """Call the owner with no further message until `resume_reading`."""

    def resume_reading(self) -> None:
        """Go on reading after `pause_reading`."""


class NewSocket(OwnedSocket, Protocol):
    """A WebSocket that has no owner yet."""

    @property
    def is_deflated(self) -> bool:
        """Whether the handshake agreed that data frames may be compressed."""
        ...

    def start(self, owner: SocketOwner) -> None:
        """Attach the owner; it gets messages from the next turn of the loop on."""


class Nobody:
    """The owner before there is one and after the end: it ignores every call."""

    def message_received(self, data: bytes, *, binary: bool) -> None:
        """Do nothing."""

    def pong_received(self, payload: bytes) -> None:
        """Do nothing."""

    def control_frames_limited(self) -> None:
        """Do nothing."""

    def writing_resumed(self) -> None:
        """Do nothing."""

    def last_words(self, code: int) -> bytes:
        """Return nothing."""
        del code
        return b""

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """Do nothing."""

    def failed(self, error: Exception) -> None:
        """Do nothing."""
