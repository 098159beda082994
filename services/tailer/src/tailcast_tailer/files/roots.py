"""Whether a file is absent, or only cannot be seen, as its directory shows.

Blocking, for worker threads. A file counts as absent only if the watched directory can
be read: a file system that is not mounted shows no files, and none may be deleted for
that.
"""

# ruff: noqa: PTH116  # thousands of paths: texts, `Path` costs more

import os
from collections.abc import Sequence


class Roots:
    """The watched directories, and whether a file below them is absent."""

    def __init__(self, directories: Sequence[str]) -> None:
        self._directories = directories
        # The identity of each directory when it last had something in it. An empty one
        # with another identity is a mount point without its file system.
        self._seen: dict[str, tuple[int, int]] = {}

    def holds(self, path: str) -> bool:
        """Whether the path lies below one of the directories."""
        return any(path.startswith(f"{one}/") for one in self._directories)

    def saw(self, path: str) -> None:
        """Note that the path, and so its watched directory, could be seen. Blocking."""
        for one in self._directories:
            if one not in self._seen and path.startswith(f"{one}/"):
                self._is_seen(one)

    def absences(self, paths: Sequence[str]) -> list[bool | None]:
        """For each path, whether no file has it; None if that is unknown. Blocking."""
        above = [
            one
            for one in self._directories
            if any(path.startswith(f"{one}/") for path in paths)
        ]
        # No other one is asked: it may be the one that does not answer.
        seen = [one for one in above if self._is_seen(one)]
        return [_is_absent(path, seen) for path in paths]

    def _is_seen(self, directory: str) -> bool:
        try:
            found = os.stat(directory)
            with os.scandir(directory) as names:
                is_empty = next(names, None) is None
        except OSError:
            return False
        identity = (found.st_dev, found.st_ino)
        if not is_empty:
            self._seen[directory] = identity
        return self._seen.get(directory) == identity


def _is_absent(path: str, directories: Sequence[str]) -> bool | None:
    # A name that is no UTF-8 stands in the state as an escape: it cannot be asked for.
    if "\\udc" in path or not any(path.startswith(f"{one}/") for one in directories):
        return None
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return None
    return False
