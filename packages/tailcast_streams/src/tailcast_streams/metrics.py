"""Where a metric is found in a record.

Pure. A metric is named literally or by a dotted path, and is found at the top of a
record or in its `telemetry`. Filters and projections use this rule. Steps
and times are found by ordered keys, in `record`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec


RecordFields: TypeAlias = Mapping[str, object]
Find: TypeAlias = Callable[[RecordFields], object]

# The value of a metric that a record does not have.
MISSING: Final = object()
# The fields of a record that cannot be decoded; compare it by identity.
UNREADABLE: Final[dict[str, object]] = {}
# The texts of numbers that JSON cannot hold, as records have them.
NON_FINITE: Final = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}

_decode_fields = msgspec.json.Decoder(dict[str, object]).decode


def read_fields(record: bytes) -> dict[str, object]:
    """The decoded fields of a record.

    The result is `UNREADABLE` if it is not an object, or is nested too deeply.
    """
    try:
        return _decode_fields(record)
    except (ValueError, RecursionError):
        return UNREADABLE


def finder(metric: str) -> Find:
    """A function that finds a metric in a record's fields, or returns `MISSING`.

    It looks for the literal name at the top, then in `telemetry`; then it follows the
    dotted path through objects, from the top and then from `telemetry`.
    """

    def find(fields: RecordFields) -> object:
        value = fields.get(metric, MISSING)
        if value is MISSING:
            telemetry: Any = fields.get("telemetry")
            if telemetry.__class__ is dict:
                value = telemetry.get(metric, MISSING)
        return value

    if "." not in metric:
        return find
    path = metric.split(".")

    def find_path(fields: RecordFields) -> object:
        value = find(fields)
        if value is MISSING:
            value = _descend(fields, path)
        if value is MISSING:
            value = _descend(fields.get("telemetry"), path)
        return value

    return find_path


def _descend(value: Any, path: Sequence[str]) -> object:
    for name in path:
        if value.__class__ is not dict:
            return MISSING
        value = value.get(name, MISSING)
    return value
