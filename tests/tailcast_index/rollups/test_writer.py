"""What the writer keeps, and what it refuses to go on from."""

import json
import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from tailcast_index.meaning import Point, Value
from tailcast_index.rollups import NO_EXTENT, Extent, Rollups, Total, writer
from tailcast_index.rollups.layout import (
    CHUNK_RECORDS,
    CHUNK_ROWS,
    FAR_ROW,
    Reached,
    read_reached,
    rows_of,
)
from tailcast_index.rollups.left import total_of
from tailcast_index.rollups.records import pack_records
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import EntryID
from tests.tailcast_index.rollups.shelf import Shelf


def up_to(offset: int) -> Callable[[EntryID], bool]:
    """Says that the file has a record still: it ends there, or before."""
    return lambda id: id.offset <= offset


def no_number(_: str) -> None:
    """The number of a metric that has none."""


def fill(rollups: Rollups, count: int, *names: str) -> None:
    """Have records, each with a value of all these metrics."""
    for number in range(rollups.records, rollups.records + count):
        values = tuple((name, float(number)) for name in names)
        rollups.add(EntryID(1, 10 + number), Point(number, None, None, values))


def test_nothing_is_stored_of_nothing() -> None:
    """A session without records, whether it rests or not."""
    rollups = Rollups(no_number)
    assert rollups.take_changes(rests=True) == ({}, ())
    assert rollups.extent == NO_EXTENT
    for extent in (
        NO_EXTENT,
        Extent(513, EntryID(1, 9), 600, EntryID(1, 99), 1_025, 7),
    ):
        assert Extent.load(extent.dump()) == extent


def test_the_first_record_and_complete_chunks_are_stored() -> None:
    """What is behind them is not, until the session rests; then it is not again."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 1 + CHUNK_RECORDS, "a")
    shelf.write(rollups)
    assert set(shelf.stored) == {(32, "first")}

    fill(rollups, 1, "a")
    shelf.write(rollups)
    assert set(shelf.stored) == {
        (32, "first"), (32, "0:"), (32, "0:0"), (256, "0:"), (256, "0:0"),
    }  # fmt: skip  # one glance
    assert rollups.rolled == 1 + CHUNK_RECORDS

    shelf.write(rollups, rests=True)
    assert (32, "open") in shelf.stored
    assert rollups.take_changes(rests=True) == ({}, ())


def test_metrics_without_a_number_are_left_out() -> None:
    """Beyond the bound on metrics no more are kept."""
    rollups = Rollups({"a": 0}.get)
    fill(rollups, 2 + CHUNK_RECORDS, "a", "b")
    changes = rollups.take_changes()
    assert {name for _, name in changes.chunks} == {"first", "0:", "0:0"}


def test_values_of_another_metric_are_not_kept_from_before_a_cut() -> None:
    """A metric that does not come again after a cut has no rows behind it."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 1 + CHUNK_RECORDS, "old", "a")
    fill(rollups, 2 * CHUNK_RECORDS, "a", "new")
    shelf.write(rollups, rests=True)
    old, new = shelf.stored[256, "0:0"], (256, "0:2")
    assert new in shelf.stored

    rollups.cut(up_to(10 + CHUNK_RECORDS), metrics=3)
    shelf.answer(rollups)
    assert rollups.records == 1 + CHUNK_RECORDS
    fill(rollups, 2 * CHUNK_RECORDS, "a")
    shelf.write(rollups)
    assert not {name for name in shelf.stored if name[1].endswith(":2")}
    assert shelf.stored[256, "0:0"] == old


@pytest.mark.parametrize(
    ("deleted", "is_noticed"),
    [
        ((32, "29:1"), True),
        ((256, "3:1"), True),
        # It is in memory.
        ((2_048, "0:1"), False),
        # It stays as it is.
        ((32, "20:1"), False),
    ],
)
def test_a_chunk_that_somebody_deleted_is_not_cut(
    deleted: Chunk, is_noticed: bool
) -> None:
    """The metric had values there, as the level above counts them."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 20_000, "a", "b")
    shelf.write(rollups)
    del shelf.stored[deleted]
    rollups.cut(up_to(9 + 15_000), metrics=2)
    if is_noticed:
        with pytest.raises(ValueError, match="missing"):
            shelf.answer(rollups)
    else:
        shelf.answer(rollups)
        assert 15_000 - LEVELS[0] < rollups.records <= 15_000


def test_a_short_session_goes_on_where_it_rested() -> None:
    """Its few records are in no bucket; they were stored as they are."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 20, "a")
    shelf.write(rollups, rests=True)
    assert set(shelf.stored) == {(32, "first"), (32, "open")}
    other = shelf.begin()
    assert (other.records, other.to) == (20, rollups.to)

    fill(other, CHUNK_RECORDS - 200, "a")
    fill(other, 200, "a", "late")
    shelf.write(other)
    assert (32, "open") not in shelf.stored
    assert len(shelf.stored[256, "0:1"]) == FAR_ROW.size


def test_what_rested_is_dropped_by_a_cut_within_it() -> None:
    """Also the rows of a chunk that is not complete."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 100, "a")
    shelf.write(rollups, rests=True)
    assert set(shelf.stored) == {
        (32, "first"), (32, "0:"), (32, "0:0"), (32, "open"),
    }  # fmt: skip  # one glance
    for records, left, chunks in [
        (99, 99, {"0:", "0:0"}),
        (60, 33, {"0:", "0:0"}),
        (20, 1, set[str]()),
    ]:
        rollups.cut(up_to(9 + records), metrics=1)
        shelf.answer(rollups)
        assert rollups.records == left
        shelf.write(rollups)
        assert {name for _, name in shelf.stored} == {"first", "open", *chunks}
        assert shelf.begin().records == left


def test_what_a_cut_left_over_is_dropped_bit_by_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some of it with each write, also after a restart; and none of it is ever read."""
    monkeypatch.setattr(writer, "MOST_DROPPED", 10)
    shelf, other = Shelf(), Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 40 * CHUNK_RECORDS, "a", "old")
    shelf.write(rollups, rests=True)
    rollups.cut(up_to(12 + 3 * CHUNK_RECORDS), metrics=2)
    shelf.answer(rollups)
    sizes = [len(shelf.stored)]
    for _ in range(3):
        shelf.write(rollups)
        sizes.append(len(shelf.stored))
        rollups = shelf.begin()
    assert all(0 < before - after < 40 for before, after in pairwise(sizes))
    # It grows into what is not dropped yet.
    fill(rollups, 30 * CHUNK_RECORDS, "a")
    for _ in range(30):
        shelf.write(rollups, rests=True)
    assert shelf.extent.over == 0
    expected = Rollups(other.number_of)
    fill(expected, 1 + 3 * CHUNK_RECORDS, "a", "old")
    fill(expected, rollups.records - expected.records, "a")
    other.write(expected, rests=True)
    assert shelf.stored == other.stored


def test_all_levels_grow() -> None:
    """The last level has no other above it."""
    rolled = 1 + CHUNK_ROWS * LEVELS[-1] - CHUNK_RECORDS
    rows = rows_of(rolled)
    assert {row % CHUNK_ROWS for row in rows[1:]} == {CHUNK_ROWS - 2}
    rollups = Rollups(no_number, Extent(rolled, EntryID(1, 9)))
    part = Reached(EntryID(1, 9), 7.0, 8.0).pack()
    rollups.give([part * 16, *[part * 14] * (len(LEVELS) - 1)])
    assert rollups.to == EntryID(1, 9)

    fill(rollups, CHUNK_RECORDS + 1)
    chunks = rollups.take_changes().chunks
    assert {level for level, _ in chunks} == set(LEVELS)
    last = read_reached(chunks[LEVELS[-1], "0:"])
    assert len(last) == CHUNK_ROWS
    assert last[0].highest_step == 8.0
    assert last[-1].highest_step == rolled + CHUNK_RECORDS - 1
    assert rows_of(rollups.rolled)[-1] == CHUNK_ROWS


@pytest.mark.parametrize(
    "broken",
    [
        {(32, "2:"): None},
        {(32, "2:"): b"short"},
        {(256, "0:"): None},
        {(256, "0:"): b""},
        {(256, "0:0"): b"short"},
        {(32, "open"): None},
        {(32, "open"): b"{"},
        {(32, "3:"): None},
    ],
)
def test_it_does_not_go_on_from_what_is_broken(
    broken: dict[tuple[int, str], bytes | None],
) -> None:
    """Then the roll-ups are made anew."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    fill(rollups, 3 * CHUNK_RECORDS + 100, "a")
    shelf.write(rollups, rests=True)
    other = Rollups(shelf.number_of, shelf.extent, metrics=1)
    stored: dict[tuple[int, str], bytes | None] = {**shelf.stored, **broken}

    with pytest.raises(ValueError, match=r"missing|short|array"):
        other.give([stored[name] for name in other.missing])


def test_whole_numbers_beyond_64_bits_are_doubles() -> None:
    """In the records that are stored as they are, as in all roll-ups."""
    shelf = Shelf()
    rollups = Rollups(shelf.number_of)
    great, greater = 2**70, 10**400
    values: list[tuple[str, Value]] = [
        ("a", -great),
        ("b", "NaN"),
        ("c", greater),
        ("d", -greater),
    ]
    rollups.add(EntryID(1, 1), Point(7, None, None, values))
    shelf.write(rollups)
    told = {"a": -float(great), "b": "NaN", "c": "Infinity", "d": "-Infinity"}
    assert json.loads(shelf.stored[32, "first"]) == [[1, 1, 7, None, told]]


def test_chunks_of_the_last_level_are_what_is_left_too() -> None:
    """No level above has them."""
    rolled = 1 + CHUNK_ROWS * LEVELS[-1]
    rollups = Rollups({"a": 0, "b": 1}.get, Extent(rolled, EntryID(1, 9)), metrics=2)
    reached = Reached(EntryID(1, 9), 7.0, 8.0)
    rollups.give([reached.pack() * 16] * len(rollups.missing))
    rollups.cut(up_to(9), metrics=2)
    first = pack_records([(EntryID(1, 1), Point(0, None, None, []))])
    row = FAR_ROW.pack(3, 2, 1.0, 4.0, 5.0, 1, 5, 1, 7)
    told = {(LEVELS[-1], "0:0"): row, (32, "first"): first}
    told |= {
        name: reached.pack() * 16 for name in rollups.missing if name[1][-1] == ":"
    }
    rollups.give([told.get(name) for name in rollups.missing])
    assert rollups.left is not None
    assert rollups.left.totals == {0: Total(2, 1.0, 4.0, 5.0, 0, None)}
    assert rollups.records == rolled


def test_a_sum_that_no_double_holds_is_infinite() -> None:
    """So is one that may be either infinity; the last value is known if it is alone."""
    rows = [(0, 2, -1.0, 1.0, math.inf), (1, 2, -1.0, 1.0, -math.inf)]
    assert total_of([rows]) == Total(4, -1.0, 1.0, math.inf, 0, None)
    alone = [(2, 3, math.inf, math.inf, math.inf)]
    assert total_of([alone]) == Total(0, math.inf, -math.inf, 0.0, 3, "Infinity")
    assert total_of([rows, [*alone, (2, 1, 0.5, 0.5, 0.5)]]).last is None
    assert total_of([rows, [(2, 1, 0.5, 0.5, 0.5)]]).last == 0.5
