"""Whether a path is absent, or only cannot be seen: what its directory tells.

Blocking, for worker threads. A file counts as absent only where the directory that is
watched can be seen: an unmounted file system shows nothing, and nothing may follow.
"""

# ruff: noqa: PTH116  # thousands of paths: texts, `Path` costs more

import os
from collections.abc import Sequence


class Roots:
    """The directories below which files are, and what can be told of their absence."""

    def __init__(self, directories: Sequence[str]) -> None:
        self._directories = directories
        # Which directory each was when something was last seen in it. One that is
        # empty and another one is a mount point without its file system.
        self._seen: dict[str, tuple[int, int]] = {}

    def holds(self, path: str) -> bool:
        """Whether the path lies below one of the directories."""
        return any(path.startswith(f"{one}/") for one in self._directories)

    def saw(self, path: str) -> None:
        """The path could be seen, and so the directory that it lies below. Blocking."""
        for one in self._directories:
            if one not in self._seen and path.startswith(f"{one}/"):
                self._is_seen(one)

    def absences(self, paths: Sequence[str]) -> list[bool | None]:
        """Whether nothing has each path; None if it cannot be told. Blocking."""
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
