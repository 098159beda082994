"""Where a file is rotated, the run goes on; or another one begins under its name."""

from typing import Any

import pytest
from msgspec.json import decode, encode

from tailcast_index.fold import TRIMMED, Index, Span, Stale
from tailcast_index.fold.rotations import Joint, Rotations
from tailcast_index.meaning import RULES_VERSION
from tailcast_streams.cuts import Cut
from tailcast_streams.entries import Kind
from tailcast_streams.position import EntryID
from tests.tailcast_index.fold.world import NOW_MS, RULES, File, Indexer, Store, read


Lines = list[dict[str, Any]]


def steps(*numbers: int, **more: object) -> Lines:
    """Lines of training."""
    return [{"step": step, "loss": step / 7, **more} for step in numbers]


def indexed(file: File, store: Store | None = None) -> Index:
    """What an indexer makes of all that there is."""
    indexer = Indexer(file, store or Store())
    indexer.catch_up()
    indexer.write()
    return indexer.index


def rotated(*files: Lines) -> File:
    """A file that was rotated between these lines."""
    file = File()
    for at, lines in enumerate(files):
        if at:
            file.rotate()
        for line in lines:
            file.append(line)
    return file


def _decoded(store: Store, field: str) -> Any:
    return decode(store.fields[field])


def _store(store: Store, field: str, value: object) -> None:
    store.fields[field] = encode(value)


def told(file: File) -> tuple[int, Span, list[float]]:
    """How many records the run has, its steps, and where it fell back."""
    summary = indexed(file).summary(NOW_MS)
    rewinds = [rewind.step for rewind in summary.rewinds]
    return summary.records, summary.steps, rewinds


def test_a_rotated_file_is_one_run() -> None:
    """Its figures, places and curves go on over all its files."""
    file, store = rotated(steps(*range(1, 41)), steps(*range(41, 81))), Store()
    file.rotate()
    for line in steps(*range(81, 121)):
        file.append(line)
    index = indexed(file, store)
    summary = index.summary(NOW_MS)
    (loss,) = index.metrics()
    assert (summary.records, summary.steps) == (120, Span(1, 120, 120))
    assert (loss.count, loss.first_step, loss.min) == (120, 1, 1 / 7)
    assert summary.spark is not None
    assert summary.spark.values[0] == pytest.approx(4 / 7)
    assert (index.markers, index.cuts) == ([], ())
    assert index.rotations == (2, (EntryID(2, 0), EntryID(3, 0)))
    found = index.first_reaching(file.stream, step=50, now_ms=NOW_MS)
    assert found is not None
    assert found.id.generation == 2


NEW = [
    # Whatever else its lines say.
    steps(1, 2),
    steps(0, 1),
    [{"config": {"lr": 1}}, *steps(1, 2)],
    [{"step": 1, "reward": 3.0}, {"step": 2, "reward": 3.5}],
    steps(1, 2, run_id="b"),
    steps(1),
]


@pytest.mark.parametrize("lines", NEW)
def test_another_run_under_the_name_begins_anew(lines: Lines) -> None:
    """Its first step is none above the first of the run that was there."""
    file = rotated(steps(*range(1, 9), run_id="a"), lines)
    records, reached, rewinds = told(file)
    assert (records, rewinds) == (len(lines), [])
    assert reached.last in (reached.first, reached.highest)


GOES_ON = [
    # It has no step, yet.
    [{"note": "x"}],
    [{"note": "x"}, *steps(9)],
    # The last step has another line.
    [{"step": 8, "eval_loss": 1.0}, *steps(9)],
    # Evaluations that count for themselves.
    [{"step": 0, "mode": "val", "mIoU": 3.0}, *steps(9)],
]


@pytest.mark.parametrize("lines", GOES_ON)
def test_it_goes_on_unless_a_step_says_otherwise(lines: Lines) -> None:
    """So do runs whose lines have no step at all."""
    file = rotated(steps(*range(1, 9), mode="train"), lines)
    records, reached, rewinds = told(file)
    assert (records, rewinds) == (8 + len(lines), [])
    assert reached.first == 1
    assert told(rotated([{"loss": 1.0}] * 3, [{"loss": 0.5}] * 2))[0] == 5
    assert told(rotated([{"loss": 1.0}] * 3, steps(1, 2)))[0] == 5


def test_what_is_passed_again_is_noted_again() -> None:
    """A cut that a bucket hides may lead back before a rotation."""
    rotations = Rotations()
    entries = rotated(steps(1), steps(2), [{"note": "x"}]).history
    markers = [one for one in entries if one.kind is Kind.MARKER]
    for _ in range(2):
        for marker in markers:
            rotations.note(marker, has_records=marker.id.generation > 1)
        ids = (EntryID(2, 0), EntryID(3, 0))
        assert (rotations.count, tuple(rotations.latest)) == (2, ids)
        rotations.go_back(EntryID(3, 0))
        assert rotations.joint == Joint(ids[0], markers[1].previous)
        rotations.go_back(EntryID(1, 10))
        assert Rotations.load(rotations.dump()).dump() == [0, [], None]


def test_steps_that_count_anew_in_each_epoch_go_on() -> None:
    """The file is rotated with the epoch, which the first line behind it shows."""
    epochs = [
        [{"epoch": epoch, "iteration": at, "loss": 1.0} for at in (50, 100, 150)]
        for epoch in (1, 2, 3)
    ]
    index = indexed(rotated(*epochs))
    summary = index.summary(NOW_MS)
    assert (summary.records, summary.choice.step) == (9, ("iteration",))
    again = indexed(rotated(*epochs, epochs[0])).summary(NOW_MS)
    assert again.records == 3


def test_several_runs_in_the_files_go_on() -> None:
    """That one of them begins where the file is rotated begins nothing anew."""
    trials = [steps(*range(1, 9), trial_id=name) for name in ("a", "b", "c")]
    records, _, rewinds = told(rotated(trials[0] + trials[1], trials[2]))
    assert (records, rewinds) == (24, [])


def test_a_run_that_was_taken_up_at_a_checkpoint_fell_back() -> None:
    """As in one file: its steps are there twice."""
    file = rotated(steps(*range(1, 9)), steps(5, 6, 7))
    assert told(file) == (11, Span(1, 7, 8), [5])


@pytest.mark.parametrize(
    ("lines", "goes_on"), [(steps(9, 10), True), (steps(1, 2), False)]
)
def test_a_rewrite_behind_a_rotation_takes_nothing_of_other_files(
    lines: Lines, *, goes_on: bool
) -> None:
    """If the file begins anew, its steps say whether the run does."""
    file = rotated(steps(*range(1, 7)), steps(7, 8))
    file.cut(1)
    for line in steps(8):
        file.append(line)
    index = indexed(file)
    assert index.summary(NOW_MS).records == 8
    assert index.cuts == (Cut(3, file.ends[0], 2),)
    file.cut(0)
    for line in lines:
        file.append(line)
    index = indexed(file)
    assert index.summary(NOW_MS).records == (8 if goes_on else 2)
    assert index.cuts == ((Cut(4, 0, 2),) if goes_on else (Cut(2, 0), Cut(4, 0, 2)))


def test_whether_a_run_goes_on_is_known_after_a_kill() -> None:
    """What was stored before its first step says what to look for."""
    file, store = rotated(steps(*range(1, 9)), [{"note": "x"}]), Store()
    indexed(file, store)
    for line in steps(1, 2):
        file.append(line)
    summary = indexed(file, store).summary(NOW_MS)
    assert (summary.records, summary.steps) == (3, Span(1, 2, 2))
    assert store.fields["records"] == b"3"


def test_where_another_run_begins_may_be_trimmed() -> None:
    """What is missing of it is a gap, and nothing of the run before is left."""
    file = rotated(steps(*range(1, 9)), [{"note": "x"}] * 3)
    indexer = Indexer(file, Store())
    indexer.catch_up()
    indexer.write()
    for line in steps(1, 2):
        file.append(line)
    indexer.fold(1_000)
    assert indexer.index.stale is Stale.OTHER_RUN
    file.trim(11)
    indexer.catch_up()
    summary = indexer.index.summary(NOW_MS)
    assert summary.records == 4
    assert [gap.reason for gap in summary.gaps] == [TRIMMED]


def test_what_outlives_the_stream_goes_on() -> None:
    """Figures of what was trimmed stay, and a cut leaves other files alone."""
    file, store = rotated(steps(*range(1, 600))), Store()
    indexer = Indexer(file, store)
    indexer.catch_up()
    indexer.write(is_resting=True)
    file.trim(len(file.stream))
    file.rotate()
    for line in steps(*range(600, 1_200)):
        file.append(line)
    indexer.catch_up()
    indexer.write(is_resting=True)
    file.trim(len(file.stream) - 1)
    file.cut(100)
    for line in steps(*range(700, 720)):
        file.append(line)
    indexer.catch_up()
    summary = indexer.index.summary(NOW_MS)
    missing = sum(one.reason == TRIMMED for one in summary.gaps)
    assert (summary.steps.first, summary.steps.last) == (1, 719)
    assert missing <= 1
    assert 719 - 32 <= summary.records <= 719


def test_an_index_of_before_goes_on_where_its_stream_was_trimmed() -> None:
    """Earlier versions stored offsets of one file, and knew no rotations."""
    file, store = rotated(steps(*range(1, 9), config={"lr": 1})), Store()
    file.cut(7)
    indexed(file, store)
    first, cuts, *_ = _decoded(store, "resume")
    assert cuts == [[[2, file.ends[-1], 0]], 2, 0]
    _store(store, "resume", [first, [[2, file.ends[-1]]]])
    _store(store, "marks", [*_decoded(store, "marks"), file.ends[0], file.ends[-1]])
    _store(store, "said", [file.ends[0], 0])
    del store.fields["ends"]
    store.at = store.at.replace(f" {RULES_VERSION}.", " 3.")
    file.trim(len(file.stream))
    file.rotate()
    for line in steps(8, 9):
        file.append(line)
    index = Index.load("s", store.index, store.metrics, RULES)
    assert index is not None
    store.answer(index)
    assert index.stale is Stale.RULES
    read(index, file.stream, 1_000)
    read(index, file.stream, 1_000)
    summary = index.summary(NOW_MS)
    assert (summary.records, summary.steps) == (9, Span(1, 9, 9))
    assert summary.config == b'{"lr":1}'
    assert index.rotations == (1, (EntryID(3, 0),))
