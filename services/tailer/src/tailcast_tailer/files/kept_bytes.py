"""The bytes that prove a place, kept to be compared as they are.

A file that is held open cannot become another one. If its path still leads to it, and
its first bytes and those before the place are what they were, it goes on there: that is
what hashes prove too, without opening it anew and without hashing. Whatever is not so
is for a look as always. Blocking, but only for as long as a file system of this machine
takes to give bytes that were written a moment ago.
"""

import os
from typing import NamedTuple

from tailcast_tailer.core import proofs
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    Opened,
    glimpse,
)
from tailcast_tailer.files.portions import Place


# What may follow a place, at most, to be read so.
QUICK_BYTES = 65_536


class KeptBytes(NamedTuple):
    """What proves a place of one file."""

    identity: Identity
    place: Place
    # The first bytes of the file, and those before the place.
    head: bytes
    marker: bytes


class Behind(NamedTuple):
    """What follows a place, in a file that goes on there."""

    glimpse: Glimpse
    # The bytes from `start` on, which is before the place, to the end.
    data: bytes
    start: int


def bytes_to_keep(
    identity: Identity, place: Place, head: bytes, data: bytes, start: int
) -> KeptBytes | None:
    """What is kept of a file that was read up to a place; None for a short one.

    Args:
        identity: which file it is.
        place: where reading goes on.
        head: its first bytes.
        data: what was read of it, from `start` on.
        start: where that begins.
    """
    end = place.offset - start
    is_there = proofs.MARKER_BYTES <= end <= len(data)
    if not is_there or place.offset <= len(head) or len(head) < proofs.HEAD_BYTES:
        return None
    return KeptBytes(identity, place, head, data[end - proofs.MARKER_BYTES : end])


def read_behind(kept: KeptBytes, held: Opened, path: str) -> Behind | None:
    """Read what follows a place of the file that is held; None if that does not do.

    It has to be whole lines, and not too many; or nothing.
    """
    start = kept.place.offset - len(kept.marker)
    try:
        shown = glimpse(path)
        size = shown.size - kept.place.offset
        if shown.identity != kept.identity or not 0 <= size <= QUICK_BYTES:
            return None
        head = os.pread(held.descriptor, len(kept.head), 0)
        data = os.pread(held.descriptor, len(kept.marker) + size, start)
    except (CannotBeSeen, OSError):
        return None
    is_same = head == kept.head and data.startswith(kept.marker)
    is_whole = len(data) == len(kept.marker) + size and data.endswith(b"\n")
    if not (is_same and is_whole) or data.find(b"\0", len(kept.marker)) >= 0:
        return None
    return Behind(shown, data, start)
