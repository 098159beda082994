"""Pushes: small batches that go to whoever watches a session, as they are appended.

Pure values. A push names the life of the stream and the entry behind which it was
appended, with that entry's digest. So it proves as much as to read the stream from that
entry on, and whoever stands elsewhere reads.
"""

from typing import NamedTuple

from tailcast_streams.entries import Entry
from tailcast_streams.position import Cursor


# What is larger, or has a marker or a gap, is not pushed. `append.lua` has the same.
MAX_PUSHED_BYTES = 16 * 1024
MAX_PUSHED_ENTRIES = 64


class Push(NamedTuple):
    """The entries of one append."""

    session: str
    incarnation: str
    # The entry behind which they were appended.
    after: Cursor
    # When the newest line was written, Unix milliseconds; 0 if unknown.
    written_ms: int
    entries: tuple[Entry, ...]
