"""The course of the main metric in few values."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tailcast_index.fold import Sparkline
from tailcast_index.fold.figures import NOTHING_LEFT_OUT, Figures
from tailcast_index.fold.spark import MAX_POINTS, Spark


def spark_of(records: Sequence[dict[str, Any]]) -> tuple[Spark, Figures]:
    """What is kept of records with these metrics."""
    spark, figures = Spark(), Figures()
    for number, one in enumerate(records, 1):
        figures.add(list(one.items()), None)
        if number >= spark.due:
            spark.note(figures)
    return spark, figures


def line_of(*records: dict[str, Any]) -> Sparkline | None:
    """The line that is shown of it."""
    spark, figures = spark_of(records)
    return spark.line(figures, len(records))


def test_few_values_are_all_there() -> None:
    """Values that are not finite are gaps, and told if they are the latest."""
    assert line_of() is None
    assert line_of({}) is None
    found = line_of({"loss": 3}, {"loss": "NaN"}, {"loss": 1.5})
    assert found == Sparkline("loss", (3, None, 1.5), 1.5)
    found = line_of({"loss": 3}, {"loss": "-Infinity"}, {"lr": 1})
    assert found == Sparkline("loss", (3, None, None), "-Infinity")


def test_of_many_values_some_lie_evenly_apart_and_the_latest_is_there() -> None:
    """However long the run is."""
    for count in (31, 32, 33, 1_000, 5_000):
        found = line_of(*({"loss": at} for at in range(1, count + 1)))
        assert found is not None
        assert MAX_POINTS / 2 <= len(found.values) <= MAX_POINTS
        *even, last = [value or 0 for value in found.values]
        assert last == count
        assert len({b - a for a, b in pairwise(even)}) == 1


def test_a_better_metric_takes_its_place() -> None:
    """It had no values before; a worse one changes nothing."""
    found = line_of({"lr": 1}, {"lr": 2, "loss": 0.5}, {"val_loss": 3, "lr": 4})
    assert found == Sparkline("loss", (None, 0.5, 0.5), 0.5)


def test_it_goes_on_from_what_is_stored() -> None:
    """And stays as it was where the figures do not have its metric."""
    records = [{"loss": at} for at in range(100)]
    spark, figures = spark_of(records)
    dumped = spark.dump(figures) or (), spark.dump_latest(figures) or ()
    again = Spark.load(*dumped, figures, records=100)
    assert again.line(figures, 100) == spark.line(figures, 100)
    assert again.dump(figures) == spark.dump(figures)
    nothing = Figures(only=())
    nothing.load({}, NOTHING_LEFT_OUT)
    for count in (100, 101):
        unknown = Spark.load(*dumped, nothing, records=100)
        assert unknown.due > 10**18
        assert unknown.line(nothing, count) == spark.line(figures, 100)
    at_a_mark = Spark.load(*dumped, nothing, records=96).line(nothing, 96)
    assert at_a_mark is not None
    assert at_a_mark.values[-1] == 99 - 100 % 4
    spark, figures = spark_of([{"loss": 1}, {"loss": "NaN"}])
    dumped = spark.dump(figures) or (), spark.dump_latest(figures) or ()
    again = Spark.load(*dumped, nothing, records=2)
    assert again.line(nothing, 2) == Sparkline("loss", (1, None), "NaN")


def test_nothing_is_stored_of_nothing() -> None:
    """Without records, and without metrics."""
    none: list[list[dict[str, Any]]] = [[], [{}]]
    for records in none:
        spark, figures = spark_of(records)
        assert spark.dump_latest(figures) is None
        assert spark.dump(figures) == ([None, 1, [None]] if records else None)
        again = Spark.load(spark.dump(figures) or (), (), figures, records=0)
        assert again.line(figures, 0) is None


def test_a_metric_that_a_cut_leaves_without_a_value_has_no_line() -> None:
    """Until another one comes."""
    spark, figures = spark_of([{"loss": 1}] * 40)
    figures = Figures()
    spark.cut(figures, 0)
    assert spark.line(figures, 0) is None
    figures.add([("lr", 3)], None)
    assert spark.line(figures, 1) == Sparkline("lr", (3,), 3)
