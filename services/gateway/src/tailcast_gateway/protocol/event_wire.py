"""Server-sent events as a wire: a message's type is the event, its cursor the ID.

Pure. The same messages that WebSockets get in frames are text/event-stream here,
encoded once for all readers. Only messages that move the client's cursor have an ID, so
that a browser resumes at its `Last-Event-ID`. Announcements and heartbeats have none.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tailcast_gateway.protocol.limits import USUAL, Limits
from tailcast_gateway.protocol.lines import one_line
from tailcast_gateway.protocol.wires import Fields, Opening, Wire


# A line that readers of events skip: it keeps proxies from closing a quiet connection.
# No empty line follows, since some libraries would take that for an empty event.
COMMENT: Final = b":\n"

# The messages that move the client's cursor; in a `gap` it is called `to`.
_MOVING = frozenset({"telemetry", "emergency", "caught_up", "rewind", "subscribed"})
_DELAYS = ("reconnectAfterMs", "retryAfterMs")


def _encode(value: object) -> bytes:
    return one_line(msgspec.json.encode(value))


class EventWire:
    """JSON in server-sent events."""

    is_binary = False
    # The names of an event's lines, its type and ID, and its end.
    overhead_bytes = 192

    def __init__(self, limits: Limits = USUAL) -> None:
        self.limits = limits

    def bounded(self, limits: Limits) -> Wire:
        return type(self)(limits)

    def json_of(self, data: bytes) -> bytes:
        return data

    def message(self, fields: Fields) -> bytes:
        kind = str(fields["type"])
        cursor = fields.get("to" if kind == "gap" else "cursor")
        moves = kind in _MOVING or kind == "gap"
        lines = [b"event: %b\ndata: %b\n" % (kind.encode(), _encode(fields))]
        if moves and cursor is not None:
            lines.append(self._id(str(fields.get("sessionId")), cursor))
        delays = [str(fields[name]) for name in _DELAYS if name in fields]
        lines += [b"retry: %b\n" % delay.encode() for delay in delays]
        return b"".join((*lines, b"\n"))

    def start(self, fields: Fields) -> Opening:
        kind = str(fields["type"]).encode()
        encoded = _encode(fields)[:-1]
        opening = b'event: %b\ndata: %b,"data":' % (kind, encoded)
        return _EventOpening(opening, len(fields), str(fields.get("sessionId")))

    def items(self, records: Sequence[bytes]) -> Sequence[bytes]:
        return [one_line(record) for record in records]

    def size_of(self, value: object) -> int:
        return len(_encode(value))

    def with_records(
        self, start: Opening, items: Sequence[bytes], fields: Fields
    ) -> bytes:
        return self._event(start, b"[%b]" % b",".join(items), fields)

    def with_record(self, start: Opening, item: bytes, fields: Fields) -> bytes:
        return self._event(start, item, fields)

    def _event(self, start: Opening, data: bytes, fields: Fields) -> bytes:
        cursor, id = fields.get("cursor"), b""
        if cursor is not None and isinstance(start, _EventOpening):
            id = self._id(start.session, cursor)
        return b"%b%b,%b\n%b\n" % (start.encoded, data, _encode(fields)[1:], id)

    def _id(self, session: str, cursor: object) -> bytes:
        del session  # there is one
        return b"id: %b\n" % str(cursor).encode()


class _EventOpening(Opening):
    """The beginning of events, and the session that they are of."""

    __slots__ = ("session",)

    def __init__(self, encoded: bytes, count: int, session: str) -> None:
        super().__init__(encoded, count)
        self.session = session


class ManyEventWire(EventWire):
    """The same for readers of several sessions: an ID says which cursor moved.

    `EventPlaces` makes the ID of each reader of that.
    """

    # (The cursors of all sessions come on top.)
    def message(self, fields: Fields) -> bytes:
        if fields["type"] != "positions":
            return super().message(fields)
        event = b"event: positions\ndata: %b\n" % _encode(fields)
        mark = {name: fields.get(name) for name in ("at", "cursors", "more")}
        return b"%bid: %b\n\n" % (event, _encode(mark))

    def _id(self, session: str, cursor: object) -> bytes:
        return b"id: %b\n" % _encode({"cursors": {session: str(cursor)}})


EVENTS: Final[Wire] = EventWire()
MANY_EVENTS: Final[Wire] = ManyEventWire()
