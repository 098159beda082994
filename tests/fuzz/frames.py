"""WebSocket frames as a client that keeps no rules writes them, and how it reads."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_MASK = b"\x37\xfa\x21\x3d"
_FINAL, _COMPRESSED, _MASKED = 0x80, 0x40, 0x80


class Frame(NamedTuple):
    """One frame, right or wrong."""

    opcode: int
    payload: bytes = b""
    is_final: bool = True
    # The three reserved bits, as a number from 0 to 7.
    reserved: int = 0
    is_masked: bool = True
    # What the header says, None for the truth.
    length: int | None = None

    def encode(self) -> bytes:
        """The frame's bytes."""
        first = (self.is_final << 7) | (self.reserved << 4) | self.opcode
        length = len(self.payload) if self.length is None else self.length
        mask_bit = _MASKED if self.is_masked else 0
        if length < 126:
            header = bytes((first, mask_bit | length))
        elif length < 2**16:
            header = struct.pack("!BBH", first, mask_bit | 126, length)
        else:
            header = struct.pack("!BBQ", first, mask_bit | 127, length % 2**64)
        if not self.is_masked:
            return header + self.payload
        return header + _MASK + masked(self.payload)


def masked(payload: bytes) -> bytes:
    """A payload under the one mask that we use."""
    size = len(payload)
    key = (_MASK * (size // 4 + 1))[:size]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return number.to_bytes(size, "big")


def deflated(payload: bytes) -> bytes:
    """A payload as permessage-deflate has it."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return body.removesuffix(b"\x00\x00\xff\xff")


def read_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of each whole frame that a server sent, inflated."""
    at = 0
    while at + 2 <= len(data):
        first, length = data[at], data[at + 1]
        at += 2
        if length == 126:
            length = int.from_bytes(data[at : at + 2], "big")
            at += 2
        elif length == 127:
            length = int.from_bytes(data[at : at + 8], "big")
            at += 8
        payload = data[at : at + length]
        at += length
        if at > len(data):
            return
        if first & _COMPRESSED:
            inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            payload = inflate.decompress(payload + b"\x00\x00\xff\xff")
        yield first & 0xF, payload
