"""Where lines end: bytes in, whole lines with the offsets after them out.

Pure, and the hot path's first step. Nothing here knows what a record is. A line is
whole when its newline was read; a NUL byte cannot occur in JSON, so it means that the
file system does not show these bytes yet, and ends what is taken.
"""

from enum import Enum
from typing import NamedTuple


class Stop(Enum):
    """Why no more lines were taken."""

    # What is left, if anything, has no newline yet.
    END = "end"
    # As many lines as were asked for; there may be more.
    LIMIT = "limit"
    # The next line has a NUL byte.
    NUL = "nul"


class Split(NamedTuple):
    """The whole lines of a chunk."""

    # In order, without their newlines, blank ones too. Plain bytes: an object for each
    # line would cost as much as parsing it.
    texts: list[bytes]
    # The byte after the last newline that was taken.
    end: int
    stop: Stop


def split_lines(
    chunk: bytes, start: int, *, max_lines: int, nuls_are_bytes: bool = False
) -> Split:
    """Take whole lines from bytes that begin at offset `start`.

    Args:
        max_lines: how many to take.
        nuls_are_bytes: True once they stayed: they are a hole then, and part of a line.
    """
    nul = -1 if nuls_are_bytes else chunk.find(b"\0")
    visible = chunk if nul < 0 else chunk[:nul]
    whole = visible.rfind(b"\n") + 1
    texts = visible[:whole].split(b"\n", max_lines)
    rest = texts.pop()
    end = start + whole - len(rest)
    if rest:
        return Split(texts, end, Stop.LIMIT)
    return Split(texts, end, Stop.END if nul < 0 else Stop.NUL)
