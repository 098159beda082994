"""Pages of entries: which are little, and slices of a few milliseconds each. Pure."""

from collections.abc import Iterator, Sequence

from tailcast_streams.entries import Entry


SLICE_ENTRIES = 256
SLICE_BYTES = 131_072
# A page with less than either is little.
LITTLE_ENTRIES = 64
LITTLE_BYTES = 131_072


def is_little(page: Sequence[Entry]) -> bool:
    """Whether so little was read of a session that the next time can wait.

    Who folds what is behind its index has little to fold then, too.
    """
    return (
        len(page) < LITTLE_ENTRIES
        and sum(len(entry.record) for entry in page) < LITTLE_BYTES
    )


def slices_of(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in order; each slice has one of them at least."""
    start, size = 0, 0
    for number, entry in enumerate(entries):
        is_full = size + len(entry.record) > SLICE_BYTES
        if number > start and (is_full or number - start >= SLICE_ENTRIES):
            yield entries[start:number]
            start, size = number, 0
        size += len(entry.record)
    if start < len(entries):
        yield entries[start:]
