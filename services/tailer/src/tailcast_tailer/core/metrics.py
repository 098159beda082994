"""What the records of a session say of each metric: last, min, max, mean, counts.

Pure. Records are looked at as a batch and by column: those of one shape (the same keys)
together, so that the work for each value is done in C. Statistics are kept as the JSON
text that readers get, and are merged with those of each batch.

A metric is a number at the top of a record, or in its object `telemetry`, by its key;
and a number one level down from there, as `object.key`. Step and time are no metrics.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec

from tailcast_streams.record import INT64


# Metrics of one session that have statistics, and how long their names may be.
MAX_METRICS = 1_000
MAX_NAME_LENGTH = 200

TELEMETRY = "telemetry"
EMERGENCY = "emergency"

# How strict JSON has what is no finite number.
_NON_FINITE = frozenset(("NaN", "Infinity", "-Infinity"))
_NUMBERS = frozenset((int, float))
# Types of values that can hold a metric.
_TELLING = frozenset((int, float, str, dict))

Fields: TypeAlias = dict[str, Any]


class Metric(msgspec.Struct, gc=False):
    """The statistics of one metric; the field names are those of the wire."""

    # The latest value: a number, or "NaN", "Infinity", "-Infinity".
    last: int | float | str
    # Over finite values; None while there is none.
    min: int | float | None
    max: int | float | None
    # None also where the sum is too large.
    mean: float | None
    # How many values were finite, and how many were not.
    count: int
    nonfinite: int


class Shape(NamedTuple):
    """Records that have the same keys, by column."""

    keys: Sequence[str]
    # The values of each key.
    columns: Sequence[Sequence[Any]]
    # Which of the batch's records each row is, rising.
    places: Sequence[int]


class Statistics(NamedTuple):
    """The statistics of a session, as they are stored."""

    # A JSON object, b"" for none.
    text: bytes = b""
    # Values of metrics beyond the first `MAX_METRICS`, or whose name is too long.
    left_out: int = 0


_decode_kept = msgspec.json.Decoder(dict[str, Metric]).decode
_encode = msgspec.json.Encoder().encode


def shapes_of(
    records: Sequence[Fields], places: Sequence[int] | None = None
) -> list[Shape]:
    """Group records by their keys; those without any are left out."""
    if places is None:
        places = range(len(records))
    # As many keys, and all of the first one's: the same keys. Nearly always so.
    if len({*map(len, records)}) == 1:
        with suppress(KeyError):
            return _shape([*records[0]], records, places)
    groups: dict[tuple[str, ...], tuple[list[Fields], list[int]]] = {}
    for record, place in zip(records, places, strict=True):
        group = groups.setdefault(tuple(record), ([], []))
        group[0].append(record)
        group[1].append(place)
    return [shape for keys, group in groups.items() for shape in _shape(keys, *group)]


def _shape(
    keys: Sequence[str], records: Sequence[Fields], places: Sequence[int]
) -> list[Shape]:
    """The shape of records that have these keys. Raises KeyError."""
    columns: list[tuple[Any, ...]]
    if len(keys) > 1:
        columns = [*zip(*map(itemgetter(*keys), records), strict=False)]
    else:
        columns = [tuple([record[key] for record in records]) for key in keys]
    return [Shape(keys, columns, places)] if columns else []


def summarize(
    shapes: Iterable[Shape], *, not_metrics: frozenset[str]
) -> dict[str, Metric]:
    """The statistics of a batch; `not_metrics` are the keys of step and time."""
    summary = _Summary(not_metrics)
    for shape in shapes:
        above = frozenset(shape.keys)
        for key, objects in summary.take_all(shape):
            if key == EMERGENCY:
                continue
            inside = "" if key == TELEMETRY else f"{key}."
            for part in objects:
                # What stands at the top literally is found first.
                deeper = summary.take_all(part, inside, but=above)
                if key == TELEMETRY:
                    for name, deep in deeper:
                        for deepest in deep:
                            summary.take_all(deepest, f"{name}.")
    return summary.metrics


class _Summary:
    """Statistics in the making."""

    def __init__(self, not_metrics: frozenset[str]) -> None:
        self._not_metrics = not_metrics
        self.metrics: dict[str, Metric] = {}
        # Which record of the batch each metric's last value is from.
        self._last_places: dict[str, int] = {}

    def take_all(
        self, shape: Shape, inside: str = "", *, but: frozenset[str] = frozenset()
    ) -> list[tuple[str, list[Shape]]]:
        """Take the columns of a shape; what objects they have comes back, by key."""
        objects: list[tuple[str, list[Shape]]] = []
        for key, column in zip(shape.keys, shape.columns, strict=True):
            name = inside + key
            if key in self._not_metrics or name in but:
                continue
            if shapes := self._take(name, column, shape.places):
                objects.append((key, shapes))
        return objects

    def _take(
        self, name: str, column: Sequence[Any], places: Sequence[int]
    ) -> list[Shape]:
        """Take a column's values; its objects come back, by shape."""
        types = {*map(type, column)}
        if types <= _NUMBERS:
            self._add(name, _of_numbers(column), places[-1])
        elif types == {dict}:
            return shapes_of(column, places)
        elif types == {str} and _NON_FINITE.isdisjoint(column):
            return []
        elif not types.isdisjoint(_TELLING):
            return self._take_mixed(name, column, places)
        return []

    def _take_mixed(
        self, name: str, column: Sequence[Any], places: Sequence[int]
    ) -> list[Shape]:
        values = [
            (value, place)
            for value, place in zip(column, places, strict=True)
            if _is_telling(value)
        ]
        if values:
            self._add(name, _of_any([value for value, _ in values]), values[-1][1])
        objects: list[tuple[Fields, int]] = [
            (cast(Fields, value), place)
            for value, place in zip(column, places, strict=True)
            if type(value) is dict
        ]
        return shapes_of(
            [value for value, _ in objects], [place for _, place in objects]
        )

    def _add(self, name: str, metric: Metric, last_place: int) -> None:
        known = self.metrics.get(name)
        if known is None:
            self.metrics[name] = metric
            self._last_places[name] = last_place
            return
        if last_place < self._last_places[name]:
            metric.last = known.last
        else:
            self._last_places[name] = last_place
        self.metrics[name] = _merged(known, metric)


def _is_telling(value: object) -> bool:
    return type(value) in _NUMBERS or (type(value) is str and value in _NON_FINITE)


def _of_any(values: Sequence[int | float | str]) -> Metric:
    numbers = [value for value in values if not isinstance(value, str)]
    strange = len(values) - len(numbers)
    if not numbers:
        return Metric(values[-1], None, None, None, 0, strange)
    metric = _of_numbers(numbers)
    metric.nonfinite = strange
    if isinstance(values[-1], str):
        metric.last = values[-1]
    return metric


def _of_numbers(values: Sequence[int | float]) -> Metric:
    lowest, highest = min(values), max(values)
    if lowest < INT64[0] or highest > INT64[-1]:
        values = [*map(_as_held, values)]
        lowest, highest = _as_held(lowest), _as_held(highest)
    count = len(values)
    mean = _finite(sum(values) / count)
    return Metric(values[-1], lowest, highest, mean, count, 0)


def _as_held(value: float) -> int | float:
    """A number as statistics hold it: a whole one beyond 64 bits as a double."""
    is_long = isinstance(value, int) and value not in INT64
    return float(value) if is_long else value


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _merged(one: Metric, other: Metric) -> Metric:
    """The statistics of both; the other came later."""
    if not other.count:
        lowest, highest, mean = one.min, one.max, one.mean
    elif not one.count:
        lowest, highest, mean = other.min, other.max, other.mean
    else:
        lowest, highest = _least(one, other), _most(one, other)
        mean = _mean_of_both(one, other)
    return Metric(
        other.last,
        lowest,
        highest,
        mean,
        one.count + other.count,
        one.nonfinite + other.nonfinite,
    )


def _least(one: Metric, other: Metric) -> int | float | None:
    if one.min is None or other.min is None:
        return other.min if one.min is None else one.min
    return min(one.min, other.min)


def _most(one: Metric, other: Metric) -> int | float | None:
    if one.max is None or other.max is None:
        return other.max if one.max is None else one.max
    return max(one.max, other.max)


def _mean_of_both(one: Metric, other: Metric) -> float | None:
    if one.mean is None or other.mean is None:
        return None
    share = other.count / (one.count + other.count)
    return _finite(one.mean + (other.mean - one.mean) * share)


def joined(
    one: Mapping[str, Metric], other: Mapping[str, Metric]
) -> Mapping[str, Metric]:
    """The statistics of two parts of a batch; the other came later."""
    if not one:
        return other
    both = dict(one)
    for name, metric in other.items():
        known = both.get(name)
        both[name] = metric if known is None else _merged(known, metric)
    return both


def merge(kept: Statistics, batch: Mapping[str, Metric]) -> Statistics:
    """The statistics of a session once a batch is appended."""
    if not batch:
        return kept
    metrics = _read(kept.text)
    left_out = kept.left_out
    for name, metric in batch.items():
        known = metrics.get(name)
        if known is not None:
            metrics[name] = _merged(known, metric)
        elif len(metrics) < MAX_METRICS and len(name) <= MAX_NAME_LENGTH:
            metrics[name] = metric
        else:
            left_out += metric.count + metric.nonfinite
    return Statistics(_encode(metrics), left_out)


def _read(text: bytes) -> dict[str, Metric]:
    if not text:
        return {}
    try:
        return _decode_kept(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Somebody changed it by hand: it begins anew.
        return {}


def decode_records(datas: Sequence[bytes]) -> list[Fields]:
    """Decode records that are strict JSON."""
    return cast(list[Fields], msgspec.json.decode(b"[%b]" % b",".join(datas)))
