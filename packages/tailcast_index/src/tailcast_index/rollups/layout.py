"""How roll-ups are stored: levels, chunks, rows, and their bytes.

Pure. The first record of a session stands alone. Those behind it are in buckets of 32;
eight buckets of a level are one of the next level. What a metric was in one bucket is a
row of fixed length, and so is what the records of a bucket had reached. The rows of 16
buckets are a chunk: a field of the hash of its level, `CHUNK:NUMBER` with the number of
the metric, and `CHUNK:` for what was reached.

A chunk of the first level is stored when it is complete, and two rows of each level
above it with it, as far as the level below has a chunk more. So `rolled`, how many
records the chunks of the first level cover, tells which rows of each level are stored;
once stored, a row never changes. docs/streams.md shows how to read it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from tailcast_index.meaning import Value
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import BEFORE_ALL, EntryID


# How many buckets of a level are one of the next level.
FACTOR: Final = LEVELS[1] // LEVELS[0]
# How many buckets have their rows in one chunk.
CHUNK_ROWS: Final = 16
# How many records a chunk of the first level covers.
CHUNK_RECORDS: Final = CHUNK_ROWS * LEVELS[0]
# The fields of the first level's hash that hold records: the first of the session, and
# those that are in no bucket yet, as far as they were stored.
FIRST_FIELD: Final = "first"
OPEN_FIELD: Final = "open"

# What is not finite, and how it is told.
NONFINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

# A row of the first level: bucket within the chunk, how many values, least, greatest,
# sum, and how many bytes before the bucket's last entry those of the least and the
# greatest value end. The values that are not finite have rows of their own, a row for
# each kind: all three are that value, and the entries are the first and the last.
NEAR_ROW: Final = Struct("<BBdddII")
# A row of the other levels has the whole IDs of the two entries instead.
FAR_ROW: Final = Struct("<BIdddQQQQ")
# What was reached at a bucket's end.
REACHED_ROW: Final = Struct("<QQdddd")
# The figures of both alone: how many values, least, greatest and sum.
_NEAR_FIGURES: Final = Struct("<xBddd8x")
_FAR_FIGURES: Final = Struct("<xIddd32x")
# A row of some level, unpacked.
Row: TypeAlias = tuple[Any, ...]
# How far back an entry can be; one that is farther, or of an earlier generation than
# the bucket's last one, is told as the last.
MAX_BACK_BYTES: Final = 2**32 - 1
# Beyond this a double may have lost digits, and is no whole number to be told.
_MAX_WHOLE: Final = 2.0**53


class RowFigures(NamedTuple):
    """How many values rows have, the least, the greatest and their sum, by columns."""

    counts: Sequence[int]
    lows: Sequence[float]
    highs: Sequence[float]
    totals: Sequence[float]

    def of(self, rows: slice) -> "RowFigures":
        """Those of some of the rows."""
        counts, lows, highs, totals = self
        return RowFigures(counts[rows], lows[rows], highs[rows], totals[rows])


class Extent(NamedTuple):
    """How far the stored roll-ups of a session go."""

    # How many records are in complete chunks, the first one included, and the ID of
    # the last of them.
    rolled: int = 0
    rolled_to: EntryID = BEFORE_ALL
    # The same of what was stored besides when the session rested; 0 if nothing was.
    opened: int = 0
    opened_to: EntryID = BEFORE_ALL
    # What a cut left over, and is being dropped: complete chunks of so many records may
    # be stored still, with metrics of numbers below the second; 0 for nothing.
    over: int = 0
    numbers: int = 0

    @property
    def has_rest(self) -> bool:
        """Whether more is stored than complete chunks."""
        return self.opened > self.rolled

    @property
    def records(self) -> int:
        """How many records are stored in one form or the other."""
        return max(self.rolled, self.opened)

    @property
    def to(self) -> EntryID:
        """The ID of the last of them."""
        return max(self.rolled_to, self.opened_to)

    def dump(self) -> bytes:
        """As it is stored."""
        parts = (self.rolled, str(self.rolled_to), self.opened, str(self.opened_to))
        over = (self.over, self.numbers) if self.over else ()
        return msgspec.json.encode((*parts, *over))

    @classmethod
    def load(cls, stored: bytes) -> "Extent":
        """Read what `dump` gave. Raises ValueError."""
        rolled, rolled_to, opened, opened_to, over, numbers = msgspec.convert(
            [*msgspec.json.decode(stored), 0, 0][:_PARTS],
            type=tuple[int, str, int, str, int, int],
        )
        places = EntryID.parse(rolled_to), EntryID.parse(opened_to)
        return cls(rolled, places[0], opened, places[1], over, numbers)


NO_EXTENT: Final = Extent()
_PARTS: Final = len(NO_EXTENT)


class RollupChanges(NamedTuple):
    """What is to be written: fields to set, and fields to delete."""

    chunks: Mapping[Chunk, bytes]
    dropped: Sequence[Chunk]


class Reached(NamedTuple):
    """What the records up to one of them had reached; NaN for what none had."""

    # The ID of the last of them.
    id: EntryID
    # The last step that one of them had, and the highest.
    step: float = math.nan
    highest_step: float = math.nan
    # The same of their times, Unix milliseconds.
    time_ms: float = math.nan
    highest_time_ms: float = math.nan

    def pack(self) -> bytes:
        """Its row."""
        return REACHED_ROW.pack(*self.id, *self[1:])


def read_reached(chunk: bytes) -> list[Reached]:
    """What was reached at the end of each bucket of a chunk. Raises ValueError."""
    if len(chunk) % REACHED_ROW.size:
        raise ValueError("a chunk is cut short")
    return [
        Reached(EntryID(generation, offset), *values)
        for generation, offset, *values in REACHED_ROW.iter_unpack(chunk)
    ]


def as_double(value: Value) -> float:
    """A metric's value as all roll-ups have it: whole numbers may lose digits."""
    if isinstance(value, str):
        return NONFINITE[value]
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_told(value: float) -> int | float | None:
    """What was reached, as it is told: whole numbers without a point, NaN as None."""
    if math.isnan(value):
        return None
    return int(value) if abs(value) <= _MAX_WHOLE and value == int(value) else value


def unpack_rows(level: int, chunk: bytes | bytearray) -> Iterator[Row]:
    """The rows of a metric in a chunk. Raises ValueError."""
    packing = FAR_ROW if level else NEAR_ROW
    if len(chunk) % packing.size:
        raise ValueError("a chunk is cut short")
    return packing.iter_unpack(chunk)


def unpack_figures(level: int, chunk: bytes) -> RowFigures:
    """The figures of a metric's rows in a chunk, or in some. Raises ValueError.

    Without the entries that takes a third of what it takes to unpack the rows.
    """
    packing = _FAR_FIGURES if level else _NEAR_FIGURES
    if len(chunk) % packing.size:
        raise ValueError("a chunk is cut short")
    figures = tuple(chain.from_iterable(packing.iter_unpack(chunk)))
    return RowFigures(figures[::4], figures[1::4], figures[2::4], figures[3::4])


def rows_of(rolled: int) -> list[int]:
    """How many rows of each level are stored if so many records are rolled up."""
    rows = [max(rolled - 1, 0) // LEVELS[0]]
    while len(rows) < len(LEVELS):
        rows.append(rows[-1] // CHUNK_ROWS * (CHUNK_ROWS // FACTOR))
    return rows


def field(chunk: int, number: int | None = None) -> str:
    """The name of a chunk's field; without a metric's number, of what was reached."""
    return f"{chunk}:" if number is None else f"{chunk}:{number}"


def chunk_of(name: Chunk) -> int | None:
    """The chunk of a field, None if it has records."""
    chunk, colon, _ = name[1].partition(":")
    return int(chunk) if colon else None


def fields(
    level: int, chunks: range, numbers: Sequence[int] | range
) -> Iterator[Chunk]:
    """The fields of some chunks of a level, for what was reached and some metrics."""
    for chunk in chunks:
        yield LEVELS[level], field(chunk)
        for number in numbers:
            yield LEVELS[level], field(chunk, number)
