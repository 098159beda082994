"""How deeply JSON is nested, counted over its bytes.

Pure. Each parser goes to a depth of its own, and in Python it depends on how deep the
caller stands; a line that the first reader takes could be one that the next cannot. So
the bound is ours, far below all of theirs, and the same wherever JSON comes from
outside. What is no JSON is counted too: whoever parses it refuses it.
"""

from collections.abc import Sequence
from itertools import accumulate, compress
from typing import Final


# Arrays and objects within each other, the outermost being the first level. Readers of
# ours stop at 128 (serde_json), and what is sent around a record is up to five levels.
MAX_DEPTH: Final = 100
TOO_DEEP: Final = f"nested too deeply: more than {MAX_DEPTH} levels"

_OPENING, _CLOSING = b"{[", b"}]"
_BRACKETS = _OPENING + _CLOSING
# What a bracket adds to the depth, as a signed byte.
_STEPS = bytes.maketrans(_BRACKETS, b"\1\1\xff\xff")
_ALL_BUT_MARKS = bytes({*range(256)} - {*_BRACKETS, *b'"'})
_ALL_BUT_OPENING = bytes({*range(256)} - {*_OPENING, *b"\n"})
# Below these lengths no whole JSON is too deep: `[]` for each level, or `{"":}`.
_LEAST_BYTES_OF_LISTS = 2 * (MAX_DEPTH + 1)
_LEAST_BYTES_OF_OBJECTS = 5 * (MAX_DEPTH + 1) - 3


def depth_of(text: bytes) -> int:
    """How many brackets are open at once at most; those in strings do not count."""
    if b"\\" in text:
        # What is left of quotes begins and ends strings.
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Most strings have no bracket. (Two quotes less, and what was outside still is.)
    marks = text.translate(None, _ALL_BUT_MARKS).replace(b'""', b"")
    steps = b"".join(marks.split(b'"')[::2]).translate(_STEPS)
    return max(accumulate(memoryview(steps).cast("b"), initial=0))


def is_too_deep(text: bytes) -> bool:
    """Whether it is nested beyond `MAX_DEPTH`."""
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    return depth_of(text) > MAX_DEPTH


def has_too_deep(lines: Sequence[bytes], text: bytes) -> bool:
    """Whether one of these lines is, if it is JSON; `text` is these lines.

    As `is_too_deep` of each, at a tenth of the cost: lines that are short, or have few
    brackets, which nearly all have, are told by a look at all of them together.
    """
    has_lists = b"[" in text
    least = _LEAST_BYTES_OF_LISTS if has_lists else _LEAST_BYTES_OF_OBJECTS
    if max(map(len, lines), default=0) < least:
        return False
    opening = map(len, text.translate(None, _ALL_BUT_OPENING).split(b"\n"))
    suspects = compress(lines, map(MAX_DEPTH.__lt__, opening))
    return any(depth_of(line) > MAX_DEPTH for line in suspects)
