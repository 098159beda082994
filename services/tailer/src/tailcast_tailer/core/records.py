"""From lines to what is appended: entries and rejections.

Pure. `tailcast_streams.record` defines what a record is; this module adds what a *file*
may have: a byte-order mark at its head, holes, lines that are too long, several records
on a line. Nearly all lines are records as they stand, and are checked together. If one
is not, the lines around it are checked one by one. A line that makes a check fail is
rejected alone.
"""

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import NamedTuple

from tailcast_streams.entries import Kind, NewEntry, NewRejection
from tailcast_streams.nesting import has_too_deep
from tailcast_streams.record import (
    Invalid,
    Record,
    emergencies_among,
    has_long_number,
    needs_care,
    parse_record,
)
from tailcast_tailer.core.envelopes import Lines
from tailcast_tailer.core.formats import unlike_lines
from tailcast_tailer.core.forms import held_by, is_header, is_text
from tailcast_tailer.core.splices import Part, object_at_end, parts_of


# Lines that are checked together: what they are decoded to is gone before
# it leaves the processor's cache. Where all of it is decoded, that is half as dear as a
# thousand at once.
TOGETHER = 128
# How much of a rejected line is kept.
REJECTED_HEAD_BYTES = 4_096
# How much of an exception's text is kept.
_TOLD_CHARACTERS = 200

_RECORD, _EMERGENCY = Kind.RECORD, Kind.EMERGENCY
# As `NewEntry(…)` from a tuple, at a third of the cost: this happens for each line.
_new_entry = partial(tuple.__new__, NewEntry)


class Rules(NamedTuple):
    """How the lines of a file are read."""

    # A longer one is rejected; white space around it does not count, nor does a hole
    # before it.
    max_line_bytes: int
    # Whether lines of text are passed over; else they are rejected.
    passes_text: bool = False
    # Whether a text may stand before each object.
    has_prefix: bool = False


class Reading(NamedTuple):
    """What was made of lines: entries and rejections, and what is neither."""

    entries: list[NewEntry]
    rejections: list[NewRejection]
    # Lines of text that were passed over.
    text: int = 0


def read_lines(lines: Lines, chunk: bytes, rules: Rules) -> Reading:
    """Turn lines into entries and rejections; blank ones are neither.

    Args:
        lines: whole lines.
        chunk: what they were taken from, whole lines only; looked at once for what
            would make parsing costly.
        rules: how.
    """
    texts = lines.texts
    careful = needs_care(chunk)
    is_plain = not (careful and has_long_number(chunk)) and not has_too_deep(
        texts, chunk
    )

    def take(some: Lines) -> Reading:
        part = _plain(some, rules, careful=careful) if is_plain else None
        if part is None:
            part = _read_each(some, rules, careful=careful)
        return part

    reading = Reading([], [])
    for at in range(0, len(texts), TOGETHER):
        some = lines.part(at, at + TOGETHER)
        reading = followed_by(reading, take_apart(some, take))
    return reading


def take_apart(lines: Lines, take: Callable[[Lines], Reading]) -> Reading:
    """Take lines together; where that fails by halves, down to the line at fault.

    That one is rejected: it would fail again each time, and nothing after it would ever
    be read. What fails together but not apart is no line's fault and is taken.
    """
    try:
        return take(lines)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, it is one line's
        if len(lines.texts) == 1:
            [text], [end], [length] = lines
            return Reading([], [not_taken(end, length, text, error)])
    middle, last = len(lines.texts) // 2, len(lines.texts)
    first = take_apart(lines.part(0, middle), take)
    return followed_by(first, take_apart(lines.part(middle, last), take))


def followed_by(one: Reading, other: Reading) -> Reading:
    """Both as one; the first one's lists are extended."""
    one.entries.extend(other.entries)
    one.rejections.extend(other.rejections)
    return one._replace(text=one.text + other.text)


def _plain(lines: Lines, rules: Rules, *, careful: bool) -> Reading | None:
    """Read lines that are all records as they stand; None if one is not."""
    stripped = [*map(bytes.strip, lines.texts)]
    if rules.has_prefix:
        stripped = [text[max(0, text.find(b"{")) :] for text in stripped]
    if not all(stripped) or max(map(len, stripped)) > rules.max_line_bytes:
        return None
    emergencies = emergencies_among(stripped, careful=careful)
    if emergencies is None:
        return None
    rows = zip(lines.ends, repeat(_RECORD), stripped, repeat(None))
    entries = [*map(_new_entry, rows)]
    for at in emergencies:
        entries[at] = entries[at]._replace(kind=_EMERGENCY)
    return Reading(entries, [])


def _read_each(lines: Lines, rules: Rules, *, careful: bool) -> Reading:
    """Read lines of any kind, one by one."""
    entries: list[NewEntry] = []
    rejections: list[NewRejection] = []
    texts = 0
    for raw, end, length in zip(*lines, strict=True):
        is_first = end - length == 1
        held = held_by(raw, is_first=is_first)
        if not held and b"\0" not in raw:
            continue
        found = _find(held, rules, careful=careful)
        if isinstance(found, Record):
            entries.append(_entry(end, found))
            continue
        what = unlike_lines(held) if is_first else None
        if what is not None:
            reason = f"no lines of JSON objects in UTF-8: the file is {what}"
            rejections.append(_rejected(end, length, raw, reason))
        elif is_first and is_header(held):
            continue
        elif rules.passes_text and held and is_text(held):
            texts += 1
        elif len(parts := _parts(held, length, rules)) == 1:
            rejections.append(_rejected(end, length, raw, found.reason))
        else:
            begin = end - 1 - length + raw.index(held)
            for part in parts:
                piece, at = held[part.start : part.end], begin + part.end
                one = parse_record(piece, careful=careful)
                if isinstance(one, Record):
                    entries.append(_entry(end if part is parts[-1] else at, one))
                else:
                    # As if a newline were behind it.
                    rejections.append(_rejected(at + 1, len(piece), piece, one.reason))
    return Reading(entries, rejections, texts)


def _parts(held: bytes, length: int, rules: Rules) -> list[Part]:
    """What a line holds; one part if its bytes are not those of the file."""
    if len(held) > min(length, rules.max_line_bytes):
        return [Part(0, len(held), is_object=False)]
    return parts_of(held)


def _find(held: bytes, rules: Rules, *, careful: bool) -> Record | Invalid:
    """The record that a line is, or ends with if a text may stand before it."""
    found = _read_line(held, careful, rules.max_line_bytes)
    if isinstance(found, Invalid) and rules.has_prefix and held and is_text(held):
        behind = object_at_end(held)
        if behind is not None:
            return _read_line(behind, careful, rules.max_line_bytes)
    return found


def _entry(end: int, record: Record) -> NewEntry:
    kind = _EMERGENCY if record.is_emergency else _RECORD
    return _new_entry((end, kind, record.data, None))


def _rejected(end: int, length: int, line: bytes, reason: str) -> NewRejection:
    return NewRejection(end, reason, length, line.strip()[:REJECTED_HEAD_BYTES])


def _read_line(text: bytes, careful: bool, max_line_bytes: int) -> Record | Invalid:
    if not text:
        return Invalid("a hole: NUL bytes alone")
    if len(text) > max_line_bytes:
        return Invalid(_too_long(max_line_bytes))
    return parse_record(text, careful=careful)


def not_taken(end: int, length: int, head: bytes, error: Exception) -> NewRejection:
    """Reject a line over which reading or appending failed; `head` are its bytes."""
    return NewRejection(end, fault(error), length, head.strip()[:REJECTED_HEAD_BYTES])


def fault(error: Exception) -> str:
    """Why a line or a document is rejected over which something failed unforeseen."""
    said = ascii(f"{type(error).__name__}: {error}"[:_TOLD_CHARACTERS])[1:-1]
    return f"could not be taken: {said}"


def too_long(end: int, length: int, head: bytes, max_line_bytes: int) -> NewRejection:
    """Reject a line by its length; `head` are its first bytes."""
    head = head[:REJECTED_HEAD_BYTES]
    return NewRejection(end, _too_long(max_line_bytes), length, head)


def _too_long(max_line_bytes: int) -> str:
    return f"longer than {max_line_bytes} bytes"
