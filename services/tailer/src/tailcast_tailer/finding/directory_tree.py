"""The names below a directory, listed again and again at little cost.

Blocking, for a worker thread. A directory is listed again when its modification time
changed, and after a while in any case, as network file systems may report a change
late. Quiet directories are checked less often. A directory that cannot be read is kept.
"""

# ruff: noqa: PTH116, PTH120  # ten thousand paths: texts, `Path` costs more

import os
import time
from collections.abc import Callable, Iterator


# A directory that changed less than this ago may change again within the same tick of
# its clock.
RACY_SECONDS = 2.0
# How often the modification time is asked for, at least and at most.
SOONEST_SECONDS = 1.0
LATEST_SECONDS = 10.0
# How often names are listed whatever the modification time says.
RELIST_SECONDS = 30.0


class _Directory:
    """What is remembered of one directory."""

    __slots__ = (
        "depth", "device", "due", "interval", "listed_at", "mtime_ns", "names",
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
        # The names of its files.
        self.names: frozenset[str] = frozenset()


class DirectoryTree:
    """All regular files below a directory; hidden names and linked directories not."""

    def __init__(self, root: str, *, depth: int | None) -> None:
        """Prepare; `depth` is how many directories below the root are entered."""
        self.root = root
        self._depth = depth
        self._directories: dict[str, _Directory] = {root: _Directory(0)}

    def changed(self, path: str) -> None:
        """List the directory of this path at the next call."""
        directory = self._directories.get(os.path.dirname(path))
        if directory is not None:
            directory.due = 0.0
            directory.mtime_ns = -1

    def device_of(self, path: str) -> int | None:
        """The device of the directory that has this path; None if that is unknown."""
        directory = self._directories.get(os.path.dirname(path))
        return None if directory is None else directory.device

    def new_files(
        self, now: float, *, on_error: Callable[[str, str], None]
    ) -> Iterator[str]:
        """Paths of files that were not there last time; `on_error`: path, reason."""
        pending = [
            path for path, known in self._directories.items() if known.due <= now
        ]
        while pending:
            path = pending.pop()
            known = self._directories[path]
            try:
                entered, files = self._look(path, known, now)
            except FileNotFoundError:
                # Its parent will show it when it is back; the root has none here.
                if path == self.root:
                    known.due = now + known.interval
                else:
                    del self._directories[path]
                continue
            except OSError as error:
                known.due = now + known.interval
                on_error(path, error.strerror or str(error))
                continue
            pending += entered
            yield from files

    def _look(
        self, path: str, known: _Directory, now: float
    ) -> tuple[list[str], list[str]]:
        found = os.stat(path)
        mtime_ns, known.device = found.st_mtime_ns, found.st_dev
        is_old = now - known.listed_at > RELIST_SECONDS
        if mtime_ns == known.mtime_ns and not is_old:
            known.interval = min(LATEST_SECONDS, known.interval * 1.5)
            known.due = now + known.interval
            return [], []
        entered, files = self._list(path, known)
        is_racy = time.time() - mtime_ns / 1e9 < RACY_SECONDS
        if mtime_ns != known.mtime_ns:
            known.interval = SOONEST_SECONDS
        known.mtime_ns = -1 if is_racy else mtime_ns
        known.listed_at = now
        known.due = now + known.interval
        return entered, files

    def _list(self, path: str, known: _Directory) -> tuple[list[str], list[str]]:
        entered: list[str] = []
        names: set[str] = set()
        prefix = path.rstrip("/") + "/"
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    below = prefix + name
                    if below not in self._directories and self._enters(known):
                        self._directories[below] = _Directory(known.depth + 1)
                        entered.append(below)
                elif name in known.names or entry.is_file():
                    names.add(name)
        files = [prefix + name for name in names if name not in known.names]
        known.names = frozenset(names)
        return entered, files

    def _enters(self, directory: _Directory) -> bool:
        return self._depth is None or directory.depth < self._depth
