"""From a step or a time on: what places find is what a scan finds."""

from itertools import pairwise

from hypothesis import given, settings, strategies as st

from tailcast_index.fold.places import PLACE_BYTES, PLACE_RECORDS
from tailcast_index.meaning import Reader
from tailcast_streams.entries import Entry
from tailcast_streams.indexes import Place
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import EntryID
from tests.tailcast_index.fold.reference import surviving
from tests.tailcast_index.fold.world import NOW_MS, RULES, File, Indexer, Store


# How many lines a stretch of a file has, by how much its steps begin before the last
# one, and how they rise.
STRETCHES = st.lists(
    st.tuples(st.integers(1, 900), st.integers(-30, 600), st.integers(0, 3)),
    min_size=1,
    max_size=5,
)


def written(stretches: list[tuple[int, int, int]], cuts: list[int]) -> File:
    """A file that falls back again and again, and is cut back at some of its lines."""
    file, step = File(), 0
    for at, (lines, back, rise) in enumerate(stretches):
        step -= back
        for _ in range(lines):
            step += rise
            file.append({"step": step, "timestamp": 1_795_800_000 + step})
            file.append({"note": "nothing of both"})
        if at < len(cuts):
            file.cut(max(0, len(file.ends) - cuts[at]))
    return file


@settings(max_examples=10, deadline=None)
@given(STRETCHES, st.lists(st.integers(0, 700), max_size=3), st.data())
def test_places_lead_to_the_first_record_that_reached_it(
    stretches: list[tuple[int, int, int]], cuts: list[int], data: st.DataObject
) -> None:
    """And at most so many records lie before it as places lie apart."""
    file, store = written(stretches, cuts), Store()
    indexer = Indexer(file, store)
    indexer.catch_up()
    indexer.write()
    index, summary = indexer.index, indexer.index.summary(NOW_MS)
    records = surviving(file.history, index.cuts)
    reader = Reader(RULES, summary.choice)
    points = [reader.read(read_fields(one.record), now_ms=NOW_MS) for one in records]
    steps = [point.step for point in points if point.step is not None]
    for _ in range(6):
        wanted = data.draw(st.integers(int(min(steps, default=0)) - 1, 2_500))
        expected = next(
            (
                record
                for record, point in zip(records, points, strict=True)
                if point.step is not None and point.step >= wanted
            ),
            None,
        )
        found = None
        if summary.steps.highest is not None and summary.steps.highest >= wanted:
            after = place_before(store.places, wanted) or summary.before_steps
            assert after is not None
            behind = [entry for entry in file.stream if entry.id > after]
            found = index.first_reaching(behind, step=wanted, now_ms=NOW_MS)
            assert found is not None
            assert lines_before(records, after, found) < PLACE_RECORDS
        assert found == expected
        time_ms = (1_795_800_000 + wanted) * 1_000
        assert index.first_reaching(file.stream, time_ms=time_ms, now_ms=NOW_MS) == (
            expected
        )


def place_before(places: list[Place], step: float) -> EntryID | None:
    """The entry of the last place at which the run had not reached a step."""
    before = [one.id for one in places if one.step is not None and one.step < step]
    return before[-1] if before else None


def lines_before(records: list[Entry], after: EntryID, found: Entry) -> int:
    """How many records are read before it is found."""
    ids = [record.id for record in records]
    return sum(after < id < found.id for id in ids)


def test_places_lie_a_quarter_of_a_mebibyte_apart() -> None:
    """Or as many records, if these are short."""
    file, store = File(), Store()
    for step in range(40):
        file.append({"step": step, "text": "x" * 40_000})
    for step in range(40, 2_200):
        file.append({"step": step})
    indexer = Indexer(file, store)
    indexer.catch_up()
    indexer.write()
    long = [one for one in store.places if one.records <= 40]
    assert [one.records for one in long] == [7, 14, 21, 28, 35]
    apart = PLACE_BYTES + 50_000
    ends = [0, *(one.id.offset for one in long)]
    assert all(after - before < apart for before, after in pairwise(ends))
    assert [one.records for one in store.places[5:]] == [1_059, 2_083]
    assert [one.step for one in store.places[:2]] == [6, 13]
    assert [one.time_ms for one in store.places[:2]] == [None, None]
