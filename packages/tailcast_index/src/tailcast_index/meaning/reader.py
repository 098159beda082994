"""Reading one record by a session's choice.

Pure. This is the hot path of the indexer: what can be decided beforehand is decided
when a reader is made.
"""

from collections.abc import Sequence
from typing import Any, Final

from tailcast_index.meaning.fields import Fields, as_point, getter, name_of
from tailcast_index.meaning.metrics import Metrics, Values
from tailcast_index.meaning.steps import PLAIN_STEP, Number, Steps
from tailcast_index.meaning.totals import Totals
from tailcast_index.meaning.unread import Unreadables
from tailcast_index.meaning.values import Choice, Point, Rules, Unread
from tailcast_streams.numbers import read_step
from tailcast_streams.times import DAY_MS, is_date, join_clock, read_time_ms


# How much of a metric's name is kept if it is a text of the record.
MAX_NAME: Final = 256
# Beside a day, the fields that may have its clock.
_CLOCK_KEYS: Final = ("time", "Time", "clock")


class Reader:
    """Reads the records of one session."""

    def __init__(self, rules: Rules, choice: Choice) -> None:
        self.choice: Final = choice
        self._metrics = Metrics(rules, choice)
        self._totals = Totals(choice)
        self._steps = Steps(choice)
        self._step_at = getter(None if choice.is_interleaved else choice.step)
        self._is_plain = self._steps.is_plain
        self._time_at = getter(choice.time)
        self._lane_at = getter(choice.lane)
        self._named_at = choice.named and [*map(getter, choice.named)]
        self._clocks_at = [
            getter((*choice.time[:-1], key)) for key in _CLOCK_KEYS if choice.time
        ]
        self._unread_steps = Unreadables(choice.step, rules.step_keys, is_time=False)
        self._unread_times = Unreadables(choice.time, rules.time_keys, is_time=True)

    def read(self, fields: Fields, *, now_ms: int) -> Point:
        """What this record says.

        Args:
            now_ms: the time at which it was read, Unix milliseconds; times later than
                a day after it are none.
        """
        latest_ms = now_ms + DAY_MS
        step: Number | None
        total: int | None = None
        unread: tuple[Unread, ...] = ()
        raw: Any = self._step_at(fields)
        if raw.__class__ is int and self._is_plain and -PLAIN_STEP < raw < PLAIN_STEP:
            step = raw
        else:
            step, total, unread = self._other_step(fields, raw)
        raw = self._time_at(fields)
        time_ms = read_time_ms(raw, latest_ms=latest_ms)
        if time_ms is None or (raw.__class__ is str and is_date(raw)):
            time_ms, unread = self._other_time(fields, raw, latest_ms, unread)
        total = total or self._totals.find(fields)
        lane = name_of(self._lane_at(fields)) if self.choice.lane else ""
        values, nulls = self._collect(fields)
        return Point(step, time_ms, total, values, lane, nulls, unread)

    def place(self, fields: Fields, *, now_ms: int) -> tuple[Number | None, int | None]:
        """The step and the time of this record alone, as `read` says them."""
        step, _, _ = self._other_step(fields, self._step_at(fields))
        latest_ms = now_ms + DAY_MS
        time_ms, _ = self._other_time(fields, self._time_at(fields), latest_ms, ())
        return step, time_ms

    def _other_step(
        self, fields: Fields, raw: object
    ) -> tuple[Number | None, int | None, tuple[Unread, ...]]:
        """The step, the total and what is unread, of what is no plain number."""
        if self.choice.is_interleaved:
            return None, None, ()
        step = read_step(raw)
        if step is None:
            return None, None, self._unread_steps.tell(fields, raw)
        return self._steps.placed(fields, step), step.total, ()

    def _other_time(
        self, fields: Fields, raw: object, latest_ms: int, unread: tuple[Unread, ...]
    ) -> tuple[int | None, tuple[Unread, ...]]:
        """The time of what is no time, or of a day alone; and what is unread."""
        if isinstance(raw, str) and is_date(raw):
            clocks = [clock for get in self._clocks_at if (clock := get(fields))]
            raw = join_clock(raw, next(iter(clocks), None))
        time_ms = read_time_ms(raw, latest_ms=latest_ms)
        if time_ms is None:
            unread += self._unread_times.tell(fields, raw)
        return time_ms, unread

    def _collect(self, fields: Fields) -> tuple[Values, Sequence[str]]:
        if self._named_at is not None:
            name, value = [get(fields) for get in self._named_at]
            point = as_point(value)
            if isinstance(name, str) and point is not None:
                return [(name[:MAX_NAME], point)], ()
        return self._metrics.collect(fields)
