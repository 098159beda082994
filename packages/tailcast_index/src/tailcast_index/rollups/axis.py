"""What a series is drawn along, and how its units are put into rows.

Pure. A unit is what goes into a row as a whole: a bucket, or a single record. Rows are
equally wide, counted in records from the session's first, so that they stay where they
are while a session grows, until it has too many. The first and the last unit are rows
of their own if they are records. Where the run fell back a row begins, so that none has
records of both sides; a bucket that has such is a row of its own.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from tailcast_index.meaning import Point
from tailcast_index.rollups.layout import Reached


AxisName: TypeAlias = Literal["step", "time", "record"]

# The rows of a series whose first, or last, record is a row of its own.
_WITH_FIRST = 2
_WITH_BOTH = 3
# A fall takes two rows at most: one begins there, and the bucket that it divides is
# one. So many rows there are for each fall, so that most are left for the others.
_FALL_ROWS = 8


class Unit(NamedTuple):
    """A bucket, or a record."""

    # Its first record.
    start: int
    # How many records it has.
    records: int
    # Where its last record is on the axis, NaN for nowhere.
    x: float
    # The highest that was reached with it.
    top: float


class Axis:
    """The units of a series along its axis."""

    def __init__(self, name: AxisName) -> None:
        self.name = name
        self.units: list[Unit] = []

    def add_buckets(self, first: int, size: int, reached: Iterable[Reached]) -> None:
        """Add buckets, the first of which begins with a record."""
        for start, one in enumerate(reached):
            begin = first + start * size
            x, top = self._reached(one, begin + size - 1)
            self.units.append(Unit(begin, size, x, top))

    def add_records(self, first: int, points: Iterable[Point]) -> None:
        """Add records, the first of which has this number."""
        x = top = math.nan
        if self.units:
            _, _, x, top = self.units[-1]
        is_step = self.name == "step"
        for number, point in enumerate(points, first):
            value = point.step if is_step else point.time_ms
            if self.name == "record":
                value = number
            if value is not None:
                x = float(value)
                # In this order: the greater one, and x if there is no top.
                top = max(x, top)
            self.units.append(Unit(number, 1, x, top))

    def select(self, low: float | None, high: float | None) -> range:
        """The units from the first that reached `low` to the last not above `high`.

        The bucket in which it got above `high` is the last one.
        """
        units, first, end = self.units, 0, len(self.units)
        if low is not None:
            first = _first_at(units, lambda top: top >= low)
        if high is not None:
            end = _first_at(units, lambda top: top > high)
            end += end < len(units) and units[end].records > 1
        return range(first, max(first, end))

    def rows(
        self, selected: range, points: int, falls: Sequence[int] = ()
    ) -> list[int]:
        """The row of each selected unit, counted from 0; at most so many rows.

        Args:
            selected: the units.
            points: how many rows there may be.
            falls: the records with which the run fell back, at most `most_falls`.
        """
        units = self.units[selected.start : selected.stop]
        if not units:
            return []
        begun = _begun_at(units, falls)
        size = max([unit.records for unit in units])
        spread = units[-1].start - units[0].start
        width = size * max(1, spread // (size * points))
        while (rows := _rows(units, points, width, begun))[-1] >= points:
            width += size * max(1, width // (8 * size))
        return rows

    def _reached(self, reached: Reached, last: int) -> tuple[float, float]:
        if self.name == "record":
            return last, last
        if self.name == "step":
            return reached.step, reached.highest_step
        return reached.time_ms, reached.highest_time_ms


def most_falls(points: int) -> int:
    """How many falls are told apart in so many rows."""
    return points // _FALL_ROWS


def _begun_at(units: Sequence[Unit], falls: Sequence[int]) -> set[int]:
    """The units with which a row begins, since the run fell back there."""
    begun: set[int] = set()
    for fall in falls:
        behind = bisect_left(units, fall, key=lambda unit: unit.start)
        begun.add(behind)
        if behind and fall < units[behind - 1].start + units[behind - 1].records:
            # This one has records of both sides.
            begun.add(behind - 1)
    return begun


def _rows(
    units: Sequence[Unit], points: int, width: int, begun: Collection[int]
) -> list[int]:
    """The rows of units if each has so many records, counted from the second one."""
    rows: list[int] = []
    row, at = -1, -1
    last = len(units) - 1
    for index, (start, records, _, _) in enumerate(units):
        is_alone = records == 1 and (
            (index == 0 and points >= _WITH_FIRST)
            or (index == last and points >= _WITH_BOTH)
        )
        slot = -1 - index if is_alone else max(0, start - 1) // width
        if slot != at or index in begun or not rows:
            row, at = row + 1, slot
        rows.append(row)
    return rows


def _first_at(units: Sequence[Unit], is_there: Callable[[float], bool]) -> int:
    """The first unit whose top is there; how many units there are if none is."""
    return bisect_left(units, True, key=lambda unit: is_there(unit.top))
