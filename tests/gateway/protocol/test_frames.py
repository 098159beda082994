"""The frames that the gateway writes, read back by the websockets library."""

import pytest
from hypothesis import given, strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from tailcast_gateway.protocol import frames


def parsed(data: bytes) -> Frame:
    """The one frame in `data`, by the library's reading."""
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as stop:
        next(parser)
    assert not reader.buffer, "bytes after the frame"
    frame = stop.value.value
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_data_frames_at_every_header_size(length: int) -> None:
    """A payload of any length is one final text or binary frame."""
    payload = b"x" * length
    text = parsed(frames.text_frame(payload))
    assert (text.opcode, bytes(text.data), text.fin) == (Opcode.TEXT, payload, True)
    binary = parsed(frames.binary_frame(payload))
    assert (binary.opcode, bytes(binary.data)) == (Opcode.BINARY, payload)


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_a_header_alone_makes_the_same_frame(length: int) -> None:
    """Header and payload joined by the caller are the whole frame."""
    payload = b"y" * length
    assert frames.frame_header(length) + payload == frames.text_frame(payload)


@pytest.mark.parametrize("payload", [b"", b"42", b"z" * 125])
def test_ping(payload: bytes) -> None:
    """A ping carries its payload."""
    frame = parsed(frames.ping_frame(payload))
    assert (frame.opcode, bytes(frame.data)) == (Opcode.PING, payload)


def test_ping_too_long() -> None:
    """A ping of more than 125 bytes is refused."""
    with pytest.raises(ValueError, match="125"):
        frames.ping_frame(b"z" * 126)


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1012, 1014, 3000, 4000, 4999])
def test_close(code: int) -> None:
    """A close frame carries its code and its reason."""
    frame = parsed(frames.close_frame(code, "so it is"))
    assert frame.opcode is Opcode.CLOSE
    assert Close.parse(frame.data) == Close(code, "so it is")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000])
def test_close_codes_that_no_frame_may_carry(code: int) -> None:
    """A code that RFC 6455 keeps for itself is refused."""
    with pytest.raises(ValueError, match=str(code)):
        frames.close_frame(code)


@pytest.mark.parametrize(
    ("reason", "sent"),
    [("r" * 123, "r" * 123), ("r" * 124, "r" * 123), ("r" * 122 + "é!", "r" * 122)],
)
def test_a_reason_at_the_limit(reason: str, sent: str) -> None:
    """A reason is cut to 123 bytes, and never through a character."""
    assert Close.parse(parsed(frames.close_frame(1000, reason)).data).reason == sent


@given(st.text(max_size=200))
def test_a_reason_is_cut_between_characters(reason: str) -> None:
    """Whatever the reason, what is sent is its longest whole beginning that fits."""
    frame = parsed(frames.close_frame(1000, reason))
    sent = Close.parse(frame.data).reason
    assert reason.startswith(sent)
    if sent != reason:
        following = reason[len(sent)]
        assert len((sent + following).encode()) > frames.MAX_REASON_BYTES


def test_a_reason_with_a_lone_surrogate_is_sent() -> None:
    """What has no UTF-8 becomes a question mark; closing does not fail over it."""
    frame = parsed(frames.close_frame(1011, "\ud800 odd"))
    assert Close.parse(frame.data).reason == "? odd"
