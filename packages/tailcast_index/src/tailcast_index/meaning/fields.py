"""Finding values in a record by a path, and what a value counts as.

Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from tailcast_index.meaning.values import Path, Value
from tailcast_streams.numbers import NON_FINITE_TEXTS, as_number


Fields: TypeAlias = Mapping[str, object]
Get: TypeAlias = Callable[[Fields], object]

# How much of the name of a run, or of a kind of lines, is kept.
MAX_NAME_TEXT: Final = 64
# How numbers and non-finite values begin; most other texts are told by it.
_BEGINNINGS: Final = frozenset("0123456789+-.NnIi")


def getter(path: Path | None) -> Get:
    """A function that finds the value at a path; None if there is none."""
    if path is None:
        return lambda _: None
    *outer, last = path

    def at_top(fields: Fields) -> object:
        return fields.get(last)

    def within(fields: Fields) -> object:
        inner: Any = fields
        for name in outer:
            inner = inner.get(name)
            if inner.__class__ is not dict:
                return None
        return cast(object, inner.get(last))

    return within if outer else at_top


def objects_getter(path: Path) -> Callable[[Fields], Fields | None]:
    """A function that finds the object at a path; None if there is none."""
    get: Callable[[Fields], Any] = getter(path)

    def find(fields: Fields) -> Fields | None:
        inner = get(fields)
        return inner if inner.__class__ is dict else None

    return find


def as_point(value: Any) -> Value | None:
    """A value as a point of a curve, None if it is not one.

    It is one if it is a number, a text that is wholly a finite number, or one that
    spells a number that JSON cannot hold.
    """
    kind = value.__class__
    if kind is float or kind is int:
        return cast(Value, value)
    if kind is not str or value[:1] not in _BEGINNINGS:
        return None
    return NON_FINITE_TEXTS.get(value) or as_number(value)


def name_of(value: object) -> str:
    """The name that a value is: a text or a number; "" if it is none."""
    is_name = isinstance(value, str | int | float)
    return str(value)[:MAX_NAME_TEXT] if is_name else ""
