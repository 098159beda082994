"""What looks at a file find: values only."""

from enum import Enum
from typing import NamedTuple, TypeAlias

from tailcast_tailer.core.progress import Seen
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.portions import Portion


# A file's size and modification time; None: it has not rested.
Rested: TypeAlias = tuple[int, int] | None


class Source(Enum):
    """Which file was looked at."""

    # What has the path now, by a descriptor opened for this look.
    PATH = "path"
    # What had the path before and is held open, to be read to its end.
    HELD = "held"


class Successor(NamedTuple):
    """Another file that has the path of the one that was read."""

    glimpse: Glimpse
    # Whether it begins as that one did, as far as its first bytes show.
    head: Verdict
    has_line: bool
    # Whether it has one once it rests: what stands in it is whole but for its newline.
    has_unended_line: bool


class Next(NamedTuple):
    """The file that follows the one that was read."""

    # Whether it has the path; else it was rotated already.
    has_path: bool
    # Whether nothing is missing between the two, as far as names show.
    is_gapless: bool
    # Whether names show that there was a rotation.
    is_rotation: bool


class Backlog(NamedTuple):
    """What was there before any tailer looked, where several files are read."""

    # How many files there are, and where the last one ends.
    files: int
    end: int


class Look(NamedTuple):
    """What one look found."""

    source: Source
    glimpse: Glimpse
    head: Verdict
    marker: Verdict
    # None unless both proofs hold.
    portion: Portion | None
    # Whether another file has the path than the one that was read.
    was_replaced: bool
    # Whether no look before this one held the file.
    is_first: bool
    # What has the path now, if what had it before is read to its end.
    successor: Successor | None = None
    # Whether it is as it was read but for the newline of its last line, which is still
    # to come; or where that line begins, if something else came.
    awaits_newline: bool = False
    continued_line: int | None = None
    # What the path that is looked at shows, where that is not `glimpse`.
    shown: Glimpse | None = None

    @property
    def at_path(self) -> Glimpse | None:
        """What the path shows; None if nothing has it, or that was not looked at."""
        if self.successor is not None:
            return self.successor.glimpse
        if self.source is not Source.PATH:
            return None
        return self.glimpse if self.shown is None else self.shown

    def seen_from(self, offset: int) -> Seen:
        """What it shows of a file that was read up to an offset."""
        is_stuck = self.portion is not None and self.portion.place.offset == offset
        size = self.glimpse.size
        return Seen(
            max(size, offset) if self.awaits_newline else size,
            self.glimpse.mtime_ns,
            self.head,
            self.marker,
            has_nul=is_stuck and self.portion is not None and self.portion.has_nul,
        )
