"""What a record's shape says: what wraps it, and whether it is one metric by name.

Pure.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

from tailcast_index.meaning.fields import Fields, as_point, objects_getter
from tailcast_index.meaning.names import (
    ENVELOPES,
    NAME_KEYS,
    NEVER_INSIDE,
    NEVER_METRICS,
    TIMES_BESIDE,
    VALUE_KEYS,
    names_time,
)
from tailcast_index.meaning.values import Path, Rules


class Level(NamedTuple):
    """One object of a record."""

    path: Path
    fields: Fields
    # Whether it is the record itself or an envelope; else it is one level down.
    is_outer: bool


_FINDERS = [(path, objects_getter(path)) for path in ENVELOPES]
_TIMES = {
    path: (beside, objects_getter(beside)) for path, beside in TIMES_BESIDE.items()
}
# A value by such a name is the metric whatever numbers are beside it: torchtitan's.
_SURE_NAME = "log_type_name"


def envelopes_in(fields: Fields) -> list[Path]:
    """The envelopes that a record has."""
    return [path for path, find in _FINDERS if find(fields)]


def levels_in(fields: Fields, envelopes: Sequence[Path]) -> list[Level]:
    """The record and what was opened in it, then the objects one level down.

    Settings are not among them.
    """
    levels = [Level((), fields, is_outer=True)]
    for path, find in _FINDERS:
        if path in envelopes and (inner := find(fields)) is not None:
            levels.append(Level(path, inner, is_outer=True))
    opened = {path[:1] for path in envelopes} | {*envelopes}
    inside = [
        Level((*path, key), cast(Fields, value), is_outer=False)
        for path, outer, _ in levels
        for key, value in outer.items()
        if isinstance(value, dict)
        and key not in NEVER_INSIDE
        and (*path, key) not in opened
    ]
    times = [
        Level(beside, found, is_outer=True)
        for path in envelopes
        if path in _TIMES
        for beside, find in [_TIMES[path]]
        if (found := find(fields)) is not None
    ]
    return [*levels, *times, *inside]


def is_ambiguous(levels: Sequence[Level], rules: Rules) -> bool:
    """Whether two outer objects of a record have a metric of the same name."""
    names: set[str] = set()
    for level in levels:
        own = _numbers(level, rules) if level.is_outer else set[str]()
        if not names.isdisjoint(own):
            return True
        names |= own
    return False


def named_in(levels: Sequence[Level], rules: Rules) -> tuple[Path, Path] | None:
    """Where name and value are in a record that has nothing else to measure."""
    numbers = [name for level in levels for name in _numbers(level, rules)]
    for path, fields, _ in reversed(levels):
        names = [key for key in NAME_KEYS if isinstance(fields.get(key), str)]
        values = [key for key in VALUE_KEYS if as_point(fields.get(key)) is not None]
        if names and values and (len(numbers) == 1 or _SURE_NAME in names):
            return (*path, names[-1]), (*path, values[0])
    return None


def _numbers(level: Level, rules: Rules) -> set[str]:
    """The fields of an object that could be metrics."""
    counters = NEVER_METRICS.union(rules.step_keys, rules.time_keys)
    return {
        key
        for key, value in level.fields.items()
        if as_point(value) is not None
        and key not in counters
        and key[:1] != "_"
        and not names_time(key)
    }
