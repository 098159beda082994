"""Entries as frames: encoded once, the same bytes for every client that gets them.

Pure. Records go into `telemetry` and `emergency`, markers become `rewind`, gap entries
`gap`. What never lives here: who gets it, and what a frame's bytes look like (`wire`).
"""

from collections.abc import Iterator, Sequence

from gateway import marks
from gateway.forms import PLAIN, Form
from gateway.marks import shown
from gateway.subscription import Subscription
from gateway.wire import Fields, Wire
from telemetry_stream.broker import Entry, Kind
from telemetry_stream.keys import EMERGENCIES
from telemetry_stream.position import BEFORE_ALL, Cursor


# A frame takes records until it is so long; one record may be longer.
MAX_FRAME_BYTES = 64 * 1024
# What is written to a client before its socket is asked again whether it takes more.
SLICE_BYTES = 256 * 1024

_TRUE = frozenset({"1", "true"})


class SessionEncoder:
    """Makes the frames of one session for one wire."""

    __slots__ = ("_emergency_start", "_telemetry_start", "session", "wire")

    def __init__(self, session: str, wire: Wire) -> None:
        self.session = session
        self.wire = wire
        self._telemetry_start = wire.start({"type": "telemetry", "sessionId": session})
        self._emergency_start = wire.start({"type": "emergency", "sessionId": session})

    def frames(
        self,
        entries: Sequence[Entry],
        previous: Cursor,
        form: Form = PLAIN,
        *,
        replayed: bool = False,
        counts: Sequence[int] | None = None,
    ) -> bytes:
        """The frames that deliver entries to a client whose cursor is `previous`.

        Args:
            entries: what the form does not hold back.
            previous: told only where the entries follow on from it.
            form: how their records are told.
            replayed: they come before `caught_up`.
            counts: how many records each entry stands for, None if all are there.
        """
        is_contiguous = form.is_contiguous and counts is None
        parts: list[bytes] = []
        for start, stop in _runs(entries):
            first = entries[start]
            position: dict[str, object] = {"cursor": str(entries[stop - 1].cursor)}
            if is_contiguous:
                position["prev"] = str(shown(previous))
            if replayed:
                position["replayed"] = True
            if first.kind is not Kind.RECORD:
                parts.append(self._special(first, previous, position))
            else:
                if counts is not None:
                    position["sampled"] = {"of": sum(counts[start:stop])}
                records = [entry.record for entry in entries[start:stop]]
                parts.append(self._telemetry(records, form, position))
            previous = entries[stop - 1].cursor
        return b"".join(parts)

    def announcement(self, entry: Entry) -> bytes:
        """An emergency told early, to those who have not come to its place yet."""
        return self._emergency(entry, {"early": True})

    def gap(self, previous: Cursor, to: Cursor, *, reason: str = "trimmed") -> bytes:
        """What lies between two cursors cannot be had."""
        return self._mark("gap", marks.gap(previous, to, reason))

    def replaced(self, marker: Cursor) -> bytes:
        """The file is another one than the client's cursor was of."""
        return self._mark("rewind", marks.rewind(shown(marker), "replaced"))

    def passed_over(self, to: Cursor) -> bytes:
        """The gap before this place had the beginning of its generation in it."""
        return self._mark("rewind", marks.rewind(to, "truncated"))

    def caught_up(self, cursor: Cursor) -> bytes:
        """Replay is over; what follows is news."""
        return self.wire.message(
            {"type": "caught_up", "sessionId": self.session, "cursor": told(cursor)}
        )

    def _telemetry(
        self, records: Sequence[bytes], form: Form, position: Fields
    ) -> bytes:
        if (index := form.index(records)) is not None:
            position = {**position, "steps": index.steps, "times": index.times}
        if form.projection is not None:
            records = [form.projection.project(record) for record in records]
        return self.wire.with_records(self._telemetry_start, records, position)

    def _special(self, entry: Entry, previous: Cursor, position: Fields) -> bytes:
        if entry.kind is Kind.EMERGENCY:
            return self._emergency(entry, position)
        if entry.kind is Kind.GAP:
            return self._mark("gap", marks.gap_at(entry, previous))
        if previous.id == BEFORE_ALL:
            # The first marker opens the stream: nothing was rewound.
            return b""
        return self._mark("rewind", marks.rewind_at(entry))

    def _emergency(self, entry: Entry, position: Fields) -> bytes:
        id = f"{self.session}/{entry.cursor}"
        return self.wire.with_record(
            self._emergency_start, entry.record, {**position, "id": id}
        )

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
    fields = {"cursors": {EMERGENCIES: str(entry.cursor)}, "id": id}
    return wire.with_record(wire.start(start), entry.record, fields)


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


def _runs(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """Where frames begin and end: records share one up to a size, others do not."""
    start = size = 0
    a_record = Kind.RECORD
    for at, entry in enumerate(entries):
        if entry.kind is a_record and size < MAX_FRAME_BYTES:
            size += len(entry.record)
            continue
        if start < at:
            yield start, at
        if entry.kind is a_record:
            start, size = at, len(entry.record)
        else:
            yield at, at + 1
            start, size = at + 1, 0
    if start < len(entries):
        yield start, len(entries)
