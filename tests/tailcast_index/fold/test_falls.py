"""Where a run fell back, and where it did not."""

import pytest

from tailcast_index.fold import Rewind
from tailcast_index.fold.falls import MAX_LANES, MAX_REWINDS, Falls
from tailcast_streams.position import EntryID


TRAIN = [("loss", 1.0), ("lr", 0.1)]
EVALUATION = [("mIoU", 32.0)]


def fall_backs(*steps: float) -> list[tuple[float, float]]:
    """Those of records of one kind: the step before, and the step after."""
    falls = Falls()
    for at, step in enumerate(steps):
        falls.note(EntryID(1, at), step, "", TRAIN)
    return [(one.before, one.step) for one in falls.rewinds]


def reloaded(falls: Falls) -> Falls:
    """The same, as it was stored."""
    lanes, kinds = falls.dump(), falls.dump_kinds()
    return Falls.load(lanes, kinds, falls.count, falls.rewinds)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([1, 2, 3, 4], []),
        ([1, 1, 2, 2, 2, 3], []),
        # Taken up at the checkpoint of step 10.
        ([*range(21), *range(11, 31)], [(20, 11)]),
        # Several lines a step.
        ([5, 5, 9, 9, 6, 6, 7, 7, 9], [(9, 6)]),
        # Twice.
        ([10, 20, 5, 15, 25, 5, 15], [(20, 5), (25, 5)]),
        # At the first checkpoint again, and further back still.
        ([10, 20, 15, 5, 10, 20], [(20, 5)]),
        # Evaluations that have a counter of their own, or none.
        ([50, 100, 0, 150, 200, 0, 250, 300, 0], []),
        ([50, 100, 1, 150, 200, 2, 250, 300, 3], []),
        # One record is no run.
        ([10, 20, 15], []),
        ([0.5, 1.5, 1.0, 1.25], [(1.5, 1.0)]),
    ],
)
def test_a_run_fell_back_where_it_goes_on_from_a_lower_step(
    steps: list[int | float], expected: list[tuple[float, float]]
) -> None:
    """And nowhere else."""
    assert fall_backs(*steps) == expected


def test_a_fall_back_is_at_its_first_record() -> None:
    """Though it is known with the second one only."""
    falls = Falls()
    notes = [
        falls.note(EntryID(1, at), step, "", TRAIN, at, 1_000 * at)
        for at, step in enumerate([10, 20, 12, 14])
    ]
    fall = Rewind(EntryID(1, 2), 12, 20, records=2, time_ms=2_000)
    assert notes == [None, None, None, fall]


def test_records_of_another_kind_do_not_show_it() -> None:
    """Evaluations count for themselves, ten, twenty, thirty, each time."""
    falls = Falls()
    at = 0
    for epoch in range(5):
        for step in range(100):
            falls.note(EntryID(1, at := at + 1), epoch * 100 + step, "", TRAIN)
        for step in (10, 20, 30):
            falls.note(EntryID(1, at := at + 1), step, "", EVALUATION)
    assert falls.count == 0


def test_a_run_may_fall_back_behind_an_evaluation() -> None:
    """The kind of the record before that counts as well; so it does after a reload."""
    falls = Falls()
    for at, (step, values) in enumerate([(10, TRAIN), (20, TRAIN), (20, EVALUATION)]):
        falls.note(EntryID(1, at), step, "", values)
    falls = reloaded(falls)
    falls.note(EntryID(1, 7), 15, "", TRAIN)
    falls = reloaded(falls)
    assert falls.note(EntryID(1, 8), 16, "", TRAIN) == Rewind(EntryID(1, 7), 15, 20)


def test_records_without_metrics_are_of_one_kind() -> None:
    """There is nothing else to tell them by."""
    falls = Falls()
    for at, step in enumerate([10, 20, 15, 16]):
        falls.note(EntryID(1, at), step, "", [])
    assert falls.count == 1


def test_each_run_of_a_file_falls_back_for_itself() -> None:
    """What the others do between is of no matter."""
    falls = Falls()
    for at, (lane, step) in enumerate(
        [("a", 10), ("b", 1), ("a", 20), ("b", 2), ("a", 5), ("b", 3), ("a", 6)]
    ):
        falls.note(EntryID(1, at), step, lane, TRAIN)
    assert [*falls.rewinds] == [Rewind(EntryID(1, 4), 5, 20, "a")]


def test_only_the_runs_that_moved_last_are_known() -> None:
    """Another one that comes again begins anew."""
    falls = Falls()
    for number in range(MAX_LANES + 1):
        falls.note(EntryID(1, number), 100, str(number), TRAIN)
    for lane in ("0", "2"):
        for step in (5, 6):
            falls.note(EntryID(1, 1_000 + step), step, lane, TRAIN)
    assert [rewind.lane for rewind in falls.rewinds] == ["2"]
    assert len(falls.dump()) == MAX_LANES


def test_the_latest_fall_backs_are_kept() -> None:
    """And all are counted."""
    falls = Falls()
    for at in range(MAX_REWINDS + 5):
        for place, step in enumerate((1, 2, 10)):
            falls.note(EntryID(1, 3 * at + place), step, "", TRAIN)
    assert falls.count == MAX_REWINDS + 4
    assert len(falls.rewinds) == MAX_REWINDS
