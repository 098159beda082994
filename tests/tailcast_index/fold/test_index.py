"""One session's index: what it begins with, what makes it stale, what it says."""

from typing import Any

import pytest

from tailcast_index.fold import NEWS_FIELDS, Gap, Index, Span, Stale, Summary, read_news
from tailcast_index.fold.run import (
    MAX_EMERGENCIES,
    MAX_GAPS,
    MAX_LATEST_BYTES,
)
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.indexes import NO_INDEX, StoredIndex
from tailcast_streams.position import BEFORE_ALL, BEGINNING, NOTHING, EntryID
from tests.tailcast_index.fold.world import NOW_MS, RULES, File, Indexer, Store, read


TIME = 1_795_800_000


def caught_up(file: File, store: Store | None = None) -> Indexer:
    """An indexer that has folded all of it."""
    indexer = Indexer(file, store or Store())
    indexer.catch_up()
    return indexer


def summary_of(*records: dict[str, object], now_ms: int = NOW_MS) -> Summary:
    """What these records say."""
    file = File()
    for record in records:
        file.append(record)
    return caught_up(file).index.summary(now_ms)


def test_an_index_of_nothing_says_nothing() -> None:
    """And nothing is to be written."""
    index = Index("s", incarnation="i", rules=RULES)
    assert index.cursor == NOTHING
    assert index.reads_after == BEFORE_ALL
    assert index.missing == ()
    index.fold([], now_ms=NOW_MS)
    assert index.take_changes() is None
    summary = index.summary(NOW_MS)
    assert (summary.records, summary.steps, summary.rate) == (0, Span(), 0)
    assert summary.status == "ended"


def test_what_is_stored_is_short_text() -> None:
    """So that it can be read as it is."""
    file = File()
    for step in range(3):
        file.append({"step": step, "timestamp": TIME + step, "loss": 0.5})
    index = caught_up(file).index
    write = index.take_changes(is_resting=True)
    assert write is not None
    assert (write.session, write.expected, write.begins) == ("s", "", True)
    assert write.at == index.at
    assert write.at.split()[:2] == ["i", "1-135"]
    fields = write.fields
    assert fields["records"] == b"3"
    assert fields["steps"] == b"[0,2,2]"
    assert fields["times"] == b"[%d000,%d000,%d000]" % (TIME, TIME + 2, TIME + 2)
    assert fields["latest"] == b'1-135 {"step":2,"timestamp":1795800002,"loss":0.5}'
    assert write.metrics == {"loss": b'[0,"float",0.5,0.5,0.5,1.5,3,0,0,2]'}
    assert index.take_changes() is None


def test_only_what_changed_is_written() -> None:
    """The latest record only from time to time, and when the session rests."""
    file = File()
    file.append({"step": 1, "loss": 0.5, "acc": 1})
    indexer = caught_up(file)
    indexer.write()
    file.append({"step": 2, "acc": 2})
    indexer.fold(1)
    write = indexer.index.take_changes()
    assert write is not None
    assert write.expected.split()[1] == str(file.history[1].id)
    assert write.metrics.keys() == {"acc"}
    assert not write.fields.keys() & {"latest", "choice", "chooser", "resume", "before"}
    assert write.fields["latest_id"] == str(file.history[-1].id).encode()
    rested = indexer.index.take_changes(is_resting=True)
    assert rested is not None
    assert rested.at == rested.expected == write.at
    assert rested.fields["latest"].endswith(b' {"step":2,"acc":2}')


def test_the_news_of_what_is_stored() -> None:
    """Where the run fell back, and the metrics that came last, in their order."""
    file, store = File(), Store()
    steps = [1, 2, 3, 1, 2]
    for at, step in enumerate(steps):
        file.append({"step": step, **{f"m{n}": 1.0 for n in range(9 - at, 10)}})
    caught_up(file, store).write()
    found = read_news(store.some(NEWS_FIELDS))
    assert found is not None
    assert (found.incarnation, found.to) == ("i", file.stream[-1].id)
    assert [(one.step, one.before) for one in found.rewinds] == [(1, 3)]
    assert (found.metrics, found.newest) == (5, ("m9", "m8", "m7", "m6", "m5"))
    file.append({"step": 4, "new": 1})
    caught_up(file, store).write()
    later = read_news(store.some(NEWS_FIELDS))
    assert later is not None
    assert (later.metrics, later.newest) == (6, (*found.newest, "new"))


@pytest.mark.parametrize(
    "stored",
    [
        NO_INDEX,
        StoredIndex("i 1-5 00000000 1.0", {"newest": b"?"}),
        StoredIndex("i 1-5 00000000 1.0", {"newest": b"1"}),
        StoredIndex("i 1-5 00000000 1.0", {"rewinds": b'[1,[["x",1,2]]]'}),
    ],
)
def test_news_that_nobody_stored(stored: StoredIndex) -> None:
    """There is no index, or somebody wrote it by hand."""
    assert read_news(stored) is None


def test_a_record_that_is_too_long_is_left_in_its_entry() -> None:
    """Its ID says where it is."""
    long = "x" * MAX_LATEST_BYTES
    summary = summary_of({"step": 1, "emergency": {"reason": long}})
    assert (summary.latest, summary.latest_emergency) == (b"", b"")
    assert summary.latest_id == summary.emergency_ids[-1]
    file, store = File(), Store()
    file.append({"text": long})
    caught_up(file, store).write(is_resting=True)
    assert store.fields["latest"] == b"%b " % str(file.history[-1].id).encode()
    assert Indexer(file, store).index.summary(NOW_MS).latest == b""


def test_emergencies_are_given_to_be_kept_once() -> None:
    """With where the run was; and again what was cut, when that has changed."""
    file = File()
    file.append({"step": 4, "loss": 1})
    file.append({"emergency": {"reason": "x"}})
    index = caught_up(file).index
    write = index.take_changes()
    assert write is not None
    assert write.emergencies is not None
    assert (write.emergencies.begins, write.emergencies.cuts) == (True, ())
    (found,) = write.emergencies.found
    assert (found.step, found.time_ms, found.found_ms) == (4, None, NOW_MS)
    file.append({"step": 5})
    rest = [one for one in file.stream if one.id > index.reads_after]
    index.fold(rest, now_ms=NOW_MS)
    write = index.take_changes()
    assert write is not None
    assert write.emergencies is None


def test_the_latest_emergencies_are_known() -> None:
    """All are counted."""
    records: list[dict[str, object]] = [
        {"step": step, "emergency": {"reason": "collapse"}}
        for step in range(MAX_EMERGENCIES + 7)
    ]
    summary = summary_of(*records)
    assert summary.emergencies == MAX_EMERGENCIES + 7
    assert len(summary.emergency_ids) == MAX_EMERGENCIES
    assert summary.latest_emergency == summary.latest


def test_gaps_are_named() -> None:
    """The latest of them, and all are counted; so are those that an entry tells."""
    file = File()
    file.leave_out(50)
    file.append({"step": 1})
    index = caught_up(file).index
    gap = Gap(BEGINNING, EntryID(1, 50), "left_out")
    assert index.summary(NOW_MS).gaps == (gap,)
    for _ in range(MAX_GAPS):
        file.leave_out(5)
    summary = caught_up(file).index.summary(NOW_MS)
    assert summary.gap_count == MAX_GAPS + 1
    assert len(summary.gaps) == MAX_GAPS
    assert gap not in summary.gaps


def test_a_file_of_long_ago_has_ended_at_once() -> None:
    """By when it was written, or else by its own times; whenever it is read."""
    file = File()
    for step in range(100):
        file.append({"step": step, "timestamp": TIME - 5_000_000 + step})
    index = caught_up(file).index
    summary = index.summary(NOW_MS)
    assert summary.activity_ms == (TIME - 5_000_000 + 99) * 1_000
    assert (summary.status, summary.rate) == ("ended", 0)
    written_ms = NOW_MS - 7_000_000_000
    index.fold([], now_ms=NOW_MS, written_ms=written_ms)
    assert index.summary(NOW_MS).activity_ms == written_ms
    # No clock says that it is still to be written.
    index.fold([], now_ms=NOW_MS, written_ms=NOW_MS + 5_000)
    summary = index.summary(NOW_MS)
    assert (summary.activity_ms, summary.status) == (NOW_MS, "running")


def test_records_without_times_are_timed_by_when_they_come() -> None:
    """Unless their file is old."""
    file, index = File(), Index("s", incarnation="i", rules=Rules(("step",), ()))
    entries = [file.stream[0]]
    index.fold(entries, now_ms=NOW_MS)
    for second in range(1, 20):
        for _ in range(5):
            file.append({"loss": 1.0})
        now_ms = NOW_MS + second * 1_000
        new = [entry for entry in file.stream if entry.id > index.reads_after]
        index.fold(new, now_ms=now_ms, written_ms=now_ms)
    assert index.summary(NOW_MS + 19_000).rate == pytest.approx(5.0)
    assert index.summary(NOW_MS + 60_000).rate == 0
    index = Index("s", incarnation="i", rules=Rules(("step",), ()))
    index.fold(file.stream[:50], now_ms=NOW_MS, written_ms=NOW_MS - 60_000)
    new = [entry for entry in file.stream if entry.id > index.reads_after]
    index.fold(new, now_ms=NOW_MS + 1_000, written_ms=NOW_MS - 60_000)
    assert index.summary(NOW_MS + 1_000).rate == 0


def reindexed(file: File, store: Store, rules: Rules) -> Index:
    """What an indexer with other rules makes of it."""
    index = Index.load("s", store.index, store.metrics, rules)
    assert index is not None
    if index.missing:
        index.give([store.chunks.get(chunk) for chunk in index.missing])
    assert index.stale is Stale.RULES
    for _ in range(5):
        read(index, file.stream, 1_000)
    return index


OTHERS = Rules(step_keys=("epoch",), time_keys=())


def test_other_rules_make_the_index_anew() -> None:
    """From the first entry on; what is stored is dropped."""
    file, store = File(), Store()
    for step in range(5):
        file.append({"step": step, "epoch": step // 2})
    caught_up(file, store).write()
    index = reindexed(file, store, OTHERS)
    assert index.summary(NOW_MS).steps == Span(0, 2, 2)
    write = index.take_changes()
    assert write is not None
    assert (write.begins, write.expected) == (True, store.at)


def test_other_rules_change_nothing_where_the_stream_is_trimmed() -> None:
    """Records go on to be read as they were, also after the next start."""
    file, store = File(), Store()
    for step in range(5):
        file.append({"step": step, "epoch": step // 2})
    caught_up(file, store).write()
    file.trim(3)
    index = reindexed(file, store, OTHERS)
    file.append({"step": 7, "epoch": 9})
    index.fold(file.stream[-1:], now_ms=NOW_MS)
    write = index.take_changes()
    assert write is not None
    assert not write.begins
    assert store.write(write)
    again = Index.load("s", store.index, store.metrics, OTHERS)
    assert again is not None
    assert again.stale is None
    assert again.summary(NOW_MS).steps == Span(0, 7, 7)
    # A cut begins again, and reads the rest so as well.
    again.give([store.chunks.get(chunk) for chunk in again.missing])
    file.cut(5)
    again.fold(file.stream[-1:], now_ms=NOW_MS)
    assert again.stale is Stale.CUT
    again.restart(file.stream[0])
    again.fold(file.stream, now_ms=NOW_MS)
    assert again.summary(NOW_MS).steps.last == 4


def test_a_generation_of_other_lines_begins_anew() -> None:
    """What was before is gone, and nothing is missing."""
    file, store = File(), Store()
    for step in range(5):
        file.append({"step": step, "loss": 1})
    indexer = caught_up(file, store)
    indexer.write()
    file.cut(0)
    file.append({"epoch": 3, "acc": 1})
    indexer.catch_up()
    summary = indexer.index.summary(NOW_MS)
    assert (summary.records, summary.gaps) == (1, ())
    assert [metric.name for metric in indexer.index.metrics()] == ["acc"]
    write = indexer.index.take_changes()
    assert write is not None
    assert write.begins


def test_a_missing_marker_begins_anew_too() -> None:
    """Nothing says which lines of before are left."""
    file, store = File(), Store()
    for step in range(5):
        file.append({"step": step, "loss": 1})
    indexer = caught_up(file, store)
    file.cut(3)
    file.append({"step": 3})
    file.append({"step": 4})
    file.trim(len(file.history) - 1)
    indexer.catch_up()
    summary = indexer.index.summary(NOW_MS)
    assert summary.records == 1
    assert summary.gaps == (Gap(BEFORE_ALL, file.history[-2].id, "trimmed"),)


@pytest.mark.parametrize(
    "change",
    [
        {"at": ""},
        {"at": "i 1-50 00000000 0.12345678"},
        {"at": "i what 00000000 1.12345678"},
        {"choice": b"{}"},
        {"resume": b"[]"},
        {"resume": b'["x",[]]'},
        {"chooser": b"1-1 no"},
        {"rollups": b"[1]"},
        {"steps": b"[1]"},
        {"lanes": b"7"},
        {"pace": b"[1]"},
        {"records": b"{"},
    ],
)
def test_what_somebody_wrote_by_hand_is_not_used(change: dict[str, Any]) -> None:
    """Nor what another version wrote."""
    file, store = File(), Store()
    file.append({"step": 1, "timestamp": TIME})
    caught_up(file, store).write(is_resting=True)
    at = change.pop("at", store.at)
    stored = StoredIndex(at, {**store.fields, **change})
    assert Index.load("s", stored, store.metrics, RULES) is None
    assert Index.load("s", NO_INDEX, {}, RULES) is None
    without = StoredIndex(store.at, {})
    assert Index.view("s", without, {}, RULES, names=None) is None
    with_other = {"loss": b"[]"}
    assert Index.load("s", store.index, with_other, RULES) is None


def test_what_the_chooser_and_the_roll_ups_lack_is_read_again() -> None:
    """They are stored from time to time only; figures do not change by that."""
    file, store = File(), Store()
    for step in range(600):
        file.append({"step": step, "loss": 1})
    indexer = Indexer(file, store)
    indexer.fold(1)
    for _ in range(3):
        indexer.fold(100)
        indexer.write()
    indexer.catch_up()
    indexer.write()
    again = Indexer(file, store)
    assert again.index.cursor == indexer.index.cursor
    assert again.index.reads_after < file.history[300].id
    again.fold(350)
    assert file.history[300].id < again.index.reads_after < again.index.cursor.id
    again.catch_up()
    assert again.index.reads_after == again.index.cursor.id
    assert again.index.metrics() == indexer.index.metrics()
    again.write(is_resting=True)
    indexer = Indexer(file, Store())
    indexer.catch_up()
    indexer.write(is_resting=True)
    assert store.chunks == indexer.store.chunks
    assert store.fields["chooser"] == indexer.store.fields["chooser"]


def test_a_view_has_those_metrics_that_were_asked_for() -> None:
    """What only the records behind the index have has no number."""
    file, store = File(), Store()
    file.append({"step": 1, "loss": 1, "acc": 2})
    caught_up(file, store).write()
    file.append({"step": 2, "loss": 3, "acc": 4, "f1": 5})
    metrics = {"acc": store.metrics["acc"]}
    names = ("acc", "f1")
    view = Index.view("s", store.index, metrics, RULES, names=names)
    assert view is not None
    assert view.missing == ()
    view.give([])
    view.fold(file.stream[2:], now_ms=NOW_MS)
    found = [(one.name, one.number, one.last) for one in view.metrics()]
    assert found == [("acc", 1, 4), ("f1", None, 5)]
    assert view.summary(NOW_MS).records == 2
    assert view.chooser is not None
    assert view.chooser.choice == view.summary(NOW_MS).choice
    assert view.take_changes() is None


def test_a_gap_without_details_is_told_by_its_entry() -> None:
    """It reaches from the entry before it to its own."""
    index = Index("s", incarnation="i", rules=RULES)
    marker = Entry(BEGINNING, BEFORE_ALL, Kind.MARKER, b"")
    gap = Entry(EntryID(1, 9), BEGINNING, Kind.GAP, b"")
    index.fold([marker, gap], now_ms=NOW_MS)
    assert index.summary(NOW_MS).gaps == (Gap(BEGINNING, EntryID(1, 9), ""),)
