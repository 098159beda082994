"""Turns entries into frames, once for all clients that get the same bytes.

Pure. Records become `telemetry` and `emergency`, markers `rewind`, gap entries `gap`.
Records share a message up to the limits of the wire. A record that is too long for any
message is replaced by a link to it. Which clients get the frames is decided elsewhere,
and their bytes are made in `wires`.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tailcast_gateway.protocol import breaks
from tailcast_gateway.protocol.breaks import Break, shown
from tailcast_gateway.protocol.links import record_link
from tailcast_gateway.protocol.wires import Fields, Wire
from tailcast_gateway.views.projection import Index
from tailcast_gateway.views.reading import Reading
from tailcast_gateway.views.subscription import Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEFORE_ALL, Cursor


# The most bytes of a message besides its records and the names of session and document:
# two cursors, their fields, and the lines of a server-sent event.
ENVELOPE_BYTES = 384
# How many bytes are written to a client before its socket is checked again.
SLICE_BYTES = 256 * 1024

_TRUE = frozenset({"1", "true"})
# The most bytes of numbers beside records, each with a comma: a time, a whole number of
# up to nine digits, any other step. (MessagePack uses nine bytes where JSON may use 3.)
_TIME_BYTES = 20
_SHORT = 10**9
_SHORT_BYTES = 11
_STEP_BYTES = 26
# Takes the place of entries that are not records, so that all indexes agree.
_NO_RECORD = b"{}"


class SessionEncoder:
    """Makes the frames of one session for one wire."""

    __slots__ = (
        "_emergency_most",
        "_emergency_start",
        "_telemetry_most",
        "_telemetry_room",
        "_telemetry_start",
        "reading",
        "session",
        "wire",
    )

    def __init__(self, session: str, wire: Wire) -> None:
        self.session = session
        self.wire = wire
        # Where its records have their steps and times; None if no index says it.
        self.reading: Reading | None = None
        self._telemetry_start = wire.start({"type": "telemetry", "sessionId": session})
        self._emergency_start = wire.start({"type": "emergency", "sessionId": session})
        # How many bytes the records of one message may have together, and one alone.
        around = len(self._telemetry_start.encoded) + ENVELOPE_BYTES
        self._telemetry_room = wire.limits.several - around
        self._telemetry_most = wire.limits.single - around
        around = len(self._emergency_start.encoded) + ENVELOPE_BYTES
        # (The session's name comes again in the emergency's ID.)
        self._emergency_most = wire.limits.single - around - wire.size_of(session)

    def frames(
        self,
        entries: Sequence[Entry],
        previous: Cursor,
        view: View = PLAIN,
        *,
        replayed: bool = False,
        counts: Sequence[int] | None = None,
    ) -> bytes:
        """The frames that deliver entries to a client whose cursor is `previous`.

        Args:
            entries: the entries that the view lets through.
            previous: the client's cursor; it is sent if no record is left out.
            view: how the records are shown.
            replayed: whether they come before `caught_up`.
            counts: how many records each entry represents, None if none is left out.
        """
        is_contiguous = view.is_contiguous and counts is None
        parts: list[bytes] = []
        a_record = Kind.RECORD
        records = [
            entry.record if entry.kind is a_record else _NO_RECORD for entry in entries
        ]
        reading = self.reading
        index = view.index(records, reading)
        if view.projection is not None:
            project = view.projection.project
            records = [project(record, reading) for record in records]
        items = self.wire.items(records)
        for start, stop in _runs(entries, _sizes(items, index), self._telemetry_room):
            first = entries[start]
            position: dict[str, object] = {"cursor": str(entries[stop - 1].cursor)}
            if is_contiguous:
                position["prev"] = str(shown(previous))
            if replayed:
                position["replayed"] = True
            if first.kind is not a_record:
                parts.append(self._special(first, previous, position))
            else:
                if counts is not None:
                    position["sampled"] = {"of": sum(counts[start:stop])}
                if index is not None:
                    position["steps"] = index.steps[start:stop]
                    position["times"] = index.times[start:stop]
                told = items[start:stop]
                if len(told[0]) > self._telemetry_most:
                    told = self._stand_in(first, position)
                parts.append(
                    self.wire.with_records(self._telemetry_start, told, position)
                )
            previous = entries[stop - 1].cursor
        return b"".join(parts)

    def announcement(self, entry: Entry) -> bytes:
        """The early frame of an emergency, for clients that are not there yet."""
        return self._emergency(entry, {"early": True})

    def gap(self, previous: Cursor, to: Cursor, *, reason: str = "trimmed") -> bytes:
        """The frame that says: the records between two cursors are lost."""
        return self._mark("gap", breaks.gap(previous, to, reason))

    def break_frame(self, one: Break) -> bytes:
        """The frame of a gap or a rewind."""
        return self._mark(one.kind, one.fields)

    def caught_up(self, cursor: Cursor, *, reached: float | None = None) -> bytes:
        """The frame that says: the replay is over, and new records follow.

        Args:
            cursor: where the client is.
            reached: how far the run is, if it has not reached what was asked for.
        """
        message: dict[str, object] = {
            "type": "caught_up",
            "sessionId": self.session,
            "cursor": told(cursor),
        }
        if reached is not None:
            message["reached"] = reached
        return self.wire.message(message)

    def _stand_in(self, entry: Entry, position: dict[str, object]) -> Sequence[bytes]:
        """The link in place of a record that is too long; marks the message."""
        position["truncated"] = True
        link = record_link(self.session, entry.cursor)
        return stand_in(self.wire, link, len(entry.record))

    def _special(
        self, entry: Entry, previous: Cursor, position: dict[str, object]
    ) -> bytes:
        if entry.kind is Kind.EMERGENCY:
            return self._emergency(entry, position)
        if entry.kind is Kind.GAP:
            return self._mark("gap", breaks.gap_at(entry, previous))
        if previous.id == BEFORE_ALL:
            # The first marker opens the stream: nothing was rewound.
            return b""
        return self._mark("rewind", breaks.rewind_at(entry))

    def _emergency(self, entry: Entry, position: dict[str, object]) -> bytes:
        position["id"] = f"{self.session}/{entry.cursor}"
        told = self.wire.items([entry.record])
        if len(told[0]) > self._emergency_most:
            told = self._stand_in(entry, position)
        return self.wire.with_record(self._emergency_start, told[0], position)

    def _mark(self, kind: str, fields: Fields) -> bytes:
        return self.wire.message({"type": kind, "sessionId": self.session, **fields})


def document_frame(entry: Entry, wire: Wire) -> bytes:
    """The frame of an emergency that is a whole file.

    Its cursor belongs to `!emergencies`, not to the session that it names. So the
    cursor is in the field `cursors`, as where a message has positions in several
    sessions.
    """
    details = entry.details or {}
    start: dict[str, object] = {"type": "emergency"}
    if session := details.get("session", ""):
        start["sessionId"] = session
    id = details.get("id") or f"{details.get('path', '')}/{entry.cursor}"
    fields: dict[str, object] = {"cursors": {EMERGENCIES: str(entry.cursor)}, "id": id}
    told = wire.items([entry.record])
    around = wire.size_of(start) + wire.size_of(fields) + ENVELOPE_BYTES
    if len(told[0]) > wire.limits.single - around:
        fields["truncated"] = True
        link = record_link(EMERGENCIES, entry.cursor)
        told = stand_in(wire, link, len(entry.record))
    return wire.with_record(wire.start(start), told[0], fields)


def history_frame(
    wire: Wire,
    *,
    session: str,
    place: tuple[str, Cursor],
    record: bytes | None,
    fields: Mapping[str, object],
) -> bytes:
    """The frame of an emergency of long ago; it has no cursor, as it moves none.

    Args:
        wire: the wire that encodes it.
        session: the session that it names, "" for none.
        place: its stream, and where it is in it.
        record: its record, None if that is too long or is not there any more.
        fields: what else is said of it.
    """
    start: dict[str, object] = {"type": "emergency"}
    if session:
        start["sessionId"] = session
    around = wire.size_of(start) + wire.size_of(fields) + ENVELOPE_BYTES
    link = record_link(*place)
    if record is None:
        told = wire.items([msgspec.json.encode({"truncated": True, "url": link})])
        fields = {**fields, "truncated": True}
    else:
        told = wire.items([record])
        if len(told[0]) > wire.limits.single - around:
            told = stand_in(wire, link, len(record))
            fields = {**fields, "truncated": True}
    return wire.with_record(wire.start(start), told[0], fields)


def stand_in(wire: Wire, link: str, size_bytes: int) -> Sequence[bytes]:
    """What a message has in place of a record of this size: a link to it."""
    fields = {"truncated": True, "url": link, "bytes": size_bytes}
    return wire.items([msgspec.json.encode(fields)])


def documents(
    entries: Sequence[Entry],
    subscription: Subscription,
    wire: Wire,
    *,
    with_history: bool,
) -> bytes:
    """The whole-file emergencies that concern a subscription, as frames.

    Everybody is told of those that are missing.
    """
    frames: list[bytes] = []
    for entry in entries:
        if entry.kind is Kind.GAP:
            since = Cursor(entry.previous, 0)
            encoder = SessionEncoder(EMERGENCIES, wire)
            frames.append(encoder.gap(since, entry.cursor))
            continue
        session = (entry.details or {}).get("session", "")
        if not (with_history or is_news(entry)):
            continue
        is_general = not session and subscription.grant.is_all
        if is_general or subscription.matches(session):
            frames.append(document_frame(entry, wire))
    return b"".join(frames)


def pieces(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Entries in groups of about `SLICE_BYTES`."""
    start = size = 0
    for at, entry in enumerate(entries):
        size += len(entry.record)
        if size >= SLICE_BYTES:
            yield entries[start : at + 1]
            start, size = at + 1, 0
    if start < len(entries):
        yield entries[start:]


def is_news(entry: Entry) -> bool:
    """Whether a whole-file emergency is sent to clients that did not ask for it."""
    return (entry.details or {}).get("news", "1") in _TRUE


def told(cursor: Cursor) -> str | None:
    """A cursor as text, None before the first entry."""
    return None if cursor.id == BEFORE_ALL else str(cursor)


def _sizes(items: Sequence[bytes], index: Index | None) -> list[int]:
    """How many bytes each record takes in a message, with its comma, step and time."""
    if index is None:
        return [len(item) + 1 for item in items]
    return [
        len(item) + 1 + _step_bytes(step) + _TIME_BYTES
        for item, step in zip(items, index.steps, strict=True)
    ]


def _step_bytes(step: float | None) -> int:
    """The most bytes that a step and a comma take on any wire."""
    is_short = step is None or (isinstance(step, int) and -_SHORT < step < _SHORT)
    if is_short:
        return _SHORT_BYTES
    return _STEP_BYTES if isinstance(step, float) else max(_STEP_BYTES, len(f"{step},"))


def _runs(
    entries: Sequence[Entry], sizes: Sequence[int], room: int
) -> Iterator[tuple[int, int]]:
    """The indexes between which entries share a message; only records share one."""
    start = size = 0
    a_record = Kind.RECORD
    for at, entry in enumerate(entries):
        if entry.kind is not a_record:
            if start < at:
                yield start, at
            yield at, at + 1
            start, size = at + 1, 0
            continue
        size += sizes[at]
        if size > room and start < at:
            yield start, at
            start, size = at, sizes[at]
    if start < len(entries):
        yield start, len(entries)
