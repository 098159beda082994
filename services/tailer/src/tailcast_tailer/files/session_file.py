"""One telemetry file, as the file system shows it now: blocking, for worker threads.

Opens, reads and proves; turns what follows into entries. It decides nothing:
`progress` judges what a look means. All calls for one file are made by its `FileJobs`,
one at a time.
"""

import errno
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cached_property

from tailcast_tailer.core import proofs
from tailcast_tailer.core.patterns import LINE_EXTENSIONS
from tailcast_tailer.core.proofs import Ending, Verdict
from tailcast_tailer.core.records import Rules
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    Opened,
    close_file,
    glimpse_of,
    may_be_written,
    open_regular,
    read_regular,
)
from tailcast_tailer.files.kept_bytes import KeptBytes, bytes_to_keep, read_behind
from tailcast_tailer.files.looks import Backlog, Look, Next, Rested, Source, Successor
from tailcast_tailer.files.portions import (
    Place,
    Portion,
    Portions,
    is_read_to,
    line_start,
    marker_before,
    nothing,
)
from tailcast_tailer.files.rotated_files import (
    RotatedNames,
    find_read,
    has_line,
    oldest_of,
)
from tailcast_tailer.files.rotation import open_following


# What no file is called.
NO_FILE = Identity(-1, -1)


def is_at(path: str, place: Place) -> bool:
    """Whether the file of this path is one that was read up to a place. Blocking."""
    try:
        opened = open_regular(path)
    except CannotBeSeen:
        return False
    try:
        return is_read_to(opened, place)
    except OSError:
        return False
    finally:
        close_file(opened.descriptor)


def first_proof(path: str) -> str:
    """The first part of the proof of a file's head, "" if it is too short.

    Blocking. Raises CannotBeSeen.
    """
    head = read_regular(path, most=proofs.HEAD_LENGTHS[0])
    return proofs.prove_head(head).partition(",")[0]


class SessionFile:
    """The file under one path, followed through renames and replacements."""

    # Whether it is a run that is written as numbered files.
    has_parts = False

    def __init__(
        self,
        path: str,
        *,
        max_line_bytes: int,
        names: RotatedNames | None = None,
        only: Identity | None = None,
    ) -> None:
        """Prepare.

        Args:
            path: where it is.
            max_line_bytes: what is rejected if it is longer.
            names: which paths have rotated files beside them.
            only: the file that it is, where whatever has the path later is another's;
                None: it goes on with whatever has its path.
        """
        self.path = path
        self._only = only
        self._names = RotatedNames() if names is None else names
        # By the name it is followed under: what was rotated away is read alike.
        self._rules = Rules(max_line_bytes, not path.endswith(LINE_EXTENSIONS))
        # The descriptor of the latest look, kept so that a file that loses its path can
        # be read to its end; None when there was no look or it was given back.
        self._held: Opened | None = None
        # The file for which both proofs held last.
        self._read_identity: Identity | None = None
        # Whether that is the oldest rotated file, with which a session, or a generation
        # that has no line yet, begins.
        self._holds_oldest = False
        # Whether there were any beside the path when they were last looked for.
        self.has_rotated = False
        # Files with which it did not begin, as they have no line.
        self._passed: set[Identity] = set()
        # What proves the place up to which it was read last; None if that is not kept.
        self._kept: KeptBytes | None = None
        # What was there when that was found, and is read first; None before.
        self.backlog: Backlog | None = None
        # The file that follows it, while it is about to be read.
        self._next: Opened | None = None
        self._next_source = Source.PATH

    @cached_property
    def _portions(self) -> Portions:
        # Nothing is read of a file that is as it is stored.
        return Portions(self._rules)

    @property
    def directory(self) -> str:
        """The directory whose documents are about it."""
        return os.path.dirname(self.path)  # noqa: PTH120  # a text

    @property
    def look_path(self) -> str:
        """What to look at for a change."""
        return self.path

    def look(
        self, place: Place, *, nuls_are_bytes: bool = False, rested: Rested = None
    ) -> Look:
        """Open the file anew, prove it, and take what follows the place.

        Args:
            place: up to where it was read.
            nuls_are_bytes: whether NULs have stayed long enough.
            rested: how the file looks that has looked so long enough; what stands
                behind its last newline is taken if it still does, and is a record.
        """
        try:
            opened = self._open(place)
        except CannotBeSeen as error:
            if self._held is None or not error.is_absent:
                raise
            return self._look_at(Source.HELD, place, nuls_are_bytes, rested)
        held = self._held
        is_other = held is not None and held.glimpse.identity != opened.glimpse.identity
        if is_other:
            try:
                old = self._look_at_replaced(opened, place, nuls_are_bytes, rested)
            except BaseException:
                close_file(opened.descriptor)
                raise
            if old is not None:
                close_file(opened.descriptor)
                return old
        self._hold(opened)
        look = self._look_at(Source.PATH, place, nuls_are_bytes, rested)
        if look.portion is not None:
            # Whatever was there before, this is its continuation.
            self._read_identity = look.glimpse.identity
            if is_other:
                # Perhaps it only showed what the other one held: where a path has one
                # cache, whatever is open there fills it. Now that one is closed.
                look = look._replace(shown=look.glimpse._replace(ctime_ns=-1))
        return look

    def _open(self, place: Place) -> Opened:
        """Open what has the path, if it may be this file. Raises CannotBeSeen."""
        opened = open_regular(self.path)
        identity = opened.glimpse.identity
        if self._only is None or self._only == identity:
            return opened
        try:
            if is_read_to(opened, place):
                self._only = identity
                return opened
        except OSError as error:
            close_file(opened.descriptor)
            raise CannotBeSeen(error) from error
        close_file(opened.descriptor)
        if place.offset:
            # From now on what it is called says nothing: its bytes do.
            self._only = NO_FILE
        raise CannotBeSeen(FileNotFoundError(errno.ENOENT, "another file has its path"))

    def may_be(self, identity: Identity) -> bool:
        """Whether it is the file that the file system calls so; from any thread."""
        return self._only in {None, identity}

    @property
    def held(self) -> Identity | None:
        """The file that is held open; may be asked from any thread."""
        held = self._held
        return None if held is None else held.glimpse.identity

    def quick_look(self, place: Place) -> Look | None:
        """Look at the file that is held, at little cost; None if that does not do.

        It takes all that follows the place, which may be nothing.
        """
        held, kept = self._held, self._kept
        if held is None or kept is None or kept.place != place:
            return None
        if not kept.identity == held.glimpse.identity == self._read_identity:
            return None
        behind = read_behind(kept, held, self.path)
        if behind is None:
            return None
        shown, data, start = behind
        portion = nothing(place)
        if shown.size > place.offset:
            portion = self._portions.take(
                held, place, data, start, nuls_are_bytes=False
            )
        after = portion.place
        if after.offset != shown.size or portion.has_more or portion.has_nul:
            return None
        self._kept = bytes_to_keep(kept.identity, after, kept.head, data, start)
        return Look(
            Source.PATH,
            shown,
            Verdict.HOLDS,
            Verdict.HOLDS,
            portion,
            was_replaced=False,
            is_first=False,
        )

    def _look_at_replaced(
        self, opened: Opened, place: Place, nuls_are_bytes: bool, rested: Rested
    ) -> Look | None:
        """Look at the file that was read, while it is to be read before the new one.

        None if the new one goes on where the old one was read to, or if that one is not
        what was read.
        """
        old = self._look_at(Source.HELD, place, nuls_are_bytes, rested)
        if old.portion is None:
            return None
        if old.portion.has_more or old.portion.place.offset > place.offset:
            return old
        try:
            new = self._prove_and_take(opened, Source.PATH, place, nuls_are_bytes)
            # Where nothing was read yet, any file seems to go on there.
            if new.portion is not None and place.offset > 0:
                return None
            successor = self._successor(opened, new)
        except OSError as error:
            raise CannotBeSeen(error) from error
        return old._replace(successor=successor, was_replaced=True)

    def _successor(self, opened: Opened, seen: Look) -> Successor:
        """What the file that has the path shows, however much of it there is yet."""
        glimpse = seen.glimpse
        if has_line(opened):
            return Successor(glimpse, seen.head, has_line=True, has_unended_line=False)
        resting = self._prove_and_take(
            opened,
            Source.PATH,
            Place(0, "", ""),
            nuls_are_bytes=False,
            rested=(glimpse.size, glimpse.mtime_ns),
        )
        has_unended = resting.portion is not None and resting.portion.lines > 0
        return Successor(
            glimpse, seen.head, has_line=False, has_unended_line=has_unended
        )

    # What was rotated away.

    def find_read(self, place: Place) -> bool:
        """Hold the rotated file that was read up to a place, if there is one."""
        held = self._held
        but = None if held is None else held.glimpse.identity
        found = find_read(self.path, place, but)
        if found is not None:
            self._hold(found)
        return found is not None

    def find_oldest(
        self,
        is_due: Callable[[Glimpse], bool],
        *,
        past: str = "",
        asks_writers: bool = False,
    ) -> bool:
        """Hold the oldest rotated file that is to be read, if there is one.

        Args:
            is_due: whether a file with lines is new enough to be read.
            past: which files the session has read whole.
            asks_writers: whether the system tells who has a file open to write.
        """
        self.has_rotated = self._names.are_beside(self.path)
        if self._holds_oldest or not self.has_rotated:
            return self._holds_oldest
        found = oldest_of(
            self.path,
            is_due,
            past=past,
            passed=self._passed,
            asks_writers=asks_writers,
            is_session=self._names.is_session,
        )
        if found is not None:
            self._hold(found.opened)
            self._holds_oldest = True
            self.backlog = Backlog(found.files, found.last_size)
        return self._holds_oldest

    def pass_over(self) -> None:
        """The file that is held has no line: nothing begins with it."""
        self._pass_held()
        self.release()

    def _pass_held(self) -> None:
        if self._held is not None:
            self._passed.add(self._held.glimpse.identity)

    def may_be_written(self) -> bool | None:
        """Whether the file that was read is open for writing; None: nobody knows."""
        return None if self._held is None else may_be_written(self._held.descriptor)

    def open_next(
        self, past: str, *, since_ms: int, is_read: bool = True
    ) -> Next | None:
        """Open the file that follows the one that was read; None if it cannot be told.

        Args:
            past: which files the session has read whole.
            since_ms: as in `what_follows`.
            is_read: whether what is held is the one that was read.
        """
        self.close_next()
        held = self._held if is_read else None
        read = None if held is None else glimpse_of(held.descriptor)
        found = open_following(
            self.path,
            read,
            past,
            since_ms=since_ms,
            is_session=self._names.is_session,
        )
        if found is None or found[1] is None:
            return None
        following, self._next = found
        has_path = following.file is None
        self._next_source = Source.PATH if has_path else Source.HELD
        return Next(has_path, following.is_gapless, following.is_rotation)

    def go_on(self, *, passes: bool) -> None:
        """The next file is read from now on; `passes`: nothing begins with this one."""
        following, self._next = self._next, None
        if following is not None:
            if passes:
                self._pass_held()
            self._hold(following)
            self._read_identity = following.glimpse.identity

    def close_next(self) -> None:
        """The next file is not read after all, or not yet."""
        following, self._next = self._next, None
        if following is not None:
            close_file(following.descriptor)

    def look_ahead(
        self, place: Place, *, nuls_are_bytes: bool = False, rested: Rested = None
    ) -> Look:
        """Look at the next file, or else at what has the path; as `look` does."""
        if self._next is None:
            return self.look(place, nuls_are_bytes=nuls_are_bytes, rested=rested)
        try:
            return self._prove_and_take(
                self._next, self._next_source, place, nuls_are_bytes, rested
            )
        except OSError as error:
            raise CannotBeSeen(error) from error

    def move(self, path: str) -> None:
        """The file was renamed: look for it there."""
        self.path = path

    def first_look(
        self, place: Place, *, most_bytes: int, holds: bool
    ) -> Glimpse | Look | None:
        """Look for the first time, at little cost if nothing follows the place.

        A glimpse if the file proves to end there; a look if no more than so many bytes
        follow; None for all others. It is held open only if `holds` and it was a look.
        """
        try:
            opened = self._open(place)
        except CannotBeSeen:
            return None
        behind = opened.glimpse.size - place.offset
        if behind == 0 and is_read_to(opened, place):
            close_file(opened.descriptor)
            self._read_identity = opened.glimpse.identity
            return opened.glimpse
        self._hold(opened)
        if not 0 < behind <= most_bytes:
            self.release()
            return None
        look = self._look_at(Source.PATH, place, nuls_are_bytes=False, rested=None)
        if look.portion is not None:
            self._read_identity = look.glimpse.identity
        if not holds:
            self.release()
        return look

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
        """Close all descriptors."""
        self.close_next()
        self._hold(None)

    def _hold(self, opened: Opened | None) -> None:
        """Hold this one instead of what was held."""
        before, self._held = self._held, opened
        self._holds_oldest = False
        self._kept = None
        if before is not None:
            # The descriptor is closed then, even if the call fails.
            close_file(before.descriptor)

    def place_at(self, offset: int, *, nuls_are_bytes: bool = False) -> Place | None:
        """Prove the present file up to an offset; None if it is shorter or NULs."""
        with self._ahead() as opened:
            marker = marker_before(opened.descriptor, offset)
            head = os.pread(opened.descriptor, min(offset, proofs.HEAD_BYTES), 0)
        if len(marker) < min(offset, proofs.MARKER_BYTES):
            return None
        if b"\0" in marker + head and not nuls_are_bytes:
            return None
        return Place(offset, proofs.prove_head(head), proofs.prove_marker(marker))

    def last_line_end(self) -> int:
        """Find the byte after the file's last newline, 0 without one."""
        with self._ahead() as opened:
            return line_start(opened.descriptor, opened.glimpse.size)

    def last_line(self) -> Portion:
        """Take the present file's last line that a newline ends."""
        with self._ahead() as opened:
            end = line_start(opened.descriptor, opened.glimpse.size)
            start = line_start(opened.descriptor, end - 1)
        return self.read_from(start)

    def check_head(self, head_proof: str) -> Verdict:
        """Hold the present file's first bytes against a proof."""
        with self._ahead() as opened:
            head = os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
        return proofs.check(head_proof, head)

    def read_from(self, offset: int) -> Portion:
        """Take what follows an offset of the present file, whatever was there before.

        Nothing if no line begins there.
        """
        with self._ahead() as opened:
            start = max(0, offset - proofs.MARKER_BYTES)
            wanted = self._portions.most_read_bytes
            data = os.pread(opened.descriptor, offset - start + wanted, start)
            before = data[: offset - start]
            place = Place(offset, "", proofs.prove_marker(before))
            if len(before) < offset - start or (before and before[-1:] != b"\n"):
                return nothing(place)
            return self._portions.take(opened, place, data, start, nuls_are_bytes=True)

    @contextmanager
    def _ahead(self) -> Generator[Opened]:
        """The next file, or else what has the path now."""
        if self._next is not None:
            yield self._next
            return
        opened = open_regular(self.path)
        try:
            yield opened
        finally:
            close_file(opened.descriptor)

    def _look_at(
        self, source: Source, place: Place, nuls_are_bytes: bool, rested: Rested
    ) -> Look:
        held = self._held
        assert held is not None  # noqa: S101  # both callers have just seen to it
        try:
            return self._prove_and_take(held, source, place, nuls_are_bytes, rested)
        except OSError as error:
            raise CannotBeSeen(error) from error

    def _prove_and_take(
        self,
        opened: Opened,
        source: Source,
        place: Place,
        nuls_are_bytes: bool,
        rested: Rested = None,
    ) -> Look:
        glimpse = glimpse_of(opened.descriptor)
        marker_bytes = proofs.reach(place.marker_proof)
        start = place.offset - marker_bytes
        data, wanted = b"", 0
        if glimpse.size + proofs.LONGEST_NEWLINE >= place.offset:
            wanted = marker_bytes + self._portions.read_bytes
            data = os.pread(opened.descriptor, wanted, start)
        marker, ending = proofs.check_marker(
            place.marker_proof, data, nuls_are_bytes=nuls_are_bytes
        )
        if glimpse.size < place.offset and ending is not Ending.AWAITED:
            marker = Verdict.UNSEEN
        head_data = (
            data[: proofs.HEAD_BYTES]
            if start == 0 and data
            else os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
        )
        head = proofs.check(place.head_proof, head_data, nuls_are_bytes=nuls_are_bytes)
        portion = None
        awaits_newline = ending is Ending.AWAITED and head is Verdict.HOLDS
        if awaits_newline:
            portion = nothing(place)
        elif head is marker is Verdict.HOLDS:
            portion = self._portions.take(
                opened,
                place,
                data,
                start,
                nuls_are_bytes=nuls_are_bytes,
                is_resting=rested == (glimpse.size, glimpse.mtime_ns),
            )
            if not place.offset > proofs.HEAD_BYTES:
                proof = proofs.prove_head(
                    head_data[: min(portion.place.offset, len(head_data))]
                )
                portion = portion._replace(
                    place=portion.place._replace(head_proof=proof)
                )
            self._kept = bytes_to_keep(
                glimpse.identity, portion.place, head_data, data, start
            )
        continued_line = None
        if ending is Ending.CONTINUED and head is Verdict.HOLDS:
            text_end = place.offset - proofs.LONGEST_NEWLINE
            continued_line = line_start(opened.descriptor, text_end)
        known = self._read_identity
        end = start + len(data)
        is_short = len(data) < wanted and end < glimpse.size
        return Look(
            source,
            glimpse,
            head,
            marker,
            portion,
            was_replaced=known is not None and known != glimpse.identity,
            is_first=known is None,
            awaits_newline=awaits_newline,
            continued_line=continued_line,
            # What could not be read yet, whatever the size says, is looked for again.
            shown=glimpse._replace(size=end) if is_short else None,
        )
