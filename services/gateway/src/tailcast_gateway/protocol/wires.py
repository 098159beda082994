"""Wires: encode a connection's messages, as JSON or MessagePack, plain or deflated.

Pure. A wire turns a message into one WebSocket frame. The frame depends only on the
message, so that the same bytes serve every connection of that wire. Stored records are
JSON already, so JSON frames have their bytes unchanged. A client that asks for shorter
or longer messages than usual has a wire with these limits.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol
from weakref import WeakValueDictionary

import msgpack
import msgspec

from tailcast_gateway.protocol.frames import (
    binary_frame,
    compressed,
    frame_header,
    text_frame,
)
from tailcast_gateway.protocol.limits import USUAL, Limits, limits_of


JSON_SUBPROTOCOL: Final = "tailcast.v1.json"
MSGPACK_SUBPROTOCOL: Final = "tailcast.v1.msgpack"
SUBPROTOCOLS: Final = (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL)

# A payload below this size is not compressed: that would save almost nothing.
MIN_DEFLATED_BYTES = 256
# How many wires with unusual limits a replica has at the same time; frames are made for
# each of them.
MAX_WIRES = 64
# The end of a stream of deflated blocks after a flush; by RFC 7692 section 7.2.1 the
# sender removes it.
_FLUSHED_END = b"\x00\x00\xff\xff"
# This level has most of the gain of higher ones, at a third of their cost.
_DEFLATE_LEVEL = 3

Fields = Mapping[str, object]

_encode_json = msgspec.json.encode
_decode_json = msgspec.json.Decoder().decode


def _as_packed(value: object) -> object:
    """The replacement for a value that MessagePack cannot hold.

    A whole number beyond 64 bits becomes the text of its digits; JSON text is decoded.
    """
    if isinstance(value, int):
        return str(value)
    if isinstance(value, msgspec.Raw):
        return _decode_json(value)
    raise TypeError(f"{type(value).__name__} cannot be packed")


_pack = partial(msgpack.packb, default=_as_packed)
_new_packer = partial(msgpack.Packer, autoreset=False, default=_as_packed)


class Wire(Protocol):
    """One way to encode messages; equal wires are the same object."""

    # Whether messages are binary, also those from the client.
    is_binary: bool
    # The limits of its messages.
    limits: Limits
    # How many bytes a message has besides its fields and items.
    overhead_bytes: int

    def bounded(self, limits: Limits) -> "Wire":
        """The same wire with other limits."""
        ...

    def json_of(self, data: bytes) -> bytes:
        """A client's message as JSON; b"" if it cannot be decoded."""
        ...

    def message(self, fields: Fields) -> bytes:
        """A message as one frame, with its fields in this order."""
        ...

    def start(self, fields: Fields) -> "Opening":
        """The beginning of a message whose `data` is stored records."""
        ...

    def items(self, records: Sequence[bytes]) -> Sequence[bytes]:
        """Stored records, encoded as in messages: their length there is known."""
        ...

    def size_of(self, value: object) -> int:
        """The length of a value in a message, bytes."""
        ...

    def with_records(
        self, start: "Opening", items: Sequence[bytes], fields: Fields
    ) -> bytes:
        """A frame whose `data` is a list of `items`; `fields` (one or more) follow."""
        ...

    def with_record(self, start: "Opening", item: bytes, fields: Fields) -> bytes:
        """A frame whose `data` is one of `items`; `fields` (one or more) follow it."""
        ...


class Opening:
    """The beginning of messages, encoded once for all that begin in this way."""

    __slots__ = ("count", "encoded")

    def __init__(self, encoded: bytes, count: int) -> None:
        # The bytes before the value of `data`.
        self.encoded = encoded
        # How many fields come before `data`.
        self.count = count


class JsonWire:
    """JSON in text frames."""

    is_binary = False
    overhead_bytes = 0

    def __init__(self, limits: Limits = USUAL) -> None:
        self.limits = limits

    def bounded(self, limits: Limits) -> Wire:
        return type(self)(limits)

    def json_of(self, data: bytes) -> bytes:
        return data

    def message(self, fields: Fields) -> bytes:
        return self._frame(_encode_json(fields))

    def start(self, fields: Fields) -> Opening:
        return Opening(_encode_json(fields)[:-1] + b',"data":', len(fields))

    def items(self, records: Sequence[bytes]) -> Sequence[bytes]:
        return records

    def size_of(self, value: object) -> int:
        return len(_encode_json(value))

    def with_records(
        self, start: Opening, items: Sequence[bytes], fields: Fields
    ) -> bytes:
        return self._frame(
            start.encoded, b"[", b",".join(items), b"],", _encode_json(fields)[1:]
        )

    def with_record(self, start: Opening, item: bytes, fields: Fields) -> bytes:
        return self._frame(start.encoded, item, b",", _encode_json(fields)[1:])

    def _frame(self, *parts: bytes) -> bytes:
        # This way the records are copied once, not twice.
        return b"".join((frame_header(sum(map(len, parts))), *parts))


class MsgpackWire:
    """The same messages as MessagePack in binary frames."""

    is_binary = True
    overhead_bytes = 0

    def __init__(self, limits: Limits = USUAL) -> None:
        self.limits = limits

    def bounded(self, limits: Limits) -> Wire:
        return type(self)(limits)

    def json_of(self, data: bytes) -> bytes:
        try:
            return _encode_json(msgpack.unpackb(data))
        except (ValueError, TypeError, RecursionError):
            # (msgpack raises ValueErrors for malformed data.)
            return b""

    def message(self, fields: Fields) -> bytes:
        return self._frame(_pack(fields))

    def start(self, fields: Fields) -> Opening:
        return Opening(_packed_pairs(fields) + _pack("data"), len(fields))

    def items(self, records: Sequence[bytes]) -> Sequence[bytes]:
        return [_pack(_decode_json(record)) for record in records]

    def size_of(self, value: object) -> int:
        return len(_pack(value))

    def with_records(
        self, start: Opening, items: Sequence[bytes], fields: Fields
    ) -> bytes:
        packer = _new_packer()
        packer.pack_map_header(start.count + 1 + len(fields))
        header = packer.bytes()
        packer.reset()
        packer.pack_array_header(len(items))
        return self._frame(
            b"".join(
                (header, start.encoded, packer.bytes(), *items, _packed_pairs(fields))
            )
        )

    def with_record(self, start: Opening, item: bytes, fields: Fields) -> bytes:
        packer = _new_packer()
        packer.pack_map_header(start.count + 1 + len(fields))
        return self._frame(
            packer.bytes() + start.encoded + item + _packed_pairs(fields)
        )

    def _frame(self, payload: bytes) -> bytes:
        return binary_frame(payload)


class DeflatedJsonWire(JsonWire):
    """JSON; each frame is compressed by itself, so that it can be shared."""

    def _frame(self, *parts: bytes) -> bytes:
        return _deflated(text_frame, b"".join(parts))


class DeflatedMsgpackWire(MsgpackWire):
    """MessagePack; each frame is compressed by itself."""

    def _frame(self, payload: bytes) -> bytes:
        return _deflated(binary_frame, payload)


def _deflated(frame: Callable[[bytes], bytes], payload: bytes) -> bytes:
    if len(payload) < MIN_DEFLATED_BYTES:
        return frame(payload)
    deflate = zlib.compressobj(_DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return compressed(frame(body.removesuffix(_FLUSHED_END)))


def _packed_pairs(fields: Fields) -> bytes:
    return b"".join(_pack(key) + _pack(value) for key, value in fields.items())


JSON: Final[Wire] = JsonWire()
MSGPACK: Final[Wire] = MsgpackWire()
_DEFLATED_JSON: Final[Wire] = DeflatedJsonWire()
_DEFLATED_MSGPACK: Final[Wire] = DeflatedMsgpackWire()


def wire_of(subprotocol: str | None, *, is_deflated: bool) -> Wire:
    """The wire of a connection, as its handshake has agreed."""
    if subprotocol == MSGPACK_SUBPROTOCOL:
        return _DEFLATED_MSGPACK if is_deflated else MSGPACK
    return _DEFLATED_JSON if is_deflated else JSON


class Wires:
    """The wires of a replica that have unusual limits, each made once."""

    def __init__(self, *, max_wires: int = MAX_WIRES) -> None:
        # The most wires that may be in use at the same time.
        self.max_wires = max_wires
        # The wires that connections use now.
        self._known: WeakValueDictionary[tuple[type[Wire], int], Wire] = (
            WeakValueDictionary()
        )

    @property
    def is_full(self) -> bool:
        """Whether one more wire would be too many."""
        return len(self._known) >= self.max_wires

    def bounded(self, wire: Wire, max_message: int) -> Wire | None:
        """This wire with another message limit; None if too many limits are in use."""
        key = (type(wire), max_message)
        known = self._known.get(key)
        if known is None and not self.is_full:
            known = self._known[key] = wire.bounded(limits_of(max_message))
        return known
