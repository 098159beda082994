"""Ranges of an axis, rows, and what cannot be drawn."""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import pytest
from hypothesis import given, strategies as st

from tailcast_index.meaning import Point
from tailcast_index.rollups import (
    NO_EXTENT,
    Curve,
    Extent,
    Rollups,
    SeriesPlan,
    draw,
    plan_series,
)
from tailcast_index.rollups.axis import AxisName
from tailcast_index.rollups.layout import (
    CHUNK_RECORDS,
    FACTOR,
    FAR_ROW,
    NEAR_ROW,
    unpack_figures,
    unpack_rows,
)
from tailcast_index.rollups.plan import Part
from tailcast_index.rollups.records import Record
from tailcast_streams.position import EntryID
from tests.tailcast_index.rollups.shelf import Shelf


A = {"a": 0}


def records_of(steps: list[int | None]) -> list[Record]:
    """Records with these steps, a second apart, and their numbers as values."""
    return [
        (EntryID(1, 10 + at), Point(step, 1_000 * at, None, [("a", at)]))
        for at, step in enumerate(steps)
    ]


class Stored:
    """What is stored of some records."""

    def __init__(self, records: list[Record], *, rests: bool = False) -> None:
        self._records = records
        self._shelf = Shelf()
        rollups = Rollups(self._shelf.number_of)
        for record in records:
            rollups.add(*record)
        self._shelf.write(rollups, rests=rests)

    def plan(
        self,
        points: int,
        numbers: Mapping[str, int | None] = A,
        *,
        falls: Sequence[int] = (),
    ) -> SeriesPlan:
        """How to draw it from roll-ups."""
        return plan_series(
            self._shelf.extent,
            numbers,
            points=points,
            records=len(self._records),
            max_exact=0,
            falls=falls,
        )

    def read(self, plan: SeriesPlan) -> list[bytes | None]:
        """What a plan wants of the broker."""
        return self._shelf.read(plan.wanted)

    def behind(self, plan: SeriesPlan) -> list[Record]:
        """What a plan wants of the stream."""
        assert plan.records_from is not None
        return self._records[plan.records_from :]


def test_nothing_is_drawn_of_nothing() -> None:
    """A session without records has a series without rows."""
    plan = plan_series(NO_EXTENT, {"a": None}, points=10, records=0)
    assert (plan.wanted, plan.records_from) == ([], 0)
    series = draw(plan, [], x="step")
    assert series.of == 0
    assert series.curves == {"a": Curve([], [], [], [], [], [])}


def test_a_short_session_is_its_records() -> None:
    """Zoomed in far enough each record is a row; whole numbers stay whole."""
    records = records_of([5, None, 7])
    records.append((EntryID(1, 20), Point(7.5, None, None, [("a", "NaN"), ("b", 1)])))
    plan = plan_series(NO_EXTENT, {"a": None}, points=4, records=4)
    series = draw(plan, [], records, x="step", with_extremes=True)
    assert series.curves["a"] == Curve(
        [5, 5, 7], [0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [1, 1, 1],
        [(7.5, "NaN", 1)],
    )  # fmt: skip  # one glance
    assert series.extremes == [id for id, _ in records]
    times = draw(plan, [], records, x="time").curves["a"]
    assert times.x == [0, 1_000, 2_000]


def test_a_row_before_the_first_step_has_no_place() -> None:
    """It is told without one."""
    plan = plan_series(NO_EXTENT, A, points=9, records=2)
    series = draw(plan, [], records_of([None, 3]), x="step")
    assert series.curves["a"].x == [None, 3]


@given(
    st.lists(st.none() | st.integers(0, 40), max_size=60),
    st.none() | st.integers(0, 45),
    st.none() | st.integers(0, 45),
)
def test_a_range_of_steps_is_that_of_a_scan(
    steps: list[int | None], low: int | None, high: int | None
) -> None:
    """From the first record that reached one to the last before the other is passed."""
    records = records_of(steps)
    plan = plan_series(NO_EXTENT, A, points=100, records=len(records))
    series = draw(plan, [], records, x="step", low=low, high=high)

    reached = [-1 if step is None else step for step in steps]
    tops = list(accumulate(reached, max))
    begins = [at for at, top in enumerate(tops) if low is None or top >= low]
    ends = [at for at, top in enumerate(tops) if high is not None and top > high]
    first = begins[0] if begins else len(steps)
    end = ends[0] if ends else len(steps)
    assert series.of == max(0, end - first)
    assert series.curves["a"].min == list(range(first, end))


@pytest.mark.parametrize("x", ["step", "time", "record"])
def test_a_range_of_buckets_has_whole_ones(x: AxisName) -> None:
    """Those in which both ends are."""
    records = records_of(list(range(3 * CHUNK_RECORDS)))
    stored = Stored(records)
    plan = stored.plan(400)
    unit = 1_000 if x == "time" else 1
    series = draw(
        plan, stored.read(plan), stored.behind(plan), x=x,
        low=100 * unit, high=200 * unit,
    )  # fmt: skip  # one glance
    assert (series.first, series.of) == (97, 128)
    assert series.curves["a"].x == [unit * at for at in (128, 160, 192, 224)]
    assert series.curves["a"].max == [128, 160, 192, 224]


@pytest.mark.parametrize("points", [1, 2, 3, 4, 5, 17, 100])
def test_rows_are_at_most_so_many(points: int) -> None:
    """The first and the last record are rows of their own if there are three."""
    records = records_of(list(range(2 * CHUNK_RECORDS + 50)))
    stored = Stored(records)
    plan = stored.plan(points)
    series = draw(plan, stored.read(plan), stored.behind(plan), x="step")
    curve = series.curves["a"]
    assert points / 3 <= len(curve.x) <= points
    assert sum(curve.count) == series.of == len(records)
    if points > 2:
        assert (curve.max[0], curve.min[-1]) == (0, len(records) - 1)


@pytest.mark.parametrize("count", [1, 20, 100, 600, 5_000])
def test_the_whole_curve_outlives_the_records(count: int) -> None:
    """Of a session that rests nothing is needed of the stream any more."""
    records = records_of(list(range(count)))
    stored = Stored(records, rests=True)
    plan = stored.plan(50)
    series = draw(plan, stored.read(plan), x="step", with_extremes=True)
    curve = series.curves["a"]
    assert sum(curve.count) == series.of == count
    assert (curve.x[0], curve.max[0]) == (0, 0)
    assert (curve.x[-1], curve.min[-1]) == (count - 1, count - 1)
    assert {records[0][0], records[-1][0]} <= set(series.extremes)


FALL = 700


def fallen(count: int) -> list[Record]:
    """Records of a run that fell back to step 300."""
    return records_of([at if at < FALL else at - 400 for at in range(count)])


@pytest.mark.parametrize("points", [8, 20, 300])
@pytest.mark.parametrize("count", [2_000, 40_000])
def test_no_row_has_both_sides_of_a_fall(count: int, points: int) -> None:
    """A row begins with the first record behind it, by way of finer buckets."""
    stored = Stored(fallen(count))
    plan = stored.plan(points, falls=[FALL])
    assert plan.divided == [21]
    divided = {21: fallen(count)[1 + 21 * 32 :][:32]}
    chunks, behind = stored.read(plan), stored.behind(plan)
    series = draw(plan, chunks, behind, divided=divided, x="record")
    curve = series.curves["a"]
    assert len(curve.x) <= points
    assert sum(curve.count) == series.of == count
    at = curve.x.index(FALL - 1)
    assert (curve.max[at], curve.min[at + 1]) == (FALL - 1, FALL)


def test_the_row_of_a_fall_is_one_bucket_if_its_records_are_gone() -> None:
    """All other rows have records of one side."""
    stored = Stored(fallen(40_000))
    plan = stored.plan(100, falls=[FALL])
    series = draw(plan, stored.read(plan), stored.behind(plan), x="record")
    curve = series.curves["a"]
    at = curve.x.index(FALL + 4)
    assert (curve.min[at], curve.max[at], curve.count[at]) == (673, 704, 32)
    assert (curve.x[at - 1], curve.min[at + 1]) == (672, 705)


def test_a_fall_in_the_last_bucket_makes_it_finer_alone() -> None:
    """The bucket of each level that it divides; none is left behind those."""
    extent = Extent(1 + 10_000 * CHUNK_RECORDS)
    last = extent.rolled - 5
    plan = plan_series(extent, A, points=1_000, records=extent.rolled, falls=[last])
    sizes = [(part.level, len(part.buckets)) for part in plan.parts]
    assert sizes == [(2, 2_499), (1, FACTOR - 1), (0, FACTOR)]


def test_only_as_many_falls_are_told_apart_as_the_rows_allow() -> None:
    """The latest ones; with few rows none."""
    stored = Stored(records_of(list(range(2_000))))
    falls = list(range(100, 2_000, 100))
    assert stored.plan(7, falls=falls).falls == ()
    assert stored.plan(24, falls=falls).falls == [1_700, 1_800, 1_900]


def test_what_was_not_stored_is_missing_with_its_records() -> None:
    """Of a session whose records went while its indexer was away."""
    stored = Stored(records_of(list(range(1_500))))
    plan = stored.plan(50)
    series = draw(plan, stored.read(plan), x="step")
    assert series.of == 1 + 2 * CHUNK_RECORDS
    assert series.curves["a"].x[-1] == 2 * CHUNK_RECORDS


def test_long_sessions_are_drawn_from_coarse_levels() -> None:
    """As many buckets as rows, or up to four times as many; at the end finer ones."""
    extent = Extent(1 + 10_000 * CHUNK_RECORDS)
    plan = plan_series(extent, A, points=1_000, records=extent.rolled + 5)
    sizes = [(part.level, len(part.buckets)) for part in plan.parts]
    assert sizes == [(2, 2_500)]
    extent = extent._replace(rolled=extent.rolled + 5 * CHUNK_RECORDS)
    plan = plan_series(extent, A, points=1_000, records=extent.rolled + 5)
    assert [(part.level, len(part.buckets)) for part in plan.parts] == [
        (2, 2_500),
        (1, 10),
    ]
    plan = plan_series(extent, A, points=1, records=10**15)
    assert plan.parts[0].level == 5


def test_a_range_wants_its_own_buckets() -> None:
    """None that lie before it or behind it."""
    extent = Extent(1 + 10_000 * CHUNK_RECORDS)
    plan = plan_series(
        extent, A, points=1_000, records=extent.rolled, first=100_000, end=140_000
    )
    assert plan.parts == [Part(0, range(3_124, 4_375))]
    assert plan.records_from is None
    assert len(plan.wanted) == 2 * 79


def gone(_: bytes | None) -> None:
    """A chunk that is not there."""


def cut(chunk: bytes | None) -> bytes | None:
    """A chunk that lost a byte."""
    return chunk and chunk[:-1]


def cut_row(chunk: bytes | None) -> bytes | None:
    """A chunk of what was reached that lost a row."""
    return chunk and chunk[:-48]


@pytest.mark.parametrize(
    ("at", "broken"),
    [
        (0, gone), (0, cut), (1, gone), (1, cut), (1, cut_row),
        (2, cut),
    ],
)  # fmt: skip  # one glance
def test_what_is_broken_is_not_drawn(
    at: int, broken: Callable[[bytes | None], bytes | None]
) -> None:
    """Somebody cut the roll-ups since the plan was made."""
    records = records_of(list(range(2 + CHUNK_RECORDS)))
    stored = Stored(records)
    plan = stored.plan(100)
    assert [name for _, name in plan.wanted] == ["first", "0:", "0:0"]
    chunks = stored.read(plan)
    chunks[at] = broken(chunks[at])
    with pytest.raises(ValueError, match=r"missing|short|JSON|truncated"):
        draw(plan, chunks, stored.behind(plan), x="step")


def test_a_metric_that_is_not_stored_is_drawn_from_the_records_behind() -> None:
    """It has no number yet; another has one, and no rows."""
    records = records_of(list(range(2 + CHUNK_RECORDS)))
    stored = Stored(records)
    numbers = {"new": None, "a": 0, "none": 1}
    plan = stored.plan(9, numbers)
    behind = [(id, Point(1, None, None, [("new", 2.0)])) for id, _ in records[-1:]]
    series = draw(plan, stored.read(plan), behind, x="record")
    assert series.curves["new"].x == [len(records) - 1]
    assert sum(series.curves["a"].count) == len(records) - 1
    assert series.curves["none"].x == []


@pytest.mark.parametrize("unpack", [unpack_rows, unpack_figures])
@pytest.mark.parametrize("level", [0, 1])
def test_rows_that_are_cut_short_are_not_read(
    unpack: Callable[[int, bytes], object], level: int
) -> None:
    """Whoever wrote them by hand."""
    row = (FAR_ROW if level else NEAR_ROW).size * b"x"
    with pytest.raises(ValueError, match="cut short"):
        unpack(level, row[1:])
