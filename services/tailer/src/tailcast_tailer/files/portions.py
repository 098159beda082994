"""What follows a place in an opened file: whole lines, as entries and rejections.

Blocking, for worker threads. Lines of any length and holes of any size are read in
constant memory. Here nothing is opened, and no file is told from another.
"""

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from tailcast_tailer.core import proofs
from tailcast_tailer.core.forms import FORM_BYTES, Form, form_of
from tailcast_tailer.core.lines import Stop, split_lines
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.core.reading import Taken, take_lines
from tailcast_tailer.core.records import (
    REJECTED_HEAD_BYTES,
    Reading,
    Rules,
    too_long,
)
from tailcast_tailer.files.file_system import Identity, Opened


# What one read takes at most, unless a line may be longer.
READ_BYTES = 1_048_576
# What one read takes at least; it grows to what a full batch needed.
LEAST_READ_BYTES = 65_536
# How much of an over-long line is scanned in one turn.
SCAN_BYTES = 67_108_864
MAX_BATCH_LINES = 1_000

_NOTHING = Reading([], [])


class Place(NamedTuple):
    """Where in a file reading goes on, and the proofs that it is that file."""

    offset: int
    head_proof: str
    marker_proof: str
    # Of a run that is written as several files: the one that is read, and at which
    # offset among the bytes of all of them it begins.
    part: str = ""
    part_start: int = 0


class Portion(NamedTuple):
    """What followed a place: whole lines as entries and rejections."""

    reading: Reading
    # After the portion, blank lines counted; proofs of what lies before it.
    place: Place
    # Whether more can be taken at once.
    has_more: bool
    # Whether the next line has a NUL byte.
    has_nul: bool
    # How many lines it is, blank ones counted.
    lines: int = 0
    # How many bytes follow that are no whole line yet; 0 if more can be taken.
    held_bytes: int = 0


def nothing(place: Place, *, has_more: bool = False, held_bytes: int = 0) -> Portion:
    """Nothing of what follows a place could be taken."""
    return Portion(_NOTHING, place, has_more, has_nul=False, held_bytes=held_bytes)


class Portions:
    """Takes portions of one file; what it remembers saves reading twice."""

    def __init__(self, rules: Rules) -> None:
        self._max_line_bytes = rules.max_line_bytes
        # How lines are read, whatever the file's form is.
        self._rules = rules
        # What was known of a file up to an offset.
        self._known: tuple[Identity | None, int, Form] = (None, 0, Form())
        # Lines of one portion, at most.
        self.max_lines = MAX_BATCH_LINES
        # What the next read takes.
        self.read_bytes = LEAST_READ_BYTES
        # Of an over-long line, or a hole: where it starts, and how far it goes at
        # least.
        self._scan = (-1, -1)

    @property
    def most_read_bytes(self) -> int:
        """What one read takes at most."""
        return max(READ_BYTES, self._max_line_bytes + 1)

    def take_more(self) -> None:
        """The last portion was appended: take more lines at a time again."""
        self.max_lines = min(MAX_BATCH_LINES, 2 * self.max_lines)

    def take(
        self,
        opened: Opened,
        place: Place,
        data: bytes,
        start: int,
        *,
        nuls_are_bytes: bool,
        is_resting: bool = False,
    ) -> Portion:
        """Take whole lines from data that begins at `start`, at or before the place.

        Of a file that rests, what stands behind its last newline is taken too if it is
        whole as it is.
        """
        skipped = place.offset - start
        chunk = data[skipped:]
        form = self._form_at(opened, place)
        split = split_lines(
            chunk,
            place.offset,
            max_lines=MAX_BATCH_LINES if form.is_wrapped else self.max_lines,
            nuls_are_bytes=nuls_are_bytes,
        )
        is_cut = len(chunk) >= self.read_bytes
        if split.end == place.offset and split.stop is Stop.END:
            is_long = len(chunk) > self._max_line_bytes
            if (is_long or is_cut) and chunk[:2] == b"\0\0":
                return self._take_behind_hole(opened, place, chunk)
            if is_long:
                return self._skip_line(opened, place, chunk)
            if is_cut:
                self.read_bytes = self.most_read_bytes
                return nothing(place, has_more=True)
        if is_resting and (last := self._take_rest(place, data, skipped, form)):
            return last
        lines = self._read(split.texts, chunk[: split.end - place.offset], place, form)
        has_more = split.stop is Stop.LIMIT or (split.stop is Stop.END and is_cut)
        if lines.is_open and has_more and lines.end == place.offset:
            # Its parts are awaited as long as they may be a line together.
            most = 2 * self.most_read_bytes
            if split.stop is Stop.END and self.read_bytes < most:
                self.read_bytes = most
                return nothing(place, has_more=True)
            chunk_taken = chunk[: split.end - place.offset]
            lines = self._read(split.texts, chunk_taken, place, form, is_all=True)
        has_more = has_more or (lines.end < split.end and not lines.is_open)
        taken = lines.end - place.offset
        if has_more:
            self.read_bytes = _next_read_bytes(taken)
        marker = data[max(0, skipped + taken - proofs.MARKER_BYTES) : skipped + taken]
        after = Place(lines.end, place.head_proof, proofs.prove_marker(marker))
        self._known = opened.glimpse.identity, lines.end, lines.form
        is_held = not has_more and not chunk[taken:].isspace()
        return Portion(
            lines.reading,
            after,
            has_more,
            has_nul=split.stop is Stop.NUL,
            lines=lines.lines,
            held_bytes=len(chunk) - taken if is_held else 0,
        )

    def _take_rest(
        self, place: Place, data: bytes, skipped: int, form: Form
    ) -> Portion | None:
        """Take what no newline or last part ends as if there were one.

        None if it is no record then. Its offset and its proof are those that it has
        once the newline is there.
        """
        if not data[skipped:].endswith(b"\n"):
            data += _newline_behind(data, skipped)
        text = data[skipped:]
        texts = text.split(b"\n")[:-1]
        lines = self._read(texts, text, place, form, is_all=True)
        if lines.reading.rejections or lines.reading.text or not lines.reading.entries:
            return None
        after = Place(lines.end, place.head_proof, proofs.prove_marker(data))
        return Portion(
            lines.reading, after, has_more=False, has_nul=False, lines=lines.lines
        )

    def _read(
        self,
        texts: Sequence[bytes],
        chunk: bytes,
        place: Place,
        form: Form,
        *,
        is_all: bool = False,
    ) -> Taken:
        return take_lines(
            texts,
            chunk,
            place.offset,
            form,
            self._rules,
            max_lines=self.max_lines,
            is_all=is_all,
        )

    def _form_at(self, opened: Opened, place: Place) -> Form:
        """What is known of the file from what is before a place."""
        identity, offset, form = self._known
        if place.offset == 0:
            return Form()
        if (identity, offset) != (opened.glimpse.identity, place.offset):
            head = os.pread(opened.descriptor, min(place.offset, FORM_BYTES), 0)
            form = form_of(head, place.offset)
        return form

    def _take_behind_hole(self, opened: Opened, place: Place, chunk: bytes) -> Portion:
        """Take what follows a hole, which is no part of the line that it begins."""
        hole_end = place.offset + _nuls(chunk)
        if hole_end == place.offset + len(chunk):
            limit = hole_end + SCAN_BYTES
            hole_start, known = self._scan
            if hole_start == place.offset and known <= opened.glimpse.size:
                limit = known + SCAN_BYTES
                hole_end = max(hole_end, known)
            hole_end = _hole_end(opened, hole_end, limit)
            if hole_end >= min(limit, opened.glimpse.size):
                self._scan = (place.offset, hole_end)
                return nothing(place, has_more=hole_end >= limit)
        # One of them stays: a line of NULs alone is told as one.
        behind = place._replace(offset=hole_end - 1)
        start = max(0, behind.offset - proofs.MARKER_BYTES)
        self.read_bytes = self.most_read_bytes
        wanted = behind.offset - start + self.read_bytes
        data = os.pread(opened.descriptor, wanted, start)
        return self.take(opened, behind, data, start, nuls_are_bytes=True)

    def _skip_line(self, opened: Opened, place: Place, chunk: bytes) -> Portion:
        """Find the end of a line that is too long, in constant memory."""
        line_start, scanned = self._scan
        if line_start != place.offset or scanned > opened.glimpse.size:
            scanned = place.offset + len(chunk)
        limit = scanned + SCAN_BYTES
        while scanned < limit:
            part = os.pread(opened.descriptor, READ_BYTES, scanned)
            if (found := part.find(b"\n")) >= 0:
                self._scan = (-1, -1)
                return self._skipped(opened, place, chunk, scanned + found + 1)
            scanned += len(part)
            if not part:
                break
        self._scan = (place.offset, scanned)
        if scanned >= limit:
            return nothing(place, has_more=True)
        return nothing(place, held_bytes=scanned - place.offset)

    def _skipped(self, opened: Opened, place: Place, chunk: bytes, end: int) -> Portion:
        """Reject the over-long line, if its beginning still is what it was."""
        head = chunk[:REJECTED_HEAD_BYTES]
        marker = marker_before(opened.descriptor, end)
        if os.pread(opened.descriptor, len(head), place.offset) != head:
            return nothing(place, has_more=True)
        rejection = too_long(end, end - place.offset - 1, head, self._max_line_bytes)
        after = Place(end, place.head_proof, proofs.prove_marker(marker))
        reading = Reading([], [rejection])
        return Portion(reading, after, has_more=True, has_nul=False, lines=1)


def _next_read_bytes(taken: int) -> int:
    """How much to read so that about one batch comes of it."""
    return min(READ_BYTES, max(LEAST_READ_BYTES, taken + taken // 8))


def _newline_behind(data: bytes, start: int) -> bytes:
    """What ends the line that begins there, as the line before it was ended."""
    is_return_due = data[:start].endswith(b"\r\n") and not data.endswith(b"\r")
    return b"\r\n" if is_return_due else b"\n"


def _nuls(data: bytes) -> int:
    """How many NULs it begins with."""
    return len(data) - len(data.lstrip(b"\0"))


def _hole_end(opened: Opened, at: int, limit: int) -> int:
    """Where a hole ends, looked for up to a limit."""
    while at < limit:
        at = _next_data(opened, at)
        part = os.pread(opened.descriptor, READ_BYTES, at)
        at += _nuls(part)
        if not part or _nuls(part) < len(part):
            break
    return at


def _next_data(opened: Opened, at: int) -> int:
    """Where what the file system keeps no bytes of ends, if it says so."""
    try:
        return os.lseek(opened.descriptor, at, os.SEEK_DATA)
    except OSError as error:
        # Nothing but a hole follows; or it does not know holes.
        return opened.glimpse.size if error.errno == errno.ENXIO else at


def marker_before(descriptor: int, offset: int) -> bytes:
    """The bytes before an offset that its marker proves."""
    length = min(offset, proofs.MARKER_BYTES)
    return os.pread(descriptor, length, offset - length)


def line_start(descriptor: int, end: int) -> int:
    """Where the line begins that what is before `end` belongs to."""
    while end > 0:
        start = max(0, end - LEAST_READ_BYTES)
        chunk = os.pread(descriptor, end - start, start)
        if (found := chunk.rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0


def is_read_to(opened: Opened, place: Place) -> bool:
    """Whether a file is one that was read up to a place. Raises OSError."""
    head = os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
    # Of a small file both are one read.
    is_small = place.offset <= min(proofs.HEAD_BYTES, proofs.MARKER_BYTES)
    marker = (
        head[: place.offset]
        if is_small
        else marker_before(opened.descriptor, place.offset)
    )
    return (
        opened.glimpse.size + proofs.LONGEST_NEWLINE >= place.offset > 0
        and proofs.check(place.head_proof, head) is Verdict.HOLDS
        and proofs.check_marker(place.marker_proof, marker)[0] is Verdict.HOLDS
    )
