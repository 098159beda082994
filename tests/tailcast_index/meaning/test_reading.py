"""One record is read by the choice of its session."""

import pytest
from hypothesis import given, strategies as st

from tailcast_index.meaning import (
    Choice,
    ColumnReader,
    Point,
    Reader,
    Rules,
    Unread,
    finder,
)
from tailcast_index.meaning.columns import MAX_SHAPES
from tailcast_index.meaning.metrics import MAX_NAMES
from tests.tailcast_index.meaning.reading import NOW_MS, RULES, fields_of, reading


_T = 1_795_875_380_000
DAY_MS = 86_400_000


def read(choice: Choice, record: dict[str, object]) -> Point:
    """Read one record by a choice."""
    return Reader(RULES, choice).read(fields_of(record), now_ms=NOW_MS)


def values_of(record: dict[str, object], **choice: object) -> dict[str, object]:
    """The metrics of one record."""
    values = read(Choice()._replace(**choice), record).values  # type: ignore[arg-type]  # as given
    assert len({name for name, _ in values}) == len(values)
    return dict(values)


# ---------------------------------------------------------------- steps and times


def test_a_record_has_a_step_a_time_and_metrics() -> None:
    """What stands under the keys of the lists, and all other numbers."""
    one = reading([{"step": 3, "timestamp": _T // 1000, "loss": 0.5, "n": 2}])
    assert (one.choice.step_key, one.choice.time_key) == ("step", "timestamp")
    assert one.points == [Point(3, _T, None, [("loss", 0.5), ("n", 2)], "", [], ())]


def test_a_record_without_the_session_s_key_has_no_step() -> None:
    """A summary line names another counter, which is not the step."""
    run = reading([{"step": 1}, {"step": 2}, {"epoch": 9, "test_loss": 0.5}])
    assert run.steps == [1, 2, None]
    assert run.points[2].values == [("test_loss", 0.5)]


def test_an_object_that_should_have_the_step_may_be_missing_or_none() -> None:
    """Then there is no step."""
    choice = Choice(step=("a", "b", "step"))
    assert read(choice, {"a": {"b": {"step": 4}}}).step == 4
    assert read(choice, {"a": {"b": 1}}).step is None
    assert read(choice, {"a": 1}).step is None
    assert read(choice, {}).step is None


@pytest.mark.parametrize(
    ("at", "time_ms"),
    [
        (NOW_MS + DAY_MS, NOW_MS + DAY_MS),
        (NOW_MS + DAY_MS + 1, None),
        (978_307_200_000, 978_307_200_000),
        (978_307_199_999, None),
    ],
)
def test_a_time_is_plausible_or_none(at: int, time_ms: int | None) -> None:
    """From 2001 to a day after it was read."""
    assert read(Choice(time=("timestamp",)), {"timestamp": at}).time_ms == time_ms


def test_a_day_takes_the_clock_beside_it() -> None:
    """Whichever of its names it has; without one it is the day's beginning."""
    choice = Choice(time=("m", "date"))
    midnight_ms = 1_795_824_000_000
    for beside, time_ms in (
        ({"time": "14:16:20"}, _T),
        ({"clock": "14:16:20"}, _T),
        ({"time": 0.25}, midnight_ms),
        ({}, midnight_ms),
    ):
        record: dict[str, object] = {"m": {"date": "2026-11-28", **beside}}
        assert read(choice, record).time_ms == time_ms


def test_what_cannot_be_read_is_told_with_an_example() -> None:
    """Under the key that was chosen, or under one that might have been."""
    run = reading(
        [
            {"step": 1, "timestamp": "2026-11-28T14:16:20"},
            {"step": "PARAMETER", "timestamp": "11/28/2026 14:16:21"},
            {"step": [], "timestamp": ""},
            {"step": None, "timestamp": None},
            {"step": True, "timestamp": 5e18},
            {"step": 2, "timestamp": 0.25},
        ]
    )
    assert run.unread == [
        ("step", '"PARAMETER"'),
        ("timestamp", '"11/28/2026 14:16:21"'),
        ("timestamp", "5e18"),
    ]
    none = reading([{"step": "x" * 100, "ts": "25.11.2026"}, {"loss": 1}])
    assert none.points[0].unread == (
        Unread(is_time=False, key="step", text='"' + "x" * 63),
        Unread(is_time=True, key="ts", text='"25.11.2026"'),
    )
    assert none.points[1].unread == ()
    assert (none.choice.step_key, none.choice.time_key) == (None, None)


# ---------------------------------------------------------------- progress


@pytest.mark.parametrize(
    ("record", "total"),
    [
        ({"step": "5/250"}, 250),
        ({"step": 5, "total_steps": 300}, 300),
        ({"step": 5, "max_steps": "1,000"}, 1_000),
        ({"step": 5, "max_steps": -1}, None),
        ({"step": 5, "max_steps": 2.5}, None),
        ({"step": 5, "config": {"max_steps": 400}}, 400),
        ({"step": 5, "args": {"lr": 0.1}, "hparams": {"max_iters": 7}}, 7),
        ({"step": 5, "num_epochs": 3}, None),
        ({"epoch": 1, "num_epochs": 3, "max_steps": 9}, 3),
        ({"a": {"step": 5, "total_steps": 8}}, 8),
        ({"a": {"step": 5}}, None),
        ({"data": {"loss": 1, "total_steps": 8}, "step": 5}, 8),
    ],
    ids=repr,
)
def test_a_run_s_length_stands_beside_its_step(
    record: dict[str, object], total: int | None
) -> None:
    """Or behind it, or in the settings; of epochs only if the step is one."""
    assert reading([record]).points[0].total_steps == total


def test_another_record_may_lack_the_object_of_the_total() -> None:
    """Then it says nothing of it."""
    run = reading([{"data": {"step": 1, "max_steps": 9}}, {"note": "x"}])
    assert [point.total_steps for point in run.points] == [9, None]


# ---------------------------------------------------------------- metrics


def test_a_metric_is_a_number() -> None:
    """Or a text that is wholly one, or one that JSON cannot hold."""
    assert values_of(
        {
            "loss": 0.5,
            "n": 2,
            "text": "8.700",
            "whole": "16",
            "bad": "NaN",
            "worse": "-inf",
            "done": True,
            "note": "0.5 at the end",
            "id": "007",
            "list": [1, 2],
            "empty": "",
            "nothing": {},
        }
    ) == {
        "loss": 0.5,
        "n": 2,
        "text": 8.7,
        "whole": 16,
        "bad": "NaN",
        "worse": "-Infinity",
    }


def test_metrics_are_found_at_any_depth_but_not_in_settings() -> None:
    """By the path to them."""
    assert values_of(
        {
            "a": {"b": {"c": {"d": 1}}, "e": 2},
            "config": {"lr": 1},
            "x": {"args": {"lr": 1}, "hparams": {"lr": 1}, "env": {"n": 1}},
            "emergency": {"value": 1},
        }
    ) == {"a.e": 2, "a.b.c.d": 1}


def test_counters_of_lines_and_processes_are_no_metrics() -> None:
    """Nor are the other steps that a record names, nor what begins with `_`."""
    choice = {"step": ("global_step",)}
    record: dict[str, object] = {
        "global_step": 1,
        "epoch": 2,
        "iter": 3,
        "max_steps": 9,
        "_seq": 4,
        "pid": 5,
        "seq": 6,
        "v": 7,
        "inner": {"line": 8, "_runtime": 9, "step": 0.25},
    }
    assert values_of(record, **choice) == {"inner.step": 0.25}


def test_a_time_is_no_metric_but_a_duration_is() -> None:
    """Its name says that it is a time, and its size: tokens may be as many."""
    assert values_of(
        {
            "start_time": 1_795_875_380,
            "eventTs": 1_795_875_380_123,
            "saved_at": "1795875380",
            "create/date": "20261128",
            "time": 1e30,
            "step_time": 0.25,
            "timestamp": 1.5,
            "wall_time": "0.5",
            "train/tokens": 1_795_875_380,
            "time/fps": 1_795_875_380,
            "time_bad": "NaN",
        }
    ) == {
        "step_time": 0.25,
        "timestamp": 1.5,
        "wall_time": 0.5,
        "train/tokens": 1_795_875_380,
        "time/fps": 1_795_875_380,
        "time_bad": "NaN",
    }


def test_null_is_told_since_it_may_spell_a_number_that_json_cannot_hold() -> None:
    """As orjson writes NaN, and numpy in Ray's files; the index knows which is one."""
    point = read(Choice(), {"loss": None, "grad": "null", "a": {"b": None}, "_x": None})
    assert (point.values, point.nulls) == ([], ["loss", "grad", "a.b"])


def test_what_is_in_an_envelope_has_its_name_alone() -> None:
    """Unless that is taken, by what is further out."""
    envelopes = (("data",), ("metrics",))
    assert values_of(
        {"n": 1, "data": {"loss": 2, "n": 3}, "metrics": {"acc": 4, "loss": 5}},
        envelopes=envelopes,
    ) == {"n": 1, "loss": 2, "data.n": 3, "acc": 4, "metrics.loss": 5}
    assert values_of({"n": 1}, envelopes=envelopes) == {"n": 1}


def test_names_that_would_be_ambiguous_are_long_in_all_records() -> None:
    """One curve has one name."""
    run = reading([{"loss": 1, "data": {"loss": 2}}, {"data": {"loss": 3, "a": 4}}])
    assert run.choice.has_long_names
    assert [point.values for point in run.points] == [
        [("loss", 1), ("data.loss", 2)],
        [("data.loss", 3), ("data.a", 4)],
    ]


def test_a_literal_name_comes_before_a_path() -> None:
    """Each name is there once."""
    assert values_of({"a": {"b": 1, "c": {"d": 3}}, "a.b": 2, "a.c": {"d": 4}}) == {
        "a.b": 2,
        "a.c.d": 3,
    }


def test_a_record_of_a_name_and_a_value_is_the_metric_of_that_name() -> None:
    """And another record of the same file is read as always."""
    run = reading(
        [
            {"tag": "loss", "value": "0.5", "step": 1},
            {"lr": 0.1},
            {"tag": 1, "value": 2},
        ]
    )
    assert [point.values for point in run.points] == [
        [("loss", 0.5)],
        [("lr", 0.1)],
        [("tag", 1), ("value", 2)],
    ]


def test_a_name_beside_several_numbers_is_only_a_name() -> None:
    """Nobody knows which of them would be its value."""
    run = reading([{"name": "run-a", "value": 0.5, "lr": 0.1, "step": 1}])
    assert run.points[0].values == [("value", 0.5), ("lr", 0.1)]


def test_any_number_of_names_is_read() -> None:
    """What was judged of names is forgotten now and then."""
    reader = Reader(RULES, Choice())
    for first in range(0, 3 * MAX_NAMES, MAX_NAMES // 2):
        names = {f"m{number}": 1.0 for number in range(first, first + MAX_NAMES // 2)}
        assert dict(reader.read(names, now_ms=NOW_MS).values) == names


# ---------------------------------------------------------------- by name


def test_what_is_no_metric_by_itself_is_found_by_name() -> None:
    """Counters, times, whatever is a number; by its path."""
    record = fields_of(
        {"pid": 7, "_seq": "3", "created_at": _T, "config": {"a.b": {"lr": 0.1}}}
    )
    found = {
        name: finder(Choice(), name)(record)
        for name in (
            "pid",
            "_seq",
            "created_at",
            "config.a.b.lr",
            "config.a",
            "x",
            "x.y",
        )
    }
    assert found == {
        "pid": 7,
        "_seq": 3,
        "created_at": _T,
        "config.a.b.lr": 0.1,
        "config.a": None,
        "x": None,
        "x.y": None,
    }


def test_a_named_value_is_found_by_its_name() -> None:
    """And the field by its own."""
    choice = Choice(named=(("name",), ("value",)))
    record: dict[str, object] = {"name": "loss", "value": 0.5}
    assert finder(choice, "loss")(record) == 0.5
    assert finder(choice, "value")(record) == 0.5
    assert finder(choice, "acc")(record) is None


_NAMES = st.sampled_from(["a", "b", "a.b", "loss", "data", "metrics", "step", "", "_x"])
_LEAVES = (
    st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["NaN", "0.5", "x", "null", "1,000", "2026-11-28"])
    | st.none()
    | st.booleans()
)
_RECORDS = st.dictionaries(
    _NAMES,
    st.recursive(
        _LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4)
        ),
        max_leaves=8,
    ),
    max_size=6,
)


@given(st.lists(_RECORDS, max_size=6))
def test_whatever_is_read_is_found_by_its_name(
    records: list[dict[str, object]],
) -> None:
    """The same value, if no name has a dot; each name once."""
    run = reading(records)
    for record, point in zip(records, run.points, strict=True):
        names = [name for name, _ in point.values]
        assert len({*names}) == len(names)
        if "a.b" in str(record):
            continue
        for name, value in point.values:
            assert finder(run.choice, name)(record) == value


def test_the_settings_rank_the_keys() -> None:
    """What they do not name is no step."""
    rules = Rules(step_keys=("mine", "step"), time_keys=("when",))
    run = reading([{"step": 1, "mine": 2, "epoch": 3, "when": _T}], rules=rules)
    assert (run.choice.step_key, run.choice.time_key) == ("mine", "when")
    assert run.points[0].values == [("epoch", 3)]


def test_any_number_of_shapes_is_read_by_columns() -> None:
    """Beyond a bound they are learnt anew."""
    reader = ColumnReader(RULES, Choice(step=("step",)))
    for number in range(MAX_SHAPES + 2):
        records = [{"step": 1, f"a{number}": 0.5}]
        columns = reader.read(records, now_ms=NOW_MS)
        assert columns is not None
        assert columns.names == (f"a{number}",)
    assert len(reader._shapes) == 2
