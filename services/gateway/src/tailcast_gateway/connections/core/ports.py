"""The interfaces between a socket and the object that serves it, its owner.

What never lives here: sockets, loops, frames.
"""

from typing import Protocol

from tailcast_gateway.protocol.close_codes import ClosedBy


class SocketOwner(Protocol):
    """The object that serves a connection.

    Every call comes from the event loop, and none may block. If one raises, `failed`
    is called and the connection is closed with 1011.
    """

    def message_received(self, data: bytes, *, binary: bool) -> None:
        """A whole message; text has been proved to be UTF-8."""

    def pong_received(self, payload: bytes) -> None:
        """The peer answered a ping, or sent a pong of its own accord."""

    def writing_resumed(self) -> None:
        """The buffer has drained below the low-water mark."""

    def last_words(self, code: int) -> bytes:
        """Whole frames to be sent before a close frame with this code.

        Not every client is shown a code: what it must know is said in a message.
        Whoever has nothing to say, or cannot, says nothing: this never raises.
        """
        ...

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """The connection is over: called exactly once, and no other call follows.

        The code is that of the side that closed first, or 1006 when the TCP connection
        ended without a close frame.
        """

    def failed(self, error: Exception) -> None:
        """One of these calls raised; the caller closes the connection."""


class OwnedSocket(Protocol):
    """What an owner may do with its connection, whatever carries it."""

    # Whether it has enough to send: write no more payload.
    paused: bool
    # The peer's address as the socket knows it.
    remote_address: tuple[str, int] | None

    @property
    def buffered_bytes(self) -> int:
        """What was written and the kernel has not taken yet."""
        ...

    def ping(self, payload: bytes = b"") -> None:
        """Ask the peer for a sign of life."""

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye; the connection ends with the peer's answer, or soon."""

    def pause_reading(self) -> None:
        """Hand out no further message until `resume_reading`."""

    def resume_reading(self) -> None:
        """Go on after `pause_reading`."""


class Nobody:
    """The owner before there is one and after the end: it ignores every call."""

    def message_received(self, data: bytes, *, binary: bool) -> None:
        """Not kept."""

    def pong_received(self, payload: bytes) -> None:
        """Not kept."""

    def writing_resumed(self) -> None:
        """Not kept."""

    def last_words(self, code: int) -> bytes:
        """None: it does not know how to say anything."""
        del code
        return b""

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """Not kept."""

    def failed(self, error: Exception) -> None:
        """Not kept."""
