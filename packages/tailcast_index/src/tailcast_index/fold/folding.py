"""From entry to entry: which of them count, and whether the figures are still right.

At a marker the file lost the lines behind its offset. If some of those were folded, the
figures are stale, and are made anew from the stream's start; if that was trimmed, they
are worked out from the roll-ups, as far as these tell what is left.

Behind a rotation the run goes on. It is another one if the first step there is none
above the first of the run, and the run was farther: then all before it is gone too.
"""

from collections.abc import Sequence
from enum import Enum
from operator import le
from typing import Any, Final

from tailcast_index.fold.cuts import Cuts
from tailcast_index.fold.rotations import Rotations, begins_anew
from tailcast_index.fold.run import Run
from tailcast_index.fold.summary import TRIMMED, Gap, gap_of
from tailcast_index.fold.tail import Tail
from tailcast_index.meaning import AlikeRecords, Chooser, Fields
from tailcast_index.rollups import Rollups
from tailcast_streams.cuts import Cut
from tailcast_streams.emergencies import EmergencyWrite, FoundEmergency
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEFORE_ALL, NOTHING, Cursor, EntryID


_MARKER: Final = Kind.MARKER
_GAP: Final = Kind.GAP
_RECORD: Final = Kind.RECORD
# Records that are alike are added together if there are so many at least, and at most.
LEAST_TOGETHER: Final = 4
MOST_TOGETHER: Final = 32


class Stale(Enum):
    """Why figures cannot go on from where they are."""

    # They were made by other rules.
    RULES = "rules"
    # The records are to be read otherwise than those before were.
    CHOICE = "choice"
    # A marker cut some of the lines that were folded.
    CUT = "cut"
    # Nothing of what was folded is left: the next entry is the first one.
    ANEW = "anew"
    # Behind a rotation another run began: its marker is the first entry.
    OTHER_RUN = "other run"


class Folding:
    """The figures of a session, and up to where in its stream they go."""

    def __init__(
        self,
        run: Run,
        chooser: Chooser | None,
        cuts: Cuts,
        *,
        first: EntryID = BEFORE_ALL,
        cursor: Cursor = NOTHING,
        looked: EntryID = BEFORE_ALL,
        rollups: Rollups | None = None,
        tail: Tail | None = None,
    ) -> None:
        """Go on from an entry, or begin.

        Args:
            run: the figures up to there.
            chooser: how the records are read; None if that does not change any more.
            cuts: which lines are gone; markers are added.
            first: the first entry that was folded; `BEFORE_ALL` for none.
            cursor: the last one.
            looked: up to which entry the chooser has looked at the records.
            rollups: the roll-ups; None for figures only.
            tail: what is given the records instead; None for nothing.
        """
        self.run = run
        self.chooser = chooser
        self.cuts = cuts
        # The cuts that were told with emergencies.
        self._told_cuts = cuts.cuts
        self.first = first
        self.position = cursor.id
        self.looked = looked
        self.rollups = rollups
        # What records are given to.
        self._drawn = tail if rollups is None else rollups
        # The marker that cut some of what was folded, and what it cut.
        self._cut_at: Entry | None = None
        self._cut: Cut | None = None
        self.rotations = Rotations()
        # Up to where records were read again that the roll-ups lack, or the chooser;
        # None if all is known up to the position.
        self._read_again_to: EntryID | None = None
        self._cursor = cursor
        # The last entry itself, once it was folded here.
        self._last: Entry | None = None
        # Its generation, and the offset behind which lines of that are gone.
        self._generation = cursor.id.generation
        self._kept = cuts.kept_of(self._generation)

    @property
    def cursor(self) -> Cursor:
        """Up to where the figures are true; `NOTHING` before the first entry."""
        return self._cursor if self._last is None else self._last.cursor

    @property
    def reads_after(self) -> EntryID:
        """The entry behind which to read on."""
        again = self._read_again_to
        return self.position if again is None else again

    def begin_at(self, id: EntryID, previous: EntryID) -> None:
        """Begin at an entry before which nothing is missing."""
        self.first = id
        self.position = previous
        self._cursor = Cursor(previous, 0)

    def give(self, chunks: Sequence[bytes | None]) -> None:
        """Go on with stored roll-ups. Raises ValueError if they cannot be used."""
        if self.rollups is not None:
            self.rollups.give(chunks)
            self.read_again()

    def ask_what_is_left(self) -> bool:
        """Ask the roll-ups for what the marker left; False if they lack some of it."""
        cut, rollups, run = self._cut, self.rollups, self.run
        if cut is None or rollups is None or not run.records == rollups.records > 0:
            return False
        rollups.cut(cut.has, metrics=len(run.figures))
        return True

    def cut(self, oldest: Entry | None) -> bool:
        """Go on from what the roll-ups have left; False if that is nothing.

        The records behind that are read again, as far as the stream has them; what is
        gone of them is a gap.

        Args:
            oldest: the oldest entry that the stream has; None if it has none.
        """
        marker, cut, rollups = self._cut_at, self._cut, self.rollups
        if marker is None or cut is None or rollups is None or rollups.left is None:
            return False
        self.run.cut(rollups.left, rollups.records)
        self.chooser, self._read_again_to, self._last = None, None, None
        is_there = oldest is not None and oldest.id <= marker.id
        before = oldest.previous if oldest is not None and is_there else marker.previous
        to = before if cut.has(before) else EntryID(before.generation, cut.kept)
        if to > rollups.to and to.offset != rollups.to.offset:
            self.run.add_gap(Gap(rollups.to, to, TRIMMED))
        self.position = max(rollups.to, before)
        self._cursor = Cursor(self.position, 0)
        self._enter(self.position.generation)
        self.rotations.go_back(self.position)
        if not is_there:
            # It was read before it went.
            self._pass(marker, 0)
        return True

    def read_again(self) -> None:
        """Note which records are to be read again, as what was stored is older."""
        lacking = [self.position]
        if self.chooser is not None:
            lacking.append(self.looked)
        if self._drawn is not None and self._drawn.records < self.run.records:
            lacking.append(self._drawn.to)
        first = min(lacking)
        self._read_again_to = None if first == self.position else first

    def fold(self, entries: Sequence[Entry], now_ms: int) -> Stale | None:
        """Add entries, up to one that makes the figures stale, which is left."""
        if self._read_again_to is not None:
            entries = self._fold_again(entries, now_ms)
        if not entries:
            return None
        if self._follow(entries[0]):
            return Stale.ANEW
        at = 0
        while at < len(entries):
            batch = self._batch(entries, at)
            stale = self._add_batch(batch, now_ms) if batch else None
            if not batch:
                stale = self._pass(entries[at], now_ms)
            if stale is not None:
                return stale
            at += len(batch) or 1
        return None

    def _pass(self, entry: Entry, now_ms: int) -> Stale | None:
        """Add one entry."""
        id = entry.id
        stale = None
        if entry.kind is _MARKER:
            stale = self._pass_marker(entry)
        else:
            if id.generation != self._generation:
                self._enter(id.generation)
            if id.offset <= self._kept:
                stale = self._add(entry, read_fields(entry.record), now_ms)
        if stale is None:
            self._come_to(entry)
        return stale

    def _come_to(self, entry: Entry) -> None:
        self.position = entry.id
        self._last = entry

    def _batch(self, entries: Sequence[Entry], at: int) -> Sequence[Entry]:
        """The records from an entry on that can be added together; mostly some."""
        if len(entries) < LEAST_TOGETHER:
            return ()
        room = MOST_TOGETHER if self._drawn is None else self._drawn.room
        room = min(room, self.run.room)
        generation, kept, count = self._generation, self._kept, 0
        some = entries[at : at + room]
        for id, _, kind, _, _ in some:
            if kind is not _RECORD or id.generation != generation or id.offset > kept:
                break
            count += 1
        return some[:count] if count >= min(LEAST_TOGETHER, len(some)) else ()

    def _add_batch(self, batch: Sequence[Entry], now_ms: int) -> Stale | None:
        """Add records, those together that are alike."""
        records = [read_fields(entry.record) for entry in batch]
        keys = [*map(tuple, records)]
        start, stale = 0, None
        while stale is None and start < len(batch):
            end = len(batch)
            # Mostly all are alike, which `count` sees at once.
            if start or keys.count(keys[0]) < end:
                others = (at for at in range(start, end) if keys[at] != keys[start])
                end = next(others, end)
            is_whole = end - start == len(batch)
            stale = self._add_alike(
                batch[start:end], records[start:end], now_ms, is_whole=is_whole
            )
            start = end
        return stale

    def _add_alike(
        self,
        entries: Sequence[Entry],
        records: Sequence[Fields],
        now_ms: int,
        *,
        is_whole: bool = False,
    ) -> Stale | None:
        """Add records with the same fields; one by one if it must be.

        Args:
            entries: those of the records.
            records: what they say.
            now_ms: the time.
            is_whole: whether they are a batch, however few: the last ones of a bucket,
                or of those that were read.
        """
        columns = None
        if len(entries) >= LEAST_TOGETHER or is_whole:
            columns = self._columns(entries, records, now_ms)
        if columns is None:
            for entry, fields in zip(entries, records, strict=True):
                stale = self._add(entry, fields, now_ms)
                if stale is not None:
                    return stale
                self._come_to(entry)
            return None
        if self.chooser is not None and entries[-1].id > self.looked:
            passed = self.chooser.pass_all(records, columns.steps)
            if passed < len(records):
                self.looked = entries[-1].id
                self._add_alike(entries[:passed], records[:passed], now_ms)
                self.looked = entries[passed].id
                return Stale.CHOICE
            self.looked = entries[-1].id
        self.run.add_all(entries, records, columns)
        if self._drawn is not None:
            self._drawn.add_all([entry.id for entry in entries], columns)
        self._come_to(entries[-1])
        return None

    def _columns(
        self, entries: Sequence[Entry], records: Sequence[Fields], now_ms: int
    ) -> AlikeRecords | None:
        """What records say together; None if they are to be added one by one."""
        if not self.run.records:
            # The first one stands alone, and may show that all are read otherwise.
            return None
        columns = self.run.columns.read(records, now_ms=now_ms)
        if columns is None:
            return None
        steps = columns.steps
        if steps is not None and (
            self.rotations.joint is not None or not all(map(le, steps, steps[1:]))
        ):
            return None
        if not self.run.may_add(columns):
            return None
        if self.chooser is not None and entries[-1].id > self.looked:
            if entries[0].id <= self.looked:
                return None
            if not self.chooser.may_pass(records, steps):
                return None
        return columns

    def _follow(self, entry: Entry) -> bool:
        """Note what is missing before an entry; True if it cannot be followed."""
        after, to = self.position, entry.previous
        if after == BEFORE_ALL:
            self.first = entry.id
        elif to == after:
            return False
        elif entry.id.generation > self._generation + (entry.kind is _MARKER):
            # A marker is missing: nothing says which lines before are still there.
            return True
        if entry.kind is _MARKER:
            self.cuts.note(entry)
        # What the file no longer has is not missing.
        to = EntryID(
            to.generation, int(min(to.offset, self.cuts.kept_of(to.generation)))
        )
        # Where the stream was trimmed, files may be missing that were rotated away.
        is_unknown = after == BEFORE_ALL and self.cuts.leave_some(to.generation)
        if to.offset > after.offset or is_unknown:
            self.run.add_gap(Gap(after, to, TRIMMED))
        return False

    def _enter(self, generation: int) -> None:
        self._generation = generation
        self._kept = self.cuts.kept_of(generation)

    def _pass_marker(self, entry: Entry) -> Stale | None:
        run, cut = self.run, self.cuts.note(entry)
        self._enter(entry.id.generation)
        if cut is not None and not cut.has(run.last_end):
            self._cut_at, self._cut = entry, cut
            return Stale.CUT if cut.has(run.first_end) else Stale.ANEW
        self.rotations.note(entry, has_records=run.records > 0)
        if run.records:
            run.places.add(entry.id, run.records, run.highest_step, run.highest_time)
        return None

    def _add(self, entry: Entry, fields: Fields, now_ms: int) -> Stale | None:
        if entry.kind is _GAP:
            self.run.add_gap(gap_of(entry))
            return None
        joint = self.rotations.joint
        if joint is not None and self._is_of_another(entry, fields):
            self.cuts.add(Cut(joint.id.generation, 0))
            return Stale.OTHER_RUN
        if self.chooser is not None and entry.id > self.looked:
            self.looked = entry.id
            if self.chooser.look(fields):
                return Stale.CHOICE
        point = self.run.add(entry, fields, now_ms)
        if point.step is not None:
            self.rotations.joint = None
        if self._drawn is not None:
            self._drawn.add(entry.id, point)
        return None

    def _is_of_another(self, entry: Entry, fields: Fields) -> bool:
        """Whether a record shows that another run began where files follow on."""
        run, chooser = self.run, self.chooser
        if run.choice.lane is not None:
            # Another run of several that the files hold.
            return False
        step = run.step_of(fields)
        if step is None or not begins_anew(step, run.reached):
            return False
        is_new = chooser is not None and entry.id > self.looked
        return chooser is None or not (is_new and chooser.explains(fields))

    def _fold_again(self, entries: Sequence[Entry], now_ms: int) -> Sequence[Entry]:
        """Read again what the figures have; returns the entries behind that."""
        again = [entry for entry in entries if entry.id <= self.position]
        at = 0
        while at < len(again):
            room = MOST_TOGETHER if self._drawn is None else self._drawn.room
            some = again[at : at + room]
            self._add_again([one for one in some if self.has_record(one)], now_ms)
            self._read_again_to = some[-1].id
            at += len(some)
        if self._read_again_to == self.position or len(again) < len(entries):
            self._read_again_to = None
        return entries[len(again) :]

    def _add_again(self, entries: Sequence[Entry], now_ms: int) -> None:
        drawn = self._drawn
        ids: list[EntryID] = []
        records: list[Fields] = []
        for entry in entries:
            fields: Fields = read_fields(entry.record)
            if self.chooser is not None and entry.id > self.looked:
                # It looked at them before, and the choice stayed as it was.
                self.looked = entry.id
                self.chooser.look(fields)
            if drawn is not None and entry.id > drawn.to:
                ids.append(entry.id)
                records.append(fields)
        if drawn is None or not records:
            return
        columns = None
        keys = [*map(tuple, records)]
        # The first record of all stands alone.
        if drawn.records and keys.count(keys[0]) == len(keys):
            columns = self.run.columns.read(records, now_ms=now_ms)
        if columns is not None:
            drawn.add_all(ids, columns)
            return
        for id, fields in zip(ids, records, strict=True):
            drawn.add(id, self.run.point(fields, now_ms))

    def has_record(self, entry: Entry) -> bool:
        """Whether an entry is of a line that is a record, and is in the file still."""
        return (
            entry.kind is not _MARKER
            and entry.kind is not _GAP
            and entry.id.offset <= self.cuts.kept_of(entry.id.generation)
        )

    def take_found(self) -> Sequence[FoundEmergency]:
        """The emergencies that were added since the last call, at most a thousand."""
        # One that was read again is as it was read last.
        found = {one.cursor: one for one in self.run.found}
        self.run.found.clear()
        return list(found.values())

    def take_emergencies(
        self, session: str, incarnation: str, *, begins: bool
    ) -> EmergencyWrite | None:
        """What is to be kept of emergencies; None if nothing is new."""
        found, cuts = self.take_found(), self.cuts.cuts
        if not (found or begins or cuts != self._told_cuts):
            return None
        self._told_cuts = cuts
        return EmergencyWrite(
            session=session,
            incarnation=incarnation,
            begins=begins,
            cuts=cuts,
            found=found,
        )

    def dump(self) -> list[Any]:
        """What is stored besides the run, the cursor and the chooser."""
        return [str(self.first), self.cuts.dump(), self.rotations.dump()]

    @classmethod
    def load(
        cls,
        dumped: Sequence[Any],
        run: Run,
        chooser: Chooser | None,
        *,
        cursor: Cursor,
        looked: EntryID,
        rollups: Rollups | None,
        tail: Tail | None = None,
    ) -> "Folding":
        """Go on from what was stored. Raises ValueError and the like."""
        first, cuts, *rest = dumped
        # Earlier versions knew no rotations.
        folding = cls(
            run,
            chooser,
            Cuts.load(cuts if rest else [cuts, 0, 0]),
            first=EntryID.parse(first),
            cursor=cursor,
            looked=looked,
            rollups=rollups,
            tail=tail,
        )
        if rest:
            folding.rotations = Rotations.load(*rest)
        return folding
