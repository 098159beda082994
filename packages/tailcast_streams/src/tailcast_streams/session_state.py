"""The state of a session: where it stands, what it has, and the batch that changes it.

Pure values. What never lives here: entries themselves, and who reads and writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.entries import Entry, NewEntry, NewRejection
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor, EntryID


class StoredPosition(NamedTuple):
    """How far a session is, by its state and by the streams themselves."""

    # The life of the stream in this broker: random, made with the state, "" if none.
    incarnation: str = ""
    generation: int = 0
    # Where in the file reading goes on.
    offset: int = 0
    # The last entry and the last rejection, as the state has them.
    last_id: EntryID = BEFORE_ALL
    last_rejected_id: EntryID = BEFORE_ALL
    # The last ID of the stream itself; `BEFORE_ALL` without one. If it is not
    # `last_id`, stream and state disagree: the session is diverged.
    stream_last_id: EntryID = BEFORE_ALL

    @property
    def is_diverged(self) -> bool:
        """Whether stream and state contradict each other."""
        return self.last_id != self.stream_last_id


# A session of which the broker has nothing.
NOTHING_STORED = StoredPosition()


class StoredEnd(NamedTuple):
    """Where a session ends, and what proves that it is the end that was read."""

    # As in `StoredPosition`.
    incarnation: str = ""
    # The last entry, as the state has it.
    cursor: Cursor = NOTHING
    # As in `StoredPosition`.
    stream_last_id: EntryID = BEFORE_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """What the broker keeps about a session beside its entries."""

    position: StoredPosition
    # Where the current generation's marker lies: 0, or what the rewrite kept.
    generation_start: int = 0
    # Bytes that were in the file before any tailer saw it: history, not news.
    backlog_end: int = 0
    # The file's size at the last append, bytes.
    size: int = 0
    # `digest` of the last entry's record: proves `last_id` where the entry is trimmed.
    last_digest: int = 0
    # Records and emergencies appended, and lines rejected, in this incarnation.
    records: int = 0
    rejected: int = 0
    # First and last step and time of the current incarnation, None until one was read.
    first_step: float | None = None
    last_step: float | None = None
    first_time_ms: int | None = None
    last_time_ms: int | None = None
    # The latest record's bytes, b"" until there is one.
    latest: bytes = b""
    # Emergencies among the records, and the latest of them.
    emergencies: int = 0
    latest_emergency_id: EntryID = BEFORE_ALL
    latest_emergency: bytes = b""
    # Its number in the count of sessions that began.
    birth: Birth = UNCOUNTED
    # When the first and the last append were made, Unix milliseconds by the tailer's
    # clock.
    created_ms: int = 0
    updated_ms: int = 0
    # When the last entry or rejection was appended, by the broker's clock, so that all
    # measure its age by the same one; 0 if it did not say so.
    appended_ms: int = 0
    # Records per second at the last append; see `tailcast_streams.rate`.
    rate: float = 0.0
    # Statistics of each metric since the current generation's marker, a JSON object;
    # b"" until there are some. Values of metrics beyond the first 1,000 are counted.
    metrics: bytes = b""
    metrics_left_out: int = 0
    # The tailer that appended last: `host:log directory`; and the file's path there.
    owner: str = ""
    path: str = ""
    # Since when the file of a session that lived its time is known to be absent, Unix
    # milliseconds; 0, or earlier than the last append: it is not.
    absent_since_ms: int = 0
    # Proofs that a file is the one that was read; opaque here, made by the tailer.
    head_proof: str = ""
    marker_proof: str = ""

    @property
    def aged_from_ms(self) -> int:
        """From when its age is measured: by the broker's clock, if that is known."""
        return self.appended_ms or self.updated_ms


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


class Head(NamedTuple):
    """The two ends of a stream and the state, read one after the other."""

    # None: the broker has no state for the session. Without what is large or is the
    # tailer's alone: `latest`, `latest_emergency` and its ID, `metrics`,
    # `absent_since_ms` and the proofs.
    state: SessionState | None
    # The oldest and newest entries that are kept; None while there is none.
    oldest: Entry | None
    newest: Entry | None

    @property
    def cursor(self) -> Cursor | None:
        """The cursor of a client that has everything, None while there is nothing."""
        if self.newest is not None:
            return self.newest.cursor
        if self.state is not None and self.state.position.last_id != BEFORE_ALL:
            return Cursor(self.state.position.last_id, self.state.last_digest)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A session as it was after one append: everything here belongs together."""

    # The cursor of a client that has everything; None before the first entry.
    cursor: Cursor | None
    incarnation: str
    # The latest record's bytes, b"" until there is one.
    latest: bytes
    # As in `SessionState`; a JSON object, `{}` while there are none.
    metrics: bytes
    metrics_left_out: int
    first_step: float | None
    last_step: float | None
    first_time_ms: int | None
    last_time_ms: int | None
    records: int
    rejected: int
    # Emergencies among the records, and the latest of them; b"" until there is one.
    emergencies: int
    latest_emergency_id: EntryID
    latest_emergency: bytes
    # Records per second at `aged_from_ms`; `rate.rate_at` tells what it is now.
    rate: float
    created_ms: int
    updated_ms: int
    # As in `SessionState`.
    aged_from_ms: int


def snapshot_of(state: SessionState) -> Snapshot:
    """What a state, read in one step, says of its session."""
    last_id = state.position.last_id
    return Snapshot(
        cursor=None if last_id == BEFORE_ALL else Cursor(last_id, state.last_digest),
        incarnation=state.position.incarnation,
        latest=state.latest,
        metrics=state.metrics or b"{}",
        metrics_left_out=state.metrics_left_out,
        first_step=state.first_step,
        last_step=state.last_step,
        first_time_ms=state.first_time_ms,
        last_time_ms=state.last_time_ms,
        records=state.records,
        rejected=state.rejected,
        emergencies=state.emergencies,
        latest_emergency_id=state.latest_emergency_id,
        latest_emergency=state.latest_emergency,
        rate=state.rate,
        created_ms=state.created_ms,
        updated_ms=state.updated_ms,
        aged_from_ms=state.aged_from_ms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one append writes."""

    session: str
    # What must be stored for the batch to fit; `NOTHING_STORED` to begin.
    expected: StoredPosition
    # Written with the state: the expected one, or a new random one to begin.
    incarnation: str
    # Of all entries and rejections; the expected one, or a greater one.
    generation: int
    # Where reading goes on after this batch.
    offset: int
    # Rising strictly; the first of a generation is its marker.
    entries: Sequence[NewEntry]
    rejections: Sequence[NewRejection] = ()
    # Other fields of the state to write, by their name in `SessionState`, as text.
    fields: Mapping[str, str | int | float | bytes]
    # When the newest line was written, Unix milliseconds, told to whoever is woken; 0
    # if nothing new was written.
    written_ms: int = 0


class Appended(Enum):
    """What came of an append; nothing was written unless it is `DONE`."""

    DONE = "done"
    # What is stored is not what the batch follows on from: read the state, go on there.
    CONFLICT = "conflict"
    # Stream and state disagree with each other: nothing can follow on from this.
    DIVERGED = "diverged"


class Trimmed(NamedTuple):
    """What came of trimming a stream: what really went, not what was asked for."""

    # How many entries went.
    entries: int
    # The oldest entry that stays; None: there is none.
    oldest: Entry | None
