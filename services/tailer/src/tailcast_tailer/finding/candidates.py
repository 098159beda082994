"""A file below a root, and what its first bytes say of it. Blocking.

A file that does not show yet whether it is a run is looked at again: when it changed,
and after a while that grows. Whatever error there is, it is tried again.
"""

# ruff: noqa: PTH119  # paths are texts, as in the tree

import os
import time
from collections.abc import Callable, Sequence
from enum import Enum

from tailcast_tailer.core.heads import SNIFFED_BYTES, Judged, Nature, judge_head
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    glimpse,
    read_regular,
)
from tailcast_tailer.finding.directory_tree import DirectoryTree


# A file that has not changed for longer rests.
RESTING_SECONDS = 2.0
# Until a file is looked at again that could not be judged: first, and at most.
JUDGED_AGAIN_SECONDS = (1.0, 60.0)
# How much is read of a file at first: most show with their first line what they are.
FIRST_BYTES = 4_096
# Names that are looked at below a hidden directory, at most.
MOST_HIDDEN = 500
HIDDEN_EXTENSIONS = (".jsonl", ".ndjson", ".json", ".log")
# Hidden directories that hold no runs.
NEVER_RUNS = frozenset(
    {
        ".cache", ".git", ".hg", ".idea", ".ipynb_checkpoints", ".mypy_cache", ".nox",
        ".pytest_cache", ".ruff_cache", ".svn", ".tailcast", ".tox", ".venv", ".vscode",
    }
)  # fmt: skip  # a list of names


class FileKind(Enum):
    """What a file is followed as."""

    TELEMETRY = "telemetry"
    # One emergency, the whole file.
    DOCUMENT = "document"


class WatchedRoot:
    """A watched directory, and which files below it are followed."""

    def __init__(
        self,
        tree: DirectoryTree,
        kind: FileKind,
        *,
        accepts: Callable[[str], bool] | None,
        base: str,
        name: str = "",
    ) -> None:
        self.tree = tree
        self.kind = kind
        # By the path below the root; None: by what the file holds.
        self.accepts = accepts
        # What names are relative to, and what stands before them.
        self.base = base
        self.name = name

    def takes(self, path: str) -> bool:
        """Whether files of this path, below it, are to be looked at."""
        start = len(self.tree.root.rstrip("/")) + 1
        return self.accepts is None or self.accepts(path[start:])


class Candidate:
    """A file that is there, and what was seen of it."""

    __slots__ = (
        "awaited_since", "changed_ns", "due", "first_size", "glimpse", "identity",
        "is_link", "is_other", "is_waiting", "path", "root", "seen_at", "wait",
    )  # fmt: skip  # one name a line would hide what they are

    def __init__(
        self,
        path: str,
        root: WatchedRoot | None,
        identity: Identity | None,
        *,
        is_link: bool,
        changed_ns: int = 0,
    ) -> None:
        self.path = path
        # When it was changed last, as it was found; 0 if that is not known.
        self.changed_ns = changed_ns
        # None for a file that was named itself.
        self.root = root
        self.identity = identity
        self.is_link = is_link
        # How it looked when it was last judged, and since when; steady seconds.
        self.glimpse: Glimpse | None = None
        self.seen_at = 0.0
        # Its size when it was first looked at, to see whether it grows.
        self.first_size: int | None = None
        # Since when it is to be read as the past of a path; None: it is not.
        self.awaited_since: float | None = None
        # Whether it is known to be none of the sessions whose files were renamed.
        self.is_other = False
        # Whether it was told that it does not show yet what it is.
        self.is_waiting = False
        # When it is judged again, and how long after that.
        self.due = 0.0
        self.wait = JUDGED_AGAIN_SECONDS[0]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return os.path.basename(self.path)

    def judge_later(self, now: float) -> None:
        """Look at it again, each time after a longer while."""
        self.due = now + self.wait
        self.wait = min(JUDGED_AGAIN_SECONDS[1], self.wait * 1.5)

    def has_changed(self) -> None:
        """Look at it again at once."""
        self.due, self.wait = 0.0, JUDGED_AGAIN_SECONDS[0]


def judge_file(
    candidate: Candidate,
    now: float,
    *,
    step_keys: Sequence[str],
    time_keys: Sequence[str],
) -> Judged:
    """Whether a file is a run, by what it holds. Raises CannotBeSeen."""
    seen = glimpse(candidate.path)
    if candidate.first_size is None:
        candidate.first_size = seen.size
    if seen != candidate.glimpse:
        candidate.glimpse, candidate.seen_at = seen, now
        candidate.wait = JUDGED_AGAIN_SECONDS[0]
    age = time.time() - seen.mtime_ns / 1e9
    judged = Judged(Nature.WAITING)
    for most in (FIRST_BYTES, SNIFFED_BYTES):
        judged = judge_head(
            read_regular(candidate.path, most=most),
            candidate.name,
            is_whole=seen.size <= most,
            is_resting=max(age, now - candidate.seen_at) > RESTING_SECONDS,
            has_grown=seen.size > candidate.first_size,
            step_keys=step_keys,
            time_keys=time_keys,
        )
        if judged.nature is Nature.RUN or seen.size <= most:
            break
    return judged


def run_below(
    directory: str, *, step_keys: Sequence[str], time_keys: Sequence[str]
) -> str | None:
    """The first file below a hidden directory that is a run; None if none is found.

    Looks at a bounded number of names.
    """
    left = MOST_HIDDEN
    for place, _, names in os.walk(directory):
        for name in sorted(names):
            left -= 1
            if left < 0:
                return None
            if not name.endswith(HIDDEN_EXTENSIONS):
                continue
            candidate = Candidate(f"{place}/{name}", None, None, is_link=False)
            try:
                judged = judge_file(
                    candidate, 0.0, step_keys=step_keys, time_keys=time_keys
                )
            except CannotBeSeen:
                continue
            if judged.nature is Nature.RUN:
                return candidate.path
    return None
