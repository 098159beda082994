"""Finds the first record at which the run had reached a step or a time.

The index of the session says behind which place that is, so that few records are read.
Entries that are not indexed yet are read on from there. A session without an index is
read from its beginning; if that is long, delivery begins too early rather than too
late. Never does a record before the place have what was asked for.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from tailcast_gateway.protocol.breaks import is_record
from tailcast_gateway.sessions.core.continuity import including
from tailcast_gateway.sessions.core.verdicts import NoValues, Resume, Trimmed, Verdict
from tailcast_gateway.sessions.indexed import fitting
from tailcast_gateway.views.subscription import AtStep, AtTime
from tailcast_index.fold import Index
from tailcast_index.meaning import Chooser, Reader, Rules
from tailcast_streams.broker import SessionReader
from tailcast_streams.entries import Entry
from tailcast_streams.indexes import Place, StoredIndex
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import (
    BEFORE_ALL,
    BEGINNING,
    NOTHING,
    Cursor,
    EntryID,
)
from tailcast_streams.session_state import Head


# How many entries are read at first, and at most, and how many bytes that should be.
# Places of an index lie 1,024 records or 256 KiB apart, the nearer of both.
FIRST_SCANNED = 64
MOST_SCANNED = 1_030
SCANNED_BYTES = 256 * 1024
# How many entries are read to find one that lies behind the index, or in a session
# without one. Beyond that, delivery begins there.
MAX_SCANNED = 50_000

Target: TypeAlias = AtStep | AtTime


class _Known(NamedTuple):
    """What is known of a session before its entries are read."""

    # No record up to this entry has what is asked for.
    after: EntryID
    # The highest value up to there, None if there was none.
    highest: float | None
    # Reads the records; of those that are not indexed the chooser says how.
    reader: Reader
    chooser: Chooser | None


class Search:
    """Searches for steps and times."""

    def __init__(
        self, broker: SessionReader, *, rules: Rules, now_ms: Callable[[], int]
    ) -> None:
        self._broker = broker
        # How steps and times are named.
        self._rules = rules
        # Returns the time, Unix milliseconds, by which times are plausible.
        self._now_ms = now_ms

    async def find(self, session: str, target: Target, head: Head) -> Verdict:
        """Find where delivery begins. Raises BrokerError.

        The verdict is `Trimmed` if the run may have reached the target in records that
        were trimmed. It is the head if the run has not reached it yet.
        """
        if head.cursor is None or head.oldest is None:
            return Resume(head.cursor or NOTHING, is_proved=True)
        known = await self._known(session, target, head)
        scan = _Scan(known, target, self._rules, self._now_ms())
        after, limit = known.after, self._first_limit(known.after, head)
        while True:
            entries = await self._broker.read_after(
                session, including(after), limit=limit
            )
            found = scan.first(entries)
            if found is not None:
                return await self._verdict(session, known, scan, found, entries)
            if scan.is_anew:
                scan.begin()
                after, limit = known.after, self._first_limit(known.after, head)
                continue
            if len(entries) < limit:
                break
            after = entries[-1].id
            if scan.records > MAX_SCANNED:
                return Resume(entries[-1].cursor, is_proved=True)
            limit = _limit(sum(len(one.record) for one in entries) / len(entries))
        if scan.highest is None:
            return NoValues("steps" if isinstance(target, AtStep) else "times")
        return Resume(head.cursor, is_proved=True, reached=scan.highest)

    async def _known(self, session: str, target: Target, head: Head) -> _Known:
        """What the index says; if it does not fit the stream, nothing is known."""
        is_step = isinstance(target, AtStep)
        step = target.step if isinstance(target, AtStep) else None
        time_ms = None if isinstance(target, AtStep) else target.time_ms
        indexes = self._broker.indexes
        stored = (await indexes.load([session]))[0]
        index = self._fitting(session, stored, head)
        if index is None:
            new = Chooser(self._rules)
            return _Known(BEFORE_ALL, None, Reader(self._rules, new.choice), new)
        summary = index.summary(self._now_ms())
        highest = (summary.steps if is_step else summary.times).highest
        before = summary.before_steps if is_step else summary.before_times
        after, chooser = index.cursor.id, index.chooser
        if highest is not None and before is not None and highest >= _wanted(target):
            place = await indexes.place_before(session, step=step, time_ms=time_ms)
            (after, highest), chooser = _after(place, before, target), None
        reader = Reader(self._rules, summary.choice)
        return _Known(after, highest, reader, chooser)

    def _fitting(self, session: str, stored: StoredIndex, head: Head) -> "Index | None":
        """The index, if it is of this stream and of this generation."""
        index = Index.view(session, stored, {}, self._rules)
        if head.state is None:
            return None
        position = head.state.position
        return fitting(index, position.incarnation, position.last_id)

    def _first_limit(self, after: EntryID, head: Head) -> int:
        """How many entries to read first, by the mean size of the session's lines."""
        state = head.state
        if after == BEFORE_ALL or state is None or not state.records:
            return FIRST_SCANNED
        return _limit(state.position.offset / state.records)

    async def _verdict(
        self,
        session: str,
        known: _Known,
        scan: "_Scan",
        found: Entry,
        entries: Sequence[Entry],
    ) -> Verdict:
        """The place before a record that has what is asked for."""
        at = entries.index(found)
        if scan.lost is not None and scan.is_first and scan.exceeds:
            # What lay before it is gone, and may have reached the target.
            since = max(known.after, BEGINNING)
            return Trimmed(Cursor(scan.lost, 0), since=Cursor(since, 0))
        if at:
            return Resume(entries[at - 1].cursor, is_proved=True)
        before = await self._broker.read_before(session, found.id, limit=1)
        if before and before[0].id == found.previous:
            return Resume(before[0].cursor, is_proved=True)
        return Resume(Cursor(found.previous, 0), is_proved=True)


class _Scan:
    """Goes through entries for the first that reaches a target."""

    def __init__(
        self, known: _Known, target: Target, rules: Rules, now_ms: int
    ) -> None:
        self._known = known
        self._rules = rules
        self._reader, self._chooser = known.reader, known.chooser
        # Up to which entry the chooser has looked.
        self._looked = known.after
        self._target = target
        self._wanted = _wanted(target)
        self._now_ms = now_ms
        # How many records were read.
        self.records = 0
        self.begin()

    def begin(self) -> None:
        """Begin at what is known; again if records are to be read otherwise."""
        # Whether that is so: the chooser has another choice than before.
        self.is_anew = False
        # The highest value so far.
        self.highest = self._known.highest
        # The last entry that was passed, and the one before the first that is stored,
        # if entries between it and that place are gone.
        self._passed = self._known.after
        self.lost: EntryID | None = None
        # Whether no value was seen before the record that was found, and whether that
        # is beyond the target.
        self.is_first = True
        self.exceeds = False

    def first(self, entries: Sequence[Entry]) -> Entry | None:
        """The first entry that reaches it; entries that were passed are left out."""
        for entry in entries:
            if entry.id <= self._passed:
                continue
            if self._passed < entry.previous:
                self.lost = entry.previous
            self._passed = entry.id
            value = self._value(entry) if is_record(entry) else None
            if self.is_anew:
                return None
            if value is None:
                continue
            if value >= self._wanted:
                self.exceeds = value > self._wanted
                return entry
            self.is_first = False
            self.highest = value if self.highest is None else max(self.highest, value)
        return None

    def _value(self, entry: Entry) -> float | None:
        self.records += 1
        fields = read_fields(entry.record)
        if self._chooser is not None and entry.id > self._looked:
            self._looked = entry.id
            if self._chooser.look(fields):
                self._reader = Reader(self._rules, self._chooser.choice)
                self.is_anew = True
        point = self._reader.read(fields, now_ms=self._now_ms)
        return point.step if isinstance(self._target, AtStep) else point.time_ms


def _wanted(target: Target) -> float:
    return target.step if isinstance(target, AtStep) else target.time_ms


def _after(
    place: Place | None, before: EntryID, target: Target
) -> tuple[EntryID, float | None]:
    """Behind which entry to read, and the highest value up to it."""
    if place is None:
        return before, None
    return place.id, place.step if isinstance(target, AtStep) else place.time_ms


def _limit(mean_bytes: float) -> int:
    """How many entries of this mean size to read at a time."""
    return max(2, min(MOST_SCANNED, int(SCANNED_BYTES / max(1.0, mean_bytes)) + 2))
