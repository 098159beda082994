"""What a line holds that is no record as it stands: whole objects, and broken pieces.

Pure. Writers that do not lock leave two records on one line, or the beginning of one
with the next behind it. Objects that stand back to back from the line's beginning are
taken, and those that stand back to back at its end, behind a piece. What may be a value
within a larger piece of JSON is none of them.
"""

import json
import re
from typing import NamedTuple

from tailcast_streams.nesting import is_too_deep


# Places within one line at which an object is looked for.
MOST_CANDIDATES = 1_000

_SPACE = " \t\r\n"
# Behind a whole object they say that it is part of a larger value.
_GOES_ON = frozenset(",]}:")
# Before an object they say that it is a value.
_VALUE_FOLLOWS = frozenset(":,[")
# What JSON begins with: a piece that does so may hold values.
_JSON_BEGINS = frozenset('{["')
_QUOTE_OR_ESCAPE = re.compile(r'\\.|"', re.DOTALL)

# Values are not needed, and Python refuses to convert numbers of many digits.
_scan = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).raw_decode


class Part(NamedTuple):
    """Part of a line, without white space around it."""

    # From the line's beginning: its first byte, and the one behind its last.
    start: int
    end: int
    # Whether it is a whole object; else it is a piece.
    is_object: bool


def parts_of(line: bytes) -> list[Part]:
    """Take a line apart: objects and pieces in order, one piece if there is no object.

    Args:
        line: without white space around it, and not empty.
    """
    whole = [Part(0, len(line), is_object=False)]
    if is_too_deep(line):
        return whole
    # Bytes as characters: places are the same, and JSON's own are in ASCII.
    text = line.decode("latin-1")
    parts, at = _back_to_back(text, 0)
    if at < len(text):
        begin = _object_behind_piece(text, at)
        piece = text[at:begin].rstrip(_SPACE)
        parts.append(Part(at, at + len(piece), is_object=False))
        if begin is not None:
            parts += _back_to_back(text, begin)[0]
    return parts if any(part.is_object for part in parts) else whole


def object_at_end(line: bytes) -> bytes | None:
    """The object that a line ends with, if text stands before it; None without one."""
    if is_too_deep(line):
        return None
    begin = _object_behind_piece(line.decode("latin-1"), 0)
    return None if begin is None else line[begin:]


def _back_to_back(text: str, at: int) -> tuple[list[Part], int]:
    """The whole objects from a place on, and where what is none of them begins."""
    parts: list[Part] = []
    while at < len(text):
        end = _end_of_object(text, at)
        if end is None:
            break
        parts.append(Part(at, end, is_object=True))
        at = _behind_space(text, end)
    return parts, at


def _end_of_object(text: str, at: int) -> int | None:
    if text[at] != "{":
        return None
    try:
        _, end = _scan(text, at)
    except (ValueError, RecursionError):
        return None
    following = _behind_space(text, end)
    is_part_of_more = text[following : following + 1] in _GOES_ON
    return None if is_part_of_more else end


def _behind_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _object_behind_piece(text: str, at: int) -> int | None:
    """Where the objects begin that stand at the end, behind the piece that is here."""
    if not text.endswith("}"):
        return None
    may_hold_values = text[at] in _JSON_BEGINS
    is_in_string, seen = False, at
    begin = at
    for _ in range(MOST_CANDIDATES):
        begin = text.find("{", begin + 1)
        if begin < 0:
            return None
        quotes = _QUOTE_OR_ESCAPE.findall(text, seen, begin).count('"')
        is_in_string, seen = is_in_string ^ (quotes % 2 == 1), begin
        if may_hold_values and not is_in_string and _is_value(text, begin):
            continue
        is_empty = text[_behind_space(text, begin + 1)] == "}"
        if not is_empty and _back_to_back(text, begin)[1] == len(text):
            return begin
    return None


def _is_value(text: str, at: int) -> bool:
    before = at - 1
    while text[before] in _SPACE:
        before -= 1
    return text[before] in _VALUE_FOLLOWS
