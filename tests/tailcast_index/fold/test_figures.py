"""The statistics of metrics, and their bounds."""

import msgspec
import pytest

from tailcast_index.fold import LeftOut, Metric, read_metric
from tailcast_index.fold.figures import (
    MAX_LEFT_OUT_NAMES,
    MAX_METRICS,
    MAX_NAME_LENGTH,
    Figures,
)


def test_a_metric_is_stored_as_an_array() -> None:
    """Number, kind, last, min, max, sum, count, nonfinite, first and last step."""
    figures = Figures()
    figures.add([("loss", 0.5), ("tokens", 7)], 1)
    figures.add([("loss", "NaN"), ("tokens", 9)], 2)
    stored = figures.take_changed()
    assert stored == {
        "loss": b'[0,"float","NaN",0.5,0.5,0.5,1,1,1,2]',
        "tokens": b'[1,"int",9,7,9,16,2,0,1,2]',
    }
    assert [read_metric(name, text) for name, text in stored.items()] == [
        *figures.metrics()
    ]
    assert [metric.mean for metric in figures.metrics()] == [0.5, 8.0]


def test_only_what_changed_is_stored() -> None:
    """A metric that no record had since is not written again."""
    figures = Figures()
    figures.add([("loss", 1), ("acc", 2)], None)
    assert figures.take_changed().keys() == {"loss", "acc"}
    figures.add([("acc", 3)], None)
    assert figures.take_changed().keys() == {"acc"}
    assert figures.take_changed() == {}


def test_a_metric_of_values_that_are_not_finite_has_no_extremes() -> None:
    """They are counted apart."""
    figures = Figures()
    figures.add([("loss", "Infinity")], 3)
    assert not figures.has_numbers("loss")
    assert not figures.has_numbers("acc")
    stored = figures.take_changed()["loss"]
    assert stored == b'[0,"int","Infinity",null,null,0,0,1,3,3]'
    metric = read_metric("loss", stored)
    assert (metric.min, metric.max, metric.mean) == (None, None, None)
    figures = Figures()
    figures.load({"loss": stored}, LeftOut())
    figures.add([("loss", -2.0)], 4)
    assert figures.metrics() == [
        Metric("loss", 0, "float", -2.0, -2.0, -2.0, -2.0, 1, 1, 3, 4)
    ]


@pytest.mark.parametrize(("sign", "text"), [(1, b"Infinity"), (-1, b"-Infinity")])
def test_a_sum_that_no_double_holds_is_kept_as_text(sign: int, text: bytes) -> None:
    """And is read back as it was."""
    figures = Figures()
    figures.add([("loss", 1.7e308 * sign)], None)
    figures.add([("loss", 1.7e308 * sign)], None)
    stored = figures.take_changed()["loss"]
    assert b',"%b",2,0,' % text in stored
    assert read_metric("loss", stored) == figures.metrics()[0]


def test_whole_numbers_are_added_up_exactly() -> None:
    """Beyond 64 bits too, over a reload."""
    figures = Figures()
    for _ in range(3):
        figures.add([("tokens", 2**63)], None)
        stored = figures.take_changed()
        figures = Figures()
        figures.load(stored, LeftOut())
    assert figures.metrics()[0].sum == 3 * 2**63


def test_the_first_step_is_that_of_the_first_record_that_has_one() -> None:
    """Whether the metric came before it or not."""
    figures = Figures()
    figures.add([("loss", 1)], None)
    figures.add([("acc", 1)], 4)
    stored = figures.take_changed()
    figures = Figures()
    figures.load(stored, LeftOut())
    figures.add([("loss", 1), ("acc", 2)], 5)
    steps = [(one.name, one.first_step, one.last_step) for one in figures.metrics()]
    assert steps == [("loss", 5, 5), ("acc", 4, 5)]


def test_what_is_beyond_the_bound_is_counted_and_named() -> None:
    """Ten thousand metrics have statistics; a thousand more are named."""
    figures = Figures()
    names = [f"m{number}" for number in range(MAX_METRICS + MAX_LEFT_OUT_NAMES + 5)]
    figures.add([(name, 1) for name in names], None)
    figures.add([(names[0], 1), (names[-1], 1), (names[MAX_METRICS], 1)], None)
    assert len(figures) == MAX_METRICS
    left_out = figures.left_out
    assert left_out.values == MAX_LEFT_OUT_NAMES + 5 + 2
    assert left_out.names == tuple(names[MAX_METRICS : MAX_METRICS + 1_000])
    assert figures.number_of(names[-1]) is None
    assert figures.number_of(names[7]) == 7


def test_a_name_that_is_too_long_is_left_out_and_named_by_its_beginning() -> None:
    """It has no statistics."""
    figures = Figures()
    figures.add([("x" * (MAX_NAME_LENGTH + 1), 1), ("y" * MAX_NAME_LENGTH, 1)], None)
    assert [metric.name for metric in figures.metrics()] == ["y" * MAX_NAME_LENGTH]
    assert figures.left_out == LeftOut(1, ("x" * MAX_NAME_LENGTH,))


def test_others_than_those_that_matter_are_passed_over() -> None:
    """They are not left out: whoever reads did not ask for them."""
    figures = Figures(only=frozenset({"loss"}))
    figures.add([("acc", 1), ("loss", 2)], None)
    assert [metric.name for metric in figures.metrics()] == ["loss"]
    assert figures.left_out == LeftOut()


def test_what_is_no_metric_is_refused() -> None:
    """Somebody wrote it by hand."""
    for text in (b"{}", b"[1,2]", b"x"):
        with pytest.raises((ValueError, msgspec.DecodeError)):
            read_metric("loss", text)
