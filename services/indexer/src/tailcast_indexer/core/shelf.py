"""The indexes in memory: which of them were used last, and what they cost. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tailcast_index.fold import Index
from tailcast_streams.indexes import IndexWrite
from tailcast_streams.position import Cursor


@dataclass(slots=True)
class Held:
    """One index in memory."""

    index: Index
    # Where the session ended when the index was read, or begun.
    end: Cursor
    # How many metrics it has, as far as that is known.
    metrics: int = 0
    # How many bytes of memory it takes, about: see `cost_of`.
    cost_bytes: int = 0
    # What is to be written, whether or not it was before: its answer was lost, or there
    # was no room. Until then nothing more is folded.
    pending: IndexWrite | None = None
    # Whether entries were folded that are not in a write yet.
    is_dirty: bool = False
    # Whether somebody else wrote it, so that it must be read again.
    is_doubtful: bool = False
    # When it was written last, monotonic seconds.
    written_at: float = float("-inf")
    # How many bytes of records were folded since.
    unwritten_bytes: int = 0
    # How many bytes a record has, about.
    record_bytes: int = 1_000


# What an index costs, and each metric of it with its roll-ups.
INDEX_BYTES = 20_000
METRIC_BYTES = 3_000


def cost_of(metrics: int) -> int:
    """How many bytes of memory an index with so many metrics takes, about."""
    return INDEX_BYTES + METRIC_BYTES * metrics


class Shelf:
    """Indexes by session, the one that was used longest ago first."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        # What all of them cost.
        self.cost_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._held))

    def get(self, session: str) -> Held | None:
        """An index, unused."""
        return self._held.get(session)

    def use(self, session: str) -> Held | None:
        """An index that is used now."""
        held = self._held.pop(session, None)
        if held is not None:
            self._held[session] = held
        return held

    def put(self, session: str, held: Held) -> None:
        """Keep an index that was read, or begun, now."""
        self.drop(session)
        self._held[session] = held
        held.cost_bytes = 0
        self.weigh(session, 0)

    def weigh(self, session: str, metrics: int) -> None:
        """Note that an index has so many metrics at least."""
        held = self._held[session]
        held.metrics = max(held.metrics, metrics)
        cost_bytes = cost_of(held.metrics)
        self.cost_bytes += cost_bytes - held.cost_bytes
        held.cost_bytes = cost_bytes

    def drop(self, session: str) -> None:
        """Keep an index no longer."""
        held = self._held.pop(session, None)
        if held is not None:
            self.cost_bytes -= held.cost_bytes

    def surplus(self, most_bytes: int) -> list[str]:
        """Those that must go, the one that was used longest ago first."""
        found: list[str] = []
        over = self.cost_bytes - most_bytes
        for session, held in self._held.items():
            if over <= 0:
                break
            over -= held.cost_bytes
            found.append(session)
        return found
