"""Records that are alike are folded together, and what is stored is the same."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given, settings, strategies as st

from tailcast_index.fold import Index, Tail
from tailcast_index.fold.run import Run
from tailcast_index.rollups.records import pack_records
from tailcast_streams.entries import Entry
from tailcast_streams.indexes import StoredIndex
from tests.tailcast_index.fold.world import NOW_MS, RULES, File


# Unix seconds.
TIME = 1_795_800_000
ODD: list[Any] = [None, "NaN", "null", True, [1], 2**70, 1e306, -0.0, 1, "0.5", {}]

Shape: TypeAlias = Callable[[int, random.Random], dict[str, Any]]


def iso(step: int) -> str:
    """A time as text."""
    return f"2026-11-20T12:{step // 60 % 60:02}:{step % 60:02}.5Z"


# The numbers of a shape without a step, and of the same with one.
STEPLESS, WITH_STEP = 3, 19
# Records as jobs write them.
SHAPES: list[Shape] = [
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4, "loss": one.random(), "acc": at % 7,
    },
    lambda at, one: {
        "timestamp": iso(at), "step": at,
        "telemetry": {"phi": one.random(), "regime": "geometric", "is_on": False},
    },
    lambda at, one: {
        "loss": one.random(), "learning_rate": 1e-5, "epoch": at / 900, "step": at,
    },
    lambda at, one: {"timestamp": TIME + at / 4, "val_loss": one.random()},
    lambda at, one: {"step": at, "loss": one.random()},
    lambda at, one: {"step": at, "timestamp": TIME + at / 4, "loss": "0.25", "k": "v"},
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4, "config": {"step": 7, "lr": 0.1},
        "val": {"acc": one.random(), "deep": {"x": at}}, "pid": 7,
    },
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4, "max_steps": 900, "loss": one.random(),
    },
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4, "split": "train", "epoch": at // 500,
        "loss": one.random(),
    },
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4, "a.b": at, "a": {"b": one.random()},
    },
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4, "tokens": TIME + at, "started_at": TIME,
        "step_time": 0.25, "saved_at": one.choice([0.5, TIME]),
    },
    lambda at, one: {
        "step": at, "timestamp": TIME + at / 4,
        "loss": one.random() if at % 40 else ODD[at // 40 % len(ODD)],
    },
    lambda at, one: {"step": at, "epoch": one.choice([1, None]), "a": one.random()},
    lambda at, _: {"step": at, "ts": [TIME, "soon", 7, "2026-11-20"][at % 37 % 4]},
    lambda at, one: {"iteration": at, "ts": TIME + at, "loss": one.random()},
    lambda at, one: {"step": at, "m": {"loss": one.random()} if at % 40 else {"n": 1}},
    lambda at, one: {"step": at, "m": {"a": one.random()} if at % 40 else 3, "n": {}},
    lambda at, one: {"step": at, "timestamp": "soon", "loss": one.random()},
    lambda at, one: {"step": at / 2, "timestamp": TIME + at / 4, "loss": one.random()},
    lambda at, one: {"step": at, "timestamp": TIME + at / 4, "val_loss": one.random()},
    lambda at, one: {"step": at * at, "timestamp": TIME + at, "loss": one.random()},
    lambda at, one: {
        "step": at, "eventTime": iso(at) if at > 1_504 else "soon", "a": one.random(),
    },
]  # fmt: skip  # a shape at one glance

SEGMENTS: st.SearchStrategy[list[tuple[int, int, int]]] = st.lists(
    st.tuples(
        st.integers(0, len(SHAPES) - 1),
        st.sampled_from([1, 3, 40, 300]),
        # By how much the step falls, or leaps, before it.
        st.sampled_from([0, 0, 0, -20, 1_000]),
    ),
    max_size=6,
)


def records(segments: Sequence[tuple[int, int, int]], seed: int) -> Iterator[Any]:
    """Records of some shapes after each other; the first one is well known."""
    chance, step = random.Random(seed), 0
    for shape, count, leap in [(segments[0][0] if segments else 0, 300, 0), *segments]:
        step = max(0, step + leap)
        for _ in range(count):
            yield SHAPES[shape](step, chance)
            step += 1


def fold_all(index: Index, stream: Sequence[Entry], lengths: Sequence[int]) -> None:
    """Fold a stream, so many entries at a time."""
    at = turn = 0
    while at < len(stream):
        page = stream[at : at + lengths[turn % len(lengths)]]
        index.fold(page, now_ms=NOW_MS)
        at, turn = at + len(page), turn + 1
        if index.stale is not None:
            index.restart(stream[0])
            after = index.reads_after
            at = next(at for at, one in enumerate(stream) if one.id > after)


def folded(stream: Sequence[Entry], lengths: Sequence[int]) -> Any:
    """What is stored of an index if so many entries are folded at a time."""
    index = Index("s", incarnation="i", rules=RULES)
    fold_all(index, stream, lengths)
    write = index.take_changes(is_resting=True)
    assert write is not None
    # When records came is noted once for each page.
    fields = {name: text for name, text in write.fields.items() if name != "arrivals"}
    return fields, write.metrics, write.places, write.chunks


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_each_shape_is_that_of_one_record_after_the_other(shape: int) -> None:
    """Where others come between, and the step falls, too."""
    file = File()
    count = 1_000 if shape == STEPLESS else 200
    others = [(0, 40, -20), (STEPLESS, 5, 0), (shape, 50, 0), (WITH_STEP, 20, 0)]
    for record in records([(shape, count, 0), *others], 1):
        file.append(record)
    one_by_one = folded(file.stream, [1])
    assert folded(file.stream, [1_000]) == one_by_one
    assert folded(file.stream, [5]) == one_by_one


@settings(max_examples=12, deadline=None)
@given(
    SEGMENTS,
    st.lists(st.sampled_from([1, 2, 5, 30, 32, 100, 1_000]), min_size=1, max_size=4),
    st.integers(0, 2**32),
)
def test_what_is_stored_is_that_of_one_record_after_the_other(
    segments: list[tuple[int, int, int]], lengths: list[int], seed: int
) -> None:
    """Whatever the pages are."""
    file = File()
    for record in records(segments, seed):
        file.append(record)
    assert folded(file.stream, lengths) == folded(file.stream, [1])


def test_a_choice_that_becomes_another_amid_them() -> None:
    """All are read anew by it, and those before it are as they were till then."""
    file = File()
    for record in records([(len(SHAPES) - 1, 1_500, 0)], 1):
        file.append(record)
    told = folded(file.stream, [1_000])
    assert told == folded(file.stream, [1])
    assert b"eventTime" in told[0]["choice"]


@given(SEGMENTS, st.sampled_from([5, 32, 100]), st.integers(0, 2**32))
@example([(1, 300, 0), (6, 40, 0), (6, 40, 0)], 100, 1)
@settings(max_examples=10, deadline=None)
def test_a_view_of_some_metrics_is_that_of_one_record_after_the_other(
    segments: list[tuple[int, int, int]], length: int, seed: int
) -> None:
    """With its tail, and without."""
    file = File()
    for record in records(segments, seed):
        file.append(record)
    begun = Index("s", incarnation="i", rules=RULES)
    fold_all(begun, file.stream[:400], [100])
    write = begun.take_changes(is_resting=True)
    assert write is not None
    stored = StoredIndex(write.at, write.fields)

    def view(length: int, tail: Tail | None) -> Any:
        names = {"loss", "phi", "val.acc"}
        index = Index.view("s", stored, write.metrics, RULES, names=names, tail=tail)
        assert index is not None
        rest = [one for one in file.stream if one.id > index.reads_after]
        for at in range(0, len(rest), length):
            if index.stale is None:
                index.fold(rest[at : at + length], now_ms=NOW_MS)
        drawn = None if tail is None else pack_records(tail.added)
        return index.metrics(), index.summary(NOW_MS), index.cursor, drawn

    assert view(length, None) == view(1, None)
    at = begun.summary(NOW_MS).records, begun.cursor.id
    assert view(length, Tail(*at)) == view(1, Tail(*at))
    whole, some = Tail(*at), Tail(*at, names=["phi", "val.acc"])
    view(length, whole)
    view(length, some)
    for (id, point), (same_id, kept) in zip(whole.added, some.added, strict=True):
        values = [one for one in point.values if one[0] in ("phi", "val.acc")]
        assert (same_id, kept) == (id, point._replace(values=values))


@pytest.mark.parametrize("shape", range(3))
def test_most_records_of_a_job_are_folded_together(
    shape: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would cost twice as much."""
    file, alone = File(), 0
    add = Run.add

    def counted(*arguments: Any) -> Any:
        nonlocal alone
        alone += 1
        return add(*arguments)

    for record in records([(shape, 1_000, 0)], 1):
        file.append(record)
    monkeypatch.setattr(Run, "add", counted)
    folded(file.stream, [1_000])
    # Until it is known what they are like.
    assert alone < 600
