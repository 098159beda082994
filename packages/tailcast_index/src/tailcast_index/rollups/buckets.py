"""From records to the rows of one bucket, and from rows to a row of the next level.

Pure. This is the hot path of roll-ups: a metric's values are taken by columns, in which
`min`, `max` and `sum` run through 32 records at once.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeAlias

from tailcast_index.meaning import AlikeRecords, Value
from tailcast_index.rollups.layout import (
    FAR_ROW,
    MAX_BACK_BYTES,
    NEAR_ROW,
    Reached,
    Row,
    as_double,
)
from tailcast_index.rollups.records import Record
from tailcast_streams.position import EntryID


# The number of a metric; None if it has none, and is left out.
NumberOf: TypeAlias = Callable[[str], int | None]

# Where the entries of the least and the greatest value are in a row of the first level.
LOW_AT: Final = 5
HIGH_AT: Final = 6

# Records with the same metrics: how far back each is, and its values.
_Lines: TypeAlias = list[tuple[int, Sequence[Value]]]

_pack_near: Final = NEAR_ROW.pack
_pack_far: Final = FAR_ROW.pack
_value: Final = itemgetter(0)
_back: Final = itemgetter(1)
_low: Final = itemgetter(2)
_high: Final = itemgetter(3)


def reached_after(before: Reached, records: Sequence[Record]) -> Reached:
    """What was reached with these records, of which there is at least one."""
    steps = [point.step for _, point in records if point.step is not None]
    times = [point.time_ms for _, point in records if point.time_ms is not None]
    return reached_by(before, records[-1][0], steps, times)


def reached_by(
    before: Reached,
    last: EntryID,
    steps: Sequence[int | float],
    times: Sequence[int],
) -> Reached:
    """What was reached with records that have these steps and times."""
    return Reached(
        last,
        *_after(before.step, before.highest_step, steps),
        *_after(before.time_ms, before.highest_time_ms, times),
    )


def rows_of_bucket(
    bucket: int, records: Sequence[Record], number_of: NumberOf
) -> Iterator[tuple[int, bytes]]:
    """The rows of a bucket, by the numbers of its metrics."""
    shapes: dict[tuple[str, ...], _Lines] = {}
    before: tuple[str, ...] = ()
    lines: _Lines = []
    backs = _backs([id for id, _ in records])
    for back, (_, point) in zip(backs, records, strict=True):
        if point.values:
            # Pairs all; to have that checked takes a third longer.
            names, values = zip(*point.values)  # noqa: B905
            if names != before:
                lines = shapes.setdefault(names, [])
                before = names
            lines.append((back, values))
    for name, column, places in _columns(shapes):
        number = number_of(name)
        if number is not None:
            yield number, _rows(bucket, column, places)


def rows_of_alike(
    bucket: int,
    ids: Sequence[EntryID],
    columns: AlikeRecords,
    numbers: Sequence[int | None],
) -> list[tuple[int, bytes]]:
    """The same of a bucket of records that all have the metrics with these numbers."""
    backs, count = _backs(ids), len(ids)
    return [
        (
            number,
            _pack_near(
                bucket,
                count,
                low,
                high,
                sum(values),
                backs[values.index(low)],
                backs[values.index(high)],
            ),
        )
        for number, values, low, high in zip(
            numbers, columns.values, columns.lows, columns.highs, strict=True
        )
        if number is not None
    ]


def merged_rows(
    bucket: int, rows: Sequence[Row], reached: Sequence[Reached] | None
) -> bytes:
    """The rows of a metric in a bucket of the next level, from those of its parts.

    Args:
        bucket: the bucket, within its chunk.
        rows: unpacked rows of one level.
        reached: for rows of the first level, what was reached at each bucket's end.
    """
    _, counts, lows, highs, totals, *_ = zip(*rows, strict=True)
    total = sum(totals)
    if not is_finite(total):
        return _merged_apart(bucket, rows, reached)
    low, high = min(lows), max(highs)
    return _pack_far(
        bucket,
        sum(counts),
        low,
        high,
        total,
        *entry_of(rows[lows.index(low)], LOW_AT, reached),
        *entry_of(rows[highs.index(high)], HIGH_AT, reached),
    )


def entry_of(row: Row, place: int, reached: Sequence[Reached] | None) -> EntryID:
    """The entry of a row's least or greatest value, `LOW_AT` or `HIGH_AT`."""
    if reached is None:
        at = 2 * place - LOW_AT
        return EntryID(row[at], row[at + 1])
    bucket: int = row[0]
    end = reached[bucket].id
    return EntryID(end.generation, end.offset - row[place])


def is_finite(value: float) -> bool:
    """As `math.isfinite`, which is slower."""
    return value - value == 0


def _columns(
    shapes: Mapping[tuple[str, ...], _Lines],
) -> Iterator[tuple[str, Sequence[Value], Sequence[int]]]:
    """Each metric with its values and how far back each is, by records' shapes."""
    if len(shapes) > 1:
        yield from _mixed_columns(shapes)
        return
    for names, lines in shapes.items():
        backs, rows = zip(*lines, strict=True)
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            yield name, values, backs


def _mixed_columns(
    shapes: Mapping[tuple[str, ...], _Lines],
) -> Iterator[tuple[str, Sequence[Value], Sequence[int]]]:
    columns: dict[str, tuple[list[Value], list[int]]] = {}
    for names, lines in shapes.items():
        backs, rows = zip(*lines, strict=True)
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            column = columns.setdefault(name, ([], []))
            column[0].extend(values)
            column[1].extend(backs)
    for name, (all_values, all_backs) in columns.items():
        yield name, all_values, all_backs


def _rows(bucket: int, values: Sequence[Any], backs: Sequence[int]) -> bytes:
    """The rows of one metric; most often all its values are finite."""
    try:
        total = sum(values)
        if total - total == 0:
            low, high = min(values), max(values)
            low_back, high_back = backs[values.index(low)], backs[values.index(high)]
            return _pack_near(
                bucket, len(values), low, high, total, low_back, high_back
            )
    except (TypeError, OverflowError, struct.error):
        # A text among them, or whole numbers whose sum no double holds.
        pass
    return _rows_apart(bucket, values, backs)


def _rows_apart(bucket: int, values: Sequence[Any], backs: Sequence[int]) -> bytes:
    """The rows of a metric, those of values that are not finite apart."""
    kinds: dict[str, list[tuple[float, int]]] = {}
    for value, back in zip(values, backs, strict=True):
        number = as_double(value)
        kind = "" if is_finite(number) else str(number)
        kinds.setdefault(kind, []).append((number, back))
    rows = b""
    for kind in sorted(kinds):
        same = kinds[kind]
        low, high = min(same, key=_value), max(same, key=_value)
        if kind:
            low, high = max(same, key=_back), min(same, key=_back)
        total = sum([number for number, _ in same])
        rows += _pack_near(bucket, len(same), low[0], high[0], total, low[1], high[1])
    return rows


def _merged_apart(
    bucket: int, rows: Sequence[Row], reached: Sequence[Reached] | None
) -> bytes:
    """As `merged_rows`, where some values are not finite, or their sum is not."""
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault("" if is_finite(row[2]) else str(row[2]), []).append(row)
    merged = b""
    for kind in sorted(kinds):
        parts = kinds[kind]
        low, high = parts[0], parts[-1]
        if not kind:
            low, high = min(parts, key=_low), max(parts, key=_high)
        count = sum([part[1] for part in parts])
        total = sum([part[4] for part in parts])
        low_at = entry_of(low, LOW_AT, reached)
        high_at = entry_of(high, HIGH_AT, reached)
        merged += _pack_far(bucket, count, low[2], high[3], total, *low_at, *high_at)
    return merged


def _after(
    last: float, highest: float, values: Sequence[int | float]
) -> tuple[float, float]:
    if not values:
        return last, highest
    # In this order `max` passes over a highest that is NaN.
    top = float(max(values))
    return float(values[-1]), max(top, highest)


def _backs(ids: Sequence[EntryID]) -> list[int]:
    """How many bytes before the last entry each one ends."""
    generation, end = ids[-1]
    backs = [end - id.offset for id in ids]
    if ids[0].generation == generation and backs[0] <= MAX_BACK_BYTES:
        return backs
    return [
        back if id.generation == generation and back <= MAX_BACK_BYTES else 0
        for back, id in zip(backs, ids, strict=True)
    ]
