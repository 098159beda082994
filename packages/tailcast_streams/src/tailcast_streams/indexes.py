"""Indexes: what a session's records mean, as an indexer keeps it in the broker.

Pure. The index of a session is derived from its stream and can be made anew from it.
`at` names the entry up to which it is true. Each write names the `at` that it follows
on from, so that of two indexers that write at the same time one is refused. What the
stored bytes say is known to `tailcast_index` alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import NamedTuple, Protocol

from tailcast_streams.emergencies import EmergencyWrite
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.position import BEFORE_ALL, EntryID


# How many records a bucket of each level of roll-ups holds.
LEVELS = (32, 256, 2_048, 16_384, 131_072, 1_048_576, 8_388_608)


class Place(NamedTuple):
    """A place in a stream: what the run had reached there.

    The order of places is that of their records, and what was reached never falls.
    """

    # The entry up to which these values hold.
    id: EntryID
    # How many records there were up to it.
    records: int
    # The highest step and the latest time so far; None until one was read.
    step: int | float | None
    time_ms: int | None


# The name of a part of the roll-ups: one of `LEVELS`, and which part of that level it
# is, in the words of `tailcast_index`.
Chunk = tuple[int, str]


class StoredIndex(NamedTuple):
    """The index of a session without its metrics, places and roll-ups."""

    # The entry up to which it is true, and what proves it; "" if there is no index.
    at: str = ""
    # What else is stored, by name.
    fields: Mapping[str, bytes] = {}


# Of a session that has no index.
NO_INDEX = StoredIndex()


class WholeIndex(NamedTuple):
    """An index with its metrics, or some of them, as one write left both."""

    stored: StoredIndex = NO_INDEX
    metrics: Mapping[str, bytes] = {}


# The field that says behind which entry the stream is needed by who goes on.
NEEDS_FIELD = "needs"


class Needs(NamedTuple):
    """What an index needs of a stream to go on."""

    # Of which stream the index is.
    incarnation: str
    # Whoever goes on with it reads the entries behind this one.
    after: EntryID


def needs_of(stored: StoredIndex) -> Needs | None:
    """What an index needs, by its `at` and that field; None if there is no index."""
    if not stored.at:
        return None
    needs = stored.fields.get(NEEDS_FIELD, b"0-0").decode(errors="replace")
    try:
        after = EntryID.parse(needs)
    except InvalidPosition:
        # Somebody wrote it by hand.
        after = BEFORE_ALL
    return Needs(stored.at.partition(" ")[0], after)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexWrite:
    """What one write changes in the index of a session."""

    session: str
    # What must be stored, or nothing is written; "" for a session without an index.
    expected: str
    # What is stored then, never "".
    at: str
    # Whether all that is stored of the index is dropped first, as without an index; but
    # with `keep_records` its roll-ups stay, and places up to there.
    begins: bool = False
    # What is set, by name.
    fields: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    metrics: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    # Places at more records than this are dropped first; None to keep all.
    keep_records: int | None = None
    # A place with neither step nor time is not stored.
    places: Sequence[Place] = ()
    # Parts of the roll-ups to set, and those to delete.
    chunks: Mapping[Chunk, bytes] = field(default_factory=dict[Chunk, bytes])
    dropped: Sequence[Chunk] = ()
    # What is to be kept of emergencies before this is written; it is kept elsewhere.
    emergencies: EmergencyWrite | None = None


class Written(Enum):
    """The result of a write; nothing was written unless it is `DONE`."""

    DONE = "done"
    # Something else than `expected` is stored: read the index and go on from there.
    CONFLICT = "conflict"
    # A key that would be changed is of another type: another program wrote it.
    FOREIGN = "foreign"


class Indexes(Protocol):
    """The indexes in a broker; every call may raise `BrokerError`."""

    async def load(self, sessions: Sequence[str]) -> list[StoredIndex]:
        """Read indexes, all at once; `NO_INDEX` for sessions without one.

        So it is for a session whose key another program wrote.
        """
        ...

    async def whole(
        self, sessions: Sequence[str], names: Sequence[str] | None
    ) -> list[WholeIndex]:
        """Read indexes with those metrics of each that are stored, or all (None).

        No write comes between the two. What `load` and `metrics` say one after the
        other may be of two writes: who folds more entries would count some twice.
        """
        ...

    async def some(
        self, sessions: Sequence[str], names: Sequence[str]
    ) -> list[StoredIndex]:
        """Like `load`, with those of these fields alone that are stored."""
        ...

    async def ats(self, sessions: Sequence[str]) -> list[str]:
        """Read up to where indexes are true, all at once; "" as in `NO_INDEX`."""
        ...

    async def write(self, writes: Sequence[IndexWrite]) -> list[Written]:
        """Compare and write, in one step for each session, wholly or not at all.

        A repeated write answers `CONFLICT` if it changed `at`. After an error it is
        unknown which of them were done. Raises `BrokerFull` with nothing of the refused
        ones written.
        """
        ...

    async def metrics(
        self, session: str, names: Sequence[str] | None
    ) -> dict[str, bytes]:
        """Read what is stored of metrics: those names that are, or all (None)."""
        ...

    async def place_before(
        self, session: str, *, step: float | None = None, time_ms: int | None = None
    ) -> Place | None:
        """Read the last place at which the run had not reached a step, or a time.

        None if it had at the first place, or there is none. The record that reached it
        lies behind this place, at most as many records as places lie apart.
        """
        ...

    async def chunks(self, session: str, wanted: Sequence[Chunk]) -> list[bytes | None]:
        """Read parts of the roll-ups, in one round trip; None for missing ones."""
        ...

    async def spoiled(self, sessions: Sequence[str]) -> list[bool]:
        """Whether another program wrote one of the keys of each of these indexes."""
        ...

    async def discard(self, session: str) -> None:
        """Delete the index of a session, whoever wrote it."""
        ...


def check_write(write: IndexWrite) -> None:
    """Refuse a write that no adapter can do whole. Raises ValueError."""
    if not write.at:
        raise ValueError("an index is true up to some entry")
    for level, _ in (*write.chunks, *write.dropped):
        if level not in LEVELS:
            raise ValueError(f"no level of roll-ups: {level}")
    for place in write.places:
        if not all(map(_is_score, (place.step, place.time_ms))):
            raise ValueError(f"no broker can order this: {place}")


def _is_score(value: float | None) -> bool:
    try:
        return value is None or isfinite(value)
    except OverflowError:
        return False
