"""The broker as the services see it: values, and the promises on each call.

Pure. Adapters (`broker_redis`, `broker_memory`) implement both ports; one conformance
suite runs over all of them. Every call may raise `BrokerError`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.claims import Claims
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor, EntryID, digest


class Kind(StrEnum):
    """What an entry is; the value is field `k` of the stream, where it is not empty."""

    RECORD = ""
    EMERGENCY = "e"
    # A generation begins: `details` has `reason`, `complete`, `step` but in the first.
    MARKER = "w"
    # Bytes that cannot be had any more: `details` has `from` and `to`, entry IDs.
    GAP = "g"


class Entry(NamedTuple):
    """One stored entry, as readers get it."""

    id: EntryID
    # The ID of the entry before it: the chain by which a reader proves that it missed
    # nothing. `0-0` for the first.
    previous: EntryID
    kind: Kind
    # The record's bytes; empty for markers and gaps.
    record: bytes
    # The fields of a marker or gap, and of a document its `session`, `path`, `news`.
    details: Mapping[str, str] | None = None

    @property
    def cursor(self) -> Cursor:
        """The cursor of a client that has this entry."""
        return Cursor(self.id, digest(self.record))


# What keeping an entry costs beside its record's bytes: the tuples and integers.
ENTRY_OVERHEAD_BYTES = 300


def cost_bytes(entry: Entry) -> int:
    """What keeping an entry in memory costs."""
    return len(entry.record) + ENTRY_OVERHEAD_BYTES


class NewEntry(NamedTuple):
    """An entry to append; its generation is the batch's."""

    offset: int
    kind: Kind
    record: bytes
    details: Mapping[str, str] | None = None


class NewRejection(NamedTuple):
    """A line to keep with the rejected; its generation is the batch's."""

    # The byte after its newline, which makes its ID as it makes an entry's.
    offset: int
    # In words for people.
    reason: str
    # Its length in bytes without the newline.
    length: int
    # At most its first 4 KiB.
    head: bytes


class Rejection(NamedTuple):
    """A line that was kept with the rejected, as readers get it."""

    id: EntryID
    # In words for people.
    reason: str
    # Where in the file the line starts, and its length without the newline, bytes.
    offset: int
    length: int
    # At most its first 4 KiB; what is no UTF-8 in it is U+FFFD.
    head: str


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


class Document(NamedTuple):
    """A whole-file emergency."""

    # Below the log directory; with the digest it is the document's identity.
    path: str
    # SHA-256 of the file's bytes, hex.
    sha256: str
    # Its JSON on one line.
    record: bytes
    # The session that it names, or "" for none.
    session: str
    # Whether it is news; an old one is listed, never announced.
    is_news: bool
    # When the file was written, Unix milliseconds, told to whoever is woken.
    written_ms: int = 0


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


class SessionWriter(Protocol):
    """What the tailer asks of a broker."""

    @property
    def claims(self) -> Claims:
        """What tailers say to each other about who owns a session."""
        ...

    async def settle_installation(self) -> None:
        """Agree with all who share these keys on the ID that is said on the channel.

        It is made once. Who calls it puts it back if the broker forgot it, and takes
        another one if that is stored; in between, hints may be passed over.
        """
        ...

    async def load(self, session: str) -> SessionState | None:
        """Read the state; None if the session has neither state nor stream.

        A session whose state alone is missing has `position.incarnation == ""` and is
        diverged.
        """
        ...

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        """As `load`, many in one go."""
        ...

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        """Read how far sessions are, in one go; `NOTHING_STORED` for unknown ones."""
        ...

    async def now_ms(self) -> int:
        """Read the broker's clock, Unix milliseconds."""
        ...

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        """List a session that is about to begin, and count it; the number goes with it.

        Numbers rise, above those too that the broker has forgotten unless its clock was
        set back meanwhile. Whoever reads `births` and then lists the sessions finds all
        with such a number.
        """
        ...

    async def append(self, batch: Batch) -> Appended:
        """Compare and append, as one step that happens wholly or not at all.

        Done only if what is stored is `batch.expected`, the streams' own last IDs agree
        with it, and the batch's IDs rise above them. Entries, rejections, state and
        counters (`records`, `rejected`, `latest`) change together, and if the broker
        forgets they are lost together. Readers are woken after it, with `written_ms`,
        or perhaps never.
        A repeated append answers `CONFLICT`. Raises `BrokerFull` with nothing written.
        """
        ...

    async def discard(self, session: str, seen: StoredPosition) -> bool:
        """Delete stream, rejected and state together, if they still are as `seen`."""
        ...

    async def trim(self, session: str, before: EntryID) -> Trimmed:
        """Drop entries below an ID; the stream keeps its last ID, even when empty.

        However many these are, they go before this answers; as many as the broker
        keeps in one piece, some 4 KiB or one record, may stay.
        """
        ...

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        """Note when sessions were last active, in the list that readers see."""
        ...

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """List sessions with their last activity, Unix milliseconds."""
        ...

    async def unlist(self, session: str) -> None:
        """Take a session out of that list, once nothing is stored of it."""
        ...

    async def add_document(self, document: Document) -> bool:
        """Append a document once per path and content; False if it was there."""
        ...

    async def hold_presence(self, owner: str, *, seconds: float) -> None:
        """Say that this tailer lives, for so long."""
        ...

    async def has_begun(self, tailer: str) -> bool:
        """Whether it was noted of this tailer that it saw all files that there were."""
        ...

    async def note_begun(self, tailer: str) -> None:
        """Note it; states that were appended before are not lost after it."""
        ...

    async def is_present(self, owner: str) -> bool:
        """Whether a tailer said so and its time is not over."""
        ...

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """As `SessionReader.read_after`: to prove what a rewritten file kept."""
        ...


class SessionReader(Protocol):
    """What the gateway asks of a broker; it writes nothing into sessions."""

    @property
    def claims(self) -> Claims:
        """As `SessionWriter.claims`; only read."""
        ...

    async def settle_installation(self) -> None:
        """As `SessionWriter.settle_installation`."""
        ...

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """Read up to `limit` entries above an ID, oldest first."""
        ...

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        """Read several sessions in one go; sessions without news are left out."""
        ...

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        """Read up to `limit` entries below an ID (None: from the end), newest first."""
        ...

    async def find(self, session: str, id: EntryID) -> Entry | None:
        """Read the entry with this very ID."""
        ...

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        """Read up to `limit` rejections above an ID, oldest first.

        The latest 1,000 or so are kept; the state counts all that there were.
        """
        ...

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        """Read states and ends of sessions in one round trip, each state first."""
        ...

    async def snapshot(self, session: str) -> Snapshot | None:
        """Read the latest record, statistics and counters, in one step.

        None if there is no state. `latest` is the record at `cursor` unless a marker
        or gap came after it; `metrics` are those of exactly the entries up to it.
        """
        ...

    async def snapshots(self, sessions: Sequence[str]) -> list[Snapshot | None]:
        """As `snapshot`, many in few round trips: each in one step, not all."""
        ...

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        """Read where sessions end, in one go; `StoredEnd()` for unknown ones."""
        ...

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """As `SessionWriter.sessions`."""
        ...

    async def now_ms(self) -> int:
        """As `SessionWriter.now_ms`."""
        ...

    async def births(self) -> Birth:
        """Read the number that was given last; `UNCOUNTED` before the first."""
        ...

    async def present(self, owners: Sequence[str]) -> set[str]:
        """Those of these tailers whose presence has not expired."""
        ...

    def notifications(
        self, *, on_foreign: Callable[[], None] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Listen to what moved: texts for `parse_moved`, and what `notify` sent.

        A hint: some may be missing, and some may come of other installations that share
        the server: look into the broker before anything follows from one. What is known
        to be of another one is passed over, and told to `on_foreign`. Ends with
        `BrokerUnavailable` when the connection is lost; whoever listens looks at
        everything after listening anew.
        """
        ...

    async def notify(self, payload: str) -> None:
        """Send a text that begins with "!" to all listeners, this one included."""
        ...
