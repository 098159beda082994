"""What a run makes of what each record says, whatever its fields are."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tailcast_index.fold import Rewind, Span, UnreadKey, run as module
from tailcast_index.fold.run import MAX_UNREAD_KEYS, Run
from tailcast_index.fold.stored import fields_of, load_run
from tailcast_index.meaning import Choice, Point, Unread
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import EntryID
from tests.tailcast_index.fold.world import NOW_MS, RULES


# Unix milliseconds.
TIME_MS = 1_795_800_000_000


def run_of(*points: Point) -> Run:
    """A run of records that say this; it is stored and loaded before the last one."""
    run = Run(RULES, Choice())
    for at, point in enumerate(points, 1):
        if at == len(points):
            run = load_run(fields_of(run), run.figures.take_changed(), RULES)
        said = point

        def read(fields: Mapping[str, object], *, now_ms: int) -> Point:
            return said  # noqa: B023

        run.read = read
        entry = Entry(EntryID(1, at), EntryID(1, at - 1), Kind.RECORD, b"{}")
        run.add(entry, {}, NOW_MS)
    return run


def point(
    step: float | None = None,
    values: Sequence[tuple[str, Any]] = (),
    *,
    time_ms: int | None = None,
    total_steps: int | None = None,
    **more: Any,
) -> Point:
    """What one record says."""
    return Point(step, time_ms, total_steps, values, **more)


def test_a_run_ends_when_its_pace_says() -> None:
    """By how many steps it will have, as the latest record says that."""
    points = [
        point(step, time_ms=TIME_MS + 1_000 * step, total_steps=250)
        for step in range(101)
    ]
    summary = run_of(*points).summary(TIME_MS + 101_000)
    assert (summary.total_steps, summary.eta_ms) == (250, 150_000)
    assert summary.rate == pytest.approx(1.0)
    assert summary.status == "running"


def test_a_fall_back_measures_the_pace_anew() -> None:
    """What was done before it says nothing of how long the rest takes."""
    steps = [*range(100), *range(50, 61)]
    points = [
        point(step, time_ms=TIME_MS + 1_000 * at, total_steps=200)
        for at, step in enumerate(steps)
    ]
    summary = run_of(*points).summary(TIME_MS + 111_000)
    fall = Rewind(EntryID(1, 101), 50, 99, "", 100, TIME_MS + 100_000)
    assert summary.rewinds == (fall,)
    assert summary.steps == Span(0, 60, 99)
    assert summary.eta_ms == 140_000


def test_null_is_not_finite_where_a_number_was() -> None:
    """So some writers spell NaN; what never was a number says nothing."""
    null = point(1, nulls=("loss", "note"))
    run = run_of(null, point(1, [("loss", 0.5)]), null, null)
    (metric,) = run.figures.metrics()
    assert (metric.name, metric.count, metric.nonfinite) == ("loss", 1, 2)
    assert metric.last == "NaN"


def test_a_metric_of_several_runs_is_counted_for_each_as_well() -> None:
    """All of them together under its own name."""
    run = run_of(
        point(1, [("loss", 3)], lane="a"),
        point(1, [("loss", 1)], lane="b"),
        point(2, [("loss", 2)], lane="a"),
    )
    found = [(one.name, one.count, one.min, one.last) for one in run.figures.metrics()]
    assert found == [("loss", 3, 1, 2), ("loss[a]", 2, 2, 2), ("loss[b]", 1, 1, 1)]
    assert run.summary(NOW_MS).rewinds == ()


def test_what_could_not_be_read_is_counted_with_an_example() -> None:
    """By its key, as long as keys are few."""
    keys = [str(key) for key in range(MAX_UNREAD_KEYS + 3)]
    points = [
        point(unread=[Unread(is_time=True, key=key, text=text)])
        for text in ('"soon"', '"later"')
        for key in keys
    ]
    summary = run_of(*points).summary(NOW_MS)
    assert len(summary.unread) == MAX_UNREAD_KEYS
    assert summary.unread["3"] == UnreadKey(2, True, '"later"')
    assert summary.unread_others == 6


def test_a_clock_that_ran_back_does_not_count() -> None:
    """The highest time says where the run is."""
    run = run_of(*(point(time_ms=TIME_MS + 1_000 * at) for at in (5, 9, 7)))
    summary = run.summary(TIME_MS + 9_500)
    assert summary.times == Span(TIME_MS + 5_000, TIME_MS + 7_000, TIME_MS + 9_000)
    assert summary.activity_ms == TIME_MS + 9_000


def test_settings_that_are_too_long_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until others come; how long they are is told, and stored."""
    monkeypatch.setattr(module, "MAX_CONFIG_BYTES", 12)
    run = Run(RULES, Choice())
    told: list[tuple[bytes, int]] = []
    for at, lr in enumerate((0.1, 0.125, 0.1), 1):
        entry = Entry(EntryID(1, at), EntryID(1, at - 1), Kind.RECORD, b"{}")
        run.add(entry, {"config": {"lr": lr}}, NOW_MS)
        run = load_run(fields_of(run), run.figures.take_changed(), RULES)
        summary = run.summary(NOW_MS)
        told.append((summary.config, summary.config_left_out))
    assert told == [(b'{"lr":0.1}', 0), (b'{"lr":0.125}', 0), (b'{"lr":0.1}', 0)]
    entry = Entry(EntryID(1, 9), EntryID(1, 3), Kind.RECORD, b"{}")
    run.add(entry, {"args": {"lr": 0.0625}}, NOW_MS)
    run = load_run(fields_of(run), run.figures.take_changed(), RULES)
    summary = run.summary(NOW_MS)
    assert (summary.config, summary.config_left_out) == (b"", 13)
