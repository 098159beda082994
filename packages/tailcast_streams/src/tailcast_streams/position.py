"""Entry IDs and cursors: how places in a session's stream are named and compared.

Pure values. An entry ID is `<generation>-<offset>`: the file's generation (1, 2, …) and
the offset of the byte after the line's newline. A cursor is what clients keep: an entry
ID and the digest of that entry's record. The ID finds the entry and shows the order;
the digest proves that the entry is the same.
"""

import re
from typing import NamedTuple
from zlib import crc32

from tailcast_streams.exceptions import InvalidPosition


# The largest offset: up to this number (8 PiB of one file) whole numbers are exact in
# JavaScript, and in Lua, where `append.lua` compares offsets.
MAX_OFFSET = 2**53 - 1

_ENTRY_ID = re.compile(r"(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})", re.ASCII)
_CURSOR = re.compile(rf"({_ENTRY_ID.pattern})-([0-9a-f]{{8}})", re.ASCII)


class EntryID(NamedTuple):
    """The address of one entry; in a session's stream each ID is above the last."""

    # The number of the file's generation, from 1.
    generation: int
    # How many bytes of the file end with the entry's line, newline included.
    offset: int

    def __str__(self) -> str:
        return f"{self.generation}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "EntryID":
        """Read `2-1024`.

        Raises:
            InvalidPosition: the text is something else.
        """
        if (match := _ENTRY_ID.fullmatch(text)) is None:
            raise InvalidPosition(f"not an entry ID: {text[:64]!r}")
        generation, offset = int(match[1]), int(match[2])
        if generation > MAX_OFFSET or offset > MAX_OFFSET:
            raise InvalidPosition(f"out of range: {text[:64]!r}")
        return cls(generation, offset)


class Cursor(NamedTuple):
    """An entry ID that a client has reached, with the proof of the entry there."""

    id: EntryID
    # `digest` of the entry's record; 0 for markers and gaps, which have none.
    digest: int

    def __str__(self) -> str:
        return f"{self.id.generation}-{self.id.offset}-{self.digest:08x}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read `2-1024-0a1b2c3d`.

        Raises:
            InvalidPosition: the text is something else.
        """
        if (match := _CURSOR.fullmatch(text)) is None:
            raise InvalidPosition(f"not a cursor: {text[:64]!r}")
        return cls(EntryID.parse(match[1]), int(match[4], 16))


def digest(record: bytes) -> int:
    """The CRC-32 (ISO-HDLC, as in zlib and gzip) of a record's stored bytes."""
    return crc32(record)


# The last ID of a stream that has no entry yet, as Redis gives it.
BEFORE_ALL = EntryID(0, 0)
# The cursor of a session that has no entry yet: the first entry's `previous` is its ID.
NOTHING = Cursor(BEFORE_ALL, 0)
# The ID of the first marker of every stream, and its cursor.
BEGINNING = EntryID(1, 0)
BEGINNING_CURSOR = Cursor(BEGINNING, 0)
