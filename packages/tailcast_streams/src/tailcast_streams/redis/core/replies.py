"""What Redis' replies mean: raw lists and bytes in, values out. Pure.

Field names are those of the keys' documentation; an entry that somebody else wrote by
hand still comes out as an entry, and its missing `p` breaks the chain for readers.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any, cast

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import Entry, Kind, Rejection
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID
from tailcast_streams.record import INT64
from tailcast_streams.session_state import (
    Origin,
    SessionState,
    StoredEnd,
    StoredPosition,
)


# What a head needs of the state: a thousand records and statistics would be megabytes.
HEAD_FIELDS = (
    "incarnation", "generation_start", "backlog_end", "size", "last_digest",
    "records", "rejected", "emergencies", "first_step", "last_step", "first_time_ms",
    "last_time_ms", "birth", "created_ms", "updated_ms", "appended_ms", "rate",
    "metrics_left_out", "owner", "path",
)  # fmt: skip  # one name a line would hide what they are

_KINDS = {kind.value.encode(): kind for kind in Kind}


def entries_of(response: Sequence[Sequence[Any]]) -> list[Entry]:
    """Entries of an XRANGE or XREVRANGE reply: `[[id, [name, value, …]], …]`.

    What replay reads goes through here, and in this form at twice the speed of a plain
    one: neighbours share their generation, and name each other as their predecessors.
    """
    entries: list[Entry] = []
    append, a_record = entries.append, Kind.RECORD
    new = cast(Any, tuple).__new__
    generation, prefix, size = 0, b"", 1
    known_text, known_id = b"", BEFORE_ALL
    for id_text, fields in response:
        if id_text[:size] == prefix:
            id = new(EntryID, (generation, int(id_text[size:])))
        else:
            id = _entry_id(id_text)
            generation = id.generation
            prefix = b"%d-" % generation
            size = len(prefix)
        if len(fields) == 4 and fields[0] == b"r" and fields[2] == b"p":  # noqa: PLR2004  # two pairs
            _, record, _, previous_text = fields
            is_known = previous_text == known_text
            previous = known_id if is_known else _entry_id(previous_text)
            append(new(Entry, (id, previous, a_record, record, None)))
        else:
            append(_entry(id, fields))
        known_text, known_id = id_text, id
    return entries


def _entry(id: EntryID, fields: Sequence[bytes]) -> Entry:
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    record = values.pop(b"r", b"")
    previous = _entry_id(values.pop(b"p", b""))
    kind = _KINDS.get(values.pop(b"k", b""), Kind.RECORD)
    details = {
        name.decode(errors="replace"): value.decode(errors="replace")
        for name, value in values.items()
    }
    return Entry(id, previous, kind, record, details or None)


def _entry_id(text: bytes) -> EntryID:
    generation, _, offset = text.partition(b"-")
    try:
        return EntryID(int(generation), int(offset))
    except ValueError:
        return BEFORE_ALL


def rejection_of(entry: Entry) -> Rejection:
    """What the stream of rejected lines has, read as an entry."""
    fields = entry.details or {}
    return Rejection(
        entry.id,
        fields.get("why", ""),
        _number(fields.get("offset", "")),
        _number(fields.get("length", "")),
        fields.get("line", ""),
    )


def position_of(reply: Sequence[bytes]) -> StoredPosition:
    """The answer of `position.lua`."""
    incarnation, generation, offset, last_id, last_rejected_id, stream_last_id, *_ = (
        reply
    )
    return StoredPosition(
        incarnation.decode(errors="replace"),
        _number(generation),
        _number(offset),
        _entry_id(last_id),
        _entry_id(last_rejected_id),
        _entry_id(stream_last_id),
    )


def end_of(reply: Sequence[bytes]) -> StoredEnd:
    """The same answer, of what a reader compares."""
    incarnation, _, _, last_id, _, stream_last_id, last_digest = reply
    return StoredEnd(
        incarnation.decode(errors="replace"),
        Cursor(_entry_id(last_id), _number(last_digest)),
        _entry_id(stream_last_id),
    )


# The fields of a state that `origin_of` reads.
ORIGIN_FIELDS = (
    "incarnation", "path", "owner", "updated_ms", "offset", "head_proof",
    "marker_proof",
)  # fmt: skip  # one name a line would hide what they are


def origin_of(reply: Sequence[bytes | None]) -> Origin | None:
    """The answer of HMGET for `ORIGIN_FIELDS`."""
    incarnation, path, owner, updated, offset, head, marker = (
        (value or b"").decode(errors="replace") for value in reply
    )
    if not incarnation:
        return None
    return Origin(
        path, owner, _number(updated.encode()), _number(offset.encode()), head, marker
    )


def state_of(fields: Mapping[bytes, bytes], position: StoredPosition) -> SessionState:
    """A state hash, whose position was read apart."""

    def text(name: str) -> str:
        return fields.get(name.encode(), b"").decode(errors="replace")

    def number(name: str) -> int:
        return _number(fields.get(name.encode(), b""))

    def optional(name: str) -> float | None:
        value = fields.get(name.encode(), b"")
        # Whole numbers stay whole: a step is shown as it was written.
        for read in (int, float):
            with suppress(ValueError):
                return _held(read(value))
        return None

    def optional_ms(name: str) -> int | None:
        value = optional(name)
        return None if value is None else int(value)

    return SessionState(
        position=position,
        generation_start=number("generation_start"),
        backlog_end=number("backlog_end"),
        size=number("size"),
        last_digest=number("last_digest"),
        records=number("records"),
        rejected=number("rejected"),
        first_step=optional("first_step"),
        last_step=optional("last_step"),
        first_time_ms=optional_ms("first_time_ms"),
        last_time_ms=optional_ms("last_time_ms"),
        latest=fields.get(b"latest", b""),
        emergencies=number("emergencies"),
        latest_emergency_id=_entry_id(fields.get(b"latest_emergency_id", b"")),
        latest_emergency=fields.get(b"latest_emergency", b""),
        birth=Birth.parse(text("birth")),
        created_ms=number("created_ms"),
        updated_ms=number("updated_ms"),
        appended_ms=number("appended_ms"),
        rate=optional("rate") or 0.0,
        metrics=fields.get(b"metrics", b""),
        metrics_left_out=number("metrics_left_out"),
        owner=text("owner"),
        path=text("path"),
        absent_since_ms=number("absent_since_ms"),
        head_proof=text("head_proof"),
        marker_proof=text("marker_proof"),
    )


def birth_of(values: Sequence[bytes | None]) -> Birth:
    """Name and number of a count; `UNCOUNTED` where there is none, or no such thing."""
    counter, number = values
    if counter is None or number is None:
        return UNCOUNTED
    text = b"-".join((counter, number))
    return Birth.parse(text.decode(errors="replace"))


def head_state_of(
    values: Sequence[bytes | None], position: StoredPosition
) -> SessionState | None:
    """The values of `HEAD_FIELDS`; None where there is no state."""
    fields = {
        name.encode(): value
        for name, value in zip(HEAD_FIELDS, values, strict=True)
        if value is not None
    }
    return state_of(fields, position) if fields else None


def whole_state_of(fields: Mapping[bytes, bytes]) -> SessionState:
    """A state hash read in one step, its position with it but for the stream's own."""
    names = (b"incarnation", b"generation", b"offset", b"last_id", b"last_rejected_id")
    return state_of(fields, position_of([*(fields.get(n, b"") for n in names), b""]))


def _number(text: bytes | str) -> int:
    try:
        return int(_held(int(text)) or 0)
    except ValueError:
        return 0


def _held(value: float) -> int | float | None:
    """A number that can be told on; None for what somebody wrote by hand and cannot."""
    if isinstance(value, int):
        return value if value in INT64 else None
    return value if isfinite(value) else None
