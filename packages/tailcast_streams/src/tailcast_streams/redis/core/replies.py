"""Turns replies of Redis, which are lists and bytes, into values. Pure.

Field names are those in docs/streams.md. An entry that somebody wrote by hand is still
an entry; it lacks the field `p`, which breaks the chain for readers.
"""

from collections.abc import Mapping, Sequence
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


# The fields of the state that a head has, without those that are only for the tailer.
HEAD_FIELDS = (
    "incarnation", "generation", "offset", "last_id", "last_rejected_id",
    "latest_emergency_id", "generation_start", "backlog_end", "backlog_generation",
    "size", "last_digest", "records", "rejected", "emergencies", "birth", "created_ms",
    "updated_ms", "appended_ms", "written_ms", "text", "partial_bytes",
    "absent_since_ms", "owner", "path",
)  # fmt: skip  # one name a line would hide what they are

_KINDS = {kind.value.encode(): kind for kind in Kind}


def entries_of(response: Sequence[Sequence[Any]]) -> list[Entry]:
    """The entries of an XRANGE or XREVRANGE reply: `[[id, [name, value, …]], …]`.

    All entries of a replay go through here. This form is twice as fast as a plain one:
    it uses that neighbours have the same generation and name each other as
    predecessors.
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
    if not text:
        return BEFORE_ALL
    generation, _, offset = text.partition(b"-")
    try:
        return EntryID(int(generation), int(offset))
    except ValueError:
        return BEFORE_ALL


def rejection_of(entry: Entry) -> Rejection:
    """A rejected line, from an entry of the stream of rejected lines."""
    fields = entry.details or {}
    return Rejection(
        entry.id,
        fields.get("why", ""),
        _number(fields.get("offset", "")),
        _number(fields.get("length", "")),
        fields.get("line", ""),
    )


def position_of(reply: Sequence[bytes]) -> StoredPosition:
    """The position in an answer of `position.lua`."""
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
    """The end in an answer of `position.lua`."""
    incarnation, _, _, last_id, _, stream_last_id, last_digest = reply
    return StoredEnd(
        incarnation.decode(errors="replace"),
        Cursor(_entry_id(last_id), _number(last_digest)),
        _entry_id(stream_last_id),
    )


# The fields of a state that `origin_of` reads.
ORIGIN_FIELDS = (
    "incarnation", "path", "owner", "updated_ms", "offset", "head_proof",
    "marker_proof", "past",
)  # fmt: skip  # one name a line would hide what they are


def origin_of(reply: Sequence[bytes | None]) -> Origin | None:
    """The answer of HMGET for `ORIGIN_FIELDS`."""
    incarnation, path, owner, updated, offset, head, marker, past = (
        (value or b"").decode(errors="replace") for value in reply
    )
    if not incarnation:
        return None
    return Origin(
        path,
        owner,
        _number(updated.encode()),
        _number(offset.encode()),
        head,
        marker,
        past,
    )


def state_of(fields: Mapping[bytes, bytes], position: StoredPosition) -> SessionState:
    """The state in a hash, with a position that was read separately.

    All states of a start go through here: most of what is missing costs one look-up.
    """

    def text(name: bytes) -> str:
        value = fields.get(name)
        return value.decode(errors="replace") if value else ""

    def number(name: bytes) -> int:
        value = fields.get(name)
        return _number(value) if value else 0

    return SessionState(
        position=position,
        generation_start=number(b"generation_start"),
        backlog_end=number(b"backlog_end"),
        backlog_generation=number(b"backlog_generation"),
        size=number(b"size"),
        last_digest=number(b"last_digest"),
        records=number(b"records"),
        rejected=number(b"rejected"),
        emergencies=number(b"emergencies"),
        latest_emergency_id=_entry_id(fields.get(b"latest_emergency_id", b"")),
        birth=Birth.parse(text(b"birth")),
        created_ms=number(b"created_ms"),
        updated_ms=number(b"updated_ms"),
        appended_ms=number(b"appended_ms"),
        written_ms=number(b"written_ms"),
        text=number(b"text"),
        partial_bytes=number(b"partial_bytes"),
        owner=text(b"owner"),
        path=text(b"path"),
        absent_since_ms=number(b"absent_since_ms"),
        head_proof=text(b"head_proof"),
        marker_proof=text(b"marker_proof"),
        past=text(b"past"),
        part=text(b"part"),
        part_start=number(b"part_start"),
    )


def birth_of(values: Sequence[bytes | None]) -> Birth:
    """The birth from its two fields; `UNCOUNTED` if they are missing or invalid."""
    counter, number = values
    if counter is None or number is None:
        return UNCOUNTED
    text = b"-".join((counter, number))
    return Birth.parse(text.decode(errors="replace"))


def head_state_of(values: Sequence[bytes | None]) -> SessionState | None:
    """The state from the values of `HEAD_FIELDS`; None if there is no state."""
    fields = {
        name.encode(): value
        for name, value in zip(HEAD_FIELDS, values, strict=True)
        if value is not None
    }
    return whole_state_of(fields) if fields else None


def whole_state_of(fields: Mapping[bytes, bytes]) -> SessionState:
    """The state in a hash that was read in one step, without the stream's last ID."""
    names = (b"incarnation", b"generation", b"offset", b"last_id", b"last_rejected_id")
    return state_of(fields, position_of([*(fields.get(n, b"") for n in names), b""]))


def _number(text: bytes | str) -> int:
    try:
        value = int(text)
    except ValueError:
        return 0
    return value if value in INT64 else 0
