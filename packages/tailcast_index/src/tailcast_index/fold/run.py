"""What the records of a run say together: record after record, in the file's order.

It knows of no entries that are gone, of no stream and of no store: that is `index`.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from math import isnan

from msgspec.json import encode

from tailcast_index.fold.falls import Falls
from tailcast_index.fold.figures import Figures
from tailcast_index.fold.pace import RATE_MS, Samples, status_after
from tailcast_index.fold.places import PlaceMarks
from tailcast_index.fold.spark import Spark
from tailcast_index.fold.summary import Gap, Span, Summary, UnreadKey
from tailcast_index.meaning import (
    AlikeRecords,
    Choice,
    ColumnReader,
    Point,
    Reader,
    Rules,
    SettingsFinder,
    Unread,
    Value,
)
from tailcast_index.rollups import Left, as_told
from tailcast_streams.emergencies import MAX_KEPT_OF_SESSION, FoundEmergency
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.position import BEFORE_ALL, EntryID


# Of how many emergencies the IDs are kept, and how many gaps: the latest ones.
MAX_EMERGENCIES = 100
MAX_GAPS = 100
# How many keys with unread values are kept.
MAX_UNREAD_KEYS = 20
# A longer record is not kept besides its entry, bytes.
MAX_LATEST_BYTES = 64 * 1024
# Longer settings are left out, bytes.
MAX_CONFIG_BYTES = 64 * 1024


class Run:
    """The figures of one run, without its roll-ups."""

    def __init__(
        self, rules: Rules, choice: Choice, *, only: Collection[str] | None = None
    ) -> None:
        self._rules = rules
        self.choice = choice
        self.records = 0
        self.figures = Figures(only=only)
        self.falls = Falls()
        self.places = PlaceMarks()
        self.spark = Spark()
        # The samples by the records' own times, and by the times at which they came.
        self.by_time = Samples()
        self.by_arrival = Samples()
        self.first_step: float | None = None
        self.last_step: float | None = None
        self.highest_step: float | None = None
        self.first_time: int | None = None
        self.last_time: int | None = None
        self.highest_time: int | None = None
        # The entries before the first record with a step, and with a time.
        self.before_steps: EntryID | None = None
        self.before_times: EntryID | None = None
        self.total_steps: int | None = None
        self._settings_finder = SettingsFinder(choice)
        # The latest settings on the lines, as they are kept, and how long others are.
        self._settings: Mapping[str, object] = {}
        self.config = b""
        self.config_left_out = 0
        # The records that said the settings and the total first.
        self.config_at = self.total_at = BEFORE_ALL
        # Up to which entry the figures were worked out from roll-ups.
        self.approximate_to: EntryID | None = None
        self.latest_id = BEFORE_ALL
        self.latest = b""
        self.emergencies = 0
        self.emergency_ids: deque[EntryID] = deque(maxlen=MAX_EMERGENCIES)
        self.latest_emergency = b""
        # Those that were not taken yet, to be kept elsewhere.
        self.found: deque[FoundEmergency] = deque(maxlen=MAX_KEPT_OF_SESSION)
        self.gap_count = 0
        self.gaps: deque[Gap] = deque(maxlen=MAX_GAPS)
        self.unread: dict[str, UnreadKey] = {}
        self.unread_others = 0
        # The first byte of the files that is known of, or known to be missing, and the
        # last one, with their generations; `BEFORE_ALL` for nothing.
        self.first_end = BEFORE_ALL
        self.last_end = BEFORE_ALL
        # When the file was written last, as far as was told, and when records came.
        self.written_ms = 0
        self.arrived_ms = 0

    @cached_property
    def read(self) -> Callable[..., Point]:
        """Reads one record; not made for a run that is only looked at."""
        return Reader(self._rules, self.choice).read

    @cached_property
    def columns(self) -> ColumnReader:
        """Reads records that are alike."""
        return ColumnReader(self._rules, self.choice)

    @property
    def reached(self) -> Span:
        """Its steps."""
        return Span(self.first_step, self.last_step, self.highest_step)

    def step_of(self, fields: Mapping[str, object]) -> float | None:
        """The step of a record."""
        return self.read(fields, now_ms=0).step

    def point(self, fields: Mapping[str, object], now_ms: int) -> Point:
        """What a record says behind those that were added."""
        point = self.read(fields, now_ms=now_ms)
        if point.lane or point.nulls:
            return point._replace(values=self._values(point))
        return point

    def add(self, entry: Entry, fields: Mapping[str, object], now_ms: int) -> Point:
        """Add a record; returns what it says, for the roll-ups."""
        id, previous, kind, record, _ = entry
        point = self.point(fields, now_ms)
        step, time_ms, total_steps, values, lane, _, unread = point
        if step is not None:
            if self.highest_step is None or step > self.highest_step:
                self._reach_step(step, previous)
            self.last_step = step
            falls, before = self.falls, self.records
            if falls.note(id, step, lane, values, before, time_ms) is not None:
                self.by_time.begin_again()
                self.by_arrival.begin_again()
        if time_ms is not None:
            self._note_time(time_ms, previous)
        self.figures.add(values, step)
        self.records = records = self.records + 1
        self.latest_id = id
        self.latest = record
        self.last_end = id
        if self.first_end == BEFORE_ALL:
            self.first_end = id
        if records >= self.places.due_records or id.offset >= self.places.due_offset:
            self.places.add(id, records, self.highest_step, self.highest_time)
        if records >= self.spark.due:
            self.spark.note(self.figures)
        self._look_for_settings(fields, id)
        if kind is Kind.EMERGENCY or total_steps is not None or unread:
            self._note_rare(entry, point, now_ms)
        return point

    def may_add(self, columns: AlikeRecords) -> bool:
        """Whether `add_all` may be called for what comes next behind a record."""
        steps, times = columns.steps, columns.times_ms
        return (
            (times is None or self.highest_time is not None)
            and self.figures.may_add(columns.names, has_steps=steps is not None)
            and (
                steps is None
                or (self.highest_step is not None and self.falls.may_rise(steps[0]))
            )
        )

    @property
    def room(self) -> int:
        """How many records `add_all` may be called with."""
        return self.spark.due - self.records

    def add_all(
        self,
        entries: Sequence[Entry],
        records: Sequence[Mapping[str, object]],
        columns: AlikeRecords,
    ) -> None:
        """Add records that may be added, whose steps do not fall: as `add` does."""
        steps, last = columns.steps, entries[-1]
        self._add_places(entries, columns)
        if steps is not None:
            self.falls.rise(steps, columns.names)
            self.highest_step = self._highest_step(steps[-1])
            self.last_step = steps[-1]
        if columns.times_ms is not None:
            self._note_times(columns.times_ms, steps)
        self.figures.add_columns(columns)
        self.records += columns.records
        self.latest_id = last.id
        self.latest = last.record
        self.last_end = last.id
        if self.records >= self.spark.due:
            self.spark.note(self.figures)
        if self._settings_finder.may_be_in(records[0]):
            for entry, fields in zip(entries, records, strict=True):
                self._look_for_settings(fields, entry.id)
        if columns.total_steps is not None:
            self._note_total(columns.total_steps, last.id)

    def _add_places(self, entries: Sequence[Entry], columns: AlikeRecords) -> None:
        """Add the places that are due among the next records."""
        places, before, steps, at = self.places, self.records, columns.steps, 0
        offsets = [entry.id.offset for entry in entries]
        while True:
            due = bisect_left(offsets, places.due_offset)
            at = max(at, min(due, places.due_records - before - 1))
            if at >= columns.records:
                return
            step, time_ms = self.highest_step, self.highest_time
            if steps is not None:
                step = self._highest_step(steps[at])
            if columns.times_ms is not None:
                time_ms = max(time_ms or 0, *columns.times_ms[: at + 1])
            places.add(entries[at].id, before + at + 1, step, time_ms)
            at += 1

    def _highest_step(self, step: float) -> float:
        highest = self.highest_step
        return step if highest is None else max(highest, step)

    def _note_times(self, times: Sequence[int], steps: Sequence[int] | None) -> None:
        """Note the times of the next records; those count that are later than all."""
        highest, latest, at_step = self.highest_time or 0, -1, self.falls.at
        by_time, before = self.by_time, self.records
        for at, time_ms in enumerate(times):
            if time_ms > highest:
                highest, latest = time_ms, at
                if time_ms >= by_time.next_ms:
                    step = at_step if steps is None else steps[at]
                    by_time.note(time_ms, before + at, step)
        if latest >= 0:
            # No sample, unless that was noted already.
            by_time.note(highest, before + latest, at_step)
        self.highest_time = highest
        self.last_time = times[-1]

    def add_gap(self, gap: Gap) -> None:
        """Note that something is missing."""
        self.gap_count += 1
        self.gaps.append(gap)
        self.last_end = gap.to
        if self.first_end == BEFORE_ALL:
            self.first_end = EntryID(gap.after.generation, gap.after.offset + 1)

    def cut(self, left: Left, records: int) -> None:
        """Go on from what a cut left of the records, which are gone themselves.

        What cannot be known of them is forgotten if later records say it again, as the
        total of steps; what none says again is kept as it was, as values that could not
        be read.

        Args:
            left: what is known of them.
            records: how many there are.
        """
        to, step, highest_step, time_ms, highest_time = left.reached
        self.figures.cut(left)
        self.falls.cut(to, as_told(step))
        self.spark.cut(self.figures, records)
        self.places.cut(records)
        self.records = records
        self.latest_id, self.latest = to, b""
        self.last_end = to
        self.last_step, self.highest_step = as_told(step), as_told(highest_step)
        if self.highest_step is None:
            self.first_step = self.before_steps = None
        self.last_time, self.highest_time = _whole(time_ms), _whole(highest_time)
        if self.highest_time is None:
            self.first_time = self.before_times = None
        self.by_time, self.by_arrival = Samples(), Samples()
        if self.config_at > to:
            self.config, self.config_left_out = b"", 0
        self._settings = {}
        if self.total_at > to:
            self.total_steps = None
        alarms = [id for id in self.emergency_ids if id <= to]
        if len(alarms) < len(self.emergency_ids):
            self.emergencies -= len(self.emergency_ids) - len(alarms)
            self.emergency_ids, self.latest_emergency = (
                deque(alarms, MAX_EMERGENCIES),
                b"",
            )
        gaps = [gap for gap in self.gaps if gap.to <= to]
        self.gap_count -= len(self.gaps) - len(gaps)
        self.gaps = deque(gaps, MAX_GAPS)
        self.approximate_to = to
        self.places.add(to, records, self.highest_step, self.highest_time)

    def note_written(self, written_ms: int) -> None:
        """Note when the file was written last, 0 if that is not known."""
        self.written_ms = max(self.written_ms, written_ms)

    def note_arrival(self, now_ms: int, written_ms: int) -> None:
        """Note that records came.

        Those of a file that was written long ago tell nothing of how fast it grows.
        """
        self.arrived_ms = max(self.arrived_ms, now_ms)
        is_live = not written_ms or now_ms - written_ms <= RATE_MS
        if is_live and now_ms > self.by_arrival.latest_ms:
            self.by_arrival.note(now_ms, self.records, self.falls.at)

    def summary(
        self,
        now_ms: int,
        *,
        activity_ms: int | None = None,
        total_steps: int | None = None,
    ) -> Summary:
        """All of it, at a time.

        Args:
            now_ms: the time, Unix milliseconds.
            activity_ms: when the run did something last, None as far as is known here.
            total_steps: how many steps it will have if no record says it.
        """
        if activity_ms is None:
            activity_ms = self.written_ms or self.highest_time or self.arrived_ms
        activity_ms = min(activity_ms, now_ms)
        if self.total_steps is not None:
            total_steps = self.total_steps
        idle_ms = now_ms - activity_ms
        cadence_ms = max(self.by_time.cadence_ms, self.by_arrival.cadence_ms)
        clock = self.by_time if self.by_time.is_known else self.by_arrival
        eta_ms, step = None, self.falls.at
        if total_steps is not None and step is not None:
            eta_ms = clock.left_ms(step, total_steps)
        return Summary(
            records=self.records,
            steps=self.reached,
            times=Span(self.first_time, self.last_time, self.highest_time),
            total_steps=total_steps,
            eta_ms=eta_ms,
            config=self.config,
            config_left_out=self.config_left_out,
            spark=self.spark.line(self.figures, self.records),
            rate=clock.rate(idle_ms, cadence_ms),
            activity_ms=activity_ms,
            status=status_after(idle_ms, cadence_ms),
            cadence_ms=cadence_ms,
            latest_id=self.latest_id,
            latest=self.latest if len(self.latest) <= MAX_LATEST_BYTES else b"",
            emergencies=self.emergencies,
            emergency_ids=tuple(self.emergency_ids),
            latest_emergency=self.latest_emergency
            if len(self.latest_emergency) <= MAX_LATEST_BYTES
            else b"",
            rewind_count=self.falls.count,
            rewinds=tuple(self.falls.rewinds),
            gap_count=self.gap_count,
            gaps=tuple(self.gaps),
            unread=dict(self.unread),
            unread_others=self.unread_others,
            before_steps=self.before_steps,
            before_times=self.before_times,
            approximate_to=self.approximate_to,
            choice=self.choice,
            left_out=self.figures.left_out,
        )

    def _reach_step(self, step: float, previous: EntryID) -> None:
        if self.highest_step is None:
            self.first_step = step
            self.before_steps = previous
        self.highest_step = step

    def _note_time(self, time_ms: int, previous: EntryID) -> None:
        if self.highest_time is None:
            self.first_time = self.highest_time = time_ms
            self.before_times = previous
            self.by_time.note(time_ms, self.records, self.falls.at)
        elif time_ms > self.highest_time:
            self.highest_time = time_ms
            self.by_time.note(time_ms, self.records, self.falls.at)
        self.last_time = time_ms

    def _note_total(self, total_steps: int, id: EntryID) -> None:
        if total_steps != self.total_steps:
            self.total_steps, self.total_at = total_steps, id

    def _look_for_settings(self, fields: Mapping[str, object], id: EntryID) -> None:
        settings = self._settings_finder.find(fields)
        if settings is None or settings == self._settings:
            return
        self._settings, self.config_at = settings, id
        text = encode(settings)
        is_kept = len(text) <= MAX_CONFIG_BYTES
        self.config = text if is_kept else b""
        self.config_left_out = 0 if is_kept else len(text)

    def _note_emergency(self, entry: Entry, point: Point, now_ms: int) -> None:
        self.emergencies += 1
        self.emergency_ids.append(entry.id)
        self.latest_emergency = entry.record
        # One without a step tells where the run was.
        step = self.last_step if point.step is None else point.step
        found = FoundEmergency(entry.cursor, step, point.time_ms, now_ms, entry.record)
        self.found.append(found)

    def _note_rare(self, entry: Entry, point: Point, now_ms: int) -> None:
        """Note what few records have."""
        if entry.kind is Kind.EMERGENCY:
            self._note_emergency(entry, point, now_ms)
        if point.total_steps is not None:
            self._note_total(point.total_steps, entry.id)
        for unread in point.unread:
            self._note_unread(unread)

    def _values(self, point: Point) -> list[tuple[str, Value]]:
        """The metrics with those that are null, and again for the run of the record."""
        is_number = self.figures.has_numbers
        nulls = [(name, "NaN") for name in point.nulls if is_number(name)]
        values = [*point.values, *nulls]
        if point.lane:
            values += [(f"{name}[{point.lane}]", value) for name, value in values]
        return values

    def _note_unread(self, unread: Unread) -> None:
        known = self.unread.get(unread.key)
        if known is None and len(self.unread) >= MAX_UNREAD_KEYS:
            self.unread_others += 1
            return
        times = 1 if known is None else known.times + 1
        self.unread[unread.key] = UnreadKey(times, unread.is_time, unread.text)


def _whole(value: float) -> int | None:
    return None if isnan(value) else int(value)
