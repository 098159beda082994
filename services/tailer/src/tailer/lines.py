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


class Line(NamedTuple):
    """A whole line that is not blank."""

    # The byte after its newline.
    end: int
    # Its length without the newline, before anything was trimmed.
    length: int
    # White space around it removed, a carriage return included.
    text: bytes


class Split(NamedTuple):
    """The whole lines of a chunk."""

    lines: list[Line]
    # The byte after the last newline that was taken, a blank line's included.
    end: int
    stop: Stop


def split_lines(
    chunk: bytes, start: int, *, max_lines: int, nuls_are_bytes: bool = False
) -> Split:
    """Take whole lines from bytes that begin at offset `start`, blank ones left out.

    Args:
        max_lines: how many to take, blank ones counted.
        nuls_are_bytes: True once they stayed: they are a hole then, and part of a line.
    """
    nul = -1 if nuls_are_bytes else chunk.find(b"\0")
    visible = chunk if nul < 0 else chunk[:nul]
    whole = visible[: visible.rfind(b"\n") + 1]
    texts = whole.split(b"\n", max_lines)
    is_limited = texts.pop() != b""
    lines: list[Line] = []
    end = start
    for raw in texts:
        length = len(raw)
        end += length + 1
        if text := raw.strip():
            lines.append(Line(end, length, text))
    if is_limited:
        return Split(lines, end, Stop.LIMIT)
    return Split(lines, end, Stop.END if nul < 0 else Stop.NUL)
