"""Buckets: which records of one generation a sampled replay keeps.

Pure. A range of a file is cut into buckets of equally many bytes; a bucket keeps each
metric's extremes and the ends of non-finite runs, within its part of the points. Here
lives the choice alone; `sampler` shares the points out among generations.
"""

import math
from collections.abc import Iterator, Sequence

from tailcast_streams.entries import Entry, Kind, cost_bytes
from tailcast_streams.metrics import NON_FINITE, Find, read_fields
from tailcast_streams.position import BEFORE_ALL, EntryID


# Beside each metric's extremes a bucket has room for the two ends of a run.
_RUN_ENDS = 2
# Points that are kept back for a range's last record.
_LAST = 1


class Range:
    """One generation's part of a replay, and the points that it may spend.

    Where its end is not known, half of the points are for the length that is guessed,
    and half of the rest each time it turns out to be twice as long.
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
        # Records of which it is decided whether they go.
        self.decided = 0
        # Points that a bucket needs for its extremes: two for each metric.
        self._extremes = 2 * max(1, len(finds))
        self._max_held_bytes = max_held_bytes
        self._bucket = _Bucket(finds)
        # Records that were taken, and the newest of them.
        self._records = 0
        self._last: Entry | None = None
        # The ID of the last record that was sent.
        self._last_sent = BEFORE_ALL
        # Bytes of the file from `start` that there are buckets for.
        self._start = start
        self._span = max(1, end - start)
        self._is_end_known = is_end_known
        self._plan(start)

    def take(self, entry: Entry, sent: list[Entry]) -> None:
        """Take the entry that follows; adds to `sent` what is decided."""
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
        """The generation is over: adds to `sent` what remains of it."""
        self._close(sent, is_over=True)

    def _close(self, sent: list[Entry], *, is_over: bool = False) -> None:
        """Send what the bucket keeps, and empty it."""
        bucket, last = self._bucket, self._last
        must: list[Entry] = []
        if bucket.first is not None and self._last_sent == BEFORE_ALL:
            must.append(bucket.first)
        # The newest record goes if it is the last. Before what passes after it, too:
        # it may turn out to be the last when it is too late for its place.
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

        It has its extremes' part, and for the ends of runs half of what is left beside
        the extremes of later buckets: many runs here leave something for those there.
        """
        if is_over:
            return self.points_left
        spendable = max(0, self.points_left - _LAST - self._reserve)
        surplus = spendable - self._buckets_left * self._extremes
        if self._buckets_left == 1 or surplus < 0:
            return spendable // self._buckets_left
        return self._extremes + max(min(_RUN_ENDS, surplus), surplus // 2)

    def _plan(self, segment: int) -> None:
        """Cut what lies between an offset and the span's end into buckets."""
        # Where the buckets begin.
        self._segment = segment
        # Points that later buckets than these are to have.
        self._reserve = 0 if self._is_end_known else self.points_left // 2
        spendable = self.points_left - _LAST - self._reserve
        room = self._extremes + _RUN_ENDS
        # How many there are, how many with the current one are to come, its last byte.
        self._buckets = self._buckets_left = max(1, spendable // room)
        self._bucket_end = self._end_of(1)

    def _advance(self, offset: int) -> None:
        """Go on to the bucket that an offset is in."""
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
    """What one bucket would keep, so far."""

    __slots__ = ("_curves", "_edges", "_held_bytes", "first", "passing")

    def __init__(self, finds: Sequence[Find]) -> None:
        # Its first record.
        self.first: Entry | None = None
        # What is no record, and goes anyway.
        self.passing: list[Entry] = []
        self._curves = [_Curve(find) for find in finds]
        # Records where a run of non-finite values begins or ends, each once.
        self._edges: dict[EntryID, Entry] = {}
        # What all this costs at most; exact after a look by `is_over`.
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
        """Whether something goes anyway that comes after this record."""
        return bool(self.passing) and self.passing[-1].id > record.id

    def is_over(self, max_bytes: int) -> bool:
        """Whether what is held costs more than this."""
        if self._held_bytes > max_bytes:
            held = {entry.id: cost_bytes(entry) for entry in self._candidates()}
            self._held_bytes = sum(held.values())
            self._held_bytes += sum(map(cost_bytes, self.passing))
        return self._held_bytes > max_bytes

    def chosen(self, must: Sequence[Entry], quota: int) -> list[Entry]:
        """The records to send, in order: these, and of the others up to a quota."""
        chosen = {entry.id: entry for entry in must}
        for entry in self._candidates():
            if len(chosen) >= quota:
                break
            chosen[entry.id] = entry
        return [chosen[id] for id in sorted(chosen)]

    def clear(self) -> None:
        """Begin anew; runs go on."""
        self.first = None
        self.passing = []
        self._edges = {}
        self._held_bytes = 0
        for curve in self._curves:
            curve.clear()

    def _candidates(self) -> Iterator[Entry]:
        """What is worth a point, the most telling first; an entry may come twice.

        A run that goes on may have ended with this bucket, so its newest record counts.
        The first record stands for a bucket in which there is nothing else to see.
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
        # What finds it in a record's fields.
        self.find = find
        # Whether its newest value is not finite, in this bucket or before.
        self._is_in_run = False
        self.clear()

    def clear(self) -> None:
        """Begin a bucket."""
        # Its least and greatest finite values, and the first records that have them.
        self._low: Entry | None = None
        self._lowest: float = math.inf
        self._high: Entry | None = None
        self._highest: float = -math.inf
        # The newest record of a run that goes on, if it is of this bucket.
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
