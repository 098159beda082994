"""Entries: the stored lines of a session, as they are appended and read.

Pure values. The state of a session is in `session_state`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from tailcast_streams.position import Cursor, EntryID, digest


class Kind(StrEnum):
    """The kind of an entry; a value that is not empty is field `k` of the stream."""

    RECORD = ""
    EMERGENCY = "e"
    # A generation begins. `details` has `reason`, `complete`, `step`, but not in the
    # first one.
    MARKER = "w"
    # Bytes that are lost; `details` has `from` and `to`, which are entry IDs.
    GAP = "g"


class Entry(NamedTuple):
    """One stored entry, as readers get it."""

    id: EntryID
    # The ID of the entry before it, `0-0` for the first. By this chain a reader proves
    # that it missed nothing.
    previous: EntryID
    kind: Kind
    # The record's bytes; empty for markers and gaps.
    record: bytes
    # The fields of a marker or gap; for a document `session`, `path` and `news`.
    details: Mapping[str, str] | None = None

    @property
    def cursor(self) -> Cursor:
        """The cursor of a client that has received this entry."""
        return Cursor(self.id, digest(self.record))


# The fields of the gap that readers get in place of an entry that another program wrote
# and that is no record.
UNREADABLE_GAP: Mapping[str, str] = {"reason": "unreadable"}

# How many bytes of memory an entry takes besides its record: for tuples and integers.
ENTRY_OVERHEAD_BYTES = 300


def cost_bytes(entry: Entry) -> int:
    """How many bytes of memory an entry takes."""
    return len(entry.record) + ENTRY_OVERHEAD_BYTES


class NewEntry(NamedTuple):
    """An entry to append; its generation is that of the batch."""

    offset: int
    kind: Kind
    record: bytes
    details: Mapping[str, str] | None = None


class NewRejection(NamedTuple):
    """A rejected line to append; its generation is that of the batch."""

    # The offset of the byte after its newline, which is part of its ID, as for entries.
    offset: int
    # In words for people.
    reason: str
    # Its length in bytes without the newline.
    length: int
    # At most its first 4 KiB.
    head: bytes


class Rejection(NamedTuple):
    """A stored rejected line, as readers get it."""

    id: EntryID
    # In words for people.
    reason: str
    # The offset at which the line starts, and its length without the newline, bytes.
    offset: int
    length: int
    # At most its first 4 KiB; bytes that are not UTF-8 become U+FFFD.
    head: str


# How many documents are stored, the latest ones.
MAX_DOCUMENTS = 10_000


class Document(NamedTuple):
    """A whole-file emergency."""

    # The path below the log directory; with the digest it identifies the document.
    path: str
    # SHA-256 of the file's bytes, hex.
    sha256: str
    # Its JSON on one line.
    record: bytes
    # The session that it names, or "" for none.
    session: str
    # Whether it is new; an old one is listed, but not announced.
    is_news: bool
    # When the file was written, Unix milliseconds, for the notification.
    written_ms: int = 0
