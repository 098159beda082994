"""What a projection leaves of a record, and the index beside records."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.protocol.limits import MAX_METRIC_CHARACTERS, MAX_METRICS
from tailcast_gateway.views.projection import (
    Index,
    InvalidProjection,
    Projection,
    index,
)
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.metrics import MISSING, finder, read_fields


def projection(*metrics: str) -> Projection:
    """A projection with the usual keys."""
    return Projection.of(metrics, step_keys=STEP_KEYS, time_keys=TIME_KEYS)


def indexed(*records: bytes) -> Index:
    """The index with the usual keys."""
    return index(records, step_keys=STEP_KEYS, time_keys=TIME_KEYS)


USUAL = (
    b'{ "timestamp" : "2025-12-18T01:30:00.000Z", "step":42,\n'
    b'"telemetry" : {"phi":0.7200, "kappa_eff":6.42e1, "regime":"geometric"}}'
)


@pytest.mark.parametrize(
    ("metrics", "record", "left"),
    [
        (
            ["phi", "kappa_eff"],
            USUAL,
            (
                b'{"timestamp":"2025-12-18T01:30:00.000Z","step":42,'
                b'"telemetry":{"phi":0.7200,"kappa_eff":6.42e1}}'
            ),
        ),
        (
            ["n"],
            b'{"n":-340282366920938463463374607431768211456,"x":1,"step":1.10}',
            b'{"n":-340282366920938463463374607431768211456,"step":1.10}',
        ),
        (["gone"], USUAL, b'{"timestamp":"2025-12-18T01:30:00.000Z","step":42}'),
        ([], b'{"a":1,"step":"5/250"}', b'{"step":"5/250"}'),
        (["a"], b'{"b":2,"a":1.0}', b'{"a":1.0}'),
        (["a"], b'{"telemetry":{"a":2},"a":1}', b'{"a":1}'),
        (["a"], b'{"telemetry":[1],"b":1}', b"{}"),
        (["a.b"], b'{"a":{"b":1,"c":2},"a.b":3}', b'{"a.b":3}'),
        (
            ["a.b"],
            b'{"a":{"b":1,"c":2},"telemetry":{"a.b":3}}',
            b'{"telemetry":{"a.b":3}}',
        ),
        (["a.b"], b'{"a":{"b":[1, 2],"c":2},"d":4}', b'{"a":{"b":[1, 2]}}'),
        (["a.b"], b'{"telemetry":{"a":{"b":1,"c":2}}}', b'{"telemetry":{"a":{"b":1}}}'),
        (["a.b"], b'{"telemetry":{"a":1},"a":{"c":1}}', b"{}"),
        (["a.b"], b'{"a":1}', b"{}"),
        (["a", "a.b"], b'{"a":{"b":1,"c":{}}}', b'{"a":{"b":1,"c":{}}}'),
        (["e"], b'{"e":{},"f":{}}', b'{"e":{}}'),
        (["telemetry"], b'{"telemetry":{"a":1},"b":2}', b'{"telemetry":{"a":1}}'),
        (
            ["x"],
            b'{"run":{"global_step":3,"q":1},"x":1}',
            b'{"run":{"global_step":3},"x":1}',
        ),
        (["x"], b'{"step":"no","epoch":2,"y":1}', b'{"epoch":2}'),
        (["x"], b'{"time":0.5,"ts":1766021400,"y":1}', b'{"ts":1766021400}'),
        (["\u00e4"], b'{"\\u00e4":1e-7,"b":1}', '{"ä":1e-7}'.encode()),
        (["a"], b'{"a":1234567890123456789012}', b'{"a":1234567890123456789012}'),
    ],
)
def test_what_is_left(metrics: list[str], record: bytes, left: bytes) -> None:
    """The metrics where they were, as they were written; step and time."""
    assert projection(*metrics).project(record) == left


@pytest.mark.parametrize("record", [b"[1]", b"{", b'{"a":' * 5_000])
def test_what_cannot_be_read_stays_whole(record: bytes) -> None:
    """It is not for a projection to lose it."""
    assert projection("a").project(record) == record
    assert indexed(record) == Index([None], [None])


def test_projections_with_the_same_metrics_are_one() -> None:
    """In whatever order."""
    assert projection("a", "b") == projection("b", "a", "b")
    assert len({projection("a", "b"), projection("b", "a"), projection("a")}) == 2


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        (map(str, range(MAX_METRICS + 1)), "metrics has more than 100 names"),
        ([""], "metrics: a name has 1 to 1,024 characters"),
        (["m" * (MAX_METRIC_CHARACTERS + 1)], "metrics: a name has 1 to 1,024"),
    ],
)
def test_what_is_no_projection(metrics: Any, text: str) -> None:
    """One line that says what to mend."""
    with pytest.raises(InvalidProjection, match=text):
        projection(*metrics)
    projection(*map(str, range(MAX_METRICS)))


def test_index() -> None:
    """Parallel to the records, null where there is nothing."""
    assert indexed() == Index([], [])
    found = indexed(USUAL, b"{}", b'{"run":{"iter":1.5}}', b'{"ts":1766021400}')
    assert found.steps == [42, None, 1.5, None]
    assert found.times == [1766021400000, None, None, 1766021400000]


names = st.sampled_from(["a", "b", "a.b", "telemetry", "step", "epoch", "ts", "x"])
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.integers(-3, 2 * 10**9), st.floats(-3, 3), st.sampled_from(["", "1/2"])
    ),
    lambda inner: st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
records = st.dictionaries(names, values).map(lambda fields: json.dumps(fields).encode())


def is_part(part: Any, whole: Any) -> bool:
    """Whether nothing but fields of objects was taken away."""
    if part.__class__ is dict and whole.__class__ is dict:
        names = [name for name in whole if name in part]
        return names == list(part) and all(
            is_part(part[name], whole[name]) for name in names
        )
    return repr(part) == repr(whole)


@given(st.lists(names, max_size=4), records)
def test_what_a_projection_promises(metrics: list[str], record: bytes) -> None:
    """What is kept is found as before, the index is the same, again changes nothing."""
    wanted = projection(*metrics)
    left = wanted.project(record)
    before, after = read_fields(record), read_fields(left)
    assert is_part(after, before)
    for metric in metrics:
        found = finder(metric)(before)
        assert finder(metric)(after) == found or found is MISSING
    assert indexed(left) == indexed(record)
    assert wanted.project(left) == left
