"""The names below a directory, listed again and again at little cost.

Blocking, for a worker thread. A directory is listed again when its modification time
changed, and after a while in any case, as network file systems may report a change
late. Quiet directories are checked less often. A directory that cannot be read is kept.
A link to a directory is entered, but no directory is entered twice: what is a directory
below the root goes before a link to it.
"""

# ruff: noqa: PTH116, PTH119, PTH120  # ten thousand paths: texts, `Path` costs more

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from tailcast_tailer.files.file_system import Identity, may_change_unseen


# How often the modification time is asked for, at least and at most.
SOONEST_SECONDS = 1.0
LATEST_SECONDS = 10.0
# How often names are listed whatever the modification time says.
RELIST_SECONDS = 30.0


class FileSeen(NamedTuple):
    """A file that a directory shows."""

    path: str
    # Of the file that a link leads to, if it is one; a hint, never a proof.
    identity: Identity
    is_link: bool
    # Its modification time, nanoseconds.
    changed_ns: int


class Changes(NamedTuple):
    """What differs from what was seen before."""

    new: list[FileSeen]
    # Paths of files that are not there any more.
    gone: list[str]
    # Hidden files and directories that are there now.
    hidden: list[str]
    # Links that are not entered, and the directory that each leads to.
    doubled: list[tuple[str, str]]
    # Paths that cannot be read now, and why.
    unseen: list[tuple[str, str]]


class _Directory:
    """What is remembered of one directory."""

    __slots__ = (
        "depth", "device", "due", "files", "has_unseen", "hidden", "interval",
        "listed_at", "mtime_ns",
    )  # fmt: skip  # one name a line would hide what they are

    def __init__(self, depth: int) -> None:
        # Directories between the root and this one.
        self.depth = depth
        # The number of the device that it is on; None before it was seen.
        self.device: int | None = None
        # When to look again, and how long after that; steady clock, seconds.
        self.due = 0.0
        self.interval = SOONEST_SECONDS
        # When it was listed last, and its modification time before that; -1: read anew.
        self.listed_at = 0.0
        self.mtime_ns = -1
        # The names of its files with their inodes, and its hidden names.
        self.files: dict[str, int] = {}
        self.hidden: frozenset[str] = frozenset()
        # Whether some of it could not be seen, so that it is to be listed again.
        self.has_unseen = False


class DirectoryTree:
    """All regular files below a directory; hidden names are only told."""

    def __init__(self, root: str, *, depth: int | None) -> None:
        """Prepare; `depth` is how many directories below the root are entered."""
        self.root = root
        self._depth = depth
        self._directories: dict[str, _Directory] = {root: _Directory(0)}
        # By which path each real directory was entered.
        self._entered: dict[Identity, str] = {}
        # Links to directories that wait until all directories were entered.
        self._links: list[tuple[str, _Directory]] = []

    def changed(self, path: str) -> None:
        """List the directory of this path at the next call."""
        directory = self._directories.get(os.path.dirname(path))
        if directory is not None:
            directory.due = 0.0
            directory.mtime_ns = -1

    def forget(self, path: str) -> None:
        """Return this path as a new one if it is there at the next call."""
        self.changed(path)
        directory = self._directories.get(os.path.dirname(path))
        if directory is not None:
            directory.files.pop(os.path.basename(path), None)

    def device_of(self, path: str) -> int | None:
        """The device of the directory that has this path; None if that is unknown."""
        directory = self._directories.get(os.path.dirname(path))
        return None if directory is None else directory.device

    @property
    def due(self) -> float:
        """When something is to be listed again, by the clock of `look`."""
        return min(known.due for known in self._directories.values())

    def look(self, now: float) -> Changes:
        """List what is due; `now` by a steady clock."""
        changes = Changes([], [], [], [], [])
        self._visit(
            [path for path, known in self._directories.items() if known.due <= now],
            now,
            changes,
        )
        while self._links:
            links, self._links = sorted(self._links, key=lambda link: link[0]), []
            for path, parent in links:
                self._enter_link(path, parent, now, changes)
        return changes

    def _visit(self, pending: list[str], now: float, changes: Changes) -> None:
        while pending:
            path = pending.pop()
            if (known := self._directories.get(path)) is None:
                continue
            try:
                pending += self._look_at(path, known, now, changes)
            except (FileNotFoundError, NotADirectoryError):
                # Its parent will show it when it is back; the root has none here.
                changes.gone.extend(_paths(path, known))
                known.files, known.hidden = {}, frozenset()
                if path == self.root:
                    known.due = now + known.interval
                    known.mtime_ns = -1
                else:
                    del self._directories[path]
            except OSError as error:
                known.due = now + known.interval
                changes.unseen.append((path, error.strerror or str(error)))

    def _enter_link(
        self, path: str, parent: _Directory, now: float, changes: Changes
    ) -> None:
        if path in self._directories:
            return
        self._directories[path] = _Directory(parent.depth + 1)
        self._visit([path], now, changes)

    def _look_at(
        self, path: str, known: _Directory, now: float, changes: Changes
    ) -> list[str]:
        found = os.stat(path)
        identity = Identity(found.st_dev, found.st_ino)
        if (holder := self._holder_of(identity, path)) is not None:
            changes.doubled.append((path, holder))
            changes.gone.extend(_paths(path, known))
            del self._directories[path]
            return []
        self._entered[identity] = path
        mtime_ns, known.device = found.st_mtime_ns, found.st_dev
        is_old = now - known.listed_at > RELIST_SECONDS
        if mtime_ns == known.mtime_ns and not is_old:
            known.interval = min(LATEST_SECONDS, known.interval * 1.5)
            known.due = now + known.interval
            return []
        entered = self._list(path, known, changes)
        is_racy = may_change_unseen(mtime_ns)
        if known.has_unseen:
            known.interval = min(LATEST_SECONDS, known.interval * 1.5)
        elif mtime_ns != known.mtime_ns:
            known.interval = SOONEST_SECONDS
        known.mtime_ns = -1 if is_racy or known.has_unseen else mtime_ns
        known.listed_at = now
        known.due = now + known.interval
        return entered

    def _holder_of(self, identity: Identity, path: str) -> str | None:
        """Another path by which this directory was entered, if it still is there."""
        holder = self._entered.get(identity)
        if holder in (None, path) or holder not in self._directories:
            return None
        try:
            found = os.stat(holder)
        except OSError:
            return None
        return holder if (found.st_dev, found.st_ino) == identity else None

    def _list(self, path: str, known: _Directory, changes: Changes) -> list[str]:
        entered: list[str] = []
        files: dict[str, int] = {}
        hidden: set[str] = set()
        known.has_unseen = False
        prefix = path.rstrip("/") + "/"
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    hidden.add(name)
                    continue
                try:
                    if self._list_entry(entry, known, files, changes):
                        entered.append(prefix + name)
                except FileNotFoundError:
                    # It went meanwhile; or the directory shows the names of before.
                    known.has_unseen = True
                except OSError as error:
                    # Others are seen all the same.
                    known.has_unseen = True
                    if name in known.files:
                        files[name] = known.files[name]
                    changes.unseen.append((entry.path, error.strerror or str(error)))
        changes.gone.extend(prefix + name for name in known.files if name not in files)
        changes.hidden.extend(prefix + name for name in hidden - known.hidden)
        known.files, known.hidden = files, frozenset(hidden)
        return entered

    def _list_entry(
        self,
        entry: os.DirEntry[str],
        known: _Directory,
        files: dict[str, int],
        changes: Changes,
    ) -> bool:
        """Note what has a name; whether it is a directory that is to be entered."""
        name = entry.name
        if entry.is_dir(follow_symlinks=False):
            if entry.path in self._directories or not self._enters(known):
                return False
            self._directories[entry.path] = _Directory(known.depth + 1)
            return True
        if entry.is_symlink():
            self._list_link(entry, known, files, changes)
        elif known.files.get(name) == (inode := entry.inode()):
            files[name] = inode
        elif entry.is_file():
            # Its own word: what directories say of inodes may differ from it.
            found = entry.stat(follow_symlinks=False)
            files[name] = inode
            changes.new.append(_seen(entry.path, found, is_link=False))
        return False

    def _list_link(
        self,
        entry: os.DirEntry[str],
        known: _Directory,
        files: dict[str, int],
        changes: Changes,
    ) -> None:
        try:
            found = entry.stat()
        except OSError:
            # It leads nowhere, or it leads to itself.
            return
        if stat.S_ISDIR(found.st_mode):
            if entry.path not in self._directories and self._enters(known):
                self._links.append((entry.path, known))
        elif stat.S_ISREG(found.st_mode):
            files[entry.name] = found.st_ino
            if known.files.get(entry.name) != found.st_ino:
                changes.new.append(_seen(entry.path, found, is_link=True))

    def _enters(self, directory: _Directory) -> bool:
        return self._depth is None or directory.depth < self._depth


def _seen(path: str, found: os.stat_result, *, is_link: bool) -> FileSeen:
    identity = Identity(found.st_dev, found.st_ino)
    return FileSeen(path, identity, is_link, found.st_mtime_ns)


def _paths(directory: str, known: _Directory) -> Iterator[str]:
    prefix = directory.rstrip("/") + "/"
    return (prefix + name for name in known.files)
