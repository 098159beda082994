"""The statistics of each metric of a session: one list of plain values for each.

Lists, and one value at a time: objects or columns cost more, since in a running job
records come one by one. A session has statistics of 10,000 metrics; values of others
are counted, and their names are kept while they are few.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from math import inf, isfinite, isinf, isnan
from operator import add
from typing import Any, Final, NamedTuple, cast

import msgspec

from tailcast_index.meaning import AlikeRecords, Value
from tailcast_index.rollups import Left, Total


# How many metrics of a session have statistics, and how long their names may be.
MAX_METRICS = 10_000
MAX_NAME_LENGTH = 200
# How many names of metrics without statistics are kept.
MAX_LEFT_OUT_NAMES = 1_000

# How many names are kept of the metrics that came last.
MAX_NEWEST = 100

# The places in a metric's list.
_NUMBER: Final = 0
_LAST: Final = 1
_MIN: Final = 2
_MAX: Final = 3
_SUM: Final = 4
_COUNT: Final = 5
_NONFINITE: Final = 6
_FIRST_STEP: Final = 7
_LAST_STEP: Final = 8
# How many values it had when it was last given out to be stored.
_TAKEN: Final = 9

_INFINITIES: Final = {"Infinity": inf, "-Infinity": -inf}

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Metric:
    """What is known of one metric; so it is stored, as a JSON array without the name.

    A sum that no double holds is stored as text.
    """

    name: str
    # From 0, in the order in which metrics were first seen; roll-ups go by it. None if
    # it is not known, since only some metrics are.
    number: int | None
    # "int" while all its finite values are whole numbers, else "float".
    kind: str
    # The latest value; "NaN", "Infinity" or "-Infinity" if that is not finite; None if
    # its record was gone when the file was cut back to it.
    last: Value | None
    # Of its finite values; None while there is none.
    min: int | float | None
    max: int | float | None
    # Of its finite values, added up in the order of records.
    sum: int | float
    # How many finite and other values there were.
    count: int
    nonfinite: int
    # The steps of the first and last record that has a step and this metric.
    first_step: float | None
    last_step: float | None

    @property
    def mean(self) -> float | None:
        """The mean of its finite values, None while there is none."""
        return self.sum / self.count if self.count else None


class LeftOut(NamedTuple):
    """The values that have no statistics."""

    # How many values there were.
    values: int = 0
    # Their metrics, in the order in which they were first seen, the names cut short;
    # some are not named if there are `MAX_LEFT_OUT_NAMES` here.
    names: tuple[str, ...] = ()


NOTHING_LEFT_OUT: Final = LeftOut()


class Figures:
    """The statistics of a session's metrics, or of some of them."""

    def __init__(self, *, only: Collection[str] | None = None) -> None:
        """Begin without values.

        Args:
            only: the metrics that are kept; None for all. The first values of others
                are passed over, and so are no numbers given.
        """
        self._metrics: dict[str, list[Any]] = {}
        self._only = only
        # The names of those that came last.
        self.newest: deque[str] = deque(maxlen=MAX_NEWEST)
        # Metrics whose records had no step yet.
        self._stepless: set[str] = set()
        self._left_out_values = 0
        # The names, as keys.
        self._left_out_names: dict[str, None] = {}
        # The names of which it was asked last whether they may be added, and what is
        # known of these; None for those that are passed over.
        self._names: tuple[str, ...] = ()
        self._lists: list[list[Any] | None] = []

    def __len__(self) -> int:
        return len(self._metrics)

    def add(self, values: Sequence[tuple[str, Any]], step: float | None) -> None:
        """Add the metrics of one record, each by its name and value."""
        metrics = self._metrics
        for name, value in values:
            metric = metrics.get(name)
            if metric is None:
                metric = self._new(name, step)
                if metric is None:
                    continue
            metric[_LAST] = value
            if value.__class__ is str:
                metric[_NONFINITE] += 1
            else:
                # `min` and `max` would take twice as long.
                if value < metric[_MIN]:  # noqa: PLR1730
                    metric[_MIN] = value
                if value > metric[_MAX]:  # noqa: PLR1730
                    metric[_MAX] = value
                metric[_SUM] += value
                metric[_COUNT] += 1
            if step is not None:
                metric[_LAST_STEP] = step
        if self._stepless and step is not None:
            self._give_first_steps(values, step)

    def may_add(self, names: tuple[str, ...], *, has_steps: bool) -> bool:
        """Whether `add_columns` may be called: whether all of these are known."""
        if has_steps and not self._stepless.isdisjoint(names):
            return False
        if names is self._names:
            return True
        only, metrics = self._only, self._metrics
        new = [name for name in names if name not in metrics]
        if new and (only is None or not {*only}.isdisjoint(new)):
            return False
        self._names, self._lists = names, [*map(metrics.get, names)]
        return True

    def add_columns(self, columns: AlikeRecords) -> None:
        """Add the metrics of records that may be added, metric by metric.

        Sums are of one value after the other; in Python 3.12 `sum` has another.
        """
        steps, count = columns.steps, columns.records
        for metric, column, low, high in zip(
            self._lists, columns.values, columns.lows, columns.highs, strict=True
        ):
            if metric is None:
                continue
            metric[_LAST] = column[-1]
            # As above: `min` and `max` would take longer.
            if low < metric[_MIN]:  # noqa: PLR1730
                metric[_MIN] = low
            if high > metric[_MAX]:  # noqa: PLR1730
                metric[_MAX] = high
            metric[_SUM] = reduce(add, column, metric[_SUM])
            metric[_COUNT] += count
            if steps is not None:
                metric[_LAST_STEP] = steps[-1]

    def number_of(self, name: str) -> int | None:
        """The number of a metric; None if it has no statistics."""
        metric = self._metrics.get(name)
        return None if metric is None else metric[_NUMBER]

    def has_numbers(self, name: str) -> bool:
        """Whether a metric had a value that is a number."""
        metric = self._metrics.get(name)
        return metric is not None and metric[_COUNT] > 0

    def last_of(self, name: str) -> Value | None:
        """The latest value of a metric; None if it has no statistics, or is unknown."""
        metric = self._metrics.get(name)
        return None if metric is None else cast(Value | None, metric[_LAST])

    def names_since(self, count: int) -> Iterable[str]:
        """The names behind the first so many that came, or were loaded."""
        return islice(self._metrics, count, None)

    @property
    def left_out(self) -> LeftOut:
        """The values that have no statistics."""
        return LeftOut(self._left_out_values, tuple(self._left_out_names))

    def metrics(self) -> list[Metric]:
        """All of them, in the order in which they were first seen."""
        found = [_metric(name, metric) for name, metric in self._metrics.items()]
        return sorted(found, key=_order)

    def take_changed(self) -> dict[str, bytes]:
        """The metrics that changed since the last call, as they are stored."""
        changed: dict[str, bytes] = {}
        for name, metric in self._metrics.items():
            values = metric[_COUNT] + metric[_NONFINITE]
            if values != metric[_TAKEN]:
                metric[_TAKEN] = values
                changed[name] = _stored(metric)
        return changed

    def load(
        self,
        stored: Mapping[str, bytes],
        left_out: LeftOut,
        newest: Iterable[str] = (),
    ) -> None:
        """Begin with what `take_changed` gave before. Raises ValueError."""
        self.newest.extend(newest)
        for name, text in stored.items():
            metric = self._metrics[name] = _loaded(text)
            if metric[_FIRST_STEP] is None:
                self._stepless.add(name)
        self._left_out_values = left_out.values
        self._left_out_names = dict.fromkeys(left_out.names)

    def cut(self, left: Left) -> None:
        """Have the figures of those records alone that a cut left.

        What was in buckets is known as far as these tell it.
        """
        before = dict(sorted(self._metrics.items(), key=_number))
        apart = {name for _, one in (left.first, *left.rest) for name, _ in one.values}
        there = {
            *left.totals,
            *(before[name][_NUMBER] for name in apart & before.keys()),
        }
        self._metrics, self._stepless, self._names = {}, set(), ()
        highest = left.reached.highest_step
        # Numbers are in the order in which metrics came: those behind these are gone.
        for name, metric in islice(before.items(), 1 + max(there, default=-1)):
            first_step = metric[_FIRST_STEP]
            if isnan(highest) or (first_step is not None and first_step > highest):
                first_step = None
            if first_step is None:
                self._stepless.add(name)
            self._metrics[name] = [
                metric[_NUMBER], None, inf, -inf, 0, 0, 0, first_step, None, -1,
            ]  # fmt: skip
        self.newest = deque(filter(self.has, self.newest), MAX_NEWEST)
        _, first = left.first
        self.add(first.values, first.step)
        for name, metric in self._metrics.items():
            total = left.totals.get(metric[_NUMBER])
            if total is not None:
                _add_total(metric, total, is_whole=isinstance(before[name][_SUM], int))
        for _, point in left.rest:
            self.add(point.values, point.step)

    def has(self, name: str) -> bool:
        """Whether a metric has statistics."""
        return name in self._metrics

    def _new(self, name: str, step: float | None) -> list[Any] | None:
        if self._only is not None and name not in self._only:
            return None
        if len(self._metrics) >= MAX_METRICS or len(name) > MAX_NAME_LENGTH:
            self._left_out_values += 1
            if len(self._left_out_names) < MAX_LEFT_OUT_NAMES:
                self._left_out_names[name[:MAX_NAME_LENGTH]] = None
            return None
        if step is None:
            self._stepless.add(name)
        number = len(self._metrics) if self._only is None else None
        metric = [number, None, inf, -inf, 0, 0, 0, step, None, 0]
        self._metrics[name] = metric
        self.newest.append(name)
        return metric

    def _give_first_steps(
        self, values: Sequence[tuple[str, Any]], step: float | None
    ) -> None:
        for name in self._stepless.intersection(name for name, _ in values):
            self._metrics[name][_FIRST_STEP] = step
            self._stepless.discard(name)


def read_metric(name: str, stored: bytes) -> Metric:
    """A metric as it is stored. Raises ValueError."""
    return _metric(name, _loaded(stored))


def _add_total(metric: list[Any], total: Total, *, is_whole: bool) -> None:
    """Add what a metric was in buckets; whole numbers stay some."""
    last = total.last
    metric[_NONFINITE] += total.nonfinite
    metric[_LAST_STEP] = None
    if total.finite:
        convert = int if is_whole and isfinite(total.sum) else float
        metric[_MIN] = min(metric[_MIN], convert(total.low))
        metric[_MAX] = max(metric[_MAX], convert(total.high))
        metric[_SUM] += convert(total.sum)
        metric[_COUNT] += total.finite
        if isinstance(last, float):
            last = convert(last)
    metric[_LAST] = last


def _number(item: tuple[str, list[Any]]) -> int:
    return cast(int, item[1][_NUMBER])


def _order(metric: Metric) -> float:
    return inf if metric.number is None else metric.number


def _metric(name: str, metric: list[Any]) -> Metric:
    count: int = metric[_COUNT]
    return Metric(
        name=name,
        number=metric[_NUMBER],
        kind="int" if isinstance(metric[_SUM], int) else "float",
        last=metric[_LAST],
        min=metric[_MIN] if count else None,
        max=metric[_MAX] if count else None,
        sum=metric[_SUM],
        count=count,
        nonfinite=metric[_NONFINITE],
        first_step=metric[_FIRST_STEP],
        last_step=metric[_LAST_STEP],
    )


def _stored(metric: list[Any]) -> bytes:
    number, last, low, high, total, count, nonfinite, first, last_step, _ = metric
    kind = "int"
    if total.__class__ is float:
        kind = "float"
        if isinf(total):
            total = "Infinity" if total > 0 else "-Infinity"
    if not count:
        low = high = None
    return _encode(
        (number, kind, last, low, high, total, count, nonfinite, first, last_step)
    )


def _loaded(stored: bytes) -> list[Any]:
    parts: list[Any] = msgspec.json.decode(stored, type=list[Any])
    number, _, last, low, high, total, count, nonfinite, first, last_step = parts
    if not count:
        low, high = inf, -inf
    total = _INFINITIES.get(total, total)
    taken = count + nonfinite
    return [
        number, last, low, high, total, count, nonfinite, first, last_step, taken,
    ]  # fmt: skip
