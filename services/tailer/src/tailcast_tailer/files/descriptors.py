"""Which files stay open between two looks: a bounded number that changed lately.

A file that loses its path is read to its end by an open descriptor. For a quiet file
that helps little, and keeps its file system from being unmounted: lines that are
written later are read, and proved, by opening the file again.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol


# Descriptors that are kept at most.
HELD_FILES = 256
# A file without anything new for longer is closed, whether it has its path or not.
QUIET_SECONDS = 45.0
# How often quiet files are looked for, at most and at least.
CHECK_SECONDS = 1.0
IDLE_CHECK_SECONDS = 10.0


class Holder(Protocol):
    """A file that may be open."""

    path: str

    @property
    def open_since(self) -> float | None:
        """When the open file last had something new; None if nothing is open."""
        ...

    def release(self) -> None:
        """Close it, after the jobs that are under way."""
        ...


class Descriptors:
    """The open files of one tailer."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Those that are open, the one used longest ago first.
        self._open: OrderedDict[str, Holder] = OrderedDict()
        self._looked_at = clock()

    def holds(self, path: str) -> bool:
        """Whether the file that has or had this path is open."""
        return path in self._open

    @property
    def room(self) -> int:
        """How many more may be open."""
        return max(0, HELD_FILES - len(self._open))

    @property
    def due(self) -> float:
        """When they are to be looked through, at the latest; infinite for none."""
        return self._looked_at + IDLE_CHECK_SECONDS if self._open else math.inf

    def forget(self, path: str) -> None:
        """The file of this path is followed no longer."""
        self._open.pop(path, None)

    def used(self, holder: Holder) -> None:
        """Note that the file was looked at, and may be open."""
        self._open.pop(holder.path, None)
        if holder.open_since is not None:
            self._open[holder.path] = holder

    def close_quiet(self, is_busy: Callable[[str], bool]) -> None:
        """Close quiet files and those beyond the bound, but none that is being read."""
        now = self._clock()
        excess = len(self._open) - HELD_FILES
        if now - self._looked_at < CHECK_SECONDS and excess <= 0:
            return
        self._looked_at = now
        since = now - QUIET_SECONDS
        for path, holder in list(self._open.items()):
            moved_at = holder.open_since
            is_kept = moved_at is not None and moved_at > since and excess <= 0
            if is_kept or is_busy(path):
                continue
            excess -= 1
            holder.release()
            del self._open[path]
