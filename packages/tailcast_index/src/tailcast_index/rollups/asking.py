"""What is asked for of stored roll-ups, step by step, and how a place is found in them.

Pure: a generator yields the fields that it needs, and is sent what is stored of them.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from tailcast_index.rollups.layout import (
    CHUNK_ROWS,
    FACTOR,
    field,
    read_reached,
    rows_of,
)
from tailcast_streams.indexes import LEVELS, Chunk
from tailcast_streams.position import EntryID


_T = TypeVar("_T")

# What is stored in chunks, None for nothing.
StoredChunks: TypeAlias = Mapping[Chunk, bytes | None]
# Yields fields, is sent what is stored, and returns what it found.
Asking: TypeAlias = Generator[Sequence[Chunk], StoredChunks, _T]


def buckets_left(has: Callable[[EntryID], bool], rolled: int) -> Asking[int]:
    """How many buckets of the first level end with a record that is still there.

    A level tells about where that is, and the next finer one where in there, so that
    few chunks of each are needed. Raises ValueError if one is not there.

    Args:
        has: whether a record is still there. Behind one that is not, none is.
        rolled: how many records are in complete chunks.
    """
    rows = rows_of(rolled)
    passed = 0
    for level in reversed(range(len(rows))):
        passed *= FACTOR
        stop = rows[level]
        if level + 1 < len(rows):
            # It is in the next bucket above, or in what no bucket above has yet.
            stop = min(stop, passed + CHUNK_ROWS)
        if passed < stop:
            chunks = range(passed // CHUNK_ROWS, -(-stop // CHUNK_ROWS))
            wanted = [(LEVELS[level], field(chunk)) for chunk in chunks]
            stored = yield wanted
            reached = [
                one for name in wanted for one in read_reached(stored[name] or b"")
            ]
            skipped = chunks.start * CHUNK_ROWS
            if len(reached) < stop - skipped:
                raise ValueError(f"a chunk of level {LEVELS[level]} is missing")
            within = reached[passed - skipped : stop - skipped]
            passed += sum(has(one.id) for one in within)
    return passed
