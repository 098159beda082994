"""The replays of a replica that are reduced just now, and what they may hold together.

Pure. Each replay has a sampler of its own; here lives how much it may hold, and that it
is for what was there when it began. `sampler` decides what is kept of a replay.
"""

from collections.abc import Sequence
from weakref import WeakSet

from tailcast_gateway.views.sampler import MAX_HELD_BYTES, Sampler
from tailcast_gateway.views.view import View
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import Cursor, EntryID


# What all replays of a replica may hold while it is undecided what of them goes. One
# more gets a part of what is left, so that there is always something left.
MAX_TOTAL_HELD_BYTES = 128 * 1024 * 1024
_PART = 8


class SampledReplay:
    """One replay that is reduced."""

    def __init__(
        self, sampler: Sampler, *, start: Cursor, end: EntryID, max_held_bytes: int
    ) -> None:
        self._sampler = sampler
        # What the client has had: what is held after it would have to be read again.
        self.told = start
        # The last entry that was there when it began.
        self.end = end
        # The most bytes that it may hold.
        self.max_held_bytes = max_held_bytes

    def feed(self, entries: Sequence[Entry]) -> list[Entry]:
        """Take entries that follow, up to `end`; returns what can be told so far."""
        return self._given(self._sampler.feed(entries))

    def finish(self) -> list[Entry]:
        """All has been fed: returns the rest of what is told."""
        return self._given(self._sampler.finish())

    def _given(self, sent: list[Entry]) -> list[Entry]:
        if sent:
            self.told = sent[-1].cursor
        return sent

    def counts(self, sent: Sequence[Entry]) -> list[int]:
        """How many records each returned entry stands for.

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
        # What is no metric.
        self._progress_keys = frozenset((*step_keys, *time_keys))
        self._max_total_held_bytes = max_total_held_bytes
        # The replays that are still fed.
        self._replays: WeakSet[SampledReplay] = WeakSet()

    def __len__(self) -> int:
        return len(self._replays)

    def begin(self, view: View, start: Cursor, end: EntryID) -> SampledReplay:
        """Begin to reduce the entries between two places to a view's `max_points`."""
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
