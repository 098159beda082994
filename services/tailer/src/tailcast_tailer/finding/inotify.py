"""The kernel's notifications, as Linux has them: inotify(7), by its C functions.

Names are bytes there, and become texts as everywhere here, whatever they are. Watches
are added in a thread: that goes through directories, on whatever file system.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Collection, Iterable
from typing import NamedTuple

from tailcast_tailer.core.watches import (
    ATTRIB,
    CLOSE_WRITE,
    CREATE,
    DELETE,
    MODIFY,
    MOVED_FROM,
    MOVED_TO,
    Notification,
)


_WANTED = MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
_ONLY_DIRECTORIES = 0x0100_0000
_HEAD = struct.Struct("iIII")
# What one reading takes: some thousand notifications.
EVENTS_BYTES = 65_536
# A notification of the longest name.
LONGEST_BYTES = 288
# Readings in one go; what comes faster waits for the next one.
MOST_READS = 16
# A directory that is gone, or may not be seen; the listing tells of these.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP)
# What can be had no more of, and the kernel's name of the bound.
_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}

_LIBRARY = ctypes.CDLL(None, use_errno=True)


def has_inotify() -> bool:
    """Whether this system has it."""
    return hasattr(_LIBRARY, "inotify_init1")


class Added(NamedTuple):
    """What was found where watches were added."""

    watches: list[tuple[int, str]]
    # Files and directories in there.
    paths: set[str]


class Inotify:
    """One queue of notifications. Raises OSError where the kernel's bounds are met."""

    def __init__(self) -> None:
        """Open it."""
        # Read by the loop; what is done with it in threads is done before `close`.
        self.descriptor = _checked(
            _LIBRARY.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), ""
        )

    def close(self) -> None:
        """Give all watches back."""
        os.close(self.descriptor)

    def read(self) -> list[Notification]:
        """What has come since the last time."""
        found: list[Notification] = []
        for _ in range(MOST_READS):
            try:
                data = os.read(self.descriptor, EVENTS_BYTES)
            except BlockingIOError:
                break
            found += _notifications(data)
            if len(data) <= EVENTS_BYTES - LONGEST_BYTES:
                # There was room for one more, if there had been one.
                break
        return found

    def add(self, path: str, *, only_directories: bool = True) -> int | None:
        """Watch a path; None if nothing is there, or it may not be seen. Blocking."""
        bits = _WANTED | (_ONLY_DIRECTORIES if only_directories else 0)
        watch = _LIBRARY.inotify_add_watch(self.descriptor, os.fsencode(path), bits)
        try:
            return _checked(watch, path)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise

    def remove(self, watch: int) -> None:
        """Give a watch back; it may be gone with its directory."""
        _LIBRARY.inotify_rm_watch(self.descriptor, watch)

    def add_files(
        self, directories: Iterable[str], files: Collection[str], *, tells: bool
    ) -> Added:
        """Watch files, and directories for their names alone. Blocking."""
        added = Added([], set(files if tells else ()))
        for paths, are_directories in ((directories, True), (files, False)):
            for path in paths:
                watch = self.add(path, only_directories=are_directories)
                if watch is not None:
                    added.watches.append((watch, path))
        return added

    def add_trees(self, directories: Iterable[str], *, tells: bool) -> Added:
        """Watch directories, and all that are below them. Blocking.

        A link to a directory is followed; what is in one that was gone through already
        is known by the paths that it has there. Names with a dot before them are not.

        Args:
            directories: where to begin.
            tells: whether what is in there is named.
        """
        added = Added([], set())
        entered: set[int] = set()
        pending = list(directories)
        while pending:
            directory = pending.pop()
            watch = self.add(directory)
            if watch is None:
                continue
            added.watches.append((watch, directory))
            if watch in entered:
                continue
            entered.add(watch)
            below, others = _names_in(directory)
            pending += below
            if tells:
                added.paths.update(below, others)
        return added


def _names_in(directory: str) -> tuple[list[str], list[str]]:
    """The directories and the other files in one."""
    below: list[str] = []
    others: list[str] = []
    prefix = directory.rstrip("/") + "/"
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    kind = below if entry.is_dir() else others
                    kind.append(prefix + entry.name)
    except OSError:
        # It went meanwhile; the listing tells of what cannot be read.
        return [], []
    return below, others


def _notifications(data: bytes) -> Iterable[Notification]:
    at = 0
    while at < len(data):
        watch, bits, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        name = data[at : at + length].partition(b"\0")[0]
        at += length
        yield Notification(watch, bits, os.fsdecode(name))


def _checked(answer: int, path: str) -> int:
    if answer >= 0:
        return answer
    number = ctypes.get_errno()
    reason = os.strerror(number)
    if (limit := _LIMITS.get(number)) is not None:
        reason = f"the kernel gives no more: raise {limit}"
    raise OSError(number, reason, path)
