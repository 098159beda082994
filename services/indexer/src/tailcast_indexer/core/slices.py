"""Cuts a page of entries into slices, each a few milliseconds of folding. Pure."""

from collections.abc import Iterator, Sequence

from tailcast_streams.entries import Entry


SLICE_ENTRIES = 256
SLICE_BYTES = 131_072


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
