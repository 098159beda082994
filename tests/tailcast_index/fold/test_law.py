"""Stored index and the entries behind it say the same as all the file's records.

Whatever the records, wherever batches end, and whatever happens to the file, the stream
and the processes.
"""

from typing import Any

import hypothesis
from hypothesis import given, settings, strategies as st

from tailcast_index.fold import Index, Tail
from tailcast_index.rollups import Extent, draw as draw_series, plan_series
from tailcast_streams.indexes import needs_of
from tailcast_streams.position import BEFORE_ALL
from tests.tailcast_index.fold.reference import all_values
from tests.tailcast_index.fold.world import (
    NOW_MS,
    RULES,
    File,
    Indexer,
    Store,
    check,
    read,
    records_of,
)
from tests.tailcast_index.rollups.test_rollups import check as check_series


# Unix seconds.
TIME = 1_795_800_000

STEPS: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 30), st.sampled_from(["5/250", "7", 2.5, "soon", None, -1])
)
TIMES: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 200).map(lambda second: TIME + second),
    st.sampled_from(["2026-11-25T12:00:00Z", "yesterday", 17, None]),
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["NaN", "Infinity", "text", None, True, 1e300, 2**63, [], "8.5"]),
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "step": STEPS,
        "epoch": STEPS,
        "iteration": STEPS,
        "timestamp": TIMES,
        "ts": TIMES,
        "loss": VALUES,
        "acc": VALUES,
        "metrics": st.dictionaries(st.sampled_from(["loss", "step", "f1"]), VALUES),
        "config": st.fixed_dictionaries({"step": st.integers(7, 8)}),
        "max_steps": st.just(300),
        "trial_id": st.integers(0, 2),
        "emergency": st.just({"reason": "collapse"}),
        "x" * 201: VALUES,
    },
)


def run(first: int, count: int, name: str) -> list[dict[str, Any]]:
    """Records one after the other."""
    return [{"step": step, name: step / 7} for step in range(first, first + count)]


# Records as a job writes them, some evaluations between them.
RUNS = st.builds(
    run,
    st.integers(0, 20),
    st.integers(1, 8),
    st.sampled_from(["loss", "loss", "val_loss"]),
)
BATCHES: st.SearchStrategy[list[dict[str, Any]]] = st.one_of(
    st.lists(RECORDS, max_size=6), RUNS
)
NUMBERS = st.integers(0, 40)
EVENTS: st.SearchStrategy[list[tuple[str, Any]]] = st.lists(
    st.one_of(
        st.tuples(st.just("append"), BATCHES),
        st.tuples(st.sampled_from(["cut", "rotate", "trim", "leave_out"]), NUMBERS),
        st.tuples(st.sampled_from(["fold", "write", "kill", "other"]), NUMBERS),
        st.tuples(st.just("fold"), NUMBERS),
    ),
    max_size=30,
)


class Story:
    """What happens."""

    def __init__(self, *, trims: bool) -> None:
        self.file, self.store = File(), Store()
        self.one = Indexer(self.file, self.store)
        self.two = Indexer(self.file, self.store)
        self._trims = trims

    def tell(self, event: str, argument: Any) -> None:
        """One thing happens."""
        file = self.file
        match event:
            case "append":
                for record in argument:
                    file.append(record)
            case "cut":
                file.cut(argument % (len(file.ends) + 1))
            case "rotate":
                file.rotate()
            case "leave_out":
                file.leave_out(argument + 1)
            case "trim":
                file.trim(argument % len(file.history) if self._trims else 0)
            case "fold":
                self.one.fold(argument)
                check(self.one.index, file)
            case "write":
                self.one.write(is_resting=argument % 2 == 0)
            case "kill":
                self.one.index = self.one.started()
            case _:
                self.two.fold(argument)
                self.two.write()
                check(self.two.index, file)

    def end(self) -> None:
        """All that is known is right, and so is what a reader makes of it."""
        store, file = self.store, self.file
        if store.at:
            view = Index.view("s", store.index, store.metrics, RULES, names=None)
            assert view is not None
            read(view, file.stream, 1_000)
            check(view, file)
        for indexer in (self.one, self.two):
            indexer.catch_up()
            check(indexer.index, file)
            indexer.write()
            again = Indexer(file, store)
            again.catch_up()
            check(again.index, file)


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_the_figures_are_those_of_the_records_that_the_file_has(
    events: list[tuple[str, Any]],
) -> None:
    """Batches, kills, two writers, and a file that is cut back, or rotated."""
    story = Story(trims=False)
    for event, argument in events:
        story.tell(event, argument)
    story.end()


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_what_the_stream_no_longer_has_is_named(
    events: list[tuple[str, Any]],
) -> None:
    """With trims too: the figures are those of all records but the ones in gaps."""
    story = Story(trims=True)
    for event, argument in events:
        story.tell(event, argument)
    story.end()


def pattern(number: int, kind: int) -> dict[str, Any]:
    """A record of a job, like others of its kind."""
    record: dict[str, Any] = {"step": number, "timestamp": TIME + number}
    match kind:
        case 0:
            return {**record, "loss": number / 7, "lr": 0.5}
        case 1:
            return {**record, "loss": number % 5, "tokens": number, "acc": "NaN"}
        case 2 if number % 40 == 39:
            return {**record, "eval": {"acc": number / 3}, "max_steps": 9_000}
        case 2:
            return {"loss": [number, number / 7][number % 2], "config": {"lr": number}}
        case _ if number % 100 == 7:
            return {**record, "emergency": {"reason": "collapse"}}
        case _:
            return {**record, "f1": -number, f"m{number // 300}": None}


class LongStory(Story):
    """One of thousands of records, and of retention, which leaves what is needed."""

    def tell(self, event: str, argument: Any) -> None:
        """One thing happens."""
        file = self.file
        match event:
            case "grow":
                count, kind = argument
                first = len(file.history)
                for number in range(first, first + count):
                    file.append(pattern(number, kind))
            case "cut_back":
                # Not far, and what is left may be in the stream, or be trimmed.
                file.cut(max(0, len(file.ends) - argument % 700))
            case "settle":
                self.one.catch_up()
                self.one.write(is_resting=argument % 2 == 0)
                self.tell("retain", argument)
            case "retain":
                needs = needs_of(self.store.index)
                after = BEFORE_ALL if needs is None else needs.after
                gone = [one for one in file.stream if one.id <= after]
                file.trim(min(argument, len(gone)))
            case _:
                super().tell(event, argument)


GROW = st.tuples(st.just("grow"), st.tuples(st.integers(1, 700), st.integers(0, 3)))
OTHERS = st.one_of(
    GROW,
    st.tuples(st.sampled_from(["fold", "write", "kill", "other"]), st.just(4_000)),
    st.tuples(st.sampled_from(["fold", "retain", "rotate"]), st.integers(0, 900)),
)
# The file grows, its stream is trimmed, and it is cut back to what was trimmed perhaps.
ROUNDS = st.tuples(
    GROW,
    st.tuples(st.just("settle"), st.integers(1, 4_000)),
    OTHERS,
    st.tuples(st.sampled_from(["cut_back", "cut_back", "cut"]), st.integers(1, 4_000)),
    OTHERS,
)
LONG_EVENTS: st.SearchStrategy[list[tuple[str, Any]]] = st.lists(
    ROUNDS, min_size=1, max_size=2
).map(lambda rounds: [event for events in rounds for event in events])


@settings(max_examples=12, deadline=None)
@given(LONG_EVENTS)
def test_long_files_that_are_cut_back_keep_what_is_left_of_them(
    events: list[tuple[str, Any]],
) -> None:
    """Figures and curves, whatever of them the stream has lost."""
    story = LongStory(trims=True)
    story.tell("grow", (900, 0))
    for what, argument in events:
        story.tell(what, argument)
        draw(story.store, story.file)
    story.end()
    draw(story.store, story.file)
    approximate = story.one.index.summary(NOW_MS).approximate_to
    hypothesis.event(f"worked out from roll-ups: {approximate is not None}")


def draw(store: Store, file: File) -> None:
    """Draw all of a metric that is stored and hold it against the records."""
    if not store.at:
        return
    extent = Extent.load(store.fields["rollups"])
    tail = Tail(extent.records, extent.to)
    view = Index.view("s", store.index, store.metrics, RULES, names=None, tail=tail)
    assert view is not None
    end = view.cursor.id
    again = [one for one in file.stream if view.reads_after < one.id <= end]
    view.fold(again, now_ms=NOW_MS)
    if tail.records != view.summary(NOW_MS).records:
        # The stream has lost some that are in no chunk.
        return
    numbers = {one.name: one.number for one in view.metrics()}
    plan = plan_series(extent, numbers, points=50, records=tail.records, max_exact=0)
    chunks = [store.chunks.get(chunk) for chunk in plan.wanted]
    behind = () if plan.records_from is None else tail.added
    series = draw_series(plan, chunks, behind, x="record", with_extremes=True)
    there, _ = records_of(view, file)
    points = [one for _, one in view.points_of(there, now_ms=NOW_MS)]
    values = all_values(points)
    told = [
        (one.id, point._replace(values=tuple(some)))
        for one, point, some in zip(there, points, values, strict=True)
    ]
    assert series.of == len(told)
    check_series(series, told, 50)


# What is told of the pace depends on when records came, and is less after a kill; and
# the latest record is kept from time to time.
UNSURE = {"arrivals", "latest", "pace"}


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.sampled_from(["write", "rest", "kill", ""])),
        max_size=12,
    )
)
def test_what_is_stored_is_the_same_whatever_the_batches_were(
    batches: list[tuple[int, str]],
) -> None:
    """Figures, places and roll-ups of a file that is longer than a chunk of them."""
    file, store = File(), Store()
    for step in range(2_500):
        file.append({"step": step % 2_000, "timestamp": TIME + step, "loss": step / 7})
    indexer = Indexer(file, store)
    for entries, event in batches:
        indexer.fold(entries)
        if event == "kill":
            indexer.index = indexer.started()
        elif event:
            indexer.write(is_resting=event == "rest")
    indexer.catch_up()
    indexer.write(is_resting=True)
    at_once = Indexer(file, Store())
    at_once.catch_up()
    at_once.write(is_resting=True)
    assert told(store) == told(at_once.store)


def told(store: Store) -> list[dict[Any, Any]]:
    """What is stored, as far as it does not depend on when records came."""
    fields = {name: one for name, one in store.fields.items() if name not in UNSURE}
    return [fields, store.metrics, dict(enumerate(store.places)), store.chunks]
