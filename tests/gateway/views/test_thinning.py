"""Which records of a replay are chosen by going through all of them."""

import math

import pytest
from hypothesis import given, settings, strategies as st

from tailcast_gateway.views.thinning import Kept, Thinning
from tailcast_streams.position import EntryID


VALUES = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.one_of(st.integers(-50, 50), st.sampled_from(["NaN", "Infinity"])),
)


def chosen(points: int, records: list[dict[str, float | str]]) -> list[Kept]:
    """Those of records whose offsets are their numbers."""
    thinning = Thinning(points, ["a", "b"])
    for at, values in enumerate(records):
        thinning.add(EntryID(1, at), values)
    return thinning.chosen()


def numbers(records: list[dict[str, float | str]], name: str) -> list[float]:
    """The finite values of a metric."""
    values = [one[name] for one in records if name in one]
    return [value for value in values if not isinstance(value, str)]


@settings(max_examples=60)
@given(st.lists(VALUES, max_size=300), st.integers(2, 40))
def test_the_ends_and_the_extremes_are_there(
    records: list[dict[str, float | str]], points: int
) -> None:
    """Never more than the points; together they stand for all records."""
    kept = chosen(points, records)
    ids = [one.id.offset for one in kept]
    assert len(ids) == min(points, len(ids))
    assert ids == sorted(set(ids))
    assert sum(one.of for one in kept) == len(records)
    if len(records) <= points:
        assert ids == list(range(len(records)))
        return
    assert (ids[0], ids[-1]) == (0, len(records) - 1)
    names = ["a", "b"][: (points - 2) // 2]
    for name in names:
        values = numbers(records, name)
        sent = numbers([records[at] for at in ids], name)
        if values:
            assert (min(sent), max(sent)) == (min(values), max(values))


def test_what_is_not_finite_is_there_as_far_as_points_are_left() -> None:
    """Extremes go first."""
    records: list[dict[str, float | str]] = [{"a": 1.0} for _ in range(100)]
    records[37] = {"a": "NaN"}
    assert 37 in [one.id.offset for one in chosen(20, records)]


@pytest.mark.parametrize("points", [50, 200])
def test_b8_runs_of_non_finite_values_leave_points_for_the_rest(points: int) -> None:
    """B8: of thousands of runs and spikes between them the spikes still come."""
    records: list[dict[str, float | str]] = [
        {"a": "NaN" if at % 2 else 1.0} for at in range(10_000)
    ]
    records[1_000], records[9_000] = {"a": 99.0}, {"a": -99.0}
    ids = [one.id.offset for one in chosen(points, records)]
    assert {0, 1_000, 9_000, 9_999} <= set(ids)
    assert len(ids) <= points
    # They reach over the whole replay, and do not end where runs have used them up.
    assert {4 * at // len(records) for at in ids} == {0, 1, 2, 3}


def test_spikes_are_in_their_places() -> None:
    """However long the replay is."""
    records: list[dict[str, float | str]] = [
        {"a": math.sin(at / 100)} for at in range(5_000)
    ]
    for at in (123, 2_345, 4_321):
        records[at] = {"a": 50.0}
    ids = [one.id.offset for one in chosen(100, records)]
    assert {123, 2_345, 4_321} <= set(ids)
    assert 25 <= len(ids) <= 100


@pytest.mark.parametrize("points", [2, 3, 7])
def test_without_any_metric(points: int) -> None:
    """Some of all parts are there."""
    kept = chosen(points, [{} for _ in range(50)])
    assert (kept[0], kept[-1].id.offset) == (Kept(EntryID(1, 0), 1), 49)
    assert len(kept) <= points
