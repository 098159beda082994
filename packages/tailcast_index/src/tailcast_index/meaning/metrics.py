"""The metrics of one record: its numbers, by name.

Pure, and the hot path of the indexer: each name is judged once, and looked up after.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from tailcast_index.meaning.fields import Fields, as_point, objects_getter
from tailcast_index.meaning.names import (
    EPOCH_TOTALS,
    NEVER_INSIDE,
    NEVER_METRICS,
    STEP_TOTALS,
    names_time,
)
from tailcast_index.meaning.values import Choice, Path, Rules, Value
from tailcast_streams.times import EARLIEST_MS, FAR_MS, read_time_ms


Values: TypeAlias = list[tuple[str, Value]]

# Smaller numbers are no plausible times.
EARLIEST_SECONDS: Final = EARLIEST_MS // 1_000
# How many names are kept with what was judged of them; beyond it, all are judged anew.
MAX_NAMES: Final = 65_536
# What spells NaN as a text under the key of a metric: numpy's, in Ray's files.
NULL: Final = "null"


class _Level:
    """What was judged of the fields of one object, by where it is."""

    __slots__ = ("inner", "is_outer", "names", "path", "prefix", "times")

    def __init__(self, path: Path, prefix: str, *, is_outer: bool) -> None:
        self.path = path
        # What stands before the names of its fields in those of metrics.
        self.prefix = prefix
        # Whether it is the record itself, or an envelope that was opened.
        self.is_outer = is_outer
        # The metric that each field is; None if it never is one.
        self.names: dict[str, str | None] = {}
        # The fields whose names say that they may be times.
        self.times: set[str] = set()
        # What is known of the objects in it; None if nothing in one counts.
        self.inner: dict[str, _Level | None] = {}


class Metrics:
    """Finds the metrics of the records of one session."""

    def __init__(self, rules: Rules, choice: Choice) -> None:
        self._choice = choice
        self._time_keys = frozenset(rules.time_keys)
        self._counters = frozenset((*rules.step_keys, *STEP_TOTALS, *EPOCH_TOTALS))
        self._chosen = {choice.step, choice.time, choice.lane}
        self._finders = [*map(objects_getter, choice.envelopes)]
        # The envelopes, and the objects on the way to one.
        self._opened = {
            path[:depth]
            for path in choice.envelopes
            for depth in range(1, 1 + len(path))
        }
        self._forget()

    def _forget(self) -> None:
        self._top = _Level((), "", is_outer=True)
        paths = self._choice.envelopes
        self._long = [_Level(path, _prefix(path), is_outer=True) for path in paths]
        self._short = [_Level(path, "", is_outer=True) for path in paths]
        if self._choice.has_long_names:
            self._short = self._long
        self._judged = 0
        # Whether a name with a dot was seen, and an object within: then one name may be
        # found twice.
        self._has_dots = False
        self._has_objects = False

    def collect(self, fields: Fields) -> tuple[Values, list[str]]:
        """The metrics of a record, each once, and the names of those that are null."""
        values: Values = []
        nulls: list[str] = []
        self._walk(fields, self._top, values, nulls)
        if self._finders:
            self._walk_envelopes(fields, values, nulls)
        if self._has_dots and self._has_objects:
            values = _once(values)
        if self._judged > MAX_NAMES:
            self._forget()
        return values, nulls

    def _walk_envelopes(self, fields: Fields, values: Values, nulls: list[str]) -> None:
        above = [fields]
        levels = zip(self._finders, self._short, self._long, strict=True)
        for find, short, long in levels:
            inner = find(fields)
            if inner is None:
                continue
            taken = {key for one in above for key in inner.keys() & one.keys()}
            above.append(inner)
            if taken and short is not long:
                # Who is further out has the name.
                both = {key: inner[key] for key in inner if key in taken}
                self._walk(both, long, values, nulls)
                inner = {key: inner[key] for key in inner if key not in taken}
            self._walk(inner, short, values, nulls)

    def _walk(
        self,
        fields: Mapping[str, Any],
        level: _Level,
        values: Values,
        nulls: list[str],
    ) -> None:
        """Take those of one object, then those of the objects in it."""
        # (A `cast` would be a call: it costs as much as the rest.)
        append, get = values.append, level.names.get
        objects: list[str] = []
        for key, value in fields.items():
            kind = value.__class__
            if kind is float or kind is int:
                name = get(key)
                if name is not None and value < EARLIEST_SECONDS:
                    append((name, value))
                    continue
            elif kind is dict:
                objects.append(key)
                continue
            elif kind is not str and value is not None:
                continue
            self._take(key, value, level, values, nulls)
        for key in objects:
            inner = self._inner(level, key)
            if inner is not None:
                self._walk(fields[key], inner, values, nulls)

    def _take(
        self,
        key: str,
        value: object,
        level: _Level,
        values: Values,
        nulls: list[str],
    ) -> None:
        """Take what is no number, or large, or was never seen."""
        point = as_point(value)
        if point is None and value is not None and value != NULL:
            return
        if key not in level.names:
            self._judge(level, key)
        name = level.names[key]
        if name is None:
            return
        if point is None:
            nulls.append(name)
        elif key not in level.times or not _is_meant_as_time(value, point):
            values.append((name, point))

    def _judge(self, level: _Level, key: str) -> None:
        is_none = (
            (*level.path, key) in self._chosen
            or key[:1] == "_"
            or key in NEVER_METRICS
            or (level.is_outer and key in self._counters)
        )
        level.names[key] = None if is_none else level.prefix + key
        if key in self._time_keys or names_time(key):
            level.times.add(key)
        self._judged += 1
        self._has_dots |= "." in key
        self._has_objects |= not level.is_outer

    def _inner(self, level: _Level, key: str) -> _Level | None:
        """What is known of an object in an object."""
        if key in level.inner:
            return level.inner[key]
        path = (*level.path, key)
        is_none = key in NEVER_INSIDE or path in self._opened
        inner = None
        if not is_none:
            inner = _Level(path, f"{level.prefix}{key}.", is_outer=False)
            self._has_dots |= "." in key
        level.inner[key] = inner
        self._judged += 1
        return inner


def _prefix(path: Path) -> str:
    return ".".join((*path, ""))


def _is_meant_as_time(value: object, point: Value) -> bool:
    """Whether a value under a name that says so is a time, and be it a wrong one.

    Durations are not; nor are numbers of that size under other names, such as tokens.
    """
    if not isinstance(point, str) and point >= EARLIEST_SECONDS:
        return True
    return read_time_ms(value, latest_ms=FAR_MS) is not None


def _once(values: Values) -> Values:
    """The first of each name: what is further out, and literally there."""
    first: dict[str, Value] = {}
    for name, value in values:
        first.setdefault(name, value)
    return [*first.items()]
