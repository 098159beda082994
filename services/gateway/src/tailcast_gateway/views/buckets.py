"""Buckets: which records of one generation a sampled replay keeps.

Pure. A range of a file is divided into buckets of equal size in bytes. Each bucket has
a part of the points, that is, of the records that may be sent. It keeps the records
with each metric's extremes, and the ends of runs of non-finite values. `sampler` shares
the points out among generations.
"""

import math
from collections.abc import Iterator, Sequence

from tailcast_streams.entries import Entry, Kind, cost_bytes
from tailcast_streams.metrics import NON_FINITE, Find, read_fields
from tailcast_streams.position import BEFORE_ALL, EntryID


# Besides each metric's extremes, a bucket has points for the two ends of a run.
_RUN_ENDS = 2
# How many points are reserved for a range's last record.
_LAST = 1


class Range:
    """One generation's part of a replay, with its points.

    If its end is not known, half of the points are for the guessed length. Each time
    the range turns out to be twice as long, half of the other points are used.
    """

    __slots__ = (
        "_bucket", "_bucket_end", "_buckets", "_buckets_left", "_extremes",
        "_is_end_known", "_last", "_last_sent", "_max_held_bytes", "_records",
        "_reserve", "_segment", "_span", "_start", "decided", "generation",
        "points_left",
    )  # fmt: skip  # one glance

    def __init__(
        self,
        generation: int,
        finds: Sequence[Find],
        *,
        points: int,
        start: int,
        end: int,
        is_end_known: bool,
        max_held_bytes: int,
    ) -> None:
        self.generation = generation
        # Records that may still be sent.
        self.points_left = points
        # How many records are decided: sent or left out.
        self.decided = 0
        # How many points a bucket needs for its extremes: two for each metric.
        self._extremes = 2 * max(1, len(finds))
        self._max_held_bytes = max_held_bytes
        self._bucket = _Bucket(finds)
        # How many records came, and the newest of them.
        self._records = 0
        self._last: Entry | None = None
        # The ID of the last record that was sent.
        self._last_sent = BEFORE_ALL
        # How many bytes of the file, from `start`, the buckets cover.
        self._start = start
        self._span = max(1, end - start)
        self._is_end_known = is_end_known
        self._plan(start)

    def take(self, entry: Entry, sent: list[Entry]) -> None:
        """Take the next entry; add to `sent` what is decided to be sent."""
        if entry.id.offset > self._bucket_end:
            self._close(sent)
            self._advance(entry.id.offset)
        if entry.kind is Kind.RECORD:
            self._records += 1
            self._last = entry
        self._bucket.add(entry)
        if self._bucket.is_over(self._max_held_bytes):
            self._close(sent)

    def finish(self, sent: list[Entry]) -> None:
        """End the generation; add the rest of its records to `sent`."""
        self._close(sent, is_over=True)

    def _close(self, sent: list[Entry], *, is_over: bool = False) -> None:
        """Add the records that the bucket keeps to `sent`, and empty it."""
        bucket, last = self._bucket, self._last
        must: list[Entry] = []
        if bucket.first is not None and self._last_sent == BEFORE_ALL:
            must.append(bucket.first)
        # The newest record is sent if it is the last one. It is also sent if an entry
        # after it is sent anyway: later it could not be sent in its place any more.
        if last is not None and (is_over or bucket.passes_after(last)):
            must.append(last)
        must = [entry for entry in must if entry.id > self._last_sent]
        chosen = bucket.chosen(must[: self.points_left], self._quota(is_over=is_over))
        if chosen:
            self._last_sent = chosen[-1].id
            self.points_left -= len(chosen)
        sent += sorted([*chosen, *bucket.passing], key=_id_of)
        is_open = not is_over and last is not None and last.id > self._last_sent
        self.decided = self._records - is_open
        self._bucket.clear()

    def _quota(self, *, is_over: bool) -> int:
        """How many records the bucket may send.

        It has points for its extremes. For the ends of runs it has half of the points
        that the extremes of later buckets do not need, so that runs there get some too.
        """
        if is_over:
            return self.points_left
        spendable = max(0, self.points_left - _LAST - self._reserve)
        surplus = spendable - self._buckets_left * self._extremes
        if self._buckets_left == 1 or surplus < 0:
            return spendable // self._buckets_left
        return self._extremes + max(min(_RUN_ENDS, surplus), surplus // 2)

    def _plan(self, segment: int) -> None:
        """Divide the bytes from an offset to the span's end into buckets."""
        # The offset at which the buckets begin.
        self._segment = segment
        # The points that are reserved for buckets beyond these.
        self._reserve = 0 if self._is_end_known else self.points_left // 2
        spendable = self.points_left - _LAST - self._reserve
        room = self._extremes + _RUN_ENDS
        # How many buckets there are, how many are left with the current one, and the
        # last byte of the current one.
        self._buckets = self._buckets_left = max(1, spendable // room)
        self._bucket_end = self._end_of(1)

    def _advance(self, offset: int) -> None:
        """Go on to the bucket in which an offset is."""
        while offset > self._bucket_end:
            if self._buckets_left > 1:
                self._buckets_left -= 1
                self._bucket_end = self._end_of(self._buckets - self._buckets_left + 1)
                continue
            segment = self._start + self._span
            while offset > self._start + self._span:
                self._span *= 2
            self._plan(segment)

    def _end_of(self, bucket: int) -> int:
        length = self._start + self._span - self._segment
        return self._segment + bucket * length // self._buckets


class _Bucket:
    """The records that one bucket would keep so far."""

    __slots__ = ("_curves", "_edges", "_held_bytes", "first", "passing")

    def __init__(self, finds: Sequence[Find]) -> None:
        # The first record of the bucket.
        self.first: Entry | None = None
        # Entries that are not records; they are sent in any case.
        self.passing: list[Entry] = []
        self._curves = [_Curve(find) for find in finds]
        # Records where a run of non-finite values begins or ends, each once.
        self._edges: dict[EntryID, Entry] = {}
        # The most bytes that all these take; `is_over` makes it exact.
        self._held_bytes = 0

    def add(self, entry: Entry) -> None:
        """Take an entry of this bucket."""
        if entry.kind is not Kind.RECORD:
            self.passing.append(entry)
            self._held_bytes += cost_bytes(entry)
            return
        is_kept = self.first is None
        if is_kept:
            self.first = entry
        fields = read_fields(entry.record)
        for curve in self._curves:
            is_kept |= curve.add(curve.find(fields), entry, self._edges)
        if is_kept:
            self._held_bytes += cost_bytes(entry)

    def passes_after(self, record: Entry) -> bool:
        """Whether an entry after this record is sent in any case."""
        return bool(self.passing) and self.passing[-1].id > record.id

    def is_over(self, max_bytes: int) -> bool:
        """Whether the held entries take more than these bytes."""
        if self._held_bytes > max_bytes:
            held = {entry.id: cost_bytes(entry) for entry in self._candidates()}
            self._held_bytes = sum(held.values())
            self._held_bytes += sum(map(cost_bytes, self.passing))
        return self._held_bytes > max_bytes

    def chosen(self, must: Sequence[Entry], quota: int) -> list[Entry]:
        """The records to send, in order: `must`, and others up to a quota."""
        chosen = {entry.id: entry for entry in must}
        for entry in self._candidates():
            if len(chosen) >= quota:
                break
            chosen[entry.id] = entry
        return [chosen[id] for id in sorted(chosen)]

    def clear(self) -> None:
        """Begin a new bucket; runs of non-finite values go on."""
        self.first = None
        self.passing = []
        self._edges = {}
        self._held_bytes = 0
        for curve in self._curves:
            curve.clear()

    def _candidates(self) -> Iterator[Entry]:
        """The records worth a point, the best first; an entry may come twice.

        A run that is still open may end with this bucket, so its newest record counts.
        A bucket without any other candidate has its first record.
        """
        is_empty = True
        for curve in self._curves:
            for extreme in curve.extremes():
                is_empty = False
                yield extreme
        for edge in self._edges.values():
            is_empty = False
            yield edge
        for curve in self._curves:
            if curve.run_end is not None:
                is_empty = False
                yield curve.run_end
        if is_empty and self.first is not None:
            yield self.first


class _Curve:
    """One metric within a bucket, and whether its values are finite just now."""

    __slots__ = (
        "_high",
        "_highest",
        "_is_in_run",
        "_low",
        "_lowest",
        "find",
        "run_end",
    )

    def __init__(self, find: Find) -> None:
        # Finds the metric in a record's fields.
        self.find = find
        # Whether its newest value, in this bucket or before, is not finite.
        self._is_in_run = False
        self.clear()

    def clear(self) -> None:
        """Begin a new bucket."""
        # Its least and greatest finite values, with the first record of each.
        self._low: Entry | None = None
        self._lowest: float = math.inf
        self._high: Entry | None = None
        self._highest: float = -math.inf
        # The newest record of a run that is open, if it is in this bucket.
        self.run_end: Entry | None = None

    def add(self, value: object, entry: Entry, edges: dict[EntryID, Entry]) -> bool:
        """Take a record's value; returns whether the record is held for it now."""
        if isinstance(value, str):
            return value in NON_FINITE and self._add_non_finite(entry, edges)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        if self._is_in_run:
            self._is_in_run = False
            if self.run_end is not None:
                edges[self.run_end.id] = self.run_end
                self.run_end = None
        is_low, is_high = value < self._lowest, value > self._highest
        if is_low:
            self._low, self._lowest = entry, value
        if is_high:
            self._high, self._highest = entry, value
        return is_low or is_high

    def extremes(self) -> Iterator[Entry]:
        """The records with the least and the greatest value, if there is one."""
        if self._low is not None and self._high is not None:
            yield self._low
            yield self._high

    def _add_non_finite(self, entry: Entry, edges: dict[EntryID, Entry]) -> bool:
        if not self._is_in_run:
            self._is_in_run = True
            edges[entry.id] = entry
        self.run_end = entry
        return True


def _id_of(entry: Entry) -> EntryID:
    return entry.id
