"""One rule says where a metric is, for whoever looks."""

import json
from typing import Any

from hypothesis import given, strategies as st

from tailcast_streams.metrics import MISSING, finder, is_point, metrics_of, read_fields


names = st.sampled_from(("loss", "lr", "telemetry", "a.b", "eval", "step"))
values = st.none() | st.booleans() | st.floats(allow_nan=False) | st.sampled_from(
    ("NaN", "-Infinity", "text", 7)
)  # fmt: skip  # one glance
records: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    names, values | st.dictionaries(names, values, max_size=4), max_size=5
)


@given(records)
def test_what_a_record_is_said_to_have_is_found(record: dict[str, Any]) -> None:
    """Under the name that it is given, with a value that a curve may have.

    Where two stand under one name the first place wins, and may hold something else.
    """
    fields = read_fields(json.dumps(record).encode())
    for name in metrics_of(fields, {"step"}):
        found = finder(name)(fields)
        assert found is not MISSING
        assert is_point(found) or name in record or "." in name


def test_the_literal_name_wins_over_the_path() -> None:
    """At the top, then in `telemetry`, then as a path from each."""
    fields = {"a.b": 1, "a": {"b": 2}, "telemetry": {"a.b": 3, "c": {"d": 4}}}
    assert [finder(name)(fields) for name in ("a.b", "c.d", "c.e", "x")] == [
        1, 4, MISSING, MISSING,
    ]  # fmt: skip  # one glance


def test_what_is_no_object_has_no_metrics() -> None:
    """It is passed over, not an error."""
    assert list(metrics_of(read_fields(b"[1,2]"), ())) == []
