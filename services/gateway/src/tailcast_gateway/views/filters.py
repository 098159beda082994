"""Filters: which records a client wants, as a tree of conditions on their metrics.

Pure. A `where` is checked once, brought into one canonical form, and compiled to
functions. Where a metric is found in a record is decided in `tailcast_streams.metrics`.
The callers never filter emergencies.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from tailcast_gateway.protocol.limits import (
    MAX_CONDITIONS,
    MAX_FILTER_DEPTH,
    MAX_FILTER_VALUES,
    MAX_TEXT_CHARACTERS,
)
from tailcast_streams.metrics import MISSING, NON_FINITE, Find, RecordFields, finder
from tailcast_streams.numbers import as_number


Matches: TypeAlias = Callable[[RecordFields], bool]
Scalar: TypeAlias = str | int | float | bool | None
_Test: TypeAlias = Callable[[Any], bool]

# The largest number that a double can hold; records have larger ones as texts.
_LARGEST = int(sys.float_info.max)
_LARGEST_DIGITS = len(str(_LARGEST))
# Below this number each whole number is exact as a float.
_EXACT_UP_TO = 2.0**53

_GROUPS = ("all", "any")
_CONDITION_KEYS = ("metric", "op", "value")
_ORDERS = ("gt", "gte", "lt", "lte")
_FLAGS = ("exists", "finite")
_OPS = ("eq", "neq", *_ORDERS, "in", "nin", *_FLAGS)


class InvalidFilter(Exception):  # it is what the client sent
    """The `where` is invalid; the text tells the client what to fix, and where."""


class FilterTooLarge(InvalidFilter):
    """It has more, or is nested deeper, than a filter may."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled `where`; two with the same canonical form are equal."""

    # The canonical form as JSON.
    key: str
    # Whether a record with these fields is wanted.
    matches: Matches = field(compare=False, repr=False)
    # How many conditions and groups it has: what it costs for each record.
    nodes: int = field(default=1, compare=False)


def parse_filter(where: object) -> Filter:
    """Compile a `where` that is decoded JSON.

    Raises:
        InvalidFilter: the `where` is invalid; the error's text is for the client.
    """
    parser = _Parser()
    node = parser.node(where, "where", 1)
    return Filter(node.key, node.matches, parser.nodes)


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of a tree, checked and compiled."""

    key: str
    matches: Matches
    # "all" or "any" for a group, whose children move up into an outer group of the same
    # kind; else "".
    group: str = ""
    children: tuple["_Node", ...] = ()
    # The node that this one negates.
    denied: "_Node | None" = None


class _Parser:
    """Reads one tree and counts its nodes."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        # How many nodes were read so far.
        self.nodes = 0

    def node(self, value: object, path: str, depth: int) -> _Node:
        """Read the node at a path."""
        if not isinstance(value, dict):
            raise InvalidFilter(f"{path} must be an object")
        if depth > MAX_FILTER_DEPTH:
            raise FilterTooLarge(f"{path} is nested deeper than {MAX_FILTER_DEPTH}")
        self.nodes += 1
        if self.nodes > MAX_CONDITIONS:
            raise FilterTooLarge(
                f"{path} is one condition too many: {MAX_CONDITIONS} fit"
            )
        fields = cast(dict[str, object], value)
        for group in _GROUPS:
            if group in fields:
                _refuse_others(fields, (group,), path)
                return self._group(group, fields[group], f"{path}.{group}", depth)
        if "not" in fields:
            _refuse_others(fields, ("not",), path)
            return _negation(self.node(fields["not"], f"{path}.not", depth + 1))
        _refuse_others(fields, _CONDITION_KEYS, path)
        return _condition(fields, path)

    def _group(self, group: str, value: object, path: str, depth: int) -> _Node:
        if not isinstance(value, list) or not value:
            raise InvalidFilter(f"{path} must be a list with something in it")
        found: dict[str, _Node] = {}
        for at, part in enumerate(cast(list[object], value)):
            child = self.node(part, f"{path}[{at}]", depth + 1)
            same = child.children if child.group == group else (child,)
            found.update((node.key, node) for node in same)
        children = tuple(found[key] for key in sorted(found))
        if len(children) == 1:
            return children[0]
        key = f'{{"{group}":[{",".join(child.key for child in children)}]}}'
        tests = tuple(child.matches for child in children)
        matches = _all_of(tests) if group == "all" else _any_of(tests)
        return _Node(key, matches, group, children)


def _negation(child: _Node) -> _Node:
    if child.denied is not None:
        return child.denied
    inner = child.matches

    def matches(fields: RecordFields) -> bool:
        return not inner(fields)

    return _Node(f'{{"not":{child.key}}}', matches, denied=child)


def _all_of(tests: Sequence[Matches]) -> Matches:
    def matches(fields: RecordFields) -> bool:
        for test in tests:  # noqa: SIM110  # a generator would double the time
            if not test(fields):
                return False
        return True

    return matches


def _any_of(tests: Sequence[Matches]) -> Matches:
    def matches(fields: RecordFields) -> bool:
        for test in tests:  # noqa: SIM110  # a generator would double the time
            if test(fields):
                return True
        return False

    return matches


def _condition(fields: RecordFields, path: str) -> _Node:
    metric = _text(fields.get("metric"), f"{path}.metric")
    if not metric:
        raise InvalidFilter(f"{path}.metric is empty")
    op = fields.get("op")
    if not isinstance(op, str) or op not in _OPS:
        raise InvalidFilter(f"{path}.op must be one of {', '.join(_OPS)}")
    value = _operand(op, fields, f"{path}.value")
    canonical = {"metric": metric, "op": op, "value": value}
    key = _as_json(canonical)
    return _Node(key, _matching(finder(metric), _test(op, value)))


def _matching(find: Find, test: _Test) -> Matches:
    def matches(fields: RecordFields) -> bool:
        return test(find(fields))

    return matches


def _refuse_others(fields: RecordFields, known: Sequence[str], path: str) -> None:
    for key in fields:
        if key not in known:
            beside = " or ".join((*_GROUPS, "not", "metric with op and value"))
            raise InvalidFilter(f"{path} has {key[:64]!r}; it takes one of {beside}")


def _operand(op: str, fields: RecordFields, path: str) -> Scalar | list[Scalar]:
    """The value of a condition in its canonical form."""
    if op in _FLAGS:
        value = fields.get("value", True)
        if not isinstance(value, bool):
            raise InvalidFilter(f"{path} must be true or false with {op}")
        return value
    if "value" not in fields:
        raise InvalidFilter(f"{path} is missing")
    value = fields["value"]
    if op in {"in", "nin"}:
        return _values(value, path)
    scalar = _scalar(value, path)
    if op in _ORDERS:
        if scalar is None or isinstance(scalar, bool):
            raise InvalidFilter(f"{path} must be a number or a text with {op}")
        if scalar == "NaN":
            raise InvalidFilter(f"{path}: nothing compares with NaN, ask for finite")
    return scalar


def _values(value: object, path: str) -> list[Scalar]:
    if not isinstance(value, list) or not value:
        raise InvalidFilter(f"{path} must be a list with something in it")
    values = cast(list[object], value)
    if len(values) > MAX_FILTER_VALUES:
        raise FilterTooLarge(f"{path} has more than {MAX_FILTER_VALUES:,} values")
    scalars = (_scalar(one, f"{path}[{at}]") for at, one in enumerate(values))
    by_text = {_as_json(scalar): scalar for scalar in scalars}
    return [by_text[text] for text in sorted(by_text)]


def _scalar(value: object, path: str) -> Scalar:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, float) and math.isfinite(value):
        # 1.0 becomes 1, so that equal conditions have the same key.
        is_whole = value.is_integer() and abs(value) < _EXACT_UP_TO
        return int(value) if is_whole else value
    raise InvalidFilter(
        f"{path} must be a text, a number that a double holds, true, false or null"
    )


def _as_json(value: object) -> str:
    """The JSON of a value, the same for equal values; whole numbers of any length."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidFilter(f"{path} must be a text")
    if len(value) > MAX_TEXT_CHARACTERS:
        text = f"{path} is longer than {MAX_TEXT_CHARACTERS:,} characters"
        raise FilterTooLarge(text)
    return value


def _test(op: str, value: Scalar | list[Scalar]) -> _Test:
    """The test for a found value, which may be `MISSING`."""
    if isinstance(value, list):
        return _is_in(value) if op == "in" else _is_not_in(value)
    if op in _ORDERS:
        return _order(op, cast(str | float, value))
    if op in _FLAGS:
        return _FLAG_TESTS[op, cast(bool, value)]
    equals = _is_equal(value)
    if op == "eq":
        return equals
    return lambda found: found is not MISSING and not equals(found)


def _is_equal(value: Scalar) -> _Test:
    if value is None or isinstance(value, bool):
        return lambda found: found is value
    if isinstance(value, str):
        return lambda found: found == value
    # For Python True equals 1; in JSON they are two different values.
    return lambda found: (
        as_number(found) == value
        if found.__class__ is str
        else found == value and found is not True and found is not False
    )


def _is_in(values: Sequence[Scalar]) -> _Test:
    # These are kept apart, since for Python True equals 1.
    names = frozenset(one for one in values if one is None or isinstance(one, bool))
    others = frozenset(
        one for one in values if one is not None and not isinstance(one, bool)
    )

    has_numbers = any(not isinstance(one, str) for one in others)

    def test(found: Any) -> bool:
        if found is None or isinstance(found, bool):
            return found in names
        if has_numbers and isinstance(found, str) and as_number(found) in others:
            return True
        return isinstance(found, str | int | float) and found in others

    return test


def _is_not_in(values: Sequence[Scalar]) -> _Test:
    is_in = _is_in(values)
    return lambda found: found is not MISSING and not is_in(found)


def _order(op: str, value: str | float) -> _Test:
    if isinstance(value, str) and value not in NON_FINITE:
        return _text_order(op, value)
    limit = NON_FINITE[value] if isinstance(value, str) else value
    return _number_order(op, limit)


def _number(found: Any) -> float:
    """A found value as a number; NaN, which no test accepts, if it is not a number."""
    if not isinstance(found, str):
        return math.nan
    if len(found) >= _LARGEST_DIGITS and found.removeprefix("-").isdecimal():
        # No double holds this whole number; it is beyond any limit.
        return -math.inf if found.startswith("-") else math.inf
    number = NON_FINITE.get(found)
    if number is None:
        number = as_number(found)
    return math.nan if number is None else number


def _number_order(op: str, limit: float) -> _Test:
    def above(found: Any) -> bool:
        kind = found.__class__
        return (found if kind is float or kind is int else _number(found)) > limit

    def at_least(found: Any) -> bool:
        kind = found.__class__
        return (found if kind is float or kind is int else _number(found)) >= limit

    def below(found: Any) -> bool:
        kind = found.__class__
        return (found if kind is float or kind is int else _number(found)) < limit

    def at_most(found: Any) -> bool:
        kind = found.__class__
        return (found if kind is float or kind is int else _number(found)) <= limit

    return {"gt": above, "gte": at_least, "lt": below, "lte": at_most}[op]


def _text_order(op: str, limit: str) -> _Test:
    """Compares texts by code points, as ISO times sort; non-finite ones are numbers."""
    tests: dict[str, Callable[[str], bool]] = {
        "gt": lambda found: found > limit,
        "gte": lambda found: found >= limit,
        "lt": lambda found: found < limit,
        "lte": lambda found: found <= limit,
    }
    test = tests[op]
    return lambda found: (
        isinstance(found, str) and found not in NON_FINITE and test(found)
    )


def _is_finite(found: Any) -> bool:
    if isinstance(found, str):
        return as_number(found) is not None
    return isinstance(found, int | float) and not isinstance(found, bool)


_FLAG_TESTS: Mapping[tuple[str, bool], _Test] = {
    ("exists", True): lambda found: found is not MISSING,
    ("exists", False): lambda found: found is MISSING,
    ("finite", True): _is_finite,
    ("finite", False): lambda found: isinstance(found, str) and found in NON_FINITE,
}
