"""Entries as frames: encoded once, the same bytes for every client that gets them.

Pure. Records go into `telemetry` and `emergency`, markers become `rewind`, gap entries
`gap`. Records share a message as far as its wire's limits allow; in place of one that
is too long for any stands where it is to be had. What never lives here: who gets it,
and what a frame's bytes look like (`wires`).
"""

from collections.abc import Iterator, Sequence

import msgspec

from tailcast_gateway.protocol import breaks
from tailcast_gateway.protocol.breaks import shown
from tailcast_gateway.protocol.links import record_link
from tailcast_gateway.protocol.wires import Fields, Wire
from tailcast_gateway.views.projection import Index
from tailcast_gateway.views.subscription import Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEFORE_ALL, Cursor


# What a message has besides records and the names of session and document, at most: two
# cursors, their fields, and what an event has around them.
ENVELOPE_BYTES = 384
# What is written to a client before its socket is asked again whether it takes more.
SLICE_BYTES = 256 * 1024

_TRUE = frozenset({"1", "true"})
# What numbers beside records take, and a comma, at most: a time, a whole number of up
# to nine digits, another one. (MessagePack has nine bytes for what JSON says in three.)
_TIME_BYTES = 20
_SHORT = 10**9
_SHORT_BYTES = 11
_STEP_BYTES = 26
# Stands for an entry among records that is none; it is not told there.
_NO_RECORD = b"{}"


class SessionEncoder:
    """Makes the frames of one session for one wire."""

    __slots__ = (
        "_emergency_most",
        "_emergency_start",
        "_telemetry_most",
        "_telemetry_room",
        "_telemetry_start",
        "session",
        "wire",
    )

    def __init__(self, session: str, wire: Wire) -> None:
        self.session = session
        self.wire = wire
        self._telemetry_start = wire.start({"type": "telemetry", "sessionId": session})
        self._emergency_start = wire.start({"type": "emergency", "sessionId": session})
        # What the records of one message may weigh together, and one alone.
        around = len(self._telemetry_start.encoded) + ENVELOPE_BYTES
        self._telemetry_room = wire.limits.several - around
        self._telemetry_most = wire.limits.single - around
        around = len(self._emergency_start.encoded) + ENVELOPE_BYTES
        # (Its ID has the session's name again.)
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
            entries: what the view lets through.
            previous: told only where the entries follow on from it.
            view: how their records are shown.
            replayed: they come before `caught_up`.
            counts: how many records each entry stands for, None if all are there.
        """
        is_contiguous = view.is_contiguous and counts is None
        parts: list[bytes] = []
        a_record = Kind.RECORD
        records = [
            entry.record if entry.kind is a_record else _NO_RECORD for entry in entries
        ]
        index = view.index(records)
        if view.projection is not None:
            records = list(map(view.projection.project, records))
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
        """An emergency told early, to those who have not come to its place yet."""
        return self._emergency(entry, {"early": True})

    def gap(self, previous: Cursor, to: Cursor, *, reason: str = "trimmed") -> bytes:
        """What lies between two cursors cannot be had."""
        return self._mark("gap", breaks.gap(previous, to, reason))

    def replaced(self, marker: Cursor) -> bytes:
        """The file is another one than the client's cursor was of."""
        return self._mark("rewind", breaks.rewind(shown(marker), "replaced"))

    def passed_over(self, to: Cursor) -> bytes:
        """The gap before this place had the beginning of its generation in it."""
        return self._mark("rewind", breaks.rewind(to, "truncated"))

    def caught_up(self, cursor: Cursor) -> bytes:
        """Replay is over; what follows is news."""
        return self.wire.message(
            {"type": "caught_up", "sessionId": self.session, "cursor": told(cursor)}
        )

    def _stand_in(self, entry: Entry, position: dict[str, object]) -> Sequence[bytes]:
        """What a message has in place of a record that is too long; it says so."""
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
    """A whole-file emergency.

    Its cursor is one of `!emergencies`, not of the session that it names, and so stands
    where positions of several sessions stand.
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


def stand_in(wire: Wire, link: str, size_bytes: int) -> Sequence[bytes]:
    """What stands in a message for a record of this size that is to be had there."""
    fields = {"truncated": True, "url": link, "bytes": size_bytes}
    return wire.items([msgspec.json.encode(fields)])


def documents(
    entries: Sequence[Entry],
    subscription: Subscription,
    wire: Wire,
    *,
    with_history: bool,
) -> bytes:
    """The whole-file emergencies that concern a subscription, as frames."""
    frames: list[bytes] = []
    for entry in entries:
        session = (entry.details or {}).get("session", "")
        if not (with_history or is_news(entry)):
            continue
        if not session or subscription.matches(session):
            frames.append(document_frame(entry, wire))
    return b"".join(frames)


def pieces(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Entries in runs of about `SLICE_BYTES`."""
    start = size = 0
    for at, entry in enumerate(entries):
        size += len(entry.record)
        if size >= SLICE_BYTES:
            yield entries[start : at + 1]
            start, size = at + 1, 0
    if start < len(entries):
        yield entries[start:]


def is_news(entry: Entry) -> bool:
    """Whether a whole-file emergency is announced unasked."""
    return (entry.details or {}).get("news", "1") in _TRUE


def told(cursor: Cursor) -> str | None:
    """A place in words, None while there is nothing."""
    return None if cursor.id == BEFORE_ALL else str(cursor)


def _sizes(items: Sequence[bytes], index: Index | None) -> list[int]:
    """What records take in a message, with what stands beside them and a comma each."""
    if index is None:
        return [len(item) + 1 for item in items]
    return [
        len(item) + 1 + _step_bytes(step) + _TIME_BYTES
        for item, step in zip(items, index.steps, strict=True)
    ]


def _step_bytes(step: float | None) -> int:
    """What a step of a list takes on any wire, and a comma, at most."""
    is_short = step is None or (isinstance(step, int) and -_SHORT < step < _SHORT)
    if is_short:
        return _SHORT_BYTES
    return _STEP_BYTES if isinstance(step, float) else max(_STEP_BYTES, len(f"{step},"))


def _runs(
    entries: Sequence[Entry], sizes: Sequence[int], room: int
) -> Iterator[tuple[int, int]]:
    """Where messages begin and end: records share one that they fit, others do not."""
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
