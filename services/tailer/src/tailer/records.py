"""From lines to what is appended: entries and rejections.

Pure. What a record is says `telemetry_stream.record`; here is what a *file* adds: a
byte-order mark at its head, holes, lines that are too long.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tailer.lines import Line
from telemetry_stream.broker import Kind, NewEntry, NewRejection
from telemetry_stream.record import Invalid, needs_care, parse_record


# How much of a rejected line is kept.
REJECTED_HEAD_BYTES = 4_096

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Reading(NamedTuple):
    """What lines came to; every line is in one of the two."""

    entries: list[NewEntry]
    rejections: list[NewRejection]


def read_lines(
    lines: Sequence[Line], chunk: bytes, *, starts_file: bool, max_line_bytes: int
) -> Reading:
    """Turn lines into entries and rejections.

    Args:
        chunk: the text that the lines were taken from, whole lines only; looked at once
            for what would make parsing costly.
        starts_file: whether the first line is the file's first.
        max_line_bytes: a longer one is rejected; white space around it does not count.
    """
    careful = needs_care(chunk)
    entries: list[NewEntry] = []
    rejections: list[NewRejection] = []
    for index, line in enumerate(lines):
        end, length, text = line
        if starts_file and index == 0 and text.startswith(BYTE_ORDER_MARK):
            text = text[len(BYTE_ORDER_MARK) :].strip()
            if not text:
                continue
        if text[0] == 0:
            text = text.lstrip(b"\0").strip()
        if not text:
            rejections.append(_rejection(line, "a hole: NUL bytes alone"))
        elif len(text) > max_line_bytes:
            rejections.append(too_long(end, length, text, max_line_bytes))
        elif isinstance(record := parse_record(text, careful=careful), Invalid):
            rejections.append(_rejection(line, record.reason))
        else:
            kind = Kind.EMERGENCY if record.is_emergency else Kind.RECORD
            entries.append(NewEntry(end, kind, record.data))
    return Reading(entries, rejections)


def too_long(end: int, length: int, head: bytes, max_line_bytes: int) -> NewRejection:
    """Reject a line by its length; `head` are its first bytes."""
    reason = f"longer than {max_line_bytes} bytes"
    return NewRejection(end, reason, length, head[:REJECTED_HEAD_BYTES])


def _rejection(line: Line, reason: str) -> NewRejection:
    return NewRejection(line.end, reason, line.length, line.text[:REJECTED_HEAD_BYTES])
