"""A session's keys are chosen once for all its records."""

import zlib
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from tailcast_index.meaning import Choice, Chooser
from tailcast_index.meaning.chooser import CLOSE_RECORDS, MAX_CHANGES
from tailcast_index.meaning.keys import MAX_CANDIDATES
from tailcast_index.meaning.order import (
    MAX_KNOWN,
    MAX_KNOWN_LANES,
    MIXED_FALLS,
    TYPICAL_RECORDS,
)
from tailcast_index.meaning.values import Aside, Rounds
from tests.tailcast_index.meaning.reading import RULES, Reading, fields_of, reading


Record = Mapping[str, Any]
_T = 1_795_875_380


def chosen(records: Sequence[Record]) -> Choice:
    """The choice after many records."""
    chooser = Chooser(RULES)
    for record in records:
        chooser.look(fields_of(record))
    return chooser.choice


def training(steps: range, **more: object) -> list[Record]:
    """Lines of training."""
    return [{"step": step, "loss": 1.0, "lr": 0.1, **more} for step in steps]


# ---------------------------------------------------------------- keys


def test_a_better_key_takes_the_place_of_another() -> None:
    """All is read anew then; what was the step until then is a counter beside it."""
    run = reading([{"epoch": 1, "loss": 1.0}, {"epoch": 1, "step": 7}])
    assert run.changes == [0, 1]
    assert run.choice.step_key == "step"
    assert run.steps == [None, 7]


def test_a_key_of_few_records_does_not_take_the_place_of_one_of_many() -> None:
    """One line with `step` among hundreds is none of training."""
    records: list[Record] = [{"iteration": n} for n in range(100)]
    assert chosen([*records, {"step": 1, "iteration": 100}]).step_key == "iteration"
    more = [{"step": n, "iteration": 100 + n} for n in range(30)]
    assert chosen([*records, *more]).step_key == "step"


def test_a_key_that_hardly_any_record_has_is_given_up() -> None:
    """A first line may name its step otherwise than all others."""
    assert chosen(
        [{"step": 0, "note": "begins"}, *({"iter": n} for n in range(8))]
    ) == (Choice(step=("step",)))
    assert chosen(
        [{"step": 0, "note": "begins"}, *({"iter": n} for n in range(65))]
    ) == Choice(step=("iter",))


def test_later_records_are_looked_at_now_and_then() -> None:
    """While they lack what is looked for, or have what would be better."""
    none: list[Record] = [{"loss": 1.0}] * (CLOSE_RECORDS + 1)
    assert chosen([*none, *training(range(16))]).step_key == "step"
    old: list[Record] = [{"epoch": 1, "loss": 1.0}] * CLOSE_RECORDS
    assert chosen([*old, *training(range(600), epoch=1)]).step_key == "step"


def test_a_name_may_be_written_otherwise_than_in_the_list() -> None:
    """In another case, or behind a slash; the list's own spelling is better."""
    assert chosen([{"Iteration": 1}]).step_key == "Iteration"
    assert chosen([{"trainer/global_step": 1}]).step_key == "trainer/global_step"
    assert chosen([{"train/step": 1, "epoch": 2}]).step_key == "epoch"
    assert chosen([{"epoch/num_epochs": "1/3"}]).step_key == "epoch/num_epochs"


def test_one_level_down_what_changes_is_better_than_what_does_not() -> None:
    """And settings are never looked at."""
    run: list[Record] = [
        {
            "a": {"step": 7},
            "b": {"iter": n},
            "config": {"step": n},
            "args": {"epoch": n},
        }
        for n in range(3)
    ]
    assert chosen(run[:1]).step_key == "a.step"
    assert chosen(run).step_key == "b.iter"


def test_the_top_is_better_than_what_is_within() -> None:
    """But for envelopes, which are as the top."""
    assert chosen([{"epoch": 1, "a": {"step": 2}}]).step_key == "epoch"
    assert chosen([{"epoch": 1, "data": {"step": 2}}]).step_key == "data.step"


def test_a_time_is_told_by_its_name_if_no_key_of_the_list_has_one() -> None:
    """At the top rather than within; the listed one is better wherever it is."""
    one: Record = {"saved_at": _T, "a": {"eventTime": _T}}
    assert chosen([one]).time_key == "saved_at"
    assert chosen([{"a": {"eventTime": _T}}]).time_key == "a.eventTime"
    assert chosen([{**one, "b": {"ts": _T}}]).time_key == "b.ts"
    assert chosen([{**one, "timestamp": 1.5}]).time_key == "saved_at"
    assert chosen([{"tokens": _T}]).time_key is None


def test_a_time_that_falls_back_often_is_none() -> None:
    """The date of a data set's samples is not when they were seen."""
    records: list[Record] = [{"sample_date": _T - n % 7 * 86_400} for n in range(40)]
    assert chosen(records).time_key is None


def test_many_fields_that_could_be_a_time_are_bounded() -> None:
    """The first ones are known."""
    records: list[Record] = [
        {f"t{n}_time": _T for n in range(2 * MAX_CANDIDATES)},
        {"ts": _T},
    ]
    assert chosen(records).time_key == "t0_time"
    assert len(_looked(records).dump()) < 5_000


def _looked(records: list[Record]) -> Chooser:
    chooser = Chooser(RULES)
    for record in records:
        chooser.look(fields_of(record))
    return chooser


# ---------------------------------------------------------------- envelopes


def test_an_envelope_that_comes_late_is_opened() -> None:
    """What is chosen begins anew with it."""
    first = [{**one, "ts": _T} for one in training(range(20))]
    later = [{**one, "ts": _T, "data": {"acc": 1.0}} for one in training(range(20, 25))]
    assert chosen(first).envelopes == ()
    assert chosen([*first, *later]).envelopes == (("data",),)


def test_only_objects_are_envelopes() -> None:
    """And `record` only with what loguru has in it."""
    choice = chosen([{"data": 1, "metrics": [], "record": {"line": 1}, "payload": {}}])
    assert choice.envelopes == ()


# ---------------------------------------------------------------- evaluations


def aside_of(records: Sequence[Record]) -> tuple[Aside, ...]:
    """What tells the evaluations in a file."""
    return chosen(records).asides


def test_a_line_of_another_kind_whose_step_falls_is_an_evaluation() -> None:
    """It lacks what all others have, and has what they have not."""
    train = training(range(100, 120))
    assert aside_of([*train, {"step": 1, "mIoU": 0.5}]) == (Aside(("mIoU",)),)
    assert aside_of([*train, {"step": 1, "loss": 1.0, "note": "x"}]) == ()
    assert aside_of([*train, {"step": 1, "loss": 2.0, "lr": 0.1, "new": 1}]) == ()
    assert aside_of([*train, {"step": 1, "loss": 2.0}]) == ()


def test_a_line_that_says_its_kind_is_told_by_it() -> None:
    """Whatever it has."""
    train = training(range(100, 120), mode="train")
    val = {**train[0], "step": 1, "mode": "val"}
    assert aside_of([*train, val]) == (Aside(("mode",), "val"),)


def test_a_kind_that_first_appears_late_is_told_too() -> None:
    """After so many lines of training that none was looked at closely."""
    train = training(range(TYPICAL_RECORDS + 20), mode="train")
    val = {**train[0], "mode": "val"}
    assert aside_of([*train, val]) == (Aside(("mode",), "val"),)
    leaps = [*train, {**val, "step": 9_000}, *training(range(300, 303), mode="train")]
    assert aside_of(leaps) == (Aside(("mode",), "val"),)


def test_a_leap_before_a_run_fell_back_is_not_to_blame() -> None:
    """The step falls without it too."""
    train = training(range(100, 300, 10))
    run = reading([*train, {"step": 9_000, "acc": 0.5}, *training(range(200, 220, 10))])
    assert run.choice.asides == ()


def test_the_kind_may_stand_beside_an_envelope() -> None:
    """As the run may."""
    train: list[Record] = [
        {"split": "train", "metrics": {"loss": 1.0}, "step": step}
        for step in range(100, 120)
    ]
    val = {**train[0], "split": "val", "step": 1}
    assert aside_of([*train, val]) == (Aside(("split",), "val"),)
    inner: list[Record] = [{"metrics": {"loss": 1.0, "split": "train"}, "step": 5}]
    other = {"metrics": {"loss": 1.0, "split": "val"}, "step": 1}
    assert aside_of([*inner, other]) == (Aside(("metrics", "split"), "val"),)


@pytest.mark.parametrize("more", [{}, {"loss": 0.5}, {"level": 3}])
def test_a_line_without_the_envelope_has_no_new_fields_for_that(
    more: Mapping[str, object],
) -> None:
    """A late emergency: step and time are beside the envelopes of others, too."""
    records = [
        {"step": n, "timestamp": _T + n, "telemetry": {"loss": n / 7}}
        for n in range(20)
    ]
    late = {"step": 7, "timestamp": _T + 7, "emergency": {"reason": "heat"}, **more}
    run = reading([*records, late, {"step": 20, "timestamp": _T + 20}])
    own = [None if "level" in more else 7]
    assert run.steps == [*range(20), *own, 20]


def test_an_evaluation_s_counter_may_leap() -> None:
    """Seen when training goes on below it."""
    train = training(range(100, 300, 10))
    run = reading([*train, {"step": 9_000, "acc": 0.5}, *training(range(300, 320, 10))])
    assert run.choice.asides == (Aside(("acc",)),)
    assert run.steps[-4:] == [290, None, 300, 310]


def test_a_leap_of_training_is_no_evaluation() -> None:
    """A new field in a line that has all others says nothing."""
    train = training(range(100, 300, 10))
    records = [
        *train,
        *training(range(9_000, 9_010), new=1),
        *training(range(300, 310)),
    ]
    run = reading(records)
    assert (run.choice.asides, run.steps) == ((), [one["step"] for one in records])


def test_evaluations_in_order_have_a_step() -> None:
    """Most have that of the training."""
    train = training(range(100))
    evals: list[Record] = [{"step": step, "eval_loss": 0.5} for step in range(100)]
    mixed = [line for pair in zip(train, evals, strict=True) for line in pair]
    run = reading(mixed)
    assert run.choice.asides == ()
    assert run.steps == [step for step in range(100) for _ in range(2)]


def test_a_kind_that_is_known_to_be_in_order_stays_so() -> None:
    """When a run falls back, its evaluations do too."""
    part = [*training(range(10)), {"step": 9, "acc": 0.5}]
    run = reading([*part, *part])
    assert (run.choice.asides, run.choice.lane) == ((), None)
    assert run.steps.count(9) == 4


def test_lines_with_very_many_fields_are_told_by_their_kind_alone() -> None:
    """What is known of fields is bounded."""
    wide = {f"m{n}": 1.0 for n in range(2 * MAX_KNOWN)}
    records: list[Record] = [{"step": n, **wide} for n in range(TYPICAL_RECORDS + 5)]
    assert aside_of([*records, {"step": 1, "mIoU": 1.0}]) == ()


# ---------------------------------------------------------------- epochs


def in_epochs(steps: range, epochs: range, **more: object) -> list[Record]:
    """Lines whose step begins anew with each epoch."""
    return [
        {"epoch": epoch, "step": step, "loss": 1.0, **more}
        for epoch in epochs
        for step in steps
    ]


def test_a_step_that_begins_anew_as_the_epoch_rises_is_counted_through() -> None:
    """By the longest epoch."""
    run = reading(in_epochs(range(0, 100, 10), range(3, 6)))
    assert run.choice.rounds == Rounds(("epoch",), 3, 90)
    assert run.steps[::5] == [0, 50, 90, 140, 180, 230]
    assert all(
        a <= b for a, b in pairwise(run.steps) if a is not None and b is not None
    )


def test_a_longer_epoch_counts_for_all() -> None:
    """The first may have been taken up in its middle."""
    run = reading([*in_epochs(range(4), range(1)), *in_epochs(range(10), range(1, 4))])
    assert run.choice.rounds == Rounds(("epoch",), 0, 9)
    assert run.steps[-1] == 3 * 9 + 9


def test_an_epoch_may_be_missing_or_a_part() -> None:
    """A line without it has no step; a part of an epoch counts no epochs."""
    records = [*in_epochs(range(10), range(3)), {"step": 3, "loss": 1.0}]
    assert reading(records).steps[-1] is None
    parts: list[Record] = [
        {"epoch": 0.1 + n / 100, "step": n % 10, "loss": 1.0} for n in range(30)
    ]
    assert chosen(parts).rounds is None


def test_a_step_that_falls_a_little_or_with_its_epoch_is_none_of_a_new_epoch() -> None:
    """It was resumed."""
    for later in (
        in_epochs(range(60, 70), range(1, 2)),
        in_epochs(range(10), range(1)),
    ):
        run = reading([*in_epochs(range(100), range(1)), *later])
        assert run.choice.rounds is None
        assert run.steps[100] == later[0]["step"]


def test_an_epoch_that_leaps_back_is_resumed_in_its_place() -> None:
    """Steps are counted through all the same."""
    run = reading([*in_epochs(range(10), range(4)), *in_epochs(range(10), range(2, 5))])
    assert run.steps[39:41] == [3 * 9 + 9, 2 * 9]


def test_an_epoch_in_an_envelope_is_the_step_s_neighbour() -> None:
    """Where the step is."""
    records: list[Record] = [{"data": one} for one in in_epochs(range(9), range(3))]
    assert chosen(records).rounds == Rounds(("data", "epoch"), 0, 8)


# ---------------------------------------------------------------- several runs


def test_what_changes_where_the_step_falls_tells_the_runs() -> None:
    """The best-ranked of those that do."""
    first = training(range(10), run="same", run_id="a", rank=0)
    second = training(range(10), run="same", run_id="b", rank=1)
    run = reading([*first, *second])
    assert run.choice.lane == ("run_id",)
    assert run.lanes == ["a"] * 10 + ["b"] * 10
    assert "rank" in run.metrics


def test_runs_that_alternate_are_told_too() -> None:
    """As those of a study with several workers."""
    lines = [
        line
        for pair in zip(
            training(range(50), trial_id=0),
            training(range(20, 70), trial_id=1),
            strict=True,
        )
        for line in pair
    ]
    run = reading(lines)
    assert run.choice.lane == ("trial_id",)
    assert run.lanes[:4] == ["0", "1", "0", "1"]
    assert not run.choice.is_interleaved


def test_one_of_several_runs_may_fall_back() -> None:
    """It is the same run all the same."""
    first = training(range(10), run_id="a")
    second = training(range(8), run_id="b")
    run = reading([*first, *second, *training(range(5, 9), run_id="b")])
    assert run.choice.lane == ("run_id",)
    assert run.changes == [0, 10]


def test_a_run_that_falls_back_is_one_run() -> None:
    """Nothing tells it from another; and its name stays the same."""
    for more in ({}, {"run_id": "a"}, {"rank": None}, {"session": {"id": 1}}):
        run = reading([*training(range(30), **more), *training(range(10, 40), **more)])
        assert run.choice.lane is None
        assert run.steps == [*range(30), *range(10, 40)]


def test_runs_that_nothing_tells_apart_have_no_step() -> None:
    """If they fall often; each may be where it wants."""
    alternating = [n // 2 if n % 2 else 100 + n for n in range(40)]
    run = reading([{"step": step, "loss": 1.0} for step in alternating])
    assert run.choice.is_interleaved
    assert {*run.steps} == {None}
    assert run.unread == []
    assert run.changes[-1] == 2 * MIXED_FALLS - 1


def test_a_run_that_falls_back_now_and_then_keeps_its_step() -> None:
    """Once in more than fifty records."""
    records = [line for _ in range(12) for line in training(range(60))]
    assert not chosen(records).is_interleaved


def test_very_many_runs_are_bounded() -> None:
    """Where they were is forgotten now and then."""
    records = [
        line
        for run in range(MAX_KNOWN_LANES + 50)
        for line in training(range(2), run=run)
    ]
    chooser = _looked(records)
    assert chooser.choice.lane == ("run",)
    assert len(chooser.dump()) < 10_000


# ---------------------------------------------------------------- a chooser


def test_a_choice_becomes_another_a_bounded_number_of_times() -> None:
    """Then it stays, whatever comes."""
    chooser = Chooser(RULES)
    changes = 0
    for epoch in range(200):
        for step in range(2 + epoch):
            changes += chooser.look({"epoch": epoch, "step": step, "loss": 1.0})
    assert changes == MAX_CHANGES
    records = [{"step": step, "timestamp": _T} for step in range(9)]
    assert chooser.may_pass(records, range(9))
    assert chooser.pass_all(records, range(9)) == len(records)
    assert not chooser.explains({"step": 0, "mode": "val"})


@pytest.mark.parametrize(
    ("record", "is_explained"),
    [
        ({"step": 0, "epoch": 2, "loss": 1.0, "lr": 0.1}, True),
        ({"step": 0, "epoch": 1, "mode": "val", "acc": 1.0}, True),
        ({"step": 0, "epoch": 0, "loss": 1.0, "lr": 0.1}, False),
        ({"step": 0, "epoch": 1, "acc": 1.0}, False),
        ({"step": 9, "epoch": 1, "loss": 1.0, "lr": 0.1}, False),
        ({"loss": 1.0}, False),
    ],
)
def test_what_a_lower_step_may_mean_within_a_run(
    record: Record, *, is_explained: bool
) -> None:
    """An epoch that rose, and another kind of lines; looking changes nothing."""
    chooser = _looked(training(range(9), epoch=1))
    before = chooser.dump()
    assert chooser.explains(fields_of(record)) is is_explained
    assert chooser.dump() == before
    assert not _looked([]).explains(fields_of(record))


@pytest.mark.parametrize("data", [b"", zlib.compress(b"\x93\x01\x02\x03")], ids=len)
def test_a_dump_of_something_else_is_refused(data: bytes) -> None:
    """Of other rules, for example."""
    with pytest.raises(ValueError, match="not the dump of a chooser"):
        Chooser.load(RULES, data)


def test_a_dump_is_small() -> None:
    """It is written whenever the session moves."""
    wide = {f"train/layer_{n}/grad_norm": 0.5 for n in range(100)}
    assert len(_looked(training(range(500), **wide)).dump()) < 1_000


_STEPS = st.integers(0, 12) | st.sampled_from(["5/9", "x", None, [0, 1], [1, 0], 0.5])
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "step": _STEPS,
    "iter": _STEPS,
    "epoch": st.integers(0, 3),
    "mode": st.sampled_from(["train", "val", 3]),
    "run_id": st.sampled_from(["a", "b", 1]),
    "loss": st.floats(0, 1),
    "acc": st.floats(0, 1),
    "ts": st.integers(_T, _T + 9) | st.sampled_from(["x", 0.5]),
    "data": st.dictionaries(st.sampled_from(["step", "loss"]), _STEPS),
    "a": st.dictionaries(st.sampled_from(["iter", "saved_at"]), st.just(_T)),
}
_LINES: st.SearchStrategy[Record] = st.fixed_dictionaries({}, optional=_VALUES)


@given(st.lists(_LINES, max_size=60))
@example([{"step": 0}, {"step": 1, "iter": 0}, {"step": 0, "iter": [0, 1]}])
def test_the_choice_follows_from_the_records_alone(records: list[Record]) -> None:
    """Whether the chooser was dumped between them or not."""
    dumped: Reading = reading(records)
    assert dumped.choice == chosen(records)
    assert len(dumped.changes) <= MAX_CHANGES


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=32),
    st.lists(st.integers(0, 50), min_size=1, max_size=32),
)
@example([1, 50, 1], [1])
@example([1, 1, 50], [2, 1])
@example([50], [1, 1])
def test_what_is_taken_together_is_taken_as_if_line_by_line(
    strides: list[int], more: list[int]
) -> None:
    """Also how far apart steps were, at most and at last: leaps are told by that."""
    one, other = Chooser(RULES), Chooser(RULES)
    for record in training(range(TYPICAL_RECORDS + 1)):
        one.look(fields_of(record))
        other.look(fields_of(record))
    step = TYPICAL_RECORDS
    for batch in (strides, more):
        steps = [step + stride for stride in accumulate(batch)]
        step = steps[-1]
        records = [fields_of({"step": at, "loss": 1.0, "lr": 0.1}) for at in steps]
        for record in records:
            one.look(record)
        assert other.may_pass(records, steps)
        assert other.pass_all(records, steps) == len(records)
        assert one.dump() == other.dump()
