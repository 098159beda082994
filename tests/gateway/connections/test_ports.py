"""The owner that is nobody."""

from tailcast_gateway.connections.core.ports import Nobody, SocketOwner
from tailcast_gateway.protocol.close_codes import ClosedBy


def test_nobody_takes_everything_in_silence() -> None:
    """Whatever is told before there is an owner, or after it, has no effect."""
    owner: SocketOwner = Nobody()
    before = repr(owner)
    owner.message_received(b"lost", binary=False)
    owner.pong_received(b"")
    assert owner.last_words(1011) == b""
    owner.control_frames_limited()
    owner.writing_resumed()
    owner.socket_closed(1006, "", ClosedBy.NOBODY)
    assert repr(owner) == before
