"""A file, its stream, what is stored of its index, and indexers that may be killed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from tailcast_index.fold import Gap, Index, Summary
from tailcast_index.fold.spark import MAX_POINTS
from tailcast_index.fold.summary import TRIMMED
from tailcast_index.meaning import Rules
from tailcast_streams.cuts import rotation_details
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.indexes import (
    Chunk,
    IndexWrite,
    Place,
    StoredIndex,
    needs_of,
)
from tailcast_streams.position import BEFORE_ALL, EntryID
from tests.tailcast_index.fold.reference import (
    Expected,
    choose,
    expected,
    of_run,
    surviving,
)


RULES = Rules(step_keys=("step", "iteration", "epoch"), time_keys=("timestamp", "ts"))
NOW_MS = 1_795_900_000_000
# Histories that are longer are not looked at again, entry by entry.
MOST_REPLAYED = 600


class File:
    """A file and its stream, and all that the stream ever had."""

    def __init__(self) -> None:
        self.generation, self.offset = 1, 0
        # Where the lines end that the file has now.
        self.ends: list[int] = []
        marker = Entry(EntryID(1, 0), BEFORE_ALL, Kind.MARKER, b"")
        self.history, self.stream = [marker], [marker]
        self.was_trimmed = False

    def append(self, record: dict[str, object]) -> None:
        """A line comes."""
        text = msgspec.json.encode(record)
        self.offset += len(text) + 1
        self.ends.append(self.offset)
        kind = Kind.EMERGENCY if "emergency" in record else Kind.RECORD
        self._add(kind, text)

    def cut(self, lines: int) -> None:
        """The file is cut back to so many lines, and goes on from there."""
        self.ends = self.ends[:lines]
        self.offset = self.ends[-1] if self.ends else 0
        self.generation += 1
        self._add(Kind.MARKER, b"", {"reason": "truncated", "complete": "false"})

    def rotate(self) -> None:
        """The file is rotated away whole, and another one begins."""
        self.ends, self.offset = [], 0
        self.generation += 1
        details = {"reason": "replaced", "complete": "true"}
        self._add(Kind.MARKER, b"", rotation_details(details))

    def leave_out(self, length: int) -> None:
        """Bytes that are not read."""
        before = EntryID(self.generation, self.offset)
        self.offset += length
        self.ends.append(self.offset)
        ends = {"from": str(before), "to": str(EntryID(self.generation, self.offset))}
        self._add(Kind.GAP, b"", {**ends, "reason": "left_out"})

    def trim(self, entries: int) -> None:
        """The stream drops its oldest entries."""
        del self.stream[:entries]
        self.was_trimmed = self.was_trimmed or entries > 0

    def _add(
        self, kind: Kind, record: bytes, details: dict[str, str] | None = None
    ) -> None:
        id = EntryID(self.generation, self.offset)
        entry = Entry(id, self.history[-1].id, kind, record, details)
        self.history.append(entry)
        self.stream.append(entry)


@dataclass
class Store:
    """What a broker has of one index."""

    at: str = ""
    fields: dict[str, bytes] = field(default_factory=dict[str, bytes])
    metrics: dict[str, bytes] = field(default_factory=dict[str, bytes])
    places: list[Place] = field(default_factory=list[Place])
    chunks: dict[Chunk, bytes] = field(default_factory=dict[Chunk, bytes])

    def write(self, write: IndexWrite) -> bool:
        """Compare and write."""
        if self.at != write.expected:
            return False
        if write.begins:
            self.fields, self.metrics = {}, {}
            if write.keep_records is None:
                self.places, self.chunks = [], {}
        if write.keep_records is not None:
            kept = [one for one in self.places if one.records <= write.keep_records]
            self.places = kept
        self.at = write.at
        self.fields.update(write.fields)
        self.metrics.update(write.metrics)
        self.places.extend(write.places)
        for chunk in write.dropped:
            self.chunks.pop(chunk, None)
        self.chunks.update(write.chunks)
        return True

    @property
    def index(self) -> StoredIndex:
        """As it is read."""
        return StoredIndex(self.at, dict(self.fields))

    def answer(self, index: Index) -> None:
        """Give what is missing, as often as something is."""
        while index.missing:
            index.give([self.chunks.get(chunk) for chunk in index.missing])

    def some(self, names: Sequence[str]) -> StoredIndex:
        """The same with these fields alone."""
        known = {name: self.fields[name] for name in names if name in self.fields}
        return StoredIndex(self.at, known)


class Indexer:
    """One process that keeps the index."""

    def __init__(self, file: File, store: Store) -> None:
        self._file, self.store = file, store
        self.index = self.started()

    def started(self) -> Index:
        """What it begins with: what is stored, or nothing."""
        store = self.store
        index = None
        if store.at:
            index = Index.load("s", store.index, store.metrics, RULES)
            assert index is not None
            store.answer(index)
            needs = needs_of(store.index)
            assert needs is not None
            # What retention may take meanwhile is nothing that is read now.
            assert (needs.incarnation, needs.after) <= ("i", index.reads_after)
        return index or Index("s", incarnation="i", rules=RULES)

    def fold(self, entries: int) -> None:
        """Read and fold so many entries, or as many as there are."""
        read(self.index, self._file.stream, entries, self.store)

    def write(self, *, is_resting: bool = False) -> None:
        """Write what changed; start again if another was first."""
        if self.index.stale is not None:
            self.index.restart(next(iter(self._file.stream), None))
            self.store.answer(self.index)
        write = self.index.take_changes(is_resting=is_resting)
        if write is not None and not self.store.write(write):
            self.index = self.started()

    def catch_up(self) -> None:
        """Fold all that there is."""
        for _ in range(100):
            self.fold(1_000_000)
            if self.index.stale is None:
                return
        raise AssertionError("it is never done")


def read(
    index: Index, stream: Sequence[Entry], entries: int, store: Store | None = None
) -> None:
    """Read and fold so many entries; after that the index is stale perhaps."""
    if index.stale is not None:
        index.restart(stream[0] if stream else None)
        (store or Store()).answer(index)
    found = [entry for entry in stream if entry.id > index.reads_after]
    index.fold(found[:entries], now_ms=NOW_MS)


def check(index: Index, file: File) -> None:
    """The figures are those of the records that the file has, or they say what not."""
    if index.stale is not None:
        return
    summary, folding = index.summary(NOW_MS), index._folding
    records, missing = records_of(index, file)
    assert file.was_trimmed or not missing
    if not file.was_trimmed and len(file.history) < MOST_REPLAYED:
        assert is_of_run(records, index.cursor.id, file.history)
    choice = summary.choice
    if not file.was_trimmed and folding.looked == records[-1].id if records else False:
        assert choice == choose(records, RULES)
    told, wanted = figures(index, summary), expected(records, RULES, choice, NOW_MS)
    if summary.approximate_to is None:
        assert told == wanted
    else:
        check_approximate(told, wanted)
    is_behind = index.reads_after != index.cursor.id
    if folding.rollups is not None and not (file.was_trimmed or is_behind):
        assert folding.rollups.records == summary.records
    assert summary.latest in (b"", records[-1].record if records else b"")


def is_of_run(records: Sequence[Entry], end: EntryID, history: Sequence[Entry]) -> bool:
    """Whether these are the run's records up to an entry.

    While it folds anew, an index knows of later ones, and what they say of these.
    """
    first = sum(entry.id <= end for entry in history)
    return any(
        records == [one for one in of_run(history[:count], RULES) if one.id <= end]
        for count in range(first, len(history) + 1)
    )


def records_of(index: Index, file: File) -> tuple[list[Entry], list[Gap]]:
    """The records that are in an index, and what is missing since it was trimmed."""
    folded = [entry for entry in file.history if entry.id <= index.cursor.id]
    gaps = index.summary(NOW_MS).gaps
    missing = [gap for gap in gaps if gap.reason == TRIMMED]
    # While it folds anew, it knows of later markers and records.
    records = [
        record
        for record in surviving(folded, index.cuts)
        if not any(gap.after < record.id <= gap.to for gap in missing)
    ]
    return records, missing


def figures(index: Index, summary: Summary) -> Expected:
    """What an index says, in the words of the reference."""
    return Expected(
        records=summary.records,
        steps=summary.steps,
        times=summary.times,
        total_steps=summary.total_steps,
        latest=summary.latest_id,
        emergencies=list(summary.emergency_ids),
        rewinds=list(summary.rewinds),
        metrics=index.metrics(),
        left_out=summary.left_out.values,
        unread={key: one.times for key, one in summary.unread.items()},
        config=summary.config,
        spark=summary.spark,
    )


def check_approximate(told: Expected, wanted: Expected) -> None:
    """What was worked out from roll-ups is right as far as they tell it.

    What they do not tell is None, or, of what was counted and of falls, may be of lines
    that are gone.
    """
    exact = ("records", "steps", "times", "latest", "emergencies")
    for name in exact:
        assert getattr(told, name) == getattr(wanted, name), name
    assert told.total_steps in (None, wanted.total_steps)
    assert told.config in (b"", wanted.config)
    assert told.left_out >= wanted.left_out
    assert all(told.unread[key] >= times for key, times in wanted.unread.items())
    assert [one.name for one in told.metrics] == [one.name for one in wanted.metrics]
    for one, other in zip(told.metrics, wanted.metrics, strict=True):
        assert (one.number, one.count, one.nonfinite) == (
            other.number, other.count, other.nonfinite,
        )  # fmt: skip  # one glance
        assert (one.min, one.max) == (other.min, other.max)
        assert one.kind in ("float", other.kind)
        assert one.last in (None, other.last)
        assert one.last_step in (None, other.last_step)
        scale = max(map(abs, (one.min or 0, one.max or 0)))
        assert one.sum == pytest.approx(other.sum, rel=1e-9, abs=scale * 1e-9)
    assert (told.spark is None) == (wanted.spark is None)
    if told.spark is not None and wanted.spark is not None:
        assert told.spark.metric == wanted.spark.metric
        assert len(told.spark.values) <= MAX_POINTS
