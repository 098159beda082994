"""How deeply JSON is nested, counted over its bytes.

Pure. Each parser has its own limit, and in Python it depends on the depth of the call
stack. So one reader might accept a line that the next one cannot read. Therefore we
have a limit of our own, far below all others, for all JSON from outside. The depth of a
text that is not JSON is counted too; its parser refuses it.
"""

from collections.abc import Sequence
from itertools import accumulate, compress
from typing import Final


# How many arrays and objects may be within each other, the outermost one included. Some
# readers stop at 128 (serde_json), and a message adds up to five levels to a record.
MAX_DEPTH: Final = 100
TOO_DEEP: Final = f"nested too deeply: more than {MAX_DEPTH} levels"

_OPENING, _CLOSING = b"{[", b"}]"
_BRACKETS = _OPENING + _CLOSING
# The change of depth at each bracket, as a signed byte.
_STEPS = bytes.maketrans(_BRACKETS, b"\1\1\xff\xff")
_ALL_BUT_MARKS = bytes({*range(256)} - {*_BRACKETS, *b'"'})
_ALL_BUT_OPENING = bytes({*range(256)} - {*_OPENING, *b"\n"})
# Valid JSON below these lengths cannot be too deep: `[]` for each level, or `{"":}`.
_LEAST_BYTES_OF_LISTS = 2 * (MAX_DEPTH + 1)
_LEAST_BYTES_OF_OBJECTS = 5 * (MAX_DEPTH + 1) - 3


def depth_of(text: bytes) -> int:
    """The most brackets that are open at once; those in strings do not count."""
    if b"\\" in text:
        # The quotes that are left begin and end strings.
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Most strings have no brackets, so drop them. (Without two quotes, the parts
    # outside of strings stay outside.)
    marks = text.translate(None, _ALL_BUT_MARKS).replace(b'""', b"")
    steps = b"".join(marks.split(b'"')[::2]).translate(_STEPS)
    return max(accumulate(memoryview(steps).cast("b"), initial=0))


def is_too_deep(text: bytes) -> bool:
    """Whether a text is nested beyond `MAX_DEPTH`."""
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    return depth_of(text) > MAX_DEPTH


def has_too_deep(lines: Sequence[bytes], text: bytes) -> bool:
    """Whether one of these lines of JSON is nested too deeply; `text` has all of them.

    The result is that of `is_too_deep` for each line, at a tenth of the cost: short
    lines and lines with few brackets, as nearly all are, are checked together.
    """
    has_lists = b"[" in text
    least = _LEAST_BYTES_OF_LISTS if has_lists else _LEAST_BYTES_OF_OBJECTS
    if max(map(len, lines), default=0) < least:
        return False
    opening = map(len, text.translate(None, _ALL_BUT_OPENING).split(b"\n"))
    suspects = compress(lines, map(MAX_DEPTH.__lt__, opening))
    return any(depth_of(line) > MAX_DEPTH for line in suspects)
