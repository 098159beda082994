"""One session's index: what it begins with, what makes it stale, what it says."""

from typing import Any

import msgspec
import pytest

from tailcast_index.fold import NEWS_FIELDS, Gap, Index, Span, Stale, Summary, read_news
from tailcast_index.fold.run import (
    MAX_EMERGENCIES,
    MAX_GAPS,
    MAX_LATEST_BYTES,
)
from tailcast_index.meaning import Choice, Rules
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
    assert found.choice is not None
    assert found.choice.step_key == "step"
    assert [(one.step, one.before) for one in found.rewinds] == [(1, 3)]
    assert (found.metrics, found.newest) == (5, ("m9", "m8", "m7", "m6", "m5"))
    file.append({"step": 4, "new": 1})
    caught_up(file, store).write()
    later = read_news(store.some(NEWS_FIELDS))
    assert later is not None
    assert (later.metrics, later.newest) == (6, (*found.newest, "new"))


def test_before_the_first_record_it_is_not_known_how_records_are_read() -> None:
    """Whoever reads such an index guesses, as without one."""
    stored = StoredIndex(
        "i 1-5 00000000 1.0", {"choice": msgspec.json.encode(Choice())}
    )
    found = read_news(stored)
    assert found is not None
    assert found.choice is None


@pytest.mark.parametrize(
    "stored",
    [
        NO_INDEX,
        StoredIndex("i 1-5 00000000 1.0", {"newest": b"?"}),
        StoredIndex("i 1-5 00000000 1.0", {"newest": b"1"}),
        StoredIndex("i 1-5 00000000 1.0", {"choice": b"[1]"}),
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


def cut_back(file: File, lines: int, store: Store) -> Indexer:
    """An indexer that has read that a file is cut, whose stream has its last lines."""
    caught_up(file, store).write(is_resting=True)
    file.trim(len(file.stream) - 5)
    file.cut(lines)
    return caught_up(file, store)


def long_file(lines: int = 700) -> File:
    """One whose records say different things early and late."""
    file = File()
    for step in range(lines):
        record: dict[str, object] = {"step": step, "loss": step / 7, "lr": 0.5}
        if step == 3:
            record |= {"config": {"seed": 1}, "max_steps": 900}
        if step in {5, 600}:
            record["emergency"] = {"reason": "collapse"}
        if step < 500:
            record |= {"odd": "NaN", "seen": step}
        if step >= 500:
            record["late"] = 1
        file.append(record)
    return file


def test_figures_of_what_a_cut_left_where_the_stream_has_lost_it() -> None:
    """What is known of it from roll-ups is told, and what is not is None."""
    file, store = long_file(), Store()
    ends = file.ends.copy()
    index = cut_back(file, 400, store).index
    summary = index.summary(NOW_MS)
    # One record and twelve buckets.
    to = EntryID(1, ends[384])
    assert (summary.records, summary.approximate_to) == (385, to)
    assert summary.gaps == (Gap(to, EntryID(1, ends[399]), "trimmed"),)
    assert summary.steps == Span(0, 384, 384)
    assert (summary.total_steps, summary.config) == (900, b'{"seed":1}')
    assert (summary.emergencies, len(summary.emergency_ids)) == (1, 1)
    assert (summary.latest_id, summary.latest) == (to, b"")
    told = {
        one.name: (one.kind, one.last, one.min, one.max, one.count, one.nonfinite)
        for one in index.metrics()
    }
    assert told == {
        "loss": ("float", None, 0, 384 / 7, 385, 0),
        "lr": ("float", 0.5, 0.5, 0.5, 385, 0),
        "odd": ("int", "NaN", None, None, 0, 385),
        "seen": ("int", None, 0, 384, 385, 0),
    }
    assert [one.last_step for one in index.metrics()] == [None] * 4
    file.append({"step": 400, "late": 7, "loss": 3})
    indexer = caught_up(file, store)
    indexer.write(is_resting=True)
    again = Indexer(file, store).index
    assert again.summary(NOW_MS).approximate_to == to
    metrics = again.metrics()
    assert [(one.number, one.name) for one in metrics][-1] == (4, "late")
    assert (metrics[0].last, metrics[1].last) == (3, 0.5)
    assert (metrics[4].first_step, metrics[4].last) == (400, 7)


def test_what_was_said_behind_a_cut_is_forgotten() -> None:
    """Settings, totals, times, and metrics whose steps began later."""
    file, store = File(), Store()
    for at in range(700):
        file.append({"loss": at, **({"step": at, "ts": TIME + at} if at > 500 else {})})
    file.append({"step": 700, "config": {"seed": 2}, "max_steps": 9})
    indexer = cut_back(file, 400, store)
    summary = indexer.index.summary(NOW_MS)
    assert (summary.total_steps, summary.config) == (None, b"")
    assert summary.steps == summary.times == Span()
    assert (summary.before_steps, summary.before_times) == (None, None)
    (loss,) = indexer.index.metrics()
    assert (loss.first_step, loss.count) == (None, 385)
    file.append({"step": 7, "loss": 1})
    indexer.catch_up()
    assert indexer.index.metrics()[0].first_step == 7


def test_a_cut_within_the_records_that_were_stored_as_they_are_is_exact() -> None:
    """They are in no bucket yet."""
    file, store = long_file(20), Store()
    index = cut_back(file, 17, store).index
    (loss, *_) = index.metrics()
    assert (loss.last, loss.last_step, loss.count) == (16 / 7, 16, 17)
    assert index.summary(NOW_MS).gaps == ()


@pytest.mark.parametrize("lost", ["oldest", "marker", "all"])
def test_a_cut_whose_marker_is_trimmed_once_it_was_read(lost: str) -> None:
    """The index goes on behind it all the same."""
    file, store = long_file(), Store()
    caught_up(file, store).write(is_resting=True)
    file.cut(400)
    indexer = Indexer(file, store)
    indexer.fold(10_000)
    assert indexer.index.stale is Stale.CUT
    file.append({"step": 400, "loss": 3})
    count = len(file.stream)
    file.trim({"oldest": 100, "marker": count - 1, "all": count}[lost])
    indexer.catch_up()
    summary = indexer.index.summary(NOW_MS)
    kept = 400 if lost == "oldest" else 385
    assert summary.records == kept + (lost != "all")
    assert len(summary.gaps) == (lost != "oldest")
    marker, record = file.history[-2:]
    assert indexer.index.cursor == (marker if lost == "all" else record).cursor


@pytest.mark.parametrize(
    ("part", "is_there"),
    [("first", False), ("first", True), ("0:", False), ("0:", True), ("0:0", True)],
)
def test_a_cut_of_roll_ups_that_somebody_spoiled_begins_anew(
    part: str, is_there: bool
) -> None:
    """All before what the stream has is a gap; nothing wrong is told."""
    file, store = long_file(1_500), Store()
    caught_up(file, store).write(is_resting=True)
    file.trim(1_000)
    file.cut(700)
    file.append({"step": 700, "loss": 3})
    indexer = Indexer(file, store)
    for name in [one for one in store.chunks if one[1] == part]:
        store.chunks[name] = b"?"
        if not is_there:
            del store.chunks[name]
    indexer.catch_up()
    summary = indexer.index.summary(NOW_MS)
    assert (summary.records, summary.approximate_to) == (1, None)
    (gap,) = summary.gaps
    assert (gap.after, gap.reason) == (BEFORE_ALL, "trimmed")


def test_what_is_not_written_yet_is_cut_in_memory() -> None:
    """What is stored is of another index, and is none of it."""
    file, store = long_file(), Store()
    store.chunks[32, "first"] = b"another's"
    indexer = Indexer(file, store)
    indexer.catch_up()
    file.trim(650)
    file.cut(400)
    indexer.catch_up()
    assert indexer.index.summary(NOW_MS).records == 385
    indexer.write()
    assert store.chunks[32, "first"] != b"another's"
    assert Indexer(file, store).index.summary(NOW_MS).records == 385


def test_a_second_cut_before_the_first_is_written() -> None:
    """Of the places no more are kept than the shorter one left."""
    file, store = long_file(3_000), Store()
    indexer = cut_back(file, 1_200, store)
    for step in range(1_200, 1_600):
        file.append({"step": step})
    indexer.catch_up()
    file.trim(len(file.stream) - 5)
    file.cut(1_500)
    indexer.catch_up()
    write = indexer.index.take_changes()
    assert write is not None
    assert (write.begins, write.keep_records) == (True, 1_185)
    records = indexer.index.summary(NOW_MS).records
    assert (write.places[0].records, write.places[-1].records) == (1_185, records)


def test_an_index_of_an_earlier_version_is_made_anew_or_gone_on_with() -> None:
    """If its stream was trimmed nothing of it is lost; nobody else reads it before."""
    for is_trimmed in (False, True):
        file, store = long_file(100), Store()
        caught_up(file, store).write(is_resting=True)
        before, _, rules = store.at.rpartition(" ")
        store.at = f"{before} 2.{rules.partition('.')[2]}"
        assert Index.view("s", store.index, store.metrics, RULES) is None
        file.trim(50 if is_trimmed else 0)
        indexer = Indexer(file, store)
        assert indexer.index.stale is Stale.RULES
        indexer.catch_up()
        assert indexer.index.summary(NOW_MS).records == 100
        write = indexer.index.take_changes()
        assert write is not None
        assert write.at.endswith(f" {rules}")
        assert write.begins is not is_trimmed


def test_a_cut_that_leaves_no_record_begins_anew() -> None:
    """Something is missing before it, so it is no file of other lines."""
    file, store = File(), Store()
    file.leave_out(50)
    for step in range(700):
        file.append({"step": step})
    indexer = cut_back(file, 1, store)
    summary = indexer.index.summary(NOW_MS)
    assert (summary.records, summary.approximate_to) == (0, None)
    assert summary.gaps == (Gap(BEFORE_ALL, EntryID(1, 50), "trimmed"),)


def test_gaps_behind_a_cut_are_forgotten() -> None:
    """Those before it stay."""
    file, store = long_file(200), Store()
    file.leave_out(50)
    for step in range(200, 900):
        file.append({"step": step})
    file.leave_out(50)
    file.append({"step": 900})
    indexer = cut_back(file, 500, store)
    gaps = indexer.index.summary(NOW_MS).gaps
    assert [gap.reason for gap in gaps] == ["left_out", "trimmed"]


def test_what_is_stored_of_it_is_known() -> None:
    """Up to where, and whether there is more to be dropped of what was cut."""
    file, store = long_file(), Store()
    indexer = caught_up(file, store)
    assert (indexer.index.stored_at, indexer.index.drops_more) == ("", False)
    indexer.write(is_resting=True)
    index = indexer.index
    assert (index.stored_at, index.drops_more) == (index.at, False)
