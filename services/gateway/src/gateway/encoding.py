"""Entries as frames: encoded once, the same bytes for every client that gets them.

Pure. Stored records are spliced into `telemetry` and `emergency` as they are, never
parsed; markers become `rewind`, gap entries `gap`. What never lives here: who gets it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from gateway.frames import frame_header, text_frame
from gateway.messages import encode
from gateway.subscription import Subscription
from telemetry_stream.broker import Entry, Kind
from telemetry_stream.keys import EMERGENCIES
from telemetry_stream.position import BEFORE_ALL, BEGINNING_CURSOR, Cursor


# A frame takes records until it is so long; one record may be longer.
MAX_FRAME_BYTES = 64 * 1024
# What is written to a client before its socket is asked again whether it takes more.
SLICE_BYTES = 256 * 1024

_GAP_REASONS = frozenset({"trimmed", "file_lost", "unknown_cursor"})
_TRUE = frozenset({"1", "true"})


class SessionEncoder:
    """Makes the frames of one session; holds only what is the same in all of them."""

    __slots__ = ("_emergency_start", "_telemetry_start", "session")

    def __init__(self, session: str) -> None:
        self.session = session
        name = msgspec.json.encode(session)
        self._telemetry_start = b'{"type":"telemetry","sessionId":%b,"data":[' % name
        self._emergency_start = b'{"type":"emergency","sessionId":%b,"data":' % name

    def frames(
        self, entries: Sequence[Entry], previous: Cursor, *, replayed: bool = False
    ) -> bytes:
        """The frames that deliver entries to a client whose cursor is `previous`."""
        parts: list[bytes] = []
        records: list[bytes] = []
        size = 0
        last: Entry | None = None
        for entry in entries:
            if entry.kind is Kind.RECORD and size < MAX_FRAME_BYTES:
                records.append(entry.record)
                size += len(entry.record)
                last = entry
                continue
            if last is not None:
                previous = self._telemetry(parts, records, previous, last, replayed)
                records, size, last = [], 0, None
            if entry.kind is Kind.RECORD:
                records, size, last = [entry.record], len(entry.record), entry
            else:
                cursor = entry.cursor
                parts.append(self._special(entry, cursor, previous, replayed))
                previous = cursor
        if last is not None:
            self._telemetry(parts, records, previous, last, replayed)
        return b"".join(parts)

    def announcement(self, entry: Entry) -> bytes:
        """An emergency told early, to those who have not come to its place yet."""
        return self._emergency(entry, b',"early":true', entry.cursor)

    def gap(self, previous: Cursor, to: Cursor, *, reason: str = "trimmed") -> bytes:
        """What lies between two cursors cannot be had."""
        return text_frame(
            encode(
                type="gap",
                sessionId=self.session,
                **{"from": str(shown(previous))},
                to=str(to),
                reason=reason,
            )
        )

    def replaced(self, marker: Cursor) -> bytes:
        """The file is another one than the client's cursor was of."""
        return self._rewind(
            shown(marker), reason="replaced", step=None, is_complete=False
        )

    def passed_over(self, to: Cursor) -> bytes:
        """The gap before this place had the beginning of its generation in it."""
        return self._rewind(to, reason="truncated", step=None, is_complete=False)

    def caught_up(self, cursor: Cursor) -> bytes:
        """Replay is over; what follows is news."""
        return text_frame(
            encode(type="caught_up", sessionId=self.session, cursor=told(cursor))
        )

    def _telemetry(
        self,
        parts: list[bytes],
        records: list[bytes],
        previous: Cursor,
        last: Entry,
        replayed: bool,  # passed on, never a literal
    ) -> Cursor:
        cursor = last.cursor
        payload = self._telemetry_start + b",".join(records) + b"]"
        end = _position(cursor, previous, replayed=replayed)
        parts += (frame_header(len(payload) + len(end) + 1), payload, end, b"}")
        return cursor

    def _special(
        self,
        entry: Entry,
        cursor: Cursor,
        previous: Cursor,
        replayed: bool,  # passed on, never a literal
    ) -> bytes:
        if entry.kind is Kind.EMERGENCY:
            position = _position(cursor, previous, replayed=replayed)
            return self._emergency(entry, position, cursor)
        details = entry.details or {}
        if entry.kind is Kind.GAP:
            reason = details.get("reason", "")
            reason = reason if reason in _GAP_REASONS else "file_lost"
            return self.gap(previous, cursor, reason=reason)
        if previous.id == BEFORE_ALL:
            # The first marker opens the stream: nothing was rewound.
            return b""
        return self._rewind(
            cursor,
            reason=details.get("reason", "truncated"),
            step=details.get("step"),
            is_complete=details.get("complete", "") in _TRUE,
        )

    def _emergency(self, entry: Entry, position: bytes, cursor: Cursor) -> bytes:
        id = msgspec.json.encode(f"{self.session}/{cursor}")
        end = b'%b,"id":%b}' % (position, id)
        return text_frame(self._emergency_start + entry.record + end)

    def _rewind(
        self, cursor: Cursor, *, reason: str, step: str | None, is_complete: bool
    ) -> bytes:
        return text_frame(
            encode(
                type="rewind",
                sessionId=self.session,
                cursor=str(cursor),
                generation=str(cursor.id.generation),
                reason=reason,
                step=_number(step),
                complete=is_complete,
            )
        )


def document_frame(entry: Entry) -> bytes:
    """A whole-file emergency.

    Its cursor is one of `!emergencies`, not of the session that it names, and so stands
    where positions of several sessions stand.
    """
    details = entry.details or {}
    session = details.get("session", "")
    name = b'"sessionId":%b,' % msgspec.json.encode(session) if session else b""
    cursors = msgspec.json.encode({EMERGENCIES: str(entry.cursor)})
    id = details.get("id") or f"{details.get('path', '')}/{entry.cursor}"
    return text_frame(
        b'{"type":"emergency",%b"data":%b,"cursors":%b,"id":%b}'
        % (name, entry.record, cursors, msgspec.json.encode(id))
    )


def documents(
    entries: Sequence[Entry], subscription: Subscription, *, with_history: bool
) -> bytes:
    """The whole-file emergencies that concern a subscription, as frames."""
    frames: list[bytes] = []
    for entry in entries:
        session = (entry.details or {}).get("session", "")
        if not (with_history or is_news(entry)):
            continue
        if not session or subscription.matches(session):
            frames.append(document_frame(entry))
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


def shown(cursor: Cursor) -> Cursor:
    """A cursor as clients see it: before the first entry is the beginning."""
    return BEGINNING_CURSOR if cursor.id == BEFORE_ALL else cursor


def told(cursor: Cursor) -> str | None:
    """A place in words, None while there is nothing."""
    return None if cursor.id == BEFORE_ALL else str(cursor)


def _position(cursor: Cursor, previous: Cursor, *, replayed: bool) -> bytes:
    text = f',"cursor":"{cursor}","prev":"{shown(previous)}"'
    return (text + ',"replayed":true' if replayed else text).encode()


def _number(text: str | None) -> float | int | None:
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=int | float)
    except msgspec.MsgspecError:
        return None
