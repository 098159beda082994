"""Turns replies of Redis, which are lists and bytes, into values. Pure.

Field names are those in docs/streams.md. An entry that somebody wrote by hand is still
an entry; it lacks the field `p`, which breaks the chain for readers. One that is no
JSON object is a gap: no reader is given anything else as a record.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import UNREADABLE_GAP, Entry, Kind, Rejection
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID
from tailcast_streams.record import INT64
from tailcast_streams.session_state import (
    NOTHING_STORED,
    SPOILED_STATE,
    Origin,
    SessionState,
    StoredEnd,
    StoredPosition,
)


# What tailers store of a position; incarnations are letters and digits.
_LIFE = re.compile(rb"[!-~]{1,64}")
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,15}")
_ID = re.compile(rb"(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})")
_KINDS = {kind.value.encode(): kind for kind in Kind}


def entries_of(response: Sequence[Sequence[Any]]) -> list[Entry]:
    """The entries of an XRANGE or XREVRANGE reply: `[[id, [name, value, …]], …]`.

    What another program wrote and is no record is a gap, `UNREADABLE_GAP`.
    """
    entries = _as_written(response)
    a_line = (Kind.RECORD, Kind.EMERGENCY)
    if are_sound([entry[3] for entry in entries if entry[2] in a_line]):
        return entries
    return [
        Entry(*entry[:2], Kind.GAP, b"", UNREADABLE_GAP)
        if entry.kind in a_line and not are_sound([entry.record])
        else entry
        for entry in entries
    ]


def _as_written(response: Sequence[Sequence[Any]]) -> list[Entry]:
    """The same, whatever is in them.

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


class _Record(msgspec.Struct):
    """A record whose fields are checked, and not kept."""


_decode_record = msgspec.json.Decoder(_Record).decode


def are_sound(records: Sequence[bytes]) -> bool:
    """Whether all of these are JSON objects in UTF-8.

    Stored records go out as they are, between others. One that is none would make a
    message that nobody can read.
    """
    try:
        for record in records:
            _decode_record(record)
        # The library looks at no character in texts. What is between two records keeps
        # them apart.
        whole = b"\n".join(records)
        if not whole.isascii():
            whole.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    # Nor is a record on several lines, where answers are lines.
    return whole.count(b"\n") == max(0, len(records) - 1)


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


def _number(text: bytes | str) -> int:
    try:
        value = int(text)
    except ValueError:
        return 0
    return value if value in INT64 else 0


def _entry_id(text: bytes) -> EntryID:
    if not text:
        return BEFORE_ALL
    if text == b"0-0":
        # So are most that are not the last one of a stream.
        return BEFORE_ALL
    generation, _, offset = text.partition(b"-")
    try:
        return EntryID(int(generation), int(offset))
    except ValueError:
        return BEFORE_ALL


def rejections_of(response: Sequence[Sequence[Any]]) -> list[Rejection]:
    """The rejected lines of an XRANGE reply of the stream of these."""
    return [_rejection(entry) for entry in _as_written(response)]


def _rejection(entry: Entry) -> Rejection:
    fields = entry.details or {}
    return Rejection(
        entry.id,
        fields.get("why", ""),
        _number(fields.get("offset", "")),
        _number(fields.get("length", "")),
        fields.get("line", ""),
    )


def position_of(reply: Sequence[bytes]) -> StoredPosition:
    """The position in an answer of `position.lua`.

    It is read as `stored_position.lua` reads it: else what cannot be read could not be
    compared, and so never be made anew.
    """
    life, generation, offset, last_id, last_rejected_id, stream_last_id, *_ = reply
    last = _exact_id(last_id)
    position = StoredPosition(
        life.decode() if _LIFE.fullmatch(life) else "",
        _exact_number(generation),
        _exact_number(offset),
        last,
        _exact_id(last_rejected_id),
    )
    if not position.incarnation and position != NOTHING_STORED:
        position = position._replace(last_id=SPOILED_STATE)
    is_same = stream_last_id == last_id and last != BEFORE_ALL
    stream = last if is_same else _entry_id(stream_last_id)
    return position._replace(stream_last_id=stream)


def _exact_number(text: bytes) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def _exact_id(text: bytes) -> EntryID:
    return _entry_id(text) if _ID.fullmatch(text) else BEFORE_ALL


def end_of(reply: Sequence[bytes]) -> StoredEnd:
    """The end in an answer of `position.lua`."""
    position = position_of(reply)
    return StoredEnd(
        position.incarnation,
        Cursor(position.last_id, _number(reply[6])),
        position.stream_last_id,
    )


# The fields of a state that `origin_of` reads.
ORIGIN_FIELDS = (
    "incarnation", "path", "owner", "updated_ms", "offset", "head_proof",
    "marker_proof", "past",
)  # fmt: skip  # one name a line would hide what they are


def origin_of(reply: Sequence[bytes | None]) -> Origin | None:
    """The answer of HMGET for `ORIGIN_FIELDS`."""
    incarnation, path, owner, updated, offset, head, marker, past = reply
    if not incarnation:
        return None
    return Origin(
        _text(path or b""),
        _text(owner or b""),
        _number(updated or b""),
        _number(offset or b""),
        _text(head or b""),
        _text(marker or b""),
        _text(past or b""),
    )


# The fields of a state that `activity_of` reads.
LISTED_FIELDS = ("taken_out_ms", "written_ms", "updated_ms")


def activity_of(reply: Sequence[bytes | None]) -> int:
    """When a session moved last, Unix milliseconds; 0 for one that is not kept."""
    taken_out, written, updated = (_number(text or b"") for text in reply)
    return 0 if taken_out else max(0, written) or max(0, updated)


def are_names(names: Sequence[bytes]) -> bool:
    """Whether sessions may have these names: texts, in UTF-8."""
    try:
        b"\n".join(names).decode()
    except UnicodeDecodeError:
        return False
    return True


def is_of_documents(told: Mapping[bytes, Any]) -> bool:
    """Whether a stream is that of the whole-file emergencies, as XINFO tells of it."""
    return _entry_id(told[b"last-generated-id"]).generation <= 1


def _text(value: bytes) -> str:
    # No tailer writes a NUL, and no path may have one.
    return "" if b"\0" in value else value.decode(errors="replace")


def _birth(value: bytes) -> Birth:
    return Birth.parse(_text(value))


# The fields of a state that are numbers, and those that are texts.
_NUMBERS = {
    "generation_start", "backlog_end", "backlog_generation", "size", "last_digest",
    "records", "rejected", "emergencies", "created_ms", "updated_ms", "appended_ms",
    "written_ms", "text", "partial_bytes", "absent_since_ms", "part_start",
    "taken_out_ms",
}  # fmt: skip  # one name a line would hide what they are
_TEXTS = {"owner", "path", "head_proof", "marker_proof", "past", "part"}
_OTHERS: Mapping[str, Callable[[bytes], Any]] = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_TEXTS, _text),
    "latest_emergency_id": _entry_id,
    "birth": _birth,
}
# The fields of the position, and the others as `SessionState` has them.
_POSITION_FIELDS = (
    "incarnation", "generation", "offset", "last_id", "last_rejected_id",
)  # fmt: skip  # as above
_OTHER_FIELDS = tuple(name for name in SessionState._fields if name != "position")
# How each of these is read, and what it is where nothing is stored.
_READS: list[tuple[Callable[[bytes], Any], Any]] = [
    (_OTHERS[name], SessionState._field_defaults[name]) for name in _OTHER_FIELDS
]

# The fields of a state, in the order in which `state.lua` asks for them.
STATE_FIELDS = (*_POSITION_FIELDS, *_OTHER_FIELDS)
# Those that a head has: without those that are only for the tailer, which are the last.
HEAD_FIELDS = STATE_FIELDS[: STATE_FIELDS.index("head_proof")]


def _state_of(values: Sequence[bytes | None], stream_last_id: bytes) -> SessionState:
    """The state from the values of `STATE_FIELDS`, or of the first ones of these.

    All states of a start go through here: what is missing costs nothing.
    """
    size = len(_POSITION_FIELDS)
    stored = [value or b"" for value in values[:size]]
    position = position_of([*stored, stream_last_id])
    others: list[Any] = [
        default if value is None else read(value)
        for (read, default), value in zip(_READS, values[size:], strict=False)
    ]
    return SessionState(position, *others)


def stored_state_of(reply: Sequence[Any]) -> SessionState | None:
    """The answer of `state.lua`; None if nothing is stored."""
    stream_last_id, values = reply
    state = _state_of(values, stream_last_id)
    return None if state.position == NOTHING_STORED else state


def head_state_of(values: Sequence[bytes | None]) -> SessionState | None:
    """The state from the values of `HEAD_FIELDS`; None if there is no state."""
    is_there = any(value is not None for value in values)
    return _state_of(values, b"") if is_there else None


def birth_of(values: Sequence[bytes | None]) -> Birth:
    """The birth from its two fields; `UNCOUNTED` if they are missing or invalid."""
    counter, number = values
    if counter is None or number is None:
        return UNCOUNTED
    text = b"-".join((counter, number))
    return Birth.parse(text.decode(errors="replace"))
