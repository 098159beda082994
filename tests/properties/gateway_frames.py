"""What was written to a socket, as the frames that it is."""

from collections.abc import Iterator


# How final frames of either kind begin.
TEXT, BINARY = 0x81, 0x82


def payloads(frames: bytes) -> list[bytes]:
    """The payloads of whole, unmasked text frames."""
    found = list(frames_of(frames))
    assert all(opcode == TEXT for opcode, _ in found)
    return [payload for _, payload in found]


def frames_of(frames: bytes) -> Iterator[tuple[int, bytes]]:
    """The first bytes and the payloads of whole, unmasked frames."""
    at = 0
    while at < len(frames):
        opcode, length = frames[at], frames[at + 1]
        at += 2
        if length == 126:
            length = int.from_bytes(frames[at : at + 2], "big")
            at += 2
        elif length == 127:
            length = int.from_bytes(frames[at : at + 8], "big")
            at += 8
        yield opcode, frames[at : at + length]
        at += length
