"""The rows of single buckets."""

import math

import pytest

from tailcast_index.meaning import AlikeRecords, Point, Value
from tailcast_index.rollups.buckets import (
    merged_rows,
    rows_of_alike,
    rows_of_bucket,
)
from tailcast_index.rollups.layout import FAR_ROW, NEAR_ROW, Reached, unpack_rows
from tailcast_index.rollups.records import Record
from tailcast_streams.position import EntryID


def rows_of(*values: Value) -> list[tuple[float, ...]]:
    """The rows of a metric with these values; the entries are 1-10, 1-20 and so on."""
    records: list[Record] = [
        (EntryID(1, 10 * at), Point(None, None, None, [("a", value)]))
        for at, value in enumerate(values, 1)
    ]
    return rows_of_records(records)


def rows_of_records(records: list[Record]) -> list[tuple[float, ...]]:
    """The rows of their metric `a`, in bucket 3."""
    packed = b"".join(rows for _, rows in rows_of_bucket(3, records, {"a": 0}.get))
    return list(unpack_rows(0, packed))


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ([2, 0.5, 1], [(3, 3, 0.5, 2.0, 3.5, 10, 20)]),
        ([2**60 + 1], [(3, 1, 2.0**60, 2.0**60, 2.0**60, 0, 0)]),
        ([1e308, 1e308, 0], [(3, 3, 0.0, 1e308, math.inf, 0, 20)]),
        ([2**1023, 2**1023], [(3, 2, 2.0**1023, 2.0**1023, math.inf, 10, 10)]),
        (
            [10**400, -(10**400), 1],
            [
                (3, 1, 1.0, 1.0, 1.0, 0, 0),
                (3, 1, -math.inf, -math.inf, -math.inf, 10, 10),
                (3, 1, math.inf, math.inf, math.inf, 20, 20),
            ],
        ),
        (["Infinity", "Infinity"], [(3, 2, math.inf, math.inf, math.inf, 10, 0)]),
        (
            ["-Infinity", 1, 1.5, "-Infinity"],
            [
                (3, 2, 1.0, 1.5, 2.5, 20, 10),
                (3, 2, -math.inf, -math.inf, -math.inf, 30, 0),
            ],
        ),
    ],
)
def test_a_row_has_the_figures_of_its_values(
    values: list[Value], rows: list[tuple[float, ...]]
) -> None:
    """Those that are not finite have rows of their own."""
    assert rows_of(*values) == rows


def test_values_that_are_no_numbers_have_a_row() -> None:
    """It has as many NaN as the row says."""
    (row,) = rows_of("NaN", "NaN")
    assert row[:2] == (3, 2)
    assert all(map(math.isnan, row[2:5]))
    assert row[5:] == (10, 0)


@pytest.mark.parametrize("first", [EntryID(1, 50), EntryID(2, 10)])
def test_entries_that_are_too_far_are_told_as_the_last(first: EntryID) -> None:
    """Those of an earlier generation, or more than 4 GiB before it."""
    last = EntryID(2, 2**33)
    records: list[Record] = [
        (first, Point(None, None, None, [("a", 1)])),
        (EntryID(2, 2**33 - 9), Point(None, None, None, [("a", 2)])),
        (last, Point(None, None, None, [("a", 1.5)])),
    ]
    assert rows_of_records(records) == [(3, 3, 1.0, 2.0, 4.5, 0, 9)]


def test_a_row_of_the_next_level_has_whole_ids() -> None:
    """Of each kind of values one row."""
    reached = [Reached(EntryID(1, 100)), Reached(EntryID(2, 30))]
    packed = (
        NEAR_ROW.pack(0, 2, 1.0, 2.0, 3.0, 20, 10)
        + NEAR_ROW.pack(1, 1, 0.5, 0.5, 0.5, 5, 5)
        + NEAR_ROW.pack(0, 1, math.inf, math.inf, math.inf, 40, 40)
        + NEAR_ROW.pack(1, 3, math.inf, math.inf, math.inf, 7, 3)
    )
    merged = merged_rows(9, list(unpack_rows(0, packed)), reached)
    assert list(FAR_ROW.iter_unpack(merged)) == [
        (9, 3, 0.5, 2.0, 3.5, 2, 25, 1, 90),
        (9, 4, math.inf, math.inf, math.inf, 1, 60, 2, 27),
    ]


def test_records_that_are_alike_make_the_same_rows() -> None:
    """Those of metrics without a number are left out."""
    ids = [EntryID(1, 10 * at) for at in range(1, 4)]
    names, values = ("a", "b", "c"), [(3, 1, 2), (0.5, 0.5, -0.25), (1, 1, 1)]
    lows, highs = [*map(min, values)], [*map(max, values)]
    columns = AlikeRecords(3, None, None, None, names, values, lows, highs)
    number_of = {"a": 4, "b": 7}.get
    alike = rows_of_alike(3, ids, columns, [*map(number_of, columns.names)])
    records = list(zip(ids, columns.points(), strict=True))
    assert list(alike) == list(rows_of_bucket(3, records, number_of))
