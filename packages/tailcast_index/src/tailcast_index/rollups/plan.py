"""Which chunks show a range of records in so many rows.

Pure. The level is the finest of which the range has at most four times as many buckets
as rows are wanted: they are put together by two, three or four. What of the range that
level does not have yet, the finer ones have, and what those do not have, the records.
A short range is drawn from its records alone. Where the run fell back the buckets are
the finest: those that have records of both sides are named, so that their records can
be given instead.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tailcast_index.rollups.axis import most_falls
from tailcast_index.rollups.layout import (
    CHUNK_ROWS,
    FACTOR,
    FIRST_FIELD,
    OPEN_FIELD,
    Extent,
    fields,
    rows_of,
)
from tailcast_streams.indexes import LEVELS, Chunk


# How many buckets, or records, are read for a row, at most.
MOST_PER_ROW: Final = 4
# Around so many falls, the latest ones, there are finer buckets.
MOST_DIVIDED: Final = 16


@dataclass(frozen=True, slots=True)
class Part:
    """Buckets of one level that are one behind the other."""

    level: int
    # Their numbers, from the session's first.
    buckets: range
    # Whether they were stored when the session rested: the last ones may be missing.
    is_open: bool = False

    @property
    def chunks(self) -> range:
        """The chunks that have their rows."""
        start, stop = self.buckets.start, self.buckets.stop
        return range(start // CHUNK_ROWS, -(-stop // CHUNK_ROWS))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """How a range of records is drawn."""

    # How many rows there may be.
    points: int
    # How far the roll-ups go.
    extent: Extent
    # The metrics to draw, by name, with their numbers; None for one that has none.
    numbers: Mapping[str, int | None]
    # The first record of the range, and the one behind it; None for the session's end.
    first: int
    end: int | None
    # The fields to ask for, in the order in which `draw` wants them.
    wanted: Sequence[Chunk]
    # The records to give besides: from this one to the range's end; None for none.
    records_from: int | None
    # Parts of the roll-ups, in the order of records.
    parts: Sequence[Part] = ()
    # The records with which the run fell back: rows begin there.
    falls: Sequence[int] = ()

    @property
    def divided(self) -> list[int]:
        """The buckets of the first level that have records of both sides of a fall."""
        parts = [part.buckets for part in self.parts if not part.level]
        found = _divided(0, self.falls[-MOST_DIVIDED:])
        return [one for one in found if any(one in part for part in parts)]


def plan_series(
    extent: Extent,
    numbers: Mapping[str, int | None],
    *,
    points: int,
    records: int,
    first: int = 0,
    end: int | None = None,
    max_exact: int | None = None,
    is_tight: bool = False,
    falls: Sequence[int] = (),
) -> SeriesPlan:
    """Plan how to draw a range of a session's records.

    What is drawn from roll-ups is a range of whole buckets: it may have some records
    before `first`, and some behind `end`.

    Args:
        extent: how far the stored roll-ups go.
        numbers: the metrics to draw, with their numbers; None for one that only the
            records behind the index have.
        points: how many rows there may be, at least one.
        records: how many records the session has, as far as that is known.
        first: the first record of the range.
        end: the record behind the range; None for the session's end, wherever it is
            when the records are read.
        max_exact: a range of so many records, or of `points`, is drawn from its records
            alone; by default four times as many as points. 0 if they are not there.
        is_tight: whether finer buckets are taken at the beginning, so that none has
            records before it; those before the first bucket are to be given then.
        falls: the records with which the run fell back, in their order. The latest of
            those in the range are told apart, as many as the rows allow.
    """
    stop = records if end is None else min(end, records)
    if max_exact is None:
        max_exact = MOST_PER_ROW * points
    parts: Sequence[Part] = ()
    records_from: int | None = first
    wanted: list[Chunk] = []
    if not max_exact or stop - first > max(points, max_exact):
        level = _level(points, stop - first)
        parts = _parts(extent, first, stop, level, is_tight=is_tight)
        told = _told(falls, points, parts, first, stop)
        parts = [*_divided_parts(parts, told[-MOST_DIVIDED:])]
        found = _wanted(extent, numbers, parts, first, stop)
        wanted = list(dict.fromkeys(found))
        is_behind = end is None or stop > extent.records
        records_from = max(first, extent.records) if is_behind else None
    return SeriesPlan(
        points=points,
        extent=extent,
        numbers=numbers,
        first=first,
        end=end,
        wanted=wanted,
        records_from=records_from,
        parts=parts,
        falls=_told(falls, points, parts, first, stop),
    )


def _told(
    falls: Iterable[int], points: int, parts: Sequence[Part], first: int, stop: int
) -> Sequence[int]:
    """The falls that are told apart: the latest among the records that are drawn."""
    for part in parts[:1]:
        first = min(first, 1 + part.buckets.start * LEVELS[part.level])
    for part in parts[-1:]:
        stop = max(stop, 1 + part.buckets.stop * LEVELS[part.level])
    drawn = [fall for fall in falls if first < fall < stop]
    return drawn[-most_falls(points) :] if most_falls(points) else ()


def _divided(level: int, falls: Iterable[int]) -> list[int]:
    """The buckets of a level that have records of both sides of a fall."""
    size = LEVELS[level]
    return sorted({(fall - 1) // size for fall in falls if (fall - 1) % size})


def _divided_parts(parts: Iterable[Part], falls: Sequence[int]) -> Iterator[Part]:
    """The parts with finer buckets in place of those that falls divide."""
    for part in parts:
        start, level = part.buckets.start, part.level
        for bucket in _divided(level, falls) if level else ():
            if bucket in part.buckets:
                before = range(start, bucket)
                finer = range(bucket * FACTOR, (bucket + 1) * FACTOR)
                yield from [Part(level, before)] if before else ()
                yield from _divided_parts([Part(level - 1, finer)], falls)
                start = bucket + 1
        if rest := range(start, part.buckets.stop):
            yield Part(level, rest, part.is_open)


def _level(points: int, records: int) -> int:
    """The finest level whose buckets are not too many."""
    for level, size in enumerate(LEVELS):
        if records <= size * points * MOST_PER_ROW:
            return level
    return len(LEVELS) - 1


def _parts(
    extent: Extent, first: int, stop: int, level: int, *, is_tight: bool
) -> list[Part]:
    """The buckets of a level, and of finer ones where that has none yet."""
    # Buckets begin behind the first record.
    start, behind = max(0, first - 1), max(0, stop - 1)
    rows = rows_of(extent.rolled)
    ends = [(at, rows[at], False) for at in range(level, -1, -1)]
    # How many may have been stored when the session rested.
    left = max(0, extent.opened - extent.rolled) // LEVELS[0]
    ends.append((0, rows[0] + left, True))
    parts: list[Part] = []
    covered = -(-start // LEVELS[0]) * LEVELS[0] if is_tight else start
    for at in range(level) if is_tight else ():
        # Up to where a bucket of the next level begins.
        size, above = LEVELS[at], LEVELS[at + 1]
        end = min(-(-covered // above) * above, rows[at] * size, behind)
        if buckets := range(covered // size, end // size):
            parts.append(Part(at, buckets))
            covered = buckets.stop * size
    for at, end, is_open in ends:
        size = LEVELS[at]
        buckets = range(covered // size, min(end, -(-behind // size)))
        if buckets:
            parts.append(Part(at, buckets, is_open))
        covered = max(covered, end * size)
    return parts


def _wanted(
    extent: Extent,
    numbers: Mapping[str, int | None],
    parts: Sequence[Part],
    first: int,
    stop: int,
) -> Iterator[Chunk]:
    stored = [number for number in numbers.values() if number is not None]
    if first == 0 and extent.rolled:
        yield LEVELS[0], FIRST_FIELD
    for part in parts:
        yield from fields(part.level, part.chunks, stored)
    if extent.has_rest and stop > extent.rolled:
        yield LEVELS[0], OPEN_FIELD
