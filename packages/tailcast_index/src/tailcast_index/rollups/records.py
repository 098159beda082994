"""The few records that are stored as they are: the first, and those in no bucket yet.

Pure. JSON, a line for each record, so that it can be read as it is:
`[[GENERATION, OFFSET, STEP, TIME, {METRIC: VALUE, …}], …]`.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Final, TypeAlias

import msgspec

from tailcast_index.meaning import Point, Value
from tailcast_index.rollups.layout import as_double
from tailcast_streams.position import EntryID


Record: TypeAlias = tuple[EntryID, Point]

_Stored: TypeAlias = tuple[int, int, float | int | None, int | None, dict[str, Value]]

_encode: Final = msgspec.json.encode
_decode: Final = msgspec.json.Decoder(list[_Stored]).decode
# Whole numbers beyond these are stored as doubles, as all values in buckets are.
_LEAST, _GREATEST = -(2**63), 2**64 - 1
_INFINITIES: Final = ("-Infinity", "Infinity")


def pack_records(records: Iterable[Record]) -> bytes:
    """As they are stored."""
    return _encode(
        [
            (
                *id,
                point.step,
                point.time_ms,
                {name: _plain(value) for name, value in point.values},
            )
            for id, point in records
        ]
    )


def read_records(stored: bytes) -> list[Record]:
    """Read what `pack_records` gave. Raises ValueError."""
    return [
        (EntryID(generation, offset), Point(step, time_ms, None, tuple(values.items())))
        for generation, offset, step, time_ms, values in _decode(stored)
    ]


def _plain(value: Value) -> Value:
    """As it is, or the double that it is in buckets."""
    if isinstance(value, int) and not _LEAST <= value <= _GREATEST:
        double = as_double(value)
        return double if isfinite(double) else _INFINITIES[double > 0]
    return value
