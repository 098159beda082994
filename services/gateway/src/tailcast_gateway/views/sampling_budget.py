"""The sampled replays of a replica, and how much memory they may hold together.

Pure. Each replay has its own sampler, which decides which records are kept. This module
decides how much a sampler may hold, and bounds it to the entries that were stored when
the replay began.
"""

from collections.abc import Sequence
from weakref import WeakSet

from tailcast_gateway.views.sampler import MAX_HELD_BYTES, Sampler
from tailcast_gateway.views.view import View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import Cursor, EntryID


# How many bytes all sampled replays of a replica may hold together. Each new replay
# gets one part in `_PART` of what is left, so that there is always something left.
MAX_TOTAL_HELD_BYTES = 128 * 1024 * 1024
_PART = 8


class SampledReplay:
    """One sampled replay."""

    def __init__(
        self, sampler: Sampler, *, start: Cursor, end: EntryID, max_held_bytes: int
    ) -> None:
        self._sampler = sampler
        # The last place that was sent; held entries after it would be read again.
        self.told = start
        # The last entry that was stored when the replay began.
        self.end = end
        # The most bytes that the replay may hold.
        self.max_held_bytes = max_held_bytes

    def feed(self, entries: Sequence[Entry]) -> list[Entry]:
        """Take the next entries, up to `end`; returns what can be sent so far."""
        return self._given(self._sampler.feed(entries))

    def finish(self) -> list[Entry]:
        """End the replay; returns the rest of the entries to send."""
        return self._given(self._sampler.finish())

    def _given(self, sent: list[Entry]) -> list[Entry]:
        if sent:
            self.told = sent[-1].cursor
        return sent

    def counts(self, sent: Sequence[Entry]) -> list[int]:
        """How many records each returned entry represents.

        Only the sum matters, so the last record is counted for all that were left
        out.
        """
        counts = [int(entry.kind is Kind.RECORD) for entry in sent]
        if any(counts):
            last = max(at for at, count in enumerate(counts) if count)
            counts[last] += self._sampler.take_count() - sum(counts)
        return counts


class SamplingBudget:
    """Begins sampled replays, and bounds the memory that all of them hold."""

    def __init__(
        self,
        *,
        step_keys: Sequence[str],
        time_keys: Sequence[str],
        max_total_held_bytes: int = MAX_TOTAL_HELD_BYTES,
    ) -> None:
        # The keys of steps and times, which are not metrics.
        self._progress_keys = frozenset((*step_keys, *time_keys))
        self._max_total_held_bytes = max_total_held_bytes
        # The replays that still run.
        self._replays: WeakSet[SampledReplay] = WeakSet()

    def __len__(self) -> int:
        return len(self._replays)

    def begin(self, view: View, start: Cursor, end: EntryID) -> SampledReplay:
        """Begin to reduce the entries between two places to `max_points` records."""
        held = sum(replay.max_held_bytes for replay in self._replays)
        part = max(0, self._max_total_held_bytes - held) // _PART
        max_held_bytes = min(MAX_HELD_BYTES, part)
        metrics = None if view.projection is None else view.projection.metrics
        sampler = Sampler(
            view.max_points,
            metrics,
            start=start.id,
            ends=[end],
            progress_keys=self._progress_keys,
            max_held_bytes=max_held_bytes,
        )
        replay = SampledReplay(
            sampler, start=start, end=end, max_held_bytes=max_held_bytes
        )
        self._replays.add(replay)
        return replay
