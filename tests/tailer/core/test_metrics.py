"""What records say of each metric."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_tailer.core.metrics import (
    MAX_METRICS,
    Metric,
    Statistics,
    decode_records,
    merge,
    shapes_of,
    summarize,
)


NOT_METRICS = frozenset((*STEP_KEYS, *TIME_KEYS))


def metrics_of(*records: dict[str, Any]) -> dict[str, Metric]:
    """The statistics of a batch."""
    return summarize(shapes_of(records), not_metrics=NOT_METRICS)


def stored(kept: Statistics) -> dict[str, Any]:
    """What readers get."""
    metrics: dict[str, Any] = json.loads(kept.text)
    return metrics


def test_numbers_have_statistics() -> None:
    """Last, least, greatest, mean and count, in the words of the wire."""
    kept = merge(Statistics(), metrics_of({"loss": 3}, {"loss": 0.5}, {"loss": 1}))
    assert stored(kept) == {
        "loss": {
            "last": 1, "min": 0.5, "max": 3, "mean": 1.5, "count": 3, "nonfinite": 0,
        }
    }  # fmt: skip  # one glance


def test_what_is_a_metric() -> None:
    """Numbers at the top but step and time, in `telemetry`, and one level down."""
    record: dict[str, Any] = {
        "step": 1, "timestamp": 1.7e9, "epoch": 2, "loss": 0.5, "name": "x", "on": True,
        "none": None, "list": [1], "a.b": 7,
        "telemetry": {"phi": 1, "step": 4, "regime": "geometric", "emergency": False,
                      "loss": 99, "deep": {"er": 2, "est": {"x": 1}, "ever": "NaN"}},
        "eval": {"loss": 3, "epoch": 1, "more": {"x": 1}, "text": "t"}, "a": {"b": 8},
        "empty": {}, "emergency": {"value": 1},
    }  # fmt: skip  # one glance
    found = {name: metric.last for name, metric in metrics_of(record).items()}
    assert found == {
        "loss": 0.5, "a.b": 7, "phi": 1, "deep.er": 2,
        "deep.ever": "NaN", "eval.loss": 3,
    }  # fmt: skip  # one glance


def test_strings_for_what_is_not_finite_are_counted() -> None:
    """They are the last value, and neither least, greatest nor mean."""
    records: list[dict[str, Any]] = [
        {"a": 1.0, "b": "NaN"},
        {"a": "-Infinity", "b": "x"},
    ]
    assert metrics_of(*records) == {
        "a": Metric("-Infinity", 1.0, 1.0, 1.0, 1, 1),
        "b": Metric("NaN", None, None, None, 0, 1),
    }


def test_records_of_several_shapes_keep_their_order() -> None:
    """The last value is the last record's that has one."""
    found = metrics_of(
        {"a": 1}, {"a": 5, "b": 1}, {"b": 2}, {"a": 3}, {"a": None}, {"b": True}, {},
        {"x": {"y": 1}}, {"x": 2}, {"x": {"y": 3, "z": 4}}, {"b": 4, "a": 2},
    )  # fmt: skip  # one glance
    assert found["a"] == Metric(2, 1, 5, 2.75, 4, 0)
    assert found["b"].mean == pytest.approx(7 / 3)
    assert (found["b"].last, found["b"].min, found["b"].count) == (4, 1, 3)
    assert found["x"] == Metric(2, 2, 2, 2.0, 1, 0)
    assert found["x.y"] == Metric(3, 1, 3, 2.0, 2, 0)
    assert found["x.z"] == Metric(4, 4, 4, 4.0, 1, 0)


def test_last_is_of_the_later_record_whatever_its_shape() -> None:
    """Also when the group that was looked at last is not the one that ends later."""
    found = metrics_of({"a": 1}, {"a": 2, "b": 0}, {"a": 3})
    assert found["a"].last == 3


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (["NaN"], [1], Metric(1, 1, 1, 1.0, 1, 1)),
        ([1], ["NaN"], Metric("NaN", 1, 1, 1.0, 1, 1)),
        (["NaN"], ["Infinity"], Metric("Infinity", None, None, None, 0, 2)),
        ([1e308, 1e308], [1], Metric(1, 1, 1e308, None, 3, 0)),
        ([1], [1e308, 1e308], Metric(1e308, 1, 1e308, None, 3, 0)),
        ([1, 3], [5, 5], Metric(5, 1, 5, 3.5, 4, 0)),
    ],
)
def test_batches_are_merged(one: list[Any], other: list[Any], both: Metric) -> None:
    """A mean that cannot be said is none."""
    kept = merge(Statistics(), metrics_of(*[{"a": value} for value in one]))
    kept = merge(kept, metrics_of(*[{"a": value} for value in other]))
    assert msgspec.json.decode(kept.text, type=dict[str, Metric]) == {"a": both}


def test_texts_and_nothings_are_no_values() -> None:
    """Whatever else is in their column."""
    assert metrics_of({"a": "x"}, {"a": None}, {"a": True}) == {}


def test_a_batch_without_metrics_changes_nothing() -> None:
    """Not one byte is written for it."""
    kept = Statistics(b'{"x":1}', 3)
    assert merge(kept, metrics_of({"name": "x"})) is kept


@pytest.mark.parametrize("text", [b"junk", b"[]", b'{"a":{"last":1}}', b"\xff"])
def test_what_was_spoilt_by_hand_begins_anew(text: bytes) -> None:
    """An operator's slip is no crash."""
    assert list(stored(merge(Statistics(text), metrics_of({"b": 1})))) == ["b"]
    assert merge(Statistics(b'{"\xff":1}'), metrics_of({"b": 1})).left_out == 0


@pytest.mark.parametrize("value", [2, "NaN"])
def test_statistics_that_contradict_themselves_are_gone_on_from(value: object) -> None:
    """Spoilt by hand: a count without a least, a greatest, a mean."""
    spoilt = Metric(1, None, None, None, 3, 0)
    kept = merge(
        Statistics(msgspec.json.encode({"a": spoilt})), metrics_of({"a": value})
    )
    assert stored(kept)["a"]["min"] == (value if value == 2 else None)
    assert stored(kept)["a"]["count"] == (4 if value == 2 else 3)


def test_statistics_are_bounded() -> None:
    """The first thousand metrics have them; further values are counted."""
    names = [f"m{number}" for number in range(MAX_METRICS + 5)]
    kept = merge(Statistics(), metrics_of(dict.fromkeys(names, 1)))
    assert (len(stored(kept)), kept.left_out) == (MAX_METRICS, 5)
    kept = merge(kept, metrics_of(dict.fromkeys(names, "NaN")))
    assert (len(stored(kept)), kept.left_out) == (MAX_METRICS, 10)
    assert stored(kept)["m0"]["nonfinite"] == 1
    assert merge(Statistics(), metrics_of({"x" * 201: 1})) == Statistics(b"{}", 1)


def test_no_records_have_no_statistics() -> None:
    """Nor does it fail."""
    assert decode_records([]) == []
    assert decode_records([b'{"a":1}']) == [{"a": 1}]


def test_whole_numbers_beyond_64_bits_are_held_as_doubles() -> None:
    """Exact ones stay exact; what was stored can be stored again."""
    batch = metrics_of(
        {"n": 2**128, "m": 7}, {"n": 2**63, "m": -(2**64)}, {"n": 3, "m": 1}
    )
    assert batch["n"] == Metric(3, 3, 2.0**128, (2.0**128 + 2.0**63 + 3) / 3, 3, 0)
    assert batch["m"].min == -(2.0**64)
    assert (batch["m"].last, type(batch["m"].max)) == (1, int)
    mixed = metrics_of({"n": "NaN"}, {"n": 10**300}, {"n": 0.5}, {"n": 10**308})
    assert mixed["n"] == Metric(1e308, 0.5, 1e308, 1e308 / 3 + 1e300 / 3, 3, 1)
    kept = merge(merge(Statistics(), batch), mixed)
    assert msgspec.json.decode(kept.text)["n"]["max"] == 1e308


def test_a_sum_of_doubles_that_overflows_has_no_mean() -> None:
    """Also if they were written as whole numbers."""
    huge = 17 * 10**307
    assert metrics_of({"n": huge}, {"n": huge}, {"n": 0.5})["n"].mean is None


VALUES = st.one_of(
    st.integers(-5, 5), st.floats(-5, 5), st.booleans(), st.none(),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "x"]),
)  # fmt: skip  # one glance
RECORDS = st.lists(st.dictionaries(st.sampled_from("abcd"), VALUES), max_size=12)


@given(RECORDS)
def test_columns_say_what_values_say_one_by_one(records: list[dict[str, Any]]) -> None:
    """Against the plainest way to count."""
    found = metrics_of(*records)
    for name in "abcd":
        values = [record[name] for record in records if name in record]
        values = [one for one in values if one is not None and one != "x"]
        values = [one for one in values if not isinstance(one, bool)]
        numbers = [one for one in values if not isinstance(one, str)]
        if not values:
            assert name not in found
            continue
        metric = found[name]
        assert metric.last == values[-1]
        assert (metric.count, metric.nonfinite) == (
            len(numbers), len(values) - len(numbers),
        )  # fmt: skip  # one glance
        if numbers:
            assert (metric.min, metric.max) == (min(numbers), max(numbers))
            assert metric.mean == pytest.approx(sum(numbers) / len(numbers), abs=1e-9)
