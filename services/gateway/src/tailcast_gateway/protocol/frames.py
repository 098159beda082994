"""WebSocket frames as a server writes them: final, unmasked, whole.

Pure: it makes bytes from bytes, after RFC 6455 section 5. The websockets library reads
frames. A frame made here may be written to any number of connections.
"""

import struct


# A control frame's payload is at most 125 bytes (RFC 6455 section 5.5) ...
MAX_CONTROL_BYTES = 125
# ... and a close frame spends two of them on its code.
MAX_REASON_BYTES = MAX_CONTROL_BYTES - 2

_FINAL = 0x80
# Set in frames whose payload is compressed (RFC 7692 section 6).
_COMPRESSED = 0x40
_TEXT = _FINAL | 0x1
_BINARY = _FINAL | 0x2
_CLOSE = _FINAL | 0x8
_PING = _FINAL | 0x9

# The second byte holds a payload length up to 125; 126 and 127 announce a length of two
# and of eight bytes (RFC 6455 section 5.2).
_LONGEST_IN_TWO_BYTES = 0xFFFF
_pack_medium = struct.Struct("!BBH").pack
_pack_long = struct.Struct("!BBQ").pack

# Codes that RFC 6455 section 7.4.1 reserves for reports: no frame may have them.
_REPORTED_ONLY = frozenset({1004, 1005, 1006, 1015})
_REGISTERED_CODES = range(1000, 1015)
_LIBRARY_AND_PRIVATE_CODES = range(3000, 5000)


def frame_header(length: int) -> bytes:
    """The header of a text frame whose payload has `length` bytes.

    For callers that join header and payload parts themselves, in one copy.
    """
    return _header(_TEXT, length)


def text_frame(payload: bytes) -> bytes:
    """A text frame; the caller must pass UTF-8."""
    return _header(_TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """A binary frame."""
    return _header(_BINARY, len(payload)) + payload


def compressed(frame: bytes) -> bytes:
    """A data frame, its payload marked as compressed."""
    return bytes((frame[0] | _COMPRESSED,)) + frame[1:]


def ping_frame(payload: bytes = b"") -> bytes:
    """A ping frame; ValueError if the payload is longer than 125 bytes."""
    if len(payload) > MAX_CONTROL_BYTES:
        raise ValueError(f"a ping carries at most {MAX_CONTROL_BYTES} bytes")
    return bytes((_PING, len(payload))) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut so that it fits.

    Raises ValueError if no frame may have this code (RFC 6455 section 7.4).
    """
    if not _may_be_sent(code):
        raise ValueError(f"{code} is not a close code that can be sent")
    payload = code.to_bytes(2, "big") + _cut(reason)
    return bytes((_CLOSE, len(payload))) + payload


def _header(first_byte: int, length: int) -> bytes:
    if length <= MAX_CONTROL_BYTES:
        return bytes((first_byte, length))
    if length <= _LONGEST_IN_TWO_BYTES:
        return _pack_medium(first_byte, 126, length)
    return _pack_long(first_byte, 127, length)


def _may_be_sent(code: int) -> bool:
    """Whether a close frame may carry the code (RFC 6455 section 7.4, IANA)."""
    if code in _REPORTED_ONLY:
        return False
    return code in _REGISTERED_CODES or code in _LIBRARY_AND_PRIVATE_CODES


def _cut(reason: str) -> bytes:
    """The reason in UTF-8, without the characters that do not fit whole."""
    encoded = reason.encode("utf-8", "replace")
    if len(encoded) <= MAX_REASON_BYTES:
        return encoded
    return encoded[:MAX_REASON_BYTES].decode("utf-8", "ignore").encode()
