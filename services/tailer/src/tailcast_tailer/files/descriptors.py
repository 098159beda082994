"""Which files stay open between two looks: so many, and only those that moved lately.

An open descriptor is what a file that loses its path is read to its end by. One of a
file that is quiet keeps a file system from being unmounted, and helps little: what is
written later is read by opening the file anew, and proved as ever.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol


# Descriptors that are kept at most.
HELD_FILES = 256
# What has brought nothing for so long is closed, whether it lost its path or not.
QUIET_SECONDS = 45.0
# How often is looked for that.
CHECK_SECONDS = 1.0


class Holder(Protocol):
    """A file that may be open."""

    path: str

    @property
    def open_since(self) -> float | None:
        """When what is open last brought something; None if nothing is open."""
        ...

    def release(self) -> None:
        """Have it closed."""
        ...


class Descriptors:
    """The open files of one tailer."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Those that are open, the one used longest ago first.
        self._open: OrderedDict[str, Holder] = OrderedDict()
        self._looked_at = clock()

    def holds(self, path: str) -> bool:
        """Whether a file of this path is open, be it that it lost it."""
        return path in self._open

    def used(self, holder: Holder) -> None:
        """It was looked at, and may be open."""
        self._open.pop(holder.path, None)
        if holder.open_since is not None:
            self._open[holder.path] = holder

    def close_quiet(self, is_busy: Callable[[str], bool]) -> None:
        """Close what is quiet, and what is too much; not what is just being read."""
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
