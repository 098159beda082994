"""What a hostile client sends, as hypothesis strategies: from noise to almost right."""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast
from zlib import crc32

import msgpack
from hypothesis import strategies as st

from tests.fuzz.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    deflated,
)
from tests.integration.gateway_rig import numbered


# Records that hostile clients can have replayed.
OLD_RECORDS = 300


def cursor_after(records: list[dict[str, Any]]) -> str:
    """The cursor after so many records of a session that begins with them."""
    lines = [json.dumps(record, separators=(",", ":")).encode() for record in records]
    offset = sum(len(line) + 1 for line in lines)
    return f"1-{offset}-{crc32(lines[-1]) if lines else 0:08x}"


# Sessions that there are, and names that lead to them or nowhere.
LIVE, OLD = "live", "old"
NAMES = (LIVE, OLD, OLD, "none", "a/b", "*", "\\", "é\ud83d", "!emergencies", "")
CURSORS = (
    *(cursor_after(numbered(0, count)) for count in (0, 1, 100, OLD_RECORDS)),
    "0-0-00000000",
    "1-41-0a1b2c3d",
    "9-9-ffffffff",
    "x",
)

# A small frame that is 20 MB.
BOMB = Frame(TEXT, deflated(b" " * 20_000_000), reserved=4).encode()

Wire: TypeAlias = Literal["json", "msgpack"]
End: TypeAlias = Literal["close", "half", "reset", "leave"]


class Conversation(NamedTuple):
    """One connection of a hostile client."""

    # Instead of a handshake.
    noise: bytes
    # What the handshake offers.
    subprotocols: str
    offers_deflate: bool
    query: str
    # Bytes to send, each at once.
    pieces: list[bytes]
    # How it ends.
    end: End
    # Whether it reads before its end.
    reads: bool


def sparse(
    kind: str, optional: dict[str, st.SearchStrategy[Any]], **fields: Any
) -> Any:
    """Messages of a type with some of its optional fields."""
    return st.sets(st.sampled_from(sorted(optional)), max_size=4).flatmap(
        lambda some: st.fixed_dictionaries(
            {
                "type": st.just(kind),
                **fields,
                **{name: optional[name] for name in sorted(some)},
            }
        )
    )


names = st.sampled_from(NAMES)
globs = st.lists(st.sampled_from((LIVE, OLD, "*", "o*", "?", "none")), min_size=1)
cursors = st.sampled_from(CURSORS)
ids = st.integers() | st.text(max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
metrics = st.sampled_from(("phi", "step", "telemetry.phi", "a.b.c", "x" * 1_024))

conditions: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.fixed_dictionaries({
            "metric": metrics,
            "op": st.sampled_from(("eq", "neq")),
            "value": scalars,
        }),
        st.fixed_dictionaries({
            "metric": metrics,
            "op": st.sampled_from(("gt", "gte", "lt", "lte")),
            "value": st.integers() | st.floats(allow_nan=False, allow_infinity=False)
            | st.sampled_from(("Infinity", "2025", "")),
        }),
        st.fixed_dictionaries({
            "metric": metrics,
            "op": st.sampled_from(("in", "nin")),
            "value": st.lists(scalars, min_size=1, max_size=4),
        }),
        st.fixed_dictionaries({
            "metric": metrics, "op": st.sampled_from(("exists", "finite")),
        }),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)  # fmt: skip  # the alternatives read better in one place

steps = st.sampled_from((-1, 0, 0.5, 150, 299, 300, 2**64, -1e308)) | st.floats()
starts = st.one_of(
    st.sampled_from(("now", "start", "resume")),
    st.fixed_dictionaries({"cursor": cursors}),
    st.fixed_dictionaries({"last": st.sampled_from((0, 1, 2, 150, 299, 300, 2**53))}),
    st.fixed_dictionaries({"step": steps}),
    st.fixed_dictionaries({"time": st.datetimes().map(str) | st.just("now")}),
)

# What is right, or would be in another order.
messages: st.SearchStrategy[Any] = st.one_of(
    sparse(
        "subscribe",
        {
            "id": ids,
            "strict": st.just(True),
            "sessionId": names,
            "sessionIds": globs,
            "add": st.booleans(),
            "from": starts,
            "cursors": st.dictionaries(names, st.none() | cursors, max_size=3),
            "at": st.integers(0, 2**53) | st.text(max_size=65),
            "where": conditions,
            "metrics": st.lists(metrics, min_size=1, max_size=3),
            "index": st.just(True),
            "maxRate": st.sampled_from((0.01, 1, 50.5, 1_000)),
            "maxPoints": st.sampled_from((2, 3, 50, 10_000)),
            "snapshot": st.just(True),
            "emergencies": st.integers(-1, 101),
        },
    ),
    sparse("subscribe", {"from": starts, "where": conditions}, sessionId=st.just(OLD)),
    sparse("subscribe", {"clientId": ids, "ack": st.just("manual"), "from": starts}),
    sparse("unsubscribe", {"sessionId": names, "sessionIds": globs, "id": ids}),
    sparse("heartbeat", {"everyMs": st.integers(0, 2_000), "id": ids}),
    sparse(
        "history",
        {
            "before": cursors,
            "after": cursors,
            "limit": st.sampled_from((1, 2, 99, 1_000)),
        },
        sessionId=names,
    ),
    sparse("sessions", {"id": ids}),
    sparse("snapshot", {"sessionId": names, "sessionIds": globs}),
    sparse("ack", {"id": ids}, sessionId=names, cursor=cursors),
)

junk: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((2**63, 2**64, -(2**63) - 1, 10**400, 1e308)),
    st.floats(),
    st.text(max_size=20),
    st.just("x" * 5_000),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=3),
)


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    """A value of which a part is something else."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        return _with_other_field(draw, cast(dict[str, Any], value))
    if isinstance(value, list) and value and draw(st.booleans()):
        items = cast(Sequence[Any], value)
        at = draw(st.integers(0, len(items) - 1))
        return [*items[:at], _mutated(draw, items[at]), *items[at + 1 :]]
    return draw(junk)


def _with_other_field(draw: st.DrawFn, fields: dict[str, Any]) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(fields)))
    changed = {**fields, name: _mutated(draw, fields[name])}
    match draw(st.integers(0, 3)):
        case 0:
            del changed[name]
        case 1:
            changed[draw(st.text(max_size=4))] = changed.pop(name)
        case _:
            pass
    return changed


@st.composite
def bodies(draw: st.DrawFn, wire: Wire) -> bytes:
    """A message's payload: right, almost right, or nothing of the kind."""
    message = draw(messages)
    if draw(st.integers(0, 3)) == 0:
        message = _mutated(draw, message)
    if wire == "msgpack":
        encoded = _packed(message)
    else:
        text = json.dumps(message, ensure_ascii=draw(st.booleans()))
        encoded = text.encode("utf-8", "surrogatepass")
    match draw(st.integers(0, 19)):
        case 0:
            at = draw(st.integers(0, len(encoded)))
            return encoded[:at] + draw(st.binary(max_size=4)) + encoded[at + 1 :]
        case 1:
            depth = draw(st.sampled_from((10, 1_000, 30_000)))
            return b'{"type":"subscribe","where":' + b'{"not":' * depth
        case 2:
            return draw(st.binary(max_size=200))
        case _:
            return encoded


def _packed(message: Any) -> bytes:
    try:
        return msgpack.packb(message)
    except (OverflowError, ValueError, TypeError):
        return b"\xdf\xff\xff\xff\xff"


@st.composite
def frames(draw: st.DrawFn, wire: Wire) -> bytes:
    """One piece of what goes over the connection."""
    body = draw(bodies(wire))
    opcode = TEXT if wire == "json" else BINARY
    if draw(st.integers(0, 5)):
        return Frame(opcode, body).encode()
    return draw(_strange(opcode, body))


def _strange(opcode: int, body: bytes) -> st.SearchStrategy[bytes]:
    """A message in frames that are not the usual ones."""
    size = len(body)
    return st.one_of(
        st.binary(max_size=100),
        st.just(_fragmented(opcode, body)),
        st.integers(1, 60).map(lambda times: Frame(opcode, body).encode() * times),
        st.just(Frame(opcode, deflated(body + b" " * 1_000), reserved=4).encode()),
        st.just(BOMB),
        # Control frames, too long ones too, and closes with any code.
        st.tuples(st.sampled_from((PING, PONG, CLOSE)), st.binary(max_size=130)).map(
            lambda both: Frame(*both).encode()
        ),
        st.integers(0, 5_000).map(
            lambda code: Frame(CLOSE, code.to_bytes(2, "big")).encode()
        ),
        # Headers that lie, or break a rule.
        st.builds(
            Frame,
            st.integers(0, 15),
            st.just(body),
            is_final=st.booleans(),
            reserved=st.integers(0, 7),
            is_masked=st.booleans(),
            length=st.none(),
        ).map(Frame.encode),
        st.sampled_from((0, 125, 2**16, 2**20, 2**63 - 1, 2**64 - 1)).map(
            lambda length: Frame(opcode, body, length=length).encode()
        ),
        # As long as a message may be, and longer.
        st.sampled_from((64 * 1024, 256 * 1024, 256 * 1024 + 1, 300_000)).map(
            lambda length: Frame(opcode, b" " * (length - size) + body).encode()
        ),
    )


def _fragmented(opcode: int, body: bytes) -> bytes:
    """A message in three frames, with a ping between them."""
    return Frame(PING, b"between").encode().join((
        Frame(opcode, body[:3], is_final=False).encode(),
        Frame(CONTINUATION, body[3:9], is_final=False).encode(),
        Frame(CONTINUATION, body[9:]).encode(),
    ))  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """One connection."""
    wire: Wire = draw(st.sampled_from(("json", "json", "msgpack")))
    known = "tailcast.v1.msgpack" if wire == "msgpack" else "tailcast.v1.json"
    return Conversation(
        noise=draw(st.just(b"") | st.just(b"") | st.just(b"") | st.binary(max_size=80)),
        subprotocols=draw(st.sampled_from((known, known, f"other, {known}", "other"))),
        offers_deflate=draw(st.booleans()),
        query=draw(st.sampled_from(("", "", "?clientId=f", "?clientId=", "?%ff=%00"))),
        pieces=draw(st.lists(frames(wire), min_size=1, max_size=16)),
        end=draw(st.sampled_from(("close", "half", "reset", "leave"))),
        reads=draw(st.booleans()),
    )
