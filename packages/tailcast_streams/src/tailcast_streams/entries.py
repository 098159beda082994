"""Entries: what is stored of a session's lines, one by one, and how it is read again.

Pure values. What never lives here: the state of a session, and who appends.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from tailcast_streams.position import Cursor, EntryID, digest


class Kind(StrEnum):
    """What an entry is; the value is field `k` of the stream, where it is not empty."""

    RECORD = ""
    EMERGENCY = "e"
    # A generation begins: `details` has `reason`, `complete`, `step` but in the first.
    MARKER = "w"
    # Bytes that cannot be had any more: `details` has `from` and `to`, entry IDs.
    GAP = "g"


class Entry(NamedTuple):
    """One stored entry, as readers get it."""

    id: EntryID
    # The ID of the entry before it: the chain by which a reader proves that it missed
    # nothing. `0-0` for the first.
    previous: EntryID
    kind: Kind
    # The record's bytes; empty for markers and gaps.
    record: bytes
    # The fields of a marker or gap, and of a document its `session`, `path`, `news`.
    details: Mapping[str, str] | None = None

    @property
    def cursor(self) -> Cursor:
        """The cursor of a client that has this entry."""
        return Cursor(self.id, digest(self.record))


# What keeping an entry costs beside its record's bytes: the tuples and integers.
ENTRY_OVERHEAD_BYTES = 300


def cost_bytes(entry: Entry) -> int:
    """What keeping an entry in memory costs."""
    return len(entry.record) + ENTRY_OVERHEAD_BYTES


class NewEntry(NamedTuple):
    """An entry to append; its generation is the batch's."""

    offset: int
    kind: Kind
    record: bytes
    details: Mapping[str, str] | None = None


class NewRejection(NamedTuple):
    """A line to keep with the rejected; its generation is the batch's."""

    # The byte after its newline, which makes its ID as it makes an entry's.
    offset: int
    # In words for people.
    reason: str
    # Its length in bytes without the newline.
    length: int
    # At most its first 4 KiB.
    head: bytes


class Rejection(NamedTuple):
    """A line that was kept with the rejected, as readers get it."""

    id: EntryID
    # In words for people.
    reason: str
    # Where in the file the line starts, and its length without the newline, bytes.
    offset: int
    length: int
    # At most its first 4 KiB; what is no UTF-8 in it is U+FFFD.
    head: str


# Documents that are kept, the latest ones.
MAX_DOCUMENTS = 10_000


class Document(NamedTuple):
    """A whole-file emergency."""

    # Below the log directory; with the digest it is the document's identity.
    path: str
    # SHA-256 of the file's bytes, hex.
    sha256: str
    # Its JSON on one line.
    record: bytes
    # The session that it names, or "" for none.
    session: str
    # Whether it is news; an old one is listed, never announced.
    is_news: bool
    # When the file was written, Unix milliseconds, told to whoever is woken.
    written_ms: int = 0
