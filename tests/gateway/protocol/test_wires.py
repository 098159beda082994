import json
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from tailcast_gateway.protocol.wires import (
    JSON,
    MIN_DEFLATED_BYTES,
    MSGPACK,
    MSGPACK_SUBPROTOCOL,
    Wire,
    Wires,
    wire_of,
)


DEFLATED_JSON = wire_of(None, is_deflated=True)
DEFLATED_MSGPACK = wire_of(MSGPACK_SUBPROTOCOL, is_deflated=True)
WIRES = [JSON, MSGPACK, DEFLATED_JSON, DEFLATED_MSGPACK]

# What both encodings hold. Few at a time: more of the same is only drawn for longer.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)
RECORDS = st.dictionaries(st.text(), VALUES, max_size=3)


def frame_of(data: bytes) -> Frame:
    """The one frame that the bytes are, as the websockets library reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parser = Frame.parse(
        reader.read_exact,
        mask=False,
        # As a client that keeps no context has it.
        extensions=[PerMessageDeflate(True, True, 15, 15)],  # its own order
    )
    with pytest.raises(StopIteration) as done:
        next(parser)
    frame: Frame = done.value.value
    return frame


def said(wire: Wire, data: bytes) -> Any:
    """What a frame of a wire says."""
    frame = frame_of(data)
    assert frame.opcode is (Opcode.BINARY if wire.is_binary else Opcode.TEXT)
    payload = bytes(frame.data)
    return msgpack.unpackb(payload) if wire.is_binary else json.loads(payload)


# (To draw an example is what costs: each is tried on all wires.)
@given(fields=st.dictionaries(st.text(), VALUES, max_size=5))
def test_a_message_says_the_same_on_every_wire(fields: dict[str, Any]) -> None:
    """Fields in, fields out."""
    for wire in WIRES:
        assert said(wire, wire.message(fields)) == fields


@given(records=st.lists(RECORDS, max_size=3))
def test_records_arrive_as_they_were_stored(records: list[dict[str, Any]]) -> None:
    """`data` stands between what is the same for all and what is not."""
    stored = [json.dumps(record, ensure_ascii=False).encode() for record in records]
    for wire in WIRES:
        check_records(wire, records, stored)


def check_records(
    wire: Wire, records: list[dict[str, Any]], stored: list[bytes]
) -> None:
    """What a wire makes of them says the same."""
    start = wire.start({"type": "telemetry", "sessionId": "ü"})
    after = {"cursor": "1-1-00000000", "replayed": True}
    found = said(wire, wire.with_records(start, wire.items(stored), after))
    assert found == {
        "type": "telemetry", "sessionId": "ü", "data": records, **after,
    }  # fmt: skip  # one glance
    for record, text in zip(records, wire.items(stored), strict=True):
        found = said(wire, wire.with_record(start, text, {"id": "x"}))
        assert found == {
            "type": "telemetry", "sessionId": "ü", "data": record, "id": "x",
        }  # fmt: skip  # one glance


@given(value=VALUES)
def test_sizes_are_what_messages_have(value: Any) -> None:
    """Of a value, and of a record as it stands in a message."""
    for wire in (JSON, MSGPACK):
        with_it, without = wire.message({"a": value}), wire.message({"a": None})
        difference = len(payload_of(with_it)) - len(payload_of(without))
        assert wire.size_of(value) - wire.size_of(None) == difference


def payload_of(data: bytes) -> bytes:
    """What a frame carries."""
    return bytes(frame_of(data).data)


@pytest.mark.parametrize("wire", WIRES)
def test_wires_with_limits_of_their_own(wire: Wire) -> None:
    """Each is made once, is written likewise, and is forgotten with who had it."""
    wires = Wires(max_wires=2)
    one = wires.bounded(wire, 5_000)
    assert one is not None
    assert one is wires.bounded(wire, 5_000)
    assert (one.limits, wire.limits) == ((5_000, 5_000), (32_000, 983_040))
    assert one.message({"a": 1}) == wire.message({"a": 1})
    other = wires.bounded(wire, 6_000)
    assert wires.is_full
    assert wires.bounded(wire, 7_000) is None
    del other
    assert wires.bounded(wire, 7_000) is not None


def test_stored_bytes_are_not_touched_in_json() -> None:
    """Number texts and spaces are the producer's."""
    start = JSON.start({"type": "telemetry"})
    frame = JSON.with_records(start, [b'{ "a":1.10e2}'], {"cursor": "c"})
    assert b'"data":[{ "a":1.10e2}],"cursor"' in frame


BIG = 340_282_366_920_938_463_463_374_607_431_768_211_456


@pytest.mark.parametrize("wire", WIRES)
def test_whole_numbers_beyond_64_bits(wire: Wire) -> None:
    """Numbers in JSON; MessagePack has none such: the text of their digits."""
    record = b'{"n":%d,"in":[{"m":-%d}],"x":18446744073709551615}' % (BIG, BIG)
    n, m = (str(BIG), f"-{BIG}") if wire.is_binary else (BIG, -BIG)
    expected = {"n": n, "in": [{"m": m}], "x": 2**64 - 1}
    start = wire.start({"type": "telemetry"})
    items = wire.items([record, b"{}"])
    found = said(wire, wire.with_records(start, items, {"cursor": "c"}))
    assert found["data"] == [expected, {}]
    found = said(wire, wire.with_record(start, items[0], {"cursor": "c"}))
    assert found["data"] == expected


@pytest.mark.parametrize("wire", WIRES)
def test_stored_json_within_a_message(wire: Wire) -> None:
    """As it was written, where that can be; what is no value at all is refused."""
    message = {"type": "snapshot", "data": msgspec.Raw(b'{"a":[1.10, {"n":%d}]}' % BIG)}
    n = str(BIG) if wire.is_binary else BIG
    frame = wire.message(message)
    assert said(wire, frame) == {"type": "snapshot", "data": {"a": [1.1, {"n": n}]}}
    if wire is JSON:
        assert b'"data":{"a":[1.10, {' in frame
    with pytest.raises(TypeError):
        wire.message({"type": object()})


def test_only_what_gains_is_deflated() -> None:
    """A short frame goes as it is; a long one is marked and shorter."""
    short = {"type": "heartbeat"}
    assert DEFLATED_JSON.message(short) == JSON.message(short)
    long = {"text": "abc" * MIN_DEFLATED_BYTES}
    assert len(DEFLATED_JSON.message(long)) < len(JSON.message(long)) // 4
    assert DEFLATED_JSON.message(long)[0] & 0x40


def test_messages_of_peers() -> None:
    """MessagePack is read as the JSON that it says; what is none is nothing."""
    assert JSON.json_of(b"{}") == b"{}"
    packed = msgpack.packb({"type": "heartbeat", "everyMs": 5})
    assert json.loads(MSGPACK.json_of(packed)) == {"type": "heartbeat", "everyMs": 5}
    timestamp = msgpack.packb(msgpack.Timestamp(1, 2))
    for data in (
        b"",
        b"\xc1",
        packed[:-1],
        packed + packed,
        b"\x91" * 5_000,
        timestamp,
    ):
        assert MSGPACK.json_of(data) == b""


@given(st.binary())
def test_no_peer_crashes_a_wire(data: bytes) -> None:
    """Whatever it sends."""
    assert isinstance(MSGPACK.json_of(data), bytes)
