"""Whether what is stored of metrics is all that was written.

Pure. A metric has no chunk where it has no values, so one that somebody deleted looks
like one that never was. But the two buckets that a complete chunk made count the same
values.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from tailcast_index.rollups.layout import CHUNK_ROWS, FACTOR, rows_of, unpack_rows


# What is stored of a metric in a chunk: by level, chunk and number of the metric.
RowsAt: TypeAlias = Callable[[int, int, int], bytes]


def divided_chunks(rolled: int, kept: int) -> Iterator[tuple[int, int]]:
    """The complete chunks that a cut divides, with their levels, the finest first.

    Each is in the one behind it; the last one is in a chunk that is not complete.

    Args:
        rolled: how many records are in complete chunks.
        kept: how many of them a cut leaves in complete chunks.
    """
    for level, (row, own) in enumerate(
        zip(rows_of(kept), rows_of(rolled), strict=True)
    ):
        if row // CHUNK_ROWS >= own // CHUNK_ROWS:
            return
        yield level, row // CHUNK_ROWS


def check_chunk(level: int, chunk: int, numbers: range, rows_at: RowsAt) -> None:
    """Check a complete chunk of each metric. Raises ValueError if one is missing."""
    row = chunk * (CHUNK_ROWS // FACTOR)
    above, within = divmod(row, CHUNK_ROWS)
    made = range(within, within + CHUNK_ROWS // FACTOR)
    for number in numbers:
        own = unpack_rows(level, rows_at(level, chunk, number))
        both = unpack_rows(level + 1, rows_at(level + 1, above, number))
        values = sum([one[1] for one in own])
        if values != sum([one[1] for one in both if one[0] in made]):
            raise ValueError(f"a metric's chunk {chunk} of level {level} is missing")
