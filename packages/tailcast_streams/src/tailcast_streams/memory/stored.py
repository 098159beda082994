"""Everything that a broker in memory has stored, as values that change."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from tailcast_streams.births import UNCOUNTED, Birth
from tailcast_streams.claims import Claim
from tailcast_streams.descriptions import Description
from tailcast_streams.entries import Entry, NewRejection
from tailcast_streams.indexers import Indexer
from tailcast_streams.memory.client_cursors import StoredClient
from tailcast_streams.memory.emergencies import StoredEmergencies
from tailcast_streams.memory.indexes import StoredWhole
from tailcast_streams.memory.sources import StoredSources
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.session_state import SessionState


@dataclass(slots=True)
class StoredStream:
    """A stream: entries with rising IDs, and the last ID, which stays when trimmed."""

    entries: list[Entry] = field(default_factory=list[Entry])
    last_id: EntryID = BEFORE_ALL

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.last_id = entry.id

    def index_after(self, id: EntryID) -> int:
        return bisect_right(self.entries, id, key=lambda entry: entry.id)

    def index_of(self, id: EntryID) -> int:
        return bisect_left(self.entries, id, key=lambda entry: entry.id)


@dataclass(slots=True)
class Stored:
    """Everything that is lost together when the broker forgets."""

    streams: dict[str, StoredStream] = field(default_factory=dict[str, StoredStream])
    states: dict[str, SessionState] = field(default_factory=dict[str, SessionState])
    rejected: dict[str, list[tuple[EntryID, NewRejection]]] = field(
        default_factory=dict[str, list[tuple[EntryID, NewRejection]]]
    )
    activity_ms: dict[str, int] = field(default_factory=dict[str, int])
    births: Birth = UNCOUNTED
    # By session that is not kept any more: the monotonic time at which the rest goes.
    taken_out: dict[str, float] = field(default_factory=dict[str, float])
    # Likewise the time at which what people said of it goes.
    edits_end: dict[str, float] = field(default_factory=dict[str, float])
    seen: set[str] = field(default_factory=set[str])
    begun: set[str] = field(default_factory=set[str])
    # By owner: the monotonic time at which its presence ends, seconds.
    presence: dict[str, float] = field(default_factory=dict[str, float])
    # Likewise when it is not awake any more, of those that say so.
    awake: dict[str, float] = field(default_factory=dict[str, float])
    claims: dict[tuple[str, str], Claim] = field(
        default_factory=dict[tuple[str, str], Claim]
    )
    descriptions: dict[str, Description] = field(default_factory=dict[str, Description])
    indexes: dict[str, StoredWhole] = field(default_factory=dict[str, StoredWhole])
    emergencies: StoredEmergencies = field(default_factory=StoredEmergencies)
    # Each with the monotonic time at which its presence ends, seconds.
    indexers: dict[str, tuple[Indexer, float]] = field(
        default_factory=dict[str, tuple[Indexer, float]]
    )
    sources: dict[str, StoredSources] = field(default_factory=dict[str, StoredSources])
    clients: dict[str, StoredClient] = field(default_factory=dict[str, StoredClient])
