"""Gaps and rewinds: what clients are sent for entries that are not records.

Pure: fields, as they stand in a message of their own, a page or a line.
"""

from typing import Literal, NamedTuple

import msgspec

from tailcast_index.fold import Rewind
from tailcast_streams.cuts import is_rotation
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, BEGINNING_CURSOR, Cursor
from tailcast_streams.record import step_of


class Break(NamedTuple):
    """A gap or a rewind, as clients are sent it."""

    kind: Literal["gap", "rewind"]
    fields: dict[str, object]


_GAP_REASONS = frozenset(
    {"trimmed", "file_lost", "left_out", "unknown_cursor", "unreadable"}
)
_TRUE = frozenset({"1", "true"})


def gap(since: Cursor, to: Cursor, reason: str = "trimmed") -> dict[str, object]:
    """The fields that say: the records between two cursors are no longer available."""
    return {"from": str(shown(since)), "to": str(to), "reason": reason}


def gap_reason(stored: str) -> str:
    """The reason for a gap that clients are told."""
    return stored if stored in _GAP_REASONS else "file_lost"


def rewind(
    cursor: Cursor, reason: str, *, step: str = "", is_complete: bool = False
) -> dict[str, object]:
    """The fields that say: the file began anew at a marker."""
    return {
        "cursor": str(cursor),
        "generation": str(cursor.id.generation),
        "reason": reason,
        "step": _number(step),
        "complete": is_complete,
    }


def resumed(
    fall: Rewind, cursor: Cursor, at: Cursor | None = None
) -> dict[str, object]:
    """The fields that say: the run was taken up at a checkpoint, and went on there.

    Args:
        fall: where it fell back.
        cursor: up to where the client has got the session.
        at: the first record behind the fall; None if only its ID is known.
    """
    told = rewind(cursor, "resumed", is_complete=True)
    first = Cursor(fall.id, 0) if at is None else at
    run = {"run": fall.lane} if fall.lane else {}
    return {**told, "step": fall.step, "before": fall.before, "at": str(first), **run}


def gap_at(entry: Entry, previous: Cursor) -> dict[str, object]:
    """The fields for a gap entry, for a client that has all records before it."""
    # Older tailers gave no reason when they left lines out.
    reason = (entry.details or {}).get("reason", "left_out")
    return gap(previous, entry.cursor, gap_reason(reason))


def rewind_at(entry: Entry) -> dict[str, object]:
    """The fields for a marker. Clients are not sent the one that opens the stream."""
    details = entry.details or {}
    told = rewind(
        entry.cursor,
        details.get("reason", "truncated"),
        step=details.get("step", ""),
        is_complete=details.get("complete", "") in _TRUE,
    )
    return {**told, "rotated": True} if is_rotation(details) else told


def is_record(entry: Entry) -> bool:
    """Whether an entry is a line of the file: a record, or an emergency."""
    return entry.kind in (Kind.RECORD, Kind.EMERGENCY)


def shown(cursor: Cursor) -> Cursor:
    """A cursor as clients see it: for them, the place before all is the beginning."""
    return BEGINNING_CURSOR if cursor.id == BEFORE_ALL else cursor


def _number(text: str) -> float | int | None:
    try:
        return step_of(msgspec.json.decode(text, type=int | float))
    except msgspec.MsgspecError:
        return None
