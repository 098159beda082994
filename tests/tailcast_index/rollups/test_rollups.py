"""What is stored and what is drawn of it, for any life of a session and an indexer."""

import math
from collections.abc import Sequence
from typing import TypeAlias

import pytest
from hypothesis import given, strategies as st

from tailcast_index.meaning import Point
from tailcast_index.rollups import Rollups, Series, SeriesPlan, draw, plan_series
from tailcast_index.rollups.layout import as_double
from tailcast_index.rollups.left import Total
from tailcast_index.rollups.plan import MOST_DIVIDED
from tailcast_index.rollups.records import Record
from tailcast_streams.indexes import LEVELS
from tailcast_streams.position import EntryID
from tests.tailcast_index.rollups.shelf import Shelf, is_mean, values_of


NAN = math.nan
METRICS = ("loss", "lr", "eval/loss")

VALUE = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-5, 5),
    st.sampled_from(["NaN", "Infinity", "-Infinity", 2**70, 1e308, -1e308]),
)
# How many records come at once, and what they are like: they repeat a few patterns, as
# thousands of random ones would take minutes to make.
PATTERN = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-3, 10_000), st.floats(0, 100)),
        st.dictionaries(st.sampled_from(METRICS), VALUE, max_size=3),
    ),
    min_size=1,
    max_size=5,
)
ADD = st.tuples(
    st.just("add"), st.sampled_from([1, 2, 31, 33, 100, 512, 513, 5_000]), PATTERN
)
CUT = st.tuples(st.just("cut"), st.floats(0, 1), st.just(None))
OTHER = st.tuples(
    st.sampled_from(["write", "rest", "restart"]), st.just(0), st.just(None)
)
LIFE = st.lists(st.one_of(ADD, ADD, CUT, OTHER), min_size=1, max_size=12)


Pattern: TypeAlias = Sequence[tuple[float | None, dict[str, float | str]]]
# What happens: "add" so many records, "cut" the file to such a share, and so on.
Deed: TypeAlias = tuple[str, float, Pattern | None]


class Life:
    """A session, its index, and an indexer that is killed now and then."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.rollups = Rollups(self.shelf.number_of)
        # The records of the file.
        self.records: list[Record] = []

    def add(self, count: int, pattern: Pattern) -> None:
        """Have the file grow; a generation has 3,000 records."""
        for number in range(len(self.records), len(self.records) + count):
            step, values = pattern[number % len(pattern)]
            # Each generation goes on from where the file was cut.
            id = EntryID(1 + number // 3_000, 10 * (1 + number))
            time_ms = None if number % 3 else 1_700_000_000_000 + number
            record = id, Point(step, time_ms, None, tuple(values.items()))
            self.records.append(record)
            self.rollups.add(*record)

    def restart(self) -> None:
        """Go on with another indexer, which reads again what is not stored."""
        self.rollups = self.shelf.begin()
        assert self.rollups.records == self.shelf.extent.records
        for record in self.records[self.rollups.records :]:
            self.rollups.add(*record)

    def cut(self, share: float) -> None:
        """Have the file cut; it goes on from there."""
        left = int(share * len(self.records))
        del self.records[left:]
        offset = self.records[-1][0].offset if self.records else 0
        if not self.rollups.records:
            return
        self.rollups.cut(
            lambda id: id.offset <= offset, metrics=len(self.shelf.numbers)
        )
        self.shelf.answer(self.rollups)
        kept = self.rollups.records
        assert left - LEVELS[0] < kept <= left
        if not kept:
            self.shelf = Shelf()
            self.rollups = Rollups(self.shelf.number_of)
        else:
            self.check_left()
        for record in self.records[kept:]:
            self.rollups.add(*record)
        self.shelf.write(self.rollups)

    def check_left(self) -> None:
        """What is told of the records that are left is so."""
        left = self.rollups.left
        assert left is not None
        records = self.records[: self.rollups.records]
        assert (left.first, left.reached.id) == (records[0], records[-1][0])
        assert [*left.rest] == records[len(records) - len(left.rest) :]
        steps = [point.step for _, point in records if point.step is not None]
        told = [left.reached.step, left.reached.highest_step]
        assert told == (
            [steps[-1], max(steps)] if steps else pytest.approx([NAN] * 2, nan_ok=True)
        )
        for name, number in self.shelf.numbers.items():
            in_buckets = records[1 : len(records) - len(left.rest)]
            check_total(left.totals.get(number), in_buckets, name)

    def live(self, deeds: Sequence[Deed]) -> None:
        """Have all this happen."""
        for deed, amount, pattern in deeds:
            if pattern is not None:
                self.add(int(amount), pattern)
            elif deed == "cut":
                self.cut(amount)
            elif deed == "restart":
                self.restart()
            else:
                self.shelf.write(self.rollups, rests=deed == "rest")
            assert self.rollups.records == len(self.records)
            if self.records:
                assert self.rollups.to == self.records[-1][0]

    def draw(
        self,
        *,
        points: int,
        first: int,
        end: int | None,
        max_exact: int | None,
        falls: Sequence[int] = (),
    ) -> None:
        """Draw a range of it, and hold that against its records."""
        count = len(self.records)
        numbers = {name: self.shelf.numbers.get(name) for name in METRICS}
        plan = plan_series(
            self.shelf.extent, numbers, points=points, records=count, first=first,
            end=end, max_exact=max_exact, falls=falls,
        )  # fmt: skip  # one glance
        behind: list[Record] = []
        if plan.records_from is not None:
            behind = self.records[plan.records_from :]
        chunks = self.shelf.read(plan.wanted)

        series = draw(plan, chunks, behind, x="record", with_extremes=True)
        check(series, self.records, points)
        stop = count if end is None else end
        if first < stop:
            assert series.first <= first
            assert series.first + series.of >= stop
        if first == 0 and end is None:
            assert series.of == count
        assert draw(plan, chunks, behind, x="record").curves == series.curves
        check_steps(series, draw(plan, chunks, behind, x="step"), self.records)
        self.draw_apart(plan, chunks, behind)

    def draw_apart(
        self,
        plan: SeriesPlan,
        chunks: Sequence[bytes | None],
        behind: Sequence[Record],
    ) -> None:
        """Draw it with the records of the buckets that falls divide."""
        firsts = {bucket: 1 + bucket * LEVELS[0] for bucket in plan.divided}
        divided = {
            bucket: self.records[first : first + LEVELS[0]]
            for bucket, first in firsts.items()
        }
        series = draw(plan, chunks, behind, divided=divided, x="record")
        for name, curve in series.curves.items():
            begin = series.first
            for x in map(whole, curve.x):
                for fall in plan.falls[-MOST_DIVIDED:]:
                    if begin < fall <= x:
                        assert not values_of(self.records[begin:fall], name)
                begin = x + 1
            told = sum(curve.count) + sum(many for _, _, many in curve.nonfinite)
            shown = self.records[series.first : series.first + series.of]
            assert told == sum(name in dict(point.values) for _, point in shown)
            assert len(curve.x) <= plan.points


@given(LIFE)
def test_what_is_stored_does_not_depend_on_what_happened(deeds: list[Deed]) -> None:
    """Whatever was killed and cut, it is as if the records had come at once."""
    life, other = Life(), Life()
    life.live(deeds)
    # One more, as the last record of a file that was cut may be in a bucket.
    life.add(1, [(1, {})])
    life.shelf.write(life.rollups, rests=True)

    other.shelf.numbers = life.shelf.numbers
    for record in life.records:
        other.rollups.add(*record)
    other.shelf.write(other.rollups, rests=True)

    assert life.shelf.stored == other.shelf.stored
    assert life.shelf.extent == other.shelf.extent


@given(LIFE, st.data())
def test_a_series_is_of_the_records(deeds: list[Deed], data: st.DataObject) -> None:
    """What is stored and what is behind it show each row as the records do."""
    life = Life()
    life.live(deeds)
    count = len(life.records)
    first = data.draw(st.integers(0, count))
    life.draw(
        points=data.draw(st.integers(1, 300)),
        first=first,
        end=data.draw(st.none() | st.integers(first, count)),
        max_exact=data.draw(st.sampled_from([None, 0])),
        falls=sorted(data.draw(st.sets(st.integers(1, max(1, count)), max_size=40))),
    )


WHOLE: Pattern = [(1, {"loss": 0.5, "lr": 1})]
HOLES: Pattern = [
    (None, {"loss": 1e308}),
    (None, {"loss": -1e308, "lr": "NaN"}),
    (7, {}),
    (8, {"loss": "Infinity", "lr": "-Infinity"}),
    (9, {"lr": 2**1000, "eval/loss": 3.5}),
]


@pytest.mark.parametrize("pattern", [WHOLE, HOLES], ids=["whole", "holes"])
@pytest.mark.parametrize("points", [1, 3, 200])
@pytest.mark.parametrize("rests", [False, True])
def test_a_series_is_of_the_records_of_long_sessions(
    pattern: Pattern, points: int, *, rests: bool
) -> None:
    """Of its beginning, its end, its middle, and all of it."""
    life = Life()
    life.live([("add", 5_300, pattern), ("cut", 0.97, None)])
    life.shelf.write(life.rollups, rests=rests)
    for first, end in [(0, None), (0, 700), (4_000, None), (1_000, 1_100)]:
        for max_exact in (None, 0):
            life.draw(
                points=points,
                first=first,
                end=end,
                max_exact=max_exact,
                falls=[34, 65, 400, 1_034, 2_000, 4_100, 5_000],
            )
    life.restart()
    life.live([("cut", 0.7, None), ("add", 900, WHOLE), ("write", 0, None)])
    life.draw(points=points, first=0, end=None, max_exact=0)
    life.live([("cut", 0, None), ("add", 1, WHOLE), ("write", 0, None)])
    life.draw(points=points, first=0, end=None, max_exact=0)


def check(series: Series, records: list[Record], points: int) -> None:
    """Hold a series along its records against them, row by row."""
    of_ids = dict(records)
    extremes = [of_ids[id] for id in series.extremes]
    assert series.extremes == sorted(set(series.extremes))
    rows: set[int] = set()
    for name, curve in series.curves.items():
        begin = series.first
        nonfinite = [(whole(x), kind) for x, kind, _ in curve.nonfinite]
        rows.update(map(whole, curve.x), [x for x, _ in nonfinite])
        columns = zip(
            map(whole, curve.x), curve.min, curve.max, curve.mean, curve.count,
            strict=True,
        )  # fmt: skip  # one glance
        for x, low, high, mean, many in columns:
            values = values_of(records[begin : x + 1], name)
            assert (low, high, many) == (min(values), max(values), len(values))
            assert is_mean(mean, values)
            begin = x + 1
        end = series.first + series.of
        assert not values_of(records[begin:end], name)
        told = sum(curve.count) + sum(many for _, _, many in curve.nonfinite)
        shown = records[series.first : end]
        assert told == sum(name in dict(point.values) for _, point in shown)
        for x, kind in nonfinite:
            nearby = records[max(series.first, x - series.of) : x + 1]
            assert any((name, kind) in point.values for _, point in nearby)
        # A bucket tells entries of its last generation alone.
        if curve.count and shown[0][0].generation == shown[-1][0].generation:
            seen = [dict(point.values).get(name) for point in extremes]
            assert min(curve.min) in seen
            assert max(curve.max) in seen
    assert len(rows) <= points


def check_total(total: Total | None, records: Sequence[Record], name: str) -> None:
    """Hold what is told of a metric against its records."""
    values = [
        as_double(dict(one.values)[name])
        for _, one in records
        if name in dict(one.values)
    ]
    assert (total is not None) == bool(values)
    if total is None:
        return
    finite = [value for value in values if math.isfinite(value)]
    assert (total.finite, total.nonfinite) == (len(finite), len(values) - len(finite))
    assert (total.low, total.high) == (
        min(finite, default=math.inf),
        max(finite, default=-math.inf),
    )
    if finite:
        assert is_mean(total.sum / total.finite, finite) or not math.isfinite(total.sum)
    if total.last is not None:
        assert as_double(total.last) == pytest.approx(
            values[-1], nan_ok=True, abs=0, rel=0
        )


def check_steps(series: Series, along: Series, records: list[Record]) -> None:
    """The rows are the same; each is at the last step that was there."""
    steps: list[float | None] = []
    for _, point in records[series.first :]:
        steps.append(
            point.step if point.step is not None else steps[-1] if steps else None
        )
    for name, curve in series.curves.items():
        other = along.curves[name]
        assert (other.min, other.max, other.mean) == (curve.min, curve.max, curve.mean)
        for x, record in zip(other.x, curve.x, strict=True):
            told = steps[whole(record) - series.first]
            # What was before the first record that is shown may be known to a bucket.
            assert x == told or told is None


def whole(x: float | None) -> int:
    """The number of a record, where records are drawn along."""
    assert isinstance(x, int)
    return x
