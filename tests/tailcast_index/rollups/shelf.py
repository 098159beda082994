"""A broker's part in roll-ups, without a broker; and what raw records say."""

import math
from collections.abc import Sequence

from tailcast_index.meaning import Point
from tailcast_index.rollups import NO_EXTENT, Extent, Rollups
from tailcast_index.rollups.records import Record
from tailcast_streams.indexes import Chunk


class Shelf:
    """What is stored of one session's roll-ups, and the numbers of its metrics."""

    def __init__(self) -> None:
        self.stored: dict[Chunk, bytes] = {}
        self.extent = NO_EXTENT
        self.numbers: dict[str, int] = {}

    def number_of(self, name: str) -> int:
        """A metric's number, given at its first sight."""
        return self.numbers.setdefault(name, len(self.numbers))

    def write(self, rollups: Rollups, *, rests: bool = False) -> None:
        """Store what changed."""
        changes = rollups.take_changes(rests=rests)
        assert not set(changes.chunks) & set(changes.dropped)
        for name in changes.dropped:
            self.stored.pop(name, None)
        self.stored.update(changes.chunks)
        self.extent = Extent.load(rollups.extent.dump())

    def read(self, wanted: Sequence[Chunk]) -> list[bytes | None]:
        """What is stored under some names."""
        assert len(set(wanted)) == len(wanted)
        return [self.stored.get(name) for name in wanted]

    def begin(self) -> Rollups:
        """An indexer that has just started: it goes on from what is stored."""
        rollups = Rollups(self.number_of, self.extent, metrics=len(self.numbers))
        self.answer(rollups)
        return rollups

    def answer(self, rollups: Rollups) -> None:
        """Give what is missing, as often as something is."""
        while rollups.missing:
            rollups.give(self.read(rollups.missing))


def values_of(records: Sequence[Record], name: str) -> list[float]:
    """The finite values of a metric."""
    values = [
        value for _, point in records for key, value in point.values if key == name
    ]
    return [float(value) for value in values if not isinstance(value, str)]


def is_mean(told: float, values: Sequence[float]) -> bool:
    """Whether this is the mean of these values, as far as doubles tell."""
    scale = max(map(abs, values))
    if not math.isfinite(scale * len(values)):
        # No double may hold the sum of some of them.
        return min(values) <= told <= max(values)
    return math.isclose(
        told, math.fsum(values) / len(values), rel_tol=1e-9, abs_tol=scale * 1e-9
    )


def point(step: float | None, *values: tuple[str, float | str]) -> Point:
    """A record's point."""
    return Point(step, None, None, values)
