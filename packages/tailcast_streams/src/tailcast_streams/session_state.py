"""The state of a session: how far it was read, its values, and the batch of an append.

Pure values. Entries are in `entries`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import Entry, NewEntry, NewRejection
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor, EntryID


class StoredPosition(NamedTuple):
    """How far a session was read, by its state and by the streams themselves."""

    # The random name of the stream's life in this broker; "" without a state.
    incarnation: str = ""
    generation: int = 0
    # The offset in the file at which reading goes on.
    offset: int = 0
    # The IDs of the last entry and the last rejection, as the state has them.
    last_id: EntryID = BEFORE_ALL
    last_rejected_id: EntryID = BEFORE_ALL
    # The last ID of the stream itself; `BEFORE_ALL` without one. If it is not
    # `last_id`, stream and state disagree: the session is diverged.
    stream_last_id: EntryID = BEFORE_ALL

    @property
    def is_diverged(self) -> bool:
        """Whether stream and state contradict each other, or one of them is spoiled."""
        return self.last_id != self.stream_last_id


# What stands for the last ID of a stream, or of a state, that another program wrote or
# that cannot be read. No tailer writes these, and they contradict each other.
SPOILED_STREAM = EntryID(0, 1)
SPOILED_STATE = EntryID(0, 2)
# The position of a session of which the broker has nothing.
NOTHING_STORED = StoredPosition()


class StoredEnd(NamedTuple):
    """Where a session ends, with the proof of its last entry."""

    # As in `StoredPosition`.
    incarnation: str = ""
    # The cursor of the last entry, as the state has it.
    cursor: Cursor = NOTHING
    # As in `StoredPosition`.
    stream_last_id: EntryID = BEFORE_ALL

    @property
    def is_spoiled(self) -> bool:
        """Whether another program wrote its stream or its state."""
        is_spoiled = self.cursor.id == SPOILED_STATE
        return is_spoiled or self.stream_last_id == SPOILED_STREAM


class SessionState(NamedTuple):
    """What the broker stores about a session besides its entries."""

    position: StoredPosition
    # The offset of the current generation's marker: 0, or how much a rewrite kept.
    generation_start: int = 0
    # How many bytes were in the file before any tailer saw it: these are history. And
    # of which generation that file is, if others were rotated away before it; else 0.
    backlog_end: int = 0
    backlog_generation: int = 0
    # The file's size at the last append, bytes.
    size: int = 0
    # `digest` of the last entry's record: it proves `last_id` if the entry is trimmed.
    last_digest: int = 0
    # How many records (with emergencies) were appended, and how many lines rejected, in
    # this incarnation.
    records: int = 0
    rejected: int = 0
    # Emergencies among the records, and the latest of them.
    emergencies: int = 0
    latest_emergency_id: EntryID = BEFORE_ALL
    # Its number in the order of creation.
    birth: Birth = UNCOUNTED
    # When the first and the last append were made, by the tailer's clock, Unix
    # milliseconds.
    created_ms: int = 0
    updated_ms: int = 0
    # The same for the last append, by the broker's clock, by which all measure its age;
    # 0 if unknown.
    appended_ms: int = 0
    # When the file had been written last, as it was read for the last append: its
    # modification time, Unix milliseconds, never in the future; 0 if unknown.
    written_ms: int = 0
    # Lines of text between records that were passed over.
    text: int = 0
    # Bytes behind the last line that are no whole line, and have rested so.
    partial_bytes: int = 0
    # The tailer that appended last: `host:log directory`; and the file's path there.
    owner: str = ""
    path: str = ""
    # When the file was first found absent, Unix milliseconds. It is there if this is 0
    # or before the last append.
    absent_since_ms: int = 0
    # The tailer's proofs that a file is the one that was read; opaque here.
    head_proof: str = ""
    marker_proof: str = ""
    # Which files were read whole before this one; opaque here too.
    past: str = ""
    # Of a run that is written as several files: the path of the one that is read, and
    # at which offset among the bytes of all of them it begins.
    part: str = ""
    part_start: int = 0
    # When the broker ceased to keep it, Unix milliseconds; 0 while it is kept. What is
    # left of it goes by itself, and nothing is appended to it.
    taken_out_ms: int = 0

    @property
    def gone_since_ms(self) -> int:
        """Since when its file is gone, Unix milliseconds; 0 while it is there."""
        is_gone = self.absent_since_ms > self.updated_ms
        return self.absent_since_ms if is_gone else 0

    @property
    def aged_from_ms(self) -> int:
        """The time from which its age is measured, by the broker's clock if known."""
        return self.appended_ms or self.updated_ms


class Whose(NamedTuple):
    """The tailer that appended last, and the path of the file that it did so from."""

    owner: str = ""
    path: str = ""


class Origin(NamedTuple):
    """The file that a session was read from, and by whom, as its state has it."""

    # As in `SessionState`.
    path: str = ""
    owner: str = ""
    updated_ms: int = 0
    # How far it was read, and what proves that a file is this one.
    offset: int = 0
    head_proof: str = ""
    marker_proof: str = ""
    # As in `SessionState`.
    past: str = ""


class Head(NamedTuple):
    """The state and the two ends of a stream, read one after the other."""

    # What one append left; None if the broker has no state for the session. It lacks
    # fields that are only for the tailer, and what the stream says itself: the proofs
    # and `stream_last_id`.
    state: SessionState | None
    # The oldest and newest stored entries; None while there is none.
    oldest: Entry | None
    newest: Entry | None

    @property
    def cursor(self) -> Cursor | None:
        """The cursor of a client that has all entries, None while there is none."""
        newest = None if self.newest is None else self.newest.cursor
        last_id = BEFORE_ALL if self.state is None else self.state.position.last_id
        if self.state is None or last_id <= (newest or NOTHING).id:
            return newest
        # The latest entries were trimmed, or deleted by hand.
        return Cursor(last_id, self.state.last_digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one append writes."""

    session: str
    # The position that must be stored, or nothing is written; `NOTHING_STORED` to
    # begin.
    expected: StoredPosition
    # Whose session it must be besides, as it stays that without being sent; None where
    # that does not matter, or is among `fields`.
    expected_whose: Whose | None = None
    # The incarnation to store: the expected one, or a new random one to begin.
    incarnation: str
    # The generation of all entries and rejections; the expected one or a greater one.
    generation: int
    # The offset at which reading goes on after this batch.
    offset: int
    # Each offset is above the last one; the first entry of a generation is its marker.
    entries: Sequence[NewEntry]
    rejections: Sequence[NewRejection] = ()
    # Other fields of the state to write, by their names in `SessionState`.
    fields: Mapping[str, str | int | float | bytes]
    # When the newest line was written, Unix milliseconds, for the notification; 0 if
    # there is no new line.
    written_ms: int = 0


class Appended(Enum):
    """The result of an append; nothing was written unless it is `DONE`."""

    DONE = "done"
    # The expected position is not stored: read the state and go on from there.
    CONFLICT = "conflict"
    # Stream and state contradict each other: nothing can be appended to them.
    DIVERGED = "diverged"


class Trimmed(NamedTuple):
    """The result of trimming a stream: the entries that really were dropped."""

    # How many entries were dropped.
    entries: int
    # The oldest entry that is left; None if there is none.
    oldest: Entry | None
