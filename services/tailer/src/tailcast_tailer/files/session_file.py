"""One telemetry file, as the file system shows it now: blocking, for worker threads.

Opens, reads and proves; turns what follows into entries. It decides nothing:
`progress` judges what a look means. All calls for one file are made by its `FileJobs`,
one at a time.
"""

import os
from enum import Enum
from typing import NamedTuple

from tailcast_tailer.core import proofs
from tailcast_tailer.core.progress import Seen
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    Opened,
    glimpse_of,
    open_regular,
    read_regular,
)
from tailcast_tailer.files.portions import (
    Place,
    Portion,
    Portions,
    line_start,
    marker_before,
    nothing,
)


class Source(Enum):
    """Which file was looked at."""

    # What has the path now, by a descriptor opened for this look.
    PATH = "path"
    # What had the path before and is held open, to be read to its end.
    HELD = "held"


def is_at(path: str, place: Place) -> bool:
    """Whether the file of this path is one that was read up to a place. Blocking."""
    try:
        opened = open_regular(path)
    except CannotBeSeen:
        return False
    try:
        head = os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
        marker = marker_before(opened.descriptor, place.offset)
    except OSError:
        return False
    finally:
        os.close(opened.descriptor)
    return (
        opened.glimpse.size >= place.offset > 0
        and proofs.check(place.head_proof, head) is Verdict.HOLDS
        and proofs.check(place.marker_proof, marker) is Verdict.HOLDS
    )


def first_proof(path: str) -> str:
    """The first part of the proof of a file's head, "" if it is too short.

    Blocking. Raises CannotBeSeen.
    """
    head = read_regular(path, most=proofs.HEAD_LENGTHS[0])
    return proofs.prove_head(head).partition(",")[0]


class Look(NamedTuple):
    """What one look found."""

    source: Source
    glimpse: Glimpse
    head: Verdict
    marker: Verdict
    # None unless both proofs hold.
    portion: Portion | None
    # Whether another file has the path than the one that was read, and whether that
    # one was read to its end.
    was_replaced: bool
    is_old_complete: bool
    # Whether no look before this one held the file.
    is_first: bool

    def seen_from(self, offset: int) -> Seen:
        """What it shows of a file that was read up to an offset."""
        is_stuck = self.portion is not None and self.portion.place.offset == offset
        return Seen(
            self.glimpse.size,
            self.glimpse.mtime_ns,
            self.head,
            self.marker,
            has_nul=is_stuck and self.portion is not None and self.portion.has_nul,
        )


class SessionFile:
    """The file under one path, followed through renames and replacements."""

    def __init__(
        self,
        path: str,
        *,
        max_line_bytes: int,
        not_metrics: frozenset[str] = frozenset(),
    ) -> None:
        self.path = path
        self._portions = Portions(
            max_line_bytes=max_line_bytes, not_metrics=not_metrics
        )
        # The descriptor of the latest look, kept so that a file that loses its path can
        # be read to its end; None when there was no look or it was given back.
        self._held: Opened | None = None
        # The file for which both proofs held last.
        self._read_identity: Identity | None = None
        # Whether what was held before the present file was read to its end.
        self._is_old_complete = False

    def look(self, place: Place, *, nuls_are_bytes: bool = False) -> Look:
        """Open the file anew, prove it, and take what follows the place."""
        try:
            opened = open_regular(self.path)
        except CannotBeSeen as error:
            if self._held is None or not error.is_absent:
                raise
            return self._look_at(Source.HELD, place, nuls_are_bytes=nuls_are_bytes)
        held = self._held
        if held is not None and held.glimpse.identity != opened.glimpse.identity:
            try:
                old = self._look_at(Source.HELD, place, nuls_are_bytes=nuls_are_bytes)
            except BaseException:
                os.close(opened.descriptor)
                raise
            if old.portion is not None and old.portion.place.offset > place.offset:
                os.close(opened.descriptor)
                return old
            self._is_old_complete = old.portion is not None and not old.portion.has_nul
        self._hold(opened)
        look = self._look_at(Source.PATH, place, nuls_are_bytes=nuls_are_bytes)
        if look.portion is not None:
            # Whatever was there before, this is its continuation.
            self._is_old_complete = False
            self._read_identity = look.glimpse.identity
        return look

    def move(self, path: str) -> None:
        """The file was renamed: look for it there."""
        self.path = path

    def take_more(self) -> None:
        """The last portion was appended: take more lines at a time again."""
        self._portions.take_more()

    def take_fewer(self, lines: int) -> None:
        """The last portion could not be taken: take so many lines at most."""
        self._portions.max_lines = lines

    @property
    def is_open(self) -> bool:
        """Whether a descriptor is held; may be asked from any thread."""
        return self._held is not None

    def release(self) -> None:
        """Close the held descriptor."""
        self._hold(None)

    def _hold(self, opened: Opened | None) -> None:
        """Hold this one instead of what was held."""
        before, self._held = self._held, opened
        if before is not None:
            # The descriptor is closed then, even if the call fails.
            os.close(before.descriptor)

    def place_at(self, offset: int, *, nuls_are_bytes: bool = False) -> Place | None:
        """Prove the present file up to an offset; None if it is shorter or NULs."""
        opened = open_regular(self.path)
        try:
            marker = marker_before(opened.descriptor, offset)
            head = os.pread(opened.descriptor, min(offset, proofs.HEAD_BYTES), 0)
        finally:
            os.close(opened.descriptor)
        if len(marker) < min(offset, proofs.MARKER_BYTES):
            return None
        if b"\0" in marker + head and not nuls_are_bytes:
            return None
        return Place(offset, proofs.prove_head(head), proofs.prove_marker(marker))

    def last_line_end(self) -> int:
        """Find the byte after the file's last newline, 0 without one."""
        opened = open_regular(self.path)
        try:
            return line_start(opened.descriptor, opened.glimpse.size)
        finally:
            os.close(opened.descriptor)

    def last_line(self) -> Portion:
        """Take the present file's last line that a newline ends."""
        opened = open_regular(self.path)
        try:
            end = line_start(opened.descriptor, opened.glimpse.size)
            start = line_start(opened.descriptor, end - 1)
        finally:
            os.close(opened.descriptor)
        return self.read_from(start)

    def check_head(self, head_proof: str) -> Verdict:
        """Hold the present file's first bytes against a proof."""
        opened = open_regular(self.path)
        try:
            head = os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
        finally:
            os.close(opened.descriptor)
        return proofs.check(head_proof, head)

    def read_from(self, offset: int) -> Portion:
        """Take what follows an offset of the present file, whatever was there before.

        Nothing if no line begins there.
        """
        opened = open_regular(self.path)
        try:
            start = max(0, offset - proofs.MARKER_BYTES)
            wanted = self._portions.most_read_bytes
            data = os.pread(opened.descriptor, offset - start + wanted, start)
            before = data[: offset - start]
            place = Place(offset, "", proofs.prove_marker(before))
            if len(before) < offset - start or (before and before[-1:] != b"\n"):
                return nothing(place)
            return self._portions.take(opened, place, data, start, nuls_are_bytes=True)
        finally:
            os.close(opened.descriptor)

    def _look_at(self, source: Source, place: Place, *, nuls_are_bytes: bool) -> Look:
        held = self._held
        assert held is not None  # noqa: S101  # both callers have just seen to it
        try:
            return self._prove_and_take(held, source, place, nuls_are_bytes)
        except OSError as error:
            raise CannotBeSeen(error) from error

    def _prove_and_take(
        self, opened: Opened, source: Source, place: Place, nuls_are_bytes: bool
    ) -> Look:
        glimpse = glimpse_of(opened.descriptor)
        marker_bytes = proofs.reach(place.marker_proof)
        start = place.offset - marker_bytes
        data = b""
        marker = Verdict.UNSEEN
        if glimpse.size >= place.offset:
            data = os.pread(
                opened.descriptor, marker_bytes + self._portions.read_bytes, start
            )
            before = data[:marker_bytes]
            marker = proofs.check(
                place.marker_proof, before, nuls_are_bytes=nuls_are_bytes
            )
        head_data = (
            data[: proofs.HEAD_BYTES]
            if start == 0 and data
            else os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
        )
        head = proofs.check(place.head_proof, head_data, nuls_are_bytes=nuls_are_bytes)
        portion = None
        if head is marker is Verdict.HOLDS:
            portion = self._portions.take(
                opened, place, data, start, nuls_are_bytes=nuls_are_bytes
            )
            if not place.offset > proofs.HEAD_BYTES:
                proof = proofs.prove_head(
                    head_data[: min(portion.place.offset, len(head_data))]
                )
                portion = portion._replace(
                    place=portion.place._replace(head_proof=proof)
                )
        known = self._read_identity
        return Look(
            source,
            glimpse,
            head,
            marker,
            portion,
            was_replaced=known is not None and known != glimpse.identity,
            is_old_complete=self._is_old_complete,
            is_first=known is None,
        )
