"""Sampling: reduces a replay of any length to `max_points` records that keep its shape.

Pure. A replay is divided into buckets of equal size in bytes of the file, as the
records of a session have about the same length. Of each bucket the records with every
metric's least and greatest value are sent, and those where a run of non-finite values
begins and ends. Emergencies, markers and gaps are always sent, in their places. Entries
are fed in one after another; at most twice `MAX_HELD_BYTES` and an entry are held.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from tailcast_gateway.protocol.limits import MAX_POINTS, MIN_POINTS
from tailcast_gateway.views.buckets import Range
from tailcast_streams.entries import Entry, Kind, cost_bytes
from tailcast_streams.metrics import Find, finder, metrics_of, read_fields
from tailcast_streams.position import EntryID


# How many bytes the entries of one replay may take while they wait, and as many while a
# bucket may keep them.
MAX_HELD_BYTES = 8 * 1024 * 1024
# If the client names no metrics: how many are followed, the first that are found ...
MAX_FOUND_METRICS = 16
# ... in this many records.
PROBED_RECORDS = 100

# The fewest points of a generation, for its first and last record; else it has none.
_LEAST_SHARE = 2


class Sampler:
    """Reduces one replay.

    A replay that has at most `max_points` records is sent whole, unless holding it
    takes too much memory. Several generations share the points: each has a part of the
    points that are left, its own buckets, and its own first and last record.
    """

    __slots__ = (
        "_ends", "_finds", "_left", "_max_held_bytes", "_max_points",
        "_may_pass_whole", "_newest", "_progress_keys", "_range", "_records",
        "_settled", "_start", "_told", "_waiting", "_waiting_bytes",
    )  # fmt: skip  # one glance

    def __init__(
        self,
        max_points: int,
        metrics: Collection[str] | None,
        *,
        start: EntryID,
        ends: Sequence[EntryID],
        progress_keys: Collection[str] = (),
        max_held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        """Raises ValueError unless `max_points` is within its limits.

        Args:
            max_points: the most records of the result.
            metrics: the metrics whose extremes are kept; None to find them.
            start: the place before the replay's first entry.
            ends: the known last entries of generations, the replay's end last.
                Other generations are taken to be as long as the newest one.
            progress_keys: the keys of steps and times, which are not metrics.
            max_held_bytes: how many bytes may wait, and as many in a bucket.
        """
        if not MIN_POINTS <= max_points <= MAX_POINTS:
            raise ValueError(f"points are from {MIN_POINTS} to {MAX_POINTS:,}")
        self._max_points = max_points
        self._max_held_bytes = max_held_bytes
        self._progress_keys = frozenset(progress_keys)
        self._start = start
        # The last generation, and the offsets at which generations end.
        self._newest = ends[-1].generation
        self._ends = {end.generation: end.offset for end in ends}
        # Finds each metric; None until the metrics are known.
        self._finds: tuple[Find, ...] | None = None
        if metrics is not None:
            self._finds = tuple(map(finder, sorted(metrics)))
        # Whether the replay may still be short enough to be sent whole.
        self._may_pass_whole = True
        # Entries that are not in a bucket yet, and their size.
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        # The generation that is sampled now; None before the first entry.
        self._range: Range | None = None
        # How many points no generation has got yet.
        self._left = max_points
        # How many records came while all might be sent, how many are in ended
        # generations, and how many `take_count` has returned.
        self._records = 0
        self._settled = 0
        self._told = 0

    def feed(self, entries: Iterable[Entry]) -> list[Entry]:
        """Take the next entries; returns those that can be sent so far, in order."""
        sent: list[Entry] = []
        for entry in entries:
            self._waiting.append(entry)
            self._waiting_bytes += cost_bytes(entry)
            if self._may_pass_whole:
                self._count(entry)
            else:
                self._work_off(sent)
        return sent

    def finish(self) -> list[Entry]:
        """End the replay; returns the rest of the entries to send."""
        sent: list[Entry] = []
        if self._may_pass_whole:
            sent += self._waiting
            self._waiting.clear()
            self._settled = self._records
            return sent
        while self._waiting:
            self._take(sent)
        self._end_range(sent)
        return sent

    def take_count(self) -> int:
        """How many records the entries returned since the last call represent."""
        decided = self._settled + (self._range.decided if self._range else 0)
        count, self._told = decided - self._told, decided
        return count

    def _count(self, entry: Entry) -> None:
        """Count an entry; decide whether the replay may still be sent whole."""
        self._records += entry.kind is Kind.RECORD
        is_too_long = self._records > self._max_points
        if is_too_long or self._waiting_bytes > self._max_held_bytes:
            self._may_pass_whole = False
            if self._finds is None:
                self._finds = self._found()

    def _found(self) -> tuple[Find, ...]:
        """The finders of the metrics in the waiting records."""
        records = [one.record for one in self._waiting if one.kind is Kind.RECORD]
        probed = records[:: max(1, len(records) // PROBED_RECORDS)]
        return tuple(map(finder, _found_metrics(probed, self._progress_keys)))

    def _work_off(self, sent: list[Entry]) -> None:
        """Take two waiting entries for each new one, so that the backlog shrinks."""
        for _ in range(min(2, len(self._waiting))):
            self._take(sent)
        while self._waiting_bytes > self._max_held_bytes:
            self._take(sent)

    def _take(self, sent: list[Entry]) -> None:
        entry = self._waiting.popleft()
        self._waiting_bytes -= cost_bytes(entry)
        if self._range is None or entry.id.generation != self._range.generation:
            self._end_range(sent)
            self._begin_range(entry.id)
        assert self._range is not None  # noqa: S101  # it has just begun
        self._range.take(entry, sent)

    def _begin_range(self, first: EntryID) -> None:
        generation = first.generation
        share = self._share(generation)
        self._left -= share
        is_first = generation == self._start.generation
        self._range = Range(
            generation,
            self._finds or (),
            points=share,
            start=self._start.offset if is_first else first.offset,
            end=self._length(generation),
            is_end_known=generation in self._ends,
            max_held_bytes=self._max_held_bytes,
        )

    def _share(self, generation: int) -> int:
        """A generation's part of the points, by its length; later ones get some too."""
        later = self._newest - generation
        if later <= 0:
            return self._left
        known = [length for at, length in self._ends.items() if at > generation]
        length = self._length(generation)
        total = length + sum(known) + (later - len(known)) * self._length(self._newest)
        share = max(_LEAST_SHARE, self._left * length // max(1, total))
        share = min(share, self._left - _LEAST_SHARE * later)
        return share if share >= _LEAST_SHARE else 0

    def _length(self, generation: int) -> int:
        """The offset at which a generation ends, as far as that is known."""
        return self._ends.get(generation, self._ends[self._newest])

    def _end_range(self, sent: list[Entry]) -> None:
        if self._range is not None:
            self._range.finish(sent)
            self._left += self._range.points_left
            self._settled += self._range.decided
            self._range = None


def _found_metrics(records: Iterable[bytes], ignored: Collection[str]) -> list[str]:
    """The first metrics that records have, in their order."""
    found: dict[str, None] = {}
    for record in records:
        for name in metrics_of(read_fields(record), ignored):
            found[name] = None
            if len(found) == MAX_FOUND_METRICS:
                return list(found)
    return list(found)
