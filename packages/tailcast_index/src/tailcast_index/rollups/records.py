"""The few records that are stored as they are: the first, and those in no bucket yet.

Pure. JSON, a line for each record, so that it can be read as it is:
`[[GENERATION, OFFSET, STEP, TIME, {METRIC: VALUE, …}], …]`.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from tailcast_index.meaning import Point, Value
from tailcast_streams.position import EntryID


Record: TypeAlias = tuple[EntryID, Point]

_Stored: TypeAlias = tuple[int, int, float | int | None, int | None, dict[str, Value]]

_encode: Final = msgspec.json.encode
_decode: Final = msgspec.json.Decoder(list[_Stored]).decode
# Whole numbers beyond these are stored as doubles, as all values in buckets are.
_LEAST, _GREATEST = -(2**63), 2**64 - 1


def pack_records(records: Iterable[Record]) -> bytes:
    """As they are stored."""
    return _encode(
        [
            (
                *id,
                None if point.step is None else _plain(point.step),
                point.time_ms,
                _plain_values(point),
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


def _plain_values(point: Point) -> dict[str, Value]:
    return {
        name: value if isinstance(value, str) else _plain(value)
        for name, value in point.values
    }


def _plain(value: float) -> float:
    if isinstance(value, int) and not _LEAST <= value <= _GREATEST:
        return float(value)
    return value
