"""Thinning: which records of a replay show its shape, found by going through all.

Pure. Records come one after another and are put into buckets of equally many. A bucket
keeps which of its records have each metric's least and greatest value, and the first
one that is not finite. Where there are too many buckets, two become one. So what is in
memory is bounded, whatever the length: only IDs and values are kept, and what was
chosen is read again. Replays that an index knows are chosen by its roll-ups instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tailcast_streams.position import EntryID


# If the client names no metrics: how many are followed, the first that are found.
MAX_FOUND_METRICS = 16
# The points that are for the first and the last record.
_ENDS: Final = 2
# How many points a metric takes in a bucket: its least and its greatest value.
_EXTREMES: Final = 2

# A record: its ID, and its number.
_At = tuple[EntryID, int]


class Kept(NamedTuple):
    """A record that is sent."""

    id: EntryID
    # How many records it stands for: itself, and those before it that are left out.
    of: int


class Thinning:
    """Chooses at most so many records."""

    def __init__(self, points: int, metrics: Iterable[str]) -> None:
        """Begin; of too many metrics for these points the first by name count."""
        self._points = points
        names = sorted(metrics)[: max(0, (points - _ENDS) // _EXTREMES)]
        self.metrics: Sequence[str] = names
        # How many buckets the points are enough for.
        self._buckets = max(1, (points - _ENDS) // (_EXTREMES * max(1, len(names))))
        # How many records a bucket has, and how many the last one has so far.
        self._width = 1
        self._in_last = 0
        self._chosen: list[_Bucket] = []
        # How many records came, the first ones and the last.
        self._records = 0
        self._first: list[_At] = []
        self._last: _At | None = None

    def add(self, id: EntryID, values: Mapping[str, float | str]) -> None:
        """Add the next record, with its metrics; those that are not finite as texts."""
        at = id, self._records
        self._records += 1
        if len(self._first) < self._points:
            self._first.append(at)
        self._last = at
        if not self._chosen or self._in_last == self._width:
            if len(self._chosen) == _EXTREMES * self._buckets:
                self._chosen = _halved(self._chosen)
                self._width *= 2
            self._chosen.append(_Bucket(at))
            self._in_last = 0
        self._in_last += 1
        for name in self.metrics:
            if (value := values.get(name)) is not None:
                self._chosen[-1].add(name, value, at)

    def chosen(self) -> list[Kept]:
        """The records that are sent, in their order."""
        if self._last is None or self._records <= self._points:
            return [Kept(id, 1) for id, _ in self._first]
        buckets = self._chosen
        while len(buckets) > self._buckets:
            buckets = _halved(buckets)
        ends = {self._first[0], self._last}
        found = ends.union(*(bucket.extremes() for bucket in buckets))
        others = set[_At]().union(*(bucket.others() for bucket in buckets)) - found
        found.update(sorted(others)[: max(0, self._points - len(found))])
        kept: list[Kept] = []
        before = -1
        for id, number in sorted(found):
            kept.append(Kept(id, number - before))
            before = number
        return kept


class _Bucket:
    """Which of some records have extremes."""

    __slots__ = ("first", "highs", "lows", "not_finite")

    def __init__(self, first: _At) -> None:
        self.first = first
        self.lows: dict[str, tuple[float, _At]] = {}
        self.highs: dict[str, tuple[float, _At]] = {}
        # The first record of each metric with a value that is no number.
        self.not_finite: dict[str, _At] = {}

    def add(self, name: str, value: float | str, at: _At) -> None:
        if isinstance(value, str):
            self.not_finite.setdefault(name, at)
            return
        if name not in self.lows or value < self.lows[name][0]:
            self.lows[name] = value, at
        if name not in self.highs or value > self.highs[name][0]:
            self.highs[name] = value, at

    def take(self, later: "_Bucket") -> None:
        """Add what is in the next bucket."""
        for known in (later.lows, later.highs):
            for name, (value, at) in known.items():
                self.add(name, value, at)
        self.not_finite = {**later.not_finite, **self.not_finite}

    def extremes(self) -> Iterable[_At]:
        """Those with extremes; the first one if no metric is there."""
        found = [at for _, at in (*self.lows.values(), *self.highs.values())]
        return found or [self.first]

    def others(self) -> Iterable[_At]:
        """Those with values that are no numbers."""
        return self.not_finite.values()


def _halved(buckets: Sequence[_Bucket]) -> list[_Bucket]:
    """Two buckets become one; the last one may be alone."""
    for one, other in zip(buckets[::2], buckets[1::2], strict=False):
        one.take(other)
    return list(buckets[::2])
