"""Whether a session has read a file whole: blocking, for worker threads.

A file is known by its bytes, whatever it is called.
"""

import os

from tailcast_tailer.core import proofs
from tailcast_tailer.core.past_files import PastFile, head_of, marker_of, read_past
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Opened,
    close_file,
    open_regular,
)


_NEWLINE = b"\r\n"


class KnownFiles:
    """The files that a session has read whole."""

    def __init__(self, past: str) -> None:
        """Prepare; `past` is what the session's state remembers."""
        self._past = read_past(past)

    def __bool__(self) -> bool:
        return bool(self._past)

    def has(self, opened: Opened) -> bool:
        """Whether an open file is one of those. Raises OSError."""
        head = os.pread(opened.descriptor, proofs.HEAD_BYTES, 0)
        return any(self._is(one, opened, head) for one in self._past)

    def _is(self, one: PastFile, opened: Opened, head: bytes) -> bool:
        # A last line without its newline may have been read as if it had one.
        missing = max(0, one.offset - opened.glimpse.size)
        if missing > len(_NEWLINE):
            return False
        newline = _NEWLINE[len(_NEWLINE) - missing :]
        if head_of(head + newline, one.offset) != one.head:
            return False
        start = max(0, one.offset - proofs.MARKER_BYTES)
        before = os.pread(opened.descriptor, one.offset - start, start)
        return marker_of(before + newline) == one.marker


def was_read(path: str, past: str) -> bool:
    """Whether a session has read the file of a path whole.

    Args:
        path: any path.
        past: which files the session has read whole.
    """
    try:
        opened = open_regular(path)
    except CannotBeSeen:
        return False
    try:
        return KnownFiles(past).has(opened)
    except OSError:
        return False
    finally:
        close_file(opened.descriptor)
